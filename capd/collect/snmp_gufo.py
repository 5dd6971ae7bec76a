"""The fast SNMP engine: gufo-snmp (v1, v2c, v3), one UDP socket a session, few sessions kept."""

import asyncio
import ipaddress
import resource
import socket
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

from gufo.snmp import (
    Aes128Key,
    Aes192Key,
    Aes256Key,
    BaseAuthKey,
    BasePrivKey,
    DesKey,
    Md5Key,
    Sha1Key,
    Sha224Key,
    Sha256Key,
    Sha384Key,
    Sha512Key,
    SnmpAuthError,
    SnmpError,
    SnmpVersion,
    User,
)
from gufo.snmp.aio.client import SnmpSession
from gufo.snmp.user import KeyType

from capd.collect.decode.rows import Value
from capd.errors import DeviceError, DeviceRefused, DeviceUnreachable, NonsenseFromDevice
from capd.model import Secret, SnmpAccess

_T = TypeVar("_T")
_Key = tuple[str, int]
_MOST_ROWS = 100_000
_FRESH_S = 140.0  # RFC 3414 2.2.3: an engine's time is good for 150 s
_VERSIONS = {"1": SnmpVersion.v1, "2c": SnmpVersion.v2c, "3": SnmpVersion.v3}
_AUTHS: dict[str, type[BaseAuthKey]] = {
    "md5": Md5Key,
    "sha1": Sha1Key,
    "sha224": Sha224Key,
    "sha256": Sha256Key,
    "sha384": Sha384Key,
    "sha512": Sha512Key,
}
_PRIVS: dict[str, type[BasePrivKey]] = {
    "des": DesKey,
    "aes128": Aes128Key,
    "aes192": Aes192Key,
    "aes256": Aes256Key,
}


class _Session:
    """A socket towards one device, and since when its clock was known (v3)."""

    __slots__ = ("access", "answered", "asked_at", "snmp")

    def __init__(self, access: SnmpAccess, snmp: SnmpSession) -> None:
        self.access = access
        self.snmp = snmp
        self.asked_at = float("-inf")
        self.answered = False


class GufoEngine:
    """Speaks SNMP with gufo-snmp; keeps at most *sessions* idle sessions, the latest used."""

    def __init__(self, *, timeout_s: float, retries: int, sessions: int | None = None) -> None:
        self._timeout_s = timeout_s
        self._retries = retries
        self._most = _room_for_sockets() if sessions is None else sessions
        self._idle: dict[_Key, _Session] = {}  # oldest first
        self._masters: dict[tuple[int, Secret], bytes] = {}

    async def get(
        self, access: SnmpAccess, address: str, oids: Sequence[str]
    ) -> Mapping[str, Value]:
        """Return what is there of *oids*, in one request; what is not there is left out."""
        return await self._in_session(access, address, lambda snmp: snmp.get_many(oids))

    async def first(
        self, access: SnmpAccess, address: str, column: str
    ) -> tuple[str, Value] | None:
        """Return the first object under *column*, in one request; None where there is none."""

        async def first(snmp: SnmpSession) -> tuple[str, Value] | None:
            async for found in snmp.getnext(column):
                return found
            return None

        return await self._in_session(access, address, first)

    async def walk(
        self, access: SnmpAccess, address: str, column: str, *, bulk: bool, max_repetitions: int
    ) -> Mapping[str, Value]:
        """Return everything under *column*."""

        async def walk(snmp: SnmpSession) -> dict[str, Value]:
            rows: dict[str, Value] = {}
            bulky = bulk and access.version != "1"
            found = snmp.getbulk(column, max_repetitions) if bulky else snmp.getnext(column)
            async for oid, value in found:
                if oid in rows or len(rows) >= _MOST_ROWS:
                    raise NonsenseFromDevice(f"walks in circles under {column}")
                rows[oid] = value
            return rows

        return await self._in_session(access, address, walk)

    async def close(self) -> None:
        """Let go of every socket."""
        self._idle.clear()

    async def _in_session(
        self, access: SnmpAccess, address: str, do: Callable[[SnmpSession], Awaitable[_T]]
    ) -> _T:
        """Return what *do* does in a session that nobody else uses meanwhile."""
        key = (address, access.port)
        session = self._idle.pop(key, None)
        if session is None or (session.access is not access and session.access != access):
            session = await self._open(access, address)
        for left in reversed(range(self._retries + 1)):
            try:
                done = await self._with_retries(session, do)
                break
            except DeviceError:
                raise  # the session is dropped with its socket: a late answer must not be mistaken
            except SnmpAuthError:
                raise DeviceRefused("refuses the SNMPv3 user, key or level") from None
            except OSError as exc:
                raise DeviceUnreachable(f"{address}: {exc.strerror or exc}") from exc
            except BaseException as exc:
                if not _is_garbled(exc):
                    raise
                if not left:
                    raise NonsenseFromDevice(f"SNMP with {address} failed: {exc}") from None
                session = await self._open(access, address)  # one bad datagram is as one lost
        self._idle[key] = session
        if len(self._idle) > self._most:
            del self._idle[next(iter(self._idle))]
        return done

    async def _with_retries(
        self, session: _Session, do: Callable[[SnmpSession], Awaitable[_T]]
    ) -> _T:
        for _ in range(self._retries + 1):
            try:
                done = await self._once(session, do)
            except (TimeoutError, ConnectionRefusedError):
                continue
            session.answered, session.asked_at = True, time.monotonic()
            return done
        v3 = session.access.version == "3"
        if v3 and session.snmp.get_engine_id() and not session.answered:
            raise DeviceRefused("tells its SNMPv3 engine and no more: check priv and priv_key")
        raise DeviceUnreachable(f"no answer ({self._retries + 1} tries of {self._timeout_s:g} s)")

    async def _once(self, session: _Session, do: Callable[[SnmpSession], Awaitable[_T]]) -> _T:
        if session.access.version != "3":
            return await do(session.snmp)
        if time.monotonic() - session.asked_at > _FRESH_S:
            await self._refresh(session)
        try:
            return await do(session.snmp)
        except SnmpAuthError:  # its agent restarted: boots and time are others now
            await self._refresh(session)
            return await do(session.snmp)

    async def _refresh(self, session: _Session) -> None:
        await session.snmp.refresh()
        session.asked_at = time.monotonic()

    async def _open(self, access: SnmpAccess, address: str) -> _Session:
        try:
            snmp = SnmpSession(
                addr=await _numeric(address),
                port=access.port,
                community=access.community.reveal() if access.community else "",
                user=self._user(access) if access.version == "3" else None,
                version=_VERSIONS[access.version],
                timeout=self._timeout_s,
            )
        except KeyError as exc:
            raise DeviceError(f"SNMP cannot do {exc}") from None
        except (OSError, ValueError) as exc:
            raise DeviceUnreachable(f"{address}: {exc}") from exc
        return _Session(access, snmp)

    def _user(self, access: SnmpAccess) -> User:
        auth = priv = None
        if access.auth and access.auth_key:
            kind = _AUTHS[access.auth]
            auth = kind(self._master(kind, access.auth_key), key_type=KeyType.Master)
            if access.priv and access.priv_key:
                # RFC 3414 A.2: the privacy key is made with the authentication's hash
                master = self._master(kind, access.priv_key)
                priv = _PRIVS[access.priv](master, key_type=KeyType.Master)
        return User(access.user or "", auth_key=auth, priv_key=priv)

    def _master(self, kind: type[BaseAuthKey], passphrase: Secret) -> bytes:
        """Return the key that *passphrase* stands for: a megabyte is hashed, so but once."""
        known = (kind.AUTH_ALG, passphrase)
        if known not in self._masters:
            self._masters[known] = kind.get_master_key(passphrase.reveal().encode())
        return self._masters[known]


def _is_garbled(exc: BaseException) -> bool:
    """Say whether the library could not read what came; its Rust may even panic over it."""
    if isinstance(exc, SnmpError | ValueError | RuntimeError):
        return True
    return type(exc).__name__ == "PanicException"  # no Exception, and of no module


async def _numeric(address: str) -> str:
    """Return *address* as it is if it is one, else what its name stands for."""
    try:
        ipaddress.ip_address(address)
    except ValueError:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(address, None, type=socket.SOCK_DGRAM)
        return str(found[0][4][0])
    return address


def _room_for_sockets() -> int:
    """Return how many sockets may be kept: half of what the system lets this process have."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return min(65_536, soft // 2) if soft != resource.RLIM_INFINITY else 65_536
