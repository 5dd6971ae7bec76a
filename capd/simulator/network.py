"""Subscribers' lines through simulated routers: what really flows, whatever anybody counts."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from capd.clock import Clock
from capd.model import Down
from capd.simulator.box import Port
from capd.simulator.habits import Habit

_STEP_S = 0.05  # real seconds between two looks at every line


def _always() -> bool:
    return True


def _unlimited() -> tuple[int | None, int | None]:
    return None, None


@dataclass(slots=True, kw_only=True)
class Line:
    """One subscriber's line: *passes* and *limits* are what the router's configuration says."""

    subscriber: str
    habit: Habit
    ports: list[tuple[Port, Down]]  # every port that sees the bytes, and which way down is
    passes: Callable[[], bool] = _always
    limits: Callable[[], tuple[int | None, int | None]] = _unlimited  # bits a second, down and up
    down_bytes: int = 0  # the truth that counting is held against
    up_bytes: int = 0
    refused_bytes: int = 0  # wanted, and not let through
    _rest: list[float] = field(default_factory=lambda: [0.0, 0.0])  # fractions of a byte

    def flow(self, start: datetime, end: datetime) -> None:
        """Let through what the household wants from *start* to *end*, as far as it may."""
        wish_down, wish_up = self.habit.wish(start, end)
        if not self.passes():
            self.refused_bytes += int(wish_down + wish_up)
            return
        limit_down, limit_up = self.limits()
        seconds = (end - start).total_seconds()
        down = self._whole(0, _at_most(wish_down, limit_down, seconds))
        up = self._whole(1, _at_most(wish_up, limit_up, seconds))
        self.down_bytes += down
        self.up_bytes += up
        for port, way in self.ports:
            port.in_bytes += down if way is Down.IN else up
            port.out_bytes += up if way is Down.IN else down

    def _whole(self, way: int, wanted: float) -> int:
        whole, self._rest[way] = divmod(self._rest[way] + wanted, 1)
        return int(whole)


def _at_most(wanted: float, limit_bps: int | None, seconds: float) -> float:
    return wanted if limit_bps is None else min(wanted, limit_bps * seconds / 8)


class Network:
    """All lines together; nothing flows before `open` and after `shut`."""

    def __init__(self, clock: Clock, zone: ZoneInfo) -> None:
        self._clock, self._zone = clock, zone
        self.lines: dict[str, Line] = {}
        self._flowed_to: datetime | None = None

    def open(self) -> None:
        """Let traffic begin now."""
        self._flowed_to = self._clock()

    def shut(self) -> None:
        """End all traffic now, so that a last poll can see all of it."""
        self.advance()
        self._flowed_to = None

    def advance(self) -> None:
        """Let flow what flows up to this moment."""
        if self._flowed_to is None:
            return
        start, self._flowed_to = self._flowed_to, self._clock()
        local = start.astimezone(self._zone), self._flowed_to.astimezone(self._zone)
        for line in self.lines.values():
            line.flow(*local)

    async def run(self) -> None:
        """Advance many times a second, for ever; end only by cancellation."""
        while True:
            self.advance()
            await asyncio.sleep(_STEP_S)
