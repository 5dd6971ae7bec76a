"""What the turns work with: the books, the policy, and hints that save queries."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from capd.decide.policy import Policy
from capd.metrics import Metrics
from capd.model import Counts, MeterKey, MeterState, Part, Period, Reading, SubscriberId
from capd.store import MeterHome, Store

PAUSED_SEEN = "config_paused"
"""The key by which the books remember what [decide] paused last said."""


@dataclass(slots=True)
class Line:
    """Up to where a subscriber may count in a period before anything changes."""

    period: Period
    counts: Counts
    counted: int
    watch_bytes: int | None
    allowance_bytes: int | None

    def add(self, part: Part) -> bool:
        """Add *part*, of this period, to what is counted; say whether something changes now."""
        if self.counts is not Counts.UPLOAD:
            self.counted += part.down_bytes
        if self.counts is not Counts.DOWNLOAD:
            self.counted += part.up_bytes
        return self.watch_bytes is not None and self.counted >= self.watch_bytes


@dataclass(slots=True)
class Memory:
    """What the turns remember to save queries; may be forgotten at any moment."""

    homes: dict[MeterKey, MeterHome] = field(default_factory=dict)
    states: dict[MeterKey, MeterState | None] = field(default_factory=dict)
    lines: dict[SubscriberId, Line] = field(default_factory=dict)
    due: dict[SubscriberId, datetime] = field(default_factory=dict)

    def forget(self, readings: Sequence[Reading]) -> None:
        """Drop what was remembered of the meters read, and of whose they are."""
        for reading in readings:
            self.states.pop(reading.key, None)
            home = self.homes.get(reading.key)
            if home is not None:
                self.lines.pop(home.subscriber, None)


@dataclass(slots=True)
class House:
    """What the turns work with."""

    store: Store
    policy: Policy
    zone: ZoneInfo
    currency: str
    metrics: Metrics
    most_suspensions: int = 20
    memory: Memory = field(default_factory=Memory)

    async def look_round(self) -> None:
        """Read again whose meters there are; after an import, and at the start."""
        self.memory.homes = await self.store.people.meter_homes()
        self.memory.lines.clear()
