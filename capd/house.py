"""What the turns work with: the books, the policy, and hints that save queries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from capd.decide.book import Book, book_of
from capd.decide.case import Case
from capd.decide.guard import Limits
from capd.decide.policy import Policy
from capd.metrics import Metrics
from capd.model import (
    Counts,
    Event,
    MeterKey,
    MeterState,
    Part,
    Period,
    Product,
    ProductId,
    Reading,
    Role,
    Standing,
    SubscriberId,
)
from capd.store import MeterHome, Store
from capd.store.new_terms import Notice

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
    rates: tuple[int | None, int | None] = (None, None)  # sold, down and up, in bits a second
    every_period: bool = False  # bytes of earlier periods come nearer to it as well (E-1)

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
    awaited: dict[SubscriberId, datetime] = field(default_factory=dict)  # to be read up to (UC-5)
    blind: dict[SubscriberId, datetime] = field(default_factory=dict)  # ends of gaps (CN-14)
    backed: dict[SubscriberId, list[MeterKey]] = field(default_factory=dict)  # with a backup meter

    def sees_past(self, subscriber: SubscriberId, gap_end: datetime) -> bool:
        """Say whether main meters and a backup meter of *subscriber* were read by then, or later.

        What is not remembered of a meter does not stand in the way: a look at the books decides.
        """
        read: dict[Role, list[datetime]] = {Role.MAIN: [], Role.BACKUP: []}
        for key in self.backed.get(subscriber, ()):
            state = self.states.get(key)
            if state is not None:
                read[self.homes[key].role].append(state.last.at)
        mains, backups = read[Role.MAIN], read[Role.BACKUP]
        return bool(backups) and max(backups) >= gap_end and all(at >= gap_end for at in mains)

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
    limits: Limits = field(default_factory=Limits)
    memory: Memory = field(default_factory=Memory)
    book: Book | None = None  # where several policies are listed; *policy* is its newest
    heard_to: datetime | None = None  # no reading up to then is still to come: a file is at its end

    @property
    def window_months(self) -> int:
        """Return how far back breaches must be known, whoever is judged (UC-4)."""
        return self.policy.window_months if self.book is None else self.book.window_months

    @property
    def notice(self) -> Notice:
        """Return by what rules an import tells of worse terms of a product (CT-6)."""
        book = self.book or book_of([self.policy])
        return Notice(book=book, zone=self.zone, currency=self.currency)

    def policy_of(self, standing: Standing, now: datetime) -> Policy:
        """Return the policy that holds for the subscriber at *now* (CT-6)."""
        return self.policy if self.book is None else self.book.of(standing, now)

    def left_out_of(self, book: Book) -> list[str]:
        """Return the versions that hold now and that *book* does not list (CT-6)."""
        before = book_of([self.policy]) if self.book is None else self.book
        return sorted(before.names() - book.names())

    def go_by(self, book: Book) -> None:
        """Judge by the policies of *book* from now on."""
        self.policy, self.book = book.newest, book

    def case(
        self, standing: Standing, catalogue: Mapping[ProductId, Product], now: datetime
    ) -> Case:
        """Return the subscriber as they are judged at *now*, by the policy that holds for them."""
        return Case(
            standing=standing,
            catalogue=catalogue,
            policy=self.policy_of(standing, now),
            now=now,
            currency=self.currency,
            zone=self.zone,
        )

    def announced(self, case: Case) -> tuple[Event, ...]:
        """Return what the subscriber must be told of newer terms, once (CT-6)."""
        return () if self.book is None else self.book.announced(case)

    async def look_round(self) -> None:
        """Read again whose meters there are; after an import, and at the start."""
        self.memory.homes = await self.store.people.meter_homes()
        self.memory.lines.clear()
        self.memory.backed = {}
        for key, home in self.memory.homes.items():
            if home.backed:
                self.memory.backed.setdefault(home.subscriber, []).append(key)
        self.memory.blind = await self.store.ledger.blind() if self.memory.backed else {}

    async def note_paused(self, paused: bool, at: datetime) -> None:  # noqa: FBT001 - a setting
        """Hold or let go of the brake as the setting *paused* says, where it changed.

        What a command said last stands until then: a restart does not undo `capd resume`.
        """
        people = self.store.people
        if await people.recall(PAUSED_SEEN) == str(paused):
            return
        if bool(await people.paused()) != paused:
            word = "paused" if paused else "resumed"
            text = f"Enforcement is {word} by [decide] paused in the configuration."
            async with self.store.judging() as desk:
                await desk.record([Event(at=at, kind=word, text=text, figures={"by": "config"})])
        await people.remember(PAUSED_SEEN, str(paused))
