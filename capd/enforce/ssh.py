"""Netmiko's door: orders are carried out over SSH, and the device's own words prove it."""

import asyncio
import contextlib
import logging
import socket
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from netmiko import BaseConnection, ConnectHandler, NetmikoAuthenticationException, ReadTimeout
from paramiko import SSHException  # type: ignore[import-untyped]

from capd.clock import Clock
from capd.config.enforcement import EnforceConfig
from capd.enforce import Look, session
from capd.enforce.login import connect_error, login_error, private_key, shown_key
from capd.enforce.render import script
from capd.enforce.script import Script
from capd.enforce.terminal import NetmikoTerminal
from capd.enforce.work import Work, fail, mask, outcome
from capd.errors import CannotBeDone, DeviceRefused, DeviceUnreachable
from capd.model import Device, DeviceId, Order, OrderState, Outcome, SshAccess
from capd.profiles import Profile

log = logging.getLogger(__name__)

Recall = Callable[[DeviceId], Awaitable[str | None]]
"""Return the host key that was first seen on the device, "ssh-ed25519 AAAA…"."""
Remember = Callable[[DeviceId, str], Awaitable[None]]
"""Keep the host key that the device showed at its first visit."""
Act = Callable[[session.Terminal, Sequence[Work]], None]
"""What is done in a session."""

_LONGEST_CONNECT_S = 10.0
_LONGEST_VISIT_S = 900.0
_SSH_PORT = 22


class NetmikoPusher:
    """Carries out orders over SSH: few sessions at once, one at a time on a device."""

    def __init__(
        self,
        profiles: Mapping[str, Profile],
        config: EnforceConfig,
        clock: Clock,
        *,
        recall: Recall | None = None,
        remember: Remember | None = None,
    ) -> None:
        self._profiles = profiles
        self._timeout_s = config.timeout_s
        self._rest_s = config.session_every_s
        self._visited: dict[DeviceId, float] = {}  # when its last session ended
        self._clock = clock
        self._seen: dict[DeviceId, str] = {}
        self._recall = recall or self._recall_here
        self._remember = remember or self._remember_here
        self._pool = ThreadPoolExecutor(config.at_once, thread_name_prefix="ssh")
        self._few = asyncio.Semaphore(config.at_once)
        self._locks: dict[tuple[str, int], asyncio.Lock] = {}
        for noisy in ("paramiko", "netmiko"):  # they log tracebacks of what is an outcome here
            logging.getLogger(noisy).setLevel(logging.CRITICAL)

    async def push(self, device: Device, orders: Sequence[Order]) -> Sequence[Outcome]:
        """Return one outcome an order; a device that fails is an outcome, never an exception."""
        started = time.monotonic()
        outcomes: dict[int, Outcome] = {}
        works: dict[int, Work] = {}
        for index, order in enumerate(orders):
            try:
                works[index] = Work(script=self._script(device, order, len(orders)))
            except CannotBeDone as exc:
                outcomes[index] = self._cannot(order, str(exc))
        if works:
            await self._visit(device, list(works.values()))
        took_s = time.monotonic() - started
        for index, work in works.items():
            outcomes[index] = self._outcome(device, work, took_s)
        return [outcomes[index] for index in sorted(outcomes)]

    async def look(self, device: Device, orders: Sequence[Order]) -> Sequence[Look]:
        """Read back whether *orders* still hold; what cannot be typed is left out."""
        works = []
        for order in orders:
            with contextlib.suppress(CannotBeDone):
                works.append(Work(script=self._script(device, order, len(orders))))
        if works:
            await self._visit(device, works, session.look)
        return [
            Look(
                order=work.script.order,
                as_owed={OrderState.APPLIED: True, OrderState.UNKNOWN: False}.get(
                    work.state or OrderState.FAILED
                ),
                words=mask(work.unmet or work.before or work.detail, device),
                lacks=f"{device.id}: {work.unmet}" if work.unmet else "",
            )
            for work in works
        ]

    async def dry_run(self, device: Device, order: Order) -> Sequence[str]:
        """Return the lines that would be typed, secrets masked.

        Raises CannotBeDone with a sentence when the order cannot be typed into this device.
        """
        return [mask(line, device) for line in self._script(device, order).assumed()]

    def close(self) -> None:
        """Let go of the threads; sessions that still run end by their deadline."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _script(self, device: Device, order: Order, among: int = 1) -> Script:
        profile = self._profiles.get(device.profile)
        if profile is None:
            raise CannotBeDone(f"{device.id}: there is no device profile {device.profile!r}")
        return script(order, device, profile, among=among)

    async def _visit(self, device: Device, works: Sequence[Work], act: Act = session.carry) -> None:
        """Settle *works* in one session."""
        if device.ssh is None or device.address is None:
            fail(works, "has no address or no ssh login in the inventory", retry=False)
            return
        lock = self._locks.setdefault((device.address, device.ssh.port), asyncio.Lock())
        async with lock, self._few:
            await self._rested(device)
            known = device.ssh.host_key or await self._recall(device.id)
            visit = _Visit(device.address, device.ssh, known, self._timeout_s, act)
            try:
                await self._in_thread(visit, works)
            finally:
                self._visited[device.id] = time.monotonic()
            if known is None and visit.host_key is not None:
                await self._remember(device.id, visit.host_key)
                log.info("%s: host key seen first, remembered from now on", device.id)

    async def _rested(self, device: Device) -> None:
        """Wait until *device* had its rest since the last session."""
        now = time.monotonic()
        last = self._visited.get(device.id, now - self._rest_s)
        await asyncio.sleep(max(0.0, last + self._rest_s - now))

    async def _in_thread(self, visit: "_Visit", works: Sequence[Work]) -> None:
        """Run *visit* in a thread; cut its connection at the deadline, or when cancelled."""
        loop = asyncio.get_running_loop()
        longest_s = min(self._timeout_s * (len(works) + 1), _LONGEST_VISIT_S)
        deadline = loop.call_later(longest_s, visit.cut)
        try:
            await loop.run_in_executor(self._pool, visit.make, works)
        except asyncio.CancelledError:
            visit.cut()
            raise
        finally:
            deadline.cancel()

    def _cannot(self, order: Order, why: str) -> Outcome:
        return Outcome(order=order, state=OrderState.FAILED, detail=why, at=self._clock())

    def _outcome(self, device: Device, done: Work, took_s: float) -> Outcome:
        plain = outcome(done, self._clock(), took_s)
        return replace(
            plain,
            detail=mask(f"{device.id}: {plain.detail}", device),
            before=mask(plain.before, device),
            transcript=mask(plain.transcript, device),
        )

    async def _recall_here(self, device: DeviceId) -> str | None:
        return self._seen.get(device)

    async def _remember_here(self, device: DeviceId, key: str) -> None:
        self._seen[device] = key


class _Visit:
    """One connection to one device, made and used in a thread."""

    def __init__(
        self, address: str, access: SshAccess, known: str | None, timeout_s: float, act: Act
    ) -> None:
        self.host_key: str | None = None  # what the device showed, once it let us in
        self._address = address
        self._access = access
        self._known = known
        self._act = act
        self._timeout_s = timeout_s
        self._socket: socket.socket | None = None
        self._was_cut = False

    def make(self, works: Sequence[Work]) -> None:
        """Settle *works*; whatever goes wrong is written on them."""
        try:
            with self._connected(works[0].script.netmiko) as connection:
                pause_s = works[0].script.pause_s
                terminal = NetmikoTerminal(connection, self._timeout_s, pause_s=pause_s)
                self._act(terminal, works)
        except DeviceUnreachable as exc:
            why = "took too long, and was cut off" if self._was_cut else str(exc)
            fail(works, why, retry=True, unreachable=True)
        except DeviceRefused as exc:
            fail(works, str(exc), retry=False)
        except Exception as exc:  # noqa: BLE001 - one odd device must not stop the others
            log.warning("%s: %s from its driver: %s", self._address, type(exc).__name__, exc)
            fail(works, f"its driver gave up ({type(exc).__name__})", retry=True)

    def cut(self) -> None:
        """End the connection from outside: whatever waits for the device gives up at once."""
        self._was_cut = True
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    @contextlib.contextmanager
    def _connected(self, device_type: str) -> Iterator[BaseConnection]:
        with self._dialled() as dialled, self._host_keys() as host_keys:
            connection = self._logged_in(device_type, dialled, host_keys)
            client = connection.remote_conn_pre
            self.host_key = shown_key(client.get_transport() if client is not None else None)
            try:
                yield connection
            finally:
                # Closed first: Netmiko's own good-bye waits for a prompt that never comes again.
                connection.paramiko_cleanup()
                connection.disconnect()

    @contextlib.contextmanager
    def _dialled(self) -> Iterator[socket.socket]:
        where = (self._address, self._access.port)
        try:
            self._socket = socket.create_connection(where, timeout=self._hurry_s)
        except TimeoutError:
            raise DeviceUnreachable(f"no answer in {self._hurry_s:.0f} s") from None
        except OSError as exc:
            raise DeviceUnreachable(f"cannot be reached: {exc.strerror or exc}") from exc
        try:
            if self._was_cut:
                raise DeviceUnreachable("cut off before it began")
            yield self._socket
        finally:
            self._socket.close()

    @property
    def _hurry_s(self) -> float:
        return min(self._timeout_s, _LONGEST_CONNECT_S)

    @contextlib.contextmanager
    def _host_keys(self) -> Iterator[str]:
        """Yield the path of a file of known hosts with the one key, "" where none is known."""
        if self._known is None:
            yield ""
            return
        port = self._access.port
        name = self._address if port == _SSH_PORT else f"[{self._address}]:{port}"
        with tempfile.NamedTemporaryFile("w", prefix="capd-known-", encoding="utf-8") as file:
            file.write(f"{name} {' '.join(self._known.split()[:2])}\n")
            file.flush()
            yield file.name

    def _logged_in(self, device_type: str, dialled: socket.socket, keys: str) -> BaseConnection:
        access = self._access
        try:
            return ConnectHandler(
                device_type=device_type,
                host=self._address,
                port=access.port,
                username=access.username,
                password=access.password.reveal() if access.password is not None else None,
                pkey=private_key(access.key_file),
                sock=dialled,
                ssh_strict=bool(keys),
                alt_host_keys=bool(keys),
                alt_key_file=keys,
                conn_timeout=2 * self._hurry_s,  # of the whole greeting; longer than its parts
                banner_timeout=self._hurry_s,
                auth_timeout=self._hurry_s,
                blocking_timeout=self._timeout_s,
                read_timeout_override=self._timeout_s,
            )
        except NetmikoAuthenticationException as exc:
            raise login_error(exc) from exc
        except ReadTimeout as exc:
            raise DeviceUnreachable(
                f"let us in, and showed no prompt of {device_type} in {self._timeout_s:.0f} s"
            ) from exc
        except (SSHException, OSError, EOFError, ValueError) as exc:
            raise connect_error(exc) from exc
