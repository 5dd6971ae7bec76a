"""When to ask whom: a Source that polls every device at its interval, few at once."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Protocol

from capd.clock import Clock
from capd.collect import Pour
from capd.collect.schedule import Change, Schedule, Turn
from capd.config import SnmpConfig
from capd.model import Device, DeviceId, Poll

log = logging.getLogger(__name__)

_TOGETHER_S = 0.25  # those who fall due this close are asked in one go: waking up costs more
_TOGETHER_SHARE = 1 / 20  # of the interval, at most

Observe = Callable[[str, float], None]
"""Hear of a figure: "lag_s" (how late a poll began), "silent" (devices asked less often)."""


class Asks(Protocol):
    """Whoever can ask one device; silence and nonsense are polls with a problem."""

    async def ask(self, device: Device) -> Poll:
        """Return what *device* says."""

    def forget(self, device: DeviceId) -> None:
        """Drop what is remembered of *device*."""


def _unobserved(name: str, value: float) -> None:
    """Let a figure pass."""


class Poller:
    """Polls *devices* for ever: spread over the interval, at most config.at_once in flight."""

    def __init__(
        self,
        devices: Iterable[Device],
        asker: Asks,
        config: SnmpConfig,
        clock: Clock,
        *,
        observe: Observe = _unobserved,
    ) -> None:
        self._asker = asker
        self._at_once = config.at_once
        self._together_s = min(_TOGETHER_S, config.interval_s * _TOGETHER_SHARE)
        self._clock = clock
        self._observe = observe
        self._silent_every_s = config.silent_interval_s or 4 * config.interval_s
        self._schedule = Schedule(
            interval_s=config.interval_s,
            silent_after=config.silent_after,
            silent_interval_s=self._silent_every_s,
        )
        self._devices = tuple(devices)  # given a phase when it is known what time it is
        self._changed: asyncio.Future[None] | None = None
        self._waits_until = float("inf")
        self._running = False

    def replace(self, devices: Iterable[Device]) -> None:
        """Poll *devices* from now on; those that stay keep their phase and their silence."""
        if not self._running:
            self._devices = tuple(devices)
            return
        for gone in self._schedule.replace(devices, now=self._now(), wall=self._wall()):
            self._asker.forget(gone)
        self._wake()

    def poll_now(self, device: DeviceId) -> bool:
        """Poll *device* at once, out of its turn; False if it is not polled at all."""
        known = self._running and self._schedule.ask_now(device, now=self._now())
        self._wake()
        return known

    async def run(self, pour: Pour) -> None:
        """Pour polls, for ever; end only by cancellation."""
        self._running = True
        self._schedule.replace(self._devices, now=self._now(), wall=self._wall())
        next_one = asyncio.Lock()
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self._at_once):
                    group.create_task(self._work(next_one, pour))
                try:
                    await asyncio.Event().wait()
                finally:
                    self._running = False  # seen by a worker whose cancellation was swallowed
        finally:
            self._running = False

    async def _work(self, next_one: asyncio.Lock, pour: Pour) -> None:
        """Ask one device after the other; one worker waits for the clock, the rest behind it.

        An answer that comes in the moment of a cancellation makes asyncio.wait_for (Python 3.11)
        forget the cancellation: so the end is looked for as well.
        """
        while self._running:
            async with next_one:
                turn = await self._due()
            self._observe("lag_s", self._now() - turn.due)
            poll: Poll | None = None
            try:
                poll = await self._asker.ask(turn.device)
                await pour(poll)
            finally:
                self._after(turn, poll)

    async def _due(self) -> Turn:
        while (turn := self._schedule.take(now=self._now())) is None:
            loop = asyncio.get_running_loop()
            self._changed = loop.create_future()
            due = self._schedule.next_due()
            self._waits_until = float("inf") if due is None else due
            timer = loop.call_at(due + self._together_s, self._wake) if due is not None else None
            try:
                await self._changed
            finally:
                self._changed = None
                if timer is not None:
                    timer.cancel()
        return turn

    def _wake(self) -> None:
        if self._changed is not None and not self._changed.done():
            self._changed.set_result(None)

    def _after(self, turn: Turn, poll: Poll | None) -> None:
        """Put *turn* back, and say what became different."""
        unreachable = poll is not None and poll.unreachable
        change = self._schedule.done(turn, unreachable=unreachable, now=self._now())
        if turn.due < self._waits_until:
            self._wake()
        if change is not Change.NONE:
            self._observe("silent", self._schedule.silent)
        if poll is None:
            return
        name, said = turn.device.id, turn.problem
        turn.problem = said if unreachable else poll.problem
        if change is Change.WENT_SILENT:
            log.warning(
                "%s: %s (%d in a row), asked every %g min from now",
                name, poll.problem, turn.unanswered, self._silent_every_s / 60,
            )  # fmt: skip
        elif change is Change.CAME_BACK:
            log.info("%s: answers again", name)
        if not unreachable and turn.problem != said:
            if turn.problem is not None:
                log.warning("%s: %s", name, turn.problem)
            else:
                log.info("%s: reads well again", name)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    def _wall(self) -> float:
        return self._clock().timestamp()
