"""Puts the house together and keeps it running: the one place where everything is wired."""

import asyncio
import logging
import signal
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

from capd import systemd
from capd.activate.desk import ActivationDesk, until_ended
from capd.activate.signal import Watching
from capd.api import Api, host_and_port
from capd.api import table as api_table
from capd.api.signal import Signals
from capd.clock import Clock, steady_s, utc_now
from capd.collect import Pour, Source
from capd.collect.intake import Intake
from capd.collect.leaps import Leaps
from capd.config import Config
from capd.config import load as load_config
from capd.errors import CapdError, ConfigError, StoreError
from capd.fieldbook import Fieldbook
from capd.metrics import Metrics
from capd.model import Poll
from capd.parts import Parts
from capd.pipeline import account_turn
from capd.proof import Drift
from capd.quick import seldom_collected
from capd.retention import Retention
from capd.review import LOOK_S, Judging
from capd.rounds import Enforcement, Stock, Turn, Watch, end, keep
from capd.unasked import Unasked

log = logging.getLogger(__name__)

_LOOK_S = 0.5  # a command is noticed within a second
_TELL_S = 1.0
_FIELD_S = 5.0
_STOCK_S = 5.0
_FILL_S = 20.0
_LAG_S = 1.0
_AGAIN_S = 5.0  # after a source ended that never should
_FINISH_S = 15.0
_FLUSH_S = 20.0
_STALE_INTERVALS = 3  # without any reading: not ready


class Daemon:
    """The whole of capd in one process.

    *clock* may run fast (the demo's does), and *look_s*, how often it is looked whether something
    falls due, goes with it; *config* is read again from its file at SIGHUP. *sources* are further
    ways in which polls come: what they pour returns when it is in the ledger and judged.
    """

    def __init__(
        self,
        config: Config,
        *,
        clock: Clock = utc_now,
        look_s: float = _LOOK_S,
        sources: Mapping[str, Source] | None = None,
    ) -> None:
        self.config = config
        self.clock = clock
        self._look_s = look_s
        self._sources = sources or {}
        self.metrics = Metrics(devices=config.api.device_metrics, clock=clock)
        self.parts: Parts | None = None
        self.address: str | None = None  # where /metrics is, once it listens
        self.started = asyncio.Event()
        self._stop = asyncio.Event()
        self._reload = asyncio.Event()
        self._last_read_s = time.monotonic()
        self._judging: Judging | None = None

    def stop(self) -> None:
        """Ask the daemon to end: what was read is posted, what is being pushed is finished."""
        self._stop.set()

    def reload(self) -> None:
        """Ask the daemon to read its configuration again; a broken one changes nothing."""
        self._reload.set()

    async def run(self, *, signals: bool = True) -> None:
        """Run until told to stop. Raises CapdError when it cannot start."""
        async with AsyncExitStack() as stack:
            stack.enter_context(seldom_collected())
            if signals:
                self._listen_to_signals(stack)
            self.parts = await Parts.open(self.config, self.clock, self.metrics)
            stack.push_async_callback(self.parts.close)
            self.address = await self._api(stack, self.parts)
            await self.parts.note_paused()
            await self._everything(self.parts, await self._unasked(stack, self.parts))

    def _listen_to_signals(self, stack: AsyncExitStack) -> None:
        loop = asyncio.get_running_loop()
        for number, act in (
            (signal.SIGTERM, self.stop),
            (signal.SIGINT, self.stop),
            (signal.SIGHUP, self.reload),
        ):
            loop.add_signal_handler(number, act)
            stack.callback(loop.remove_signal_handler, number)

    async def _api(self, stack: AsyncExitStack, parts: Parts) -> str | None:
        settings = self.config.api
        if settings.listen is None:
            return None
        field = self.config.field
        signals = Signals(
            Watching(parts.field(partial(until_ended, parts.house.store))).next,
            self.metrics,
            most=field.signal_watchers,
            longest_s=field.signal_minutes * 60,
        )
        v1 = api_table(parts.house, self.clock, streams=settings.streams, signals=signals)
        api = Api(settings.listen, self.metrics, self._ready, tables=[v1])
        address = await api.start()
        stack.push_async_callback(api.stop)
        return address

    async def _unasked(self, stack: AsyncExitStack, parts: Parts) -> Unasked | None:
        """Listen for what devices tell unasked, where that is configured."""
        listen = self.config.collect.traps.listen
        if listen is None:
            return None
        unasked = Unasked(parts.house, self.clock, host_and_port(listen), parts.poller.poll_now)
        await unasked.receiver.start()
        stack.push_async_callback(unasked.receiver.stop)
        parts.listeners.append(unasked.replace)
        await parts.look_round()
        return unasked

    async def _everything(self, parts: Parts, unasked: Unasked | None) -> None:
        """Start every round, wait for the end, and post what was read before ending."""
        house = parts.house
        intake = Intake(
            lambda readings: account_turn(house, readings),
            batch_ms=self.config.collect.batch_ms,
            batch_readings=self.config.collect.batch_readings,
        )
        enforcement = Enforcement(
            house,
            parts.pusher,
            parts.breaker,
            self.clock,
            parts.devices,
            quiet=parts.config.enforce.quiet,
        )
        self._judging = Judging(house, self.clock, every_s=self.config.decide.every_s)
        await self._judging.everyone()
        rounds = self._rounds(parts, self._judging, intake, enforcement, unasked)
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(
                    keep(name, turn, every_s=every_s, metrics=self.metrics), name=name
                )
                for name, (turn, every_s) in rounds.items()
            ]
            tasks.append(group.create_task(enforcement.run(every_s=_LOOK_S), name="enforce"))
            self.started.set()
            systemd.tell("READY=1")
            log.info("capd runs: %s", parts.summary())
            await self._stop.wait()
            systemd.tell("STOPPING=1")
            log.info("stopping: what is being pushed is finished, what was read is posted")
            await enforcement.finish(within_s=_FINISH_S)
            await end(tasks)
        try:
            async with asyncio.timeout(_FLUSH_S):
                await intake.flush()
        except TimeoutError:
            log.error("the ledger did not take the last readings in %.0f s", _FLUSH_S)  # noqa: TRY400

    def _rounds(
        self, parts: Parts, judging: Judging, intake: Intake, enforcement: Enforcement,
        unasked: Unasked | None,
    ) -> dict[str, tuple[Turn, float]]:  # fmt: skip
        rewired = partial(_rewired, parts, judging)
        watch = Watch(parts.house, self.clock, inventory_changed=rewired)
        stock = Stock(parts.house, self.clock, parts.allowed_leaks)
        retention = Retention(parts.house, self.clock, lambda: self.config.store.retention.keep)
        desk = ActivationDesk(parts.field(partial(until_ended, parts.house.store)))
        rounds: dict[str, tuple[Turn, float]] = {
            "intake": (intake.run, _LOOK_S),
            "decide": (judging.some, min(LOOK_S, self.config.decide.every_s)),
            "due": (judging.due, self._look_s),
            "fill": (judging.fill, _FILL_S),
            "watch": (watch.turn, self._look_s),
            "stock": (stock.turn, _STOCK_S),
            "fieldbook": (parts.fieldbook.turn, _FIELD_S),
            "activations": (desk.turn, self._look_s),
            **({} if unasked is None else {"traps": (unasked.turn, self._look_s)}),
            "history": (retention.turn, self.config.store.retention.every_s),
            "lag": (self._lag, 0.0),
            "reload": (self._reloading, 0.0),
        }
        if parts.config.enforce.drift_every_s:
            drift = Drift(
                parts.house, parts.pusher, parts.breaker, self.clock, parts.devices,
                config=lambda: parts.config.enforce, is_busy=enforcement.is_busy,
            )  # fmt: skip
            rounds["drift"] = (drift.turn, parts.config.enforce.drift_every_s)
        for worker in parts.workers:  # a turn each: a slow channel delays no other
            rounds[f"notify_{worker.channel}"] = (worker.turn, _TELL_S)
        pour = self._pouring(enforcement, parts.fieldbook, intake.pour)
        for name, source in parts.sources().items():
            rounds[name] = (partial(source.run, pour), _AGAIN_S)
        through = self._pouring(enforcement, parts.fieldbook, intake.pour_through)
        for name, source in self._sources.items():
            rounds[name] = (partial(source.run, through), _AGAIN_S)
        if parts.mqtt is not None:  # its messages are acknowledged when they are committed
            rounds["mqtt"] = (partial(parts.mqtt.run, pour, intake), _AGAIN_S)
        return rounds

    def _pouring(self, enforcement: Enforcement, fieldbook: Fieldbook, into: Pour) -> Pour:
        leaps = Leaps(self.clock, steady_s) if self.clock is utc_now else None  # no play clock's

        async def pour(poll: Poll) -> None:
            self.metrics.polled(poll)
            fieldbook.hear(poll)
            await into(poll if leaps is None else leaps.cautious(poll))
            if poll.readings:
                self._last_read_s = time.monotonic()
                await enforcement.heard_of(poll.device)

        return pour

    async def _lag(self) -> None:
        """Measure how late the loop is; tell systemd that it turns."""
        due = time.monotonic() + _LAG_S
        await asyncio.sleep(_LAG_S)
        self.metrics.set_loop_lag(max(0.0, time.monotonic() - due))
        if systemd.watchdog_s() is not None:
            systemd.tell("WATCHDOG=1")

    async def _reloading(self) -> None:
        """Wait for SIGHUP, then take over what a sound configuration says; else keep the old."""
        await self._reload.wait()
        self._reload.clear()
        if self.parts is None or self.config.source is None:
            return
        systemd.tell("RELOADING=1")
        try:
            new = await asyncio.to_thread(load_config, Path(self.config.source))
            await self.parts.adopt(new)
        except CapdError as exc:
            for problem in exc.problems if isinstance(exc, ConfigError) else (exc,):
                log.error("not reloaded, the old configuration holds: %s", problem)  # noqa: TRY400
            self.metrics.reloaded(ok=False)
        else:
            self.config = new
            if self._judging is not None:
                self._judging.hurry()
            self.metrics.reloaded(ok=True)
            log.info("configuration read again: %s", self.parts.summary())
        systemd.tell("READY=1")

    async def _ready(self) -> Mapping[str, str | None]:
        """Say for /readyz what works: the database, and readings that arrive where some are due."""
        parts = self.parts
        if parts is None or not self.started.is_set():
            return {"start": "still starting"}
        try:
            await parts.house.store.ping()
        except StoreError as exc:
            return {"store": str(exc)}
        return {"store": None, "readings": self._readings_problem(parts)}

    def _readings_problem(self, parts: Parts) -> str | None:
        if not parts.network.heard and not any(one.meters for one in parts.network.polled):
            return None
        silent_s = time.monotonic() - self._last_read_s
        most_s = _STALE_INTERVALS * self.config.collect.snmp.interval_s
        return None if silent_s <= most_s else f"no reading for {silent_s:.0f} s"


async def _rewired(parts: Parts, judging: Judging) -> None:
    await parts.look_round()
    judging.hurry()
