"""THE PAGE TO READ FIRST: the turns that capd takes, again and again.

    devices ─▶ collect ─Poll─▶ account ─Entry─▶ the ledger
                                                    │ Usage
    people ◀─ notify ◀─Outcome─ enforce ◀─Order─ decide

Each turn is load, think, save. Nothing flows backwards: what enforcement did is written in the
books, and the next look starts from there. What a turn keeps in memory are hints, to save queries;
a hint that is wrong or missing costs time, never bytes: the ledger compares before it sets.
"""

import asyncio
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from capd.account.counters import step
from capd.account.usage import parts
from capd.decide import facts, guard, reconcile
from capd.decide.facts import Refused
from capd.decide.judge import judge
from capd.decide.policy import Policy
from capd.errors import CannotBeDone, StoreError
from capd.metrics import Metrics
from capd.model import (
    Counts,
    Fact,
    MeterKey,
    MeterState,
    Part,
    Period,
    Posting,
    Quality,
    Reading,
    SubscriberId,
    Verdict,
)
from capd.store import MeterHome, Store
from capd.store.desk import Desk

_AT_A_TIME = 500  # subscribers judged in one transaction
_HOUR = timedelta(hours=1)
_TRIES = 5


@dataclass(slots=True)
class _Line:
    """Up to where a subscriber may count in a period before anything changes."""

    period: Period
    counts: Counts
    counted: int
    watch_bytes: int | None
    allowance_bytes: int | None


@dataclass(slots=True)
class Memory:
    """What the turns remember to save queries; may be forgotten at any moment."""

    homes: dict[MeterKey, MeterHome] = field(default_factory=dict)
    states: dict[MeterKey, MeterState | None] = field(default_factory=dict)
    lines: dict[SubscriberId, _Line] = field(default_factory=dict)
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


async def account_turn(house: House, readings: Sequence[Reading]) -> None:
    """Post what devices said to the ledger; judge at once whoever reaches a line.

    Raises StoreError when the ledger cannot be written: then nothing of the unposted rest is
    remembered, and the same readings may be handed in again.
    """
    for _ in range(_TRIES):
        readings = await _post_up_to_a_conflict(house, readings)
        if not readings:
            return
    raise StoreError("the ledger changed under every attempt to post; is a second capd running?")


async def _post_up_to_a_conflict(house: House, readings: Sequence[Reading]) -> Sequence[Reading]:
    """Post *readings*; return those that somebody else was faster with, to be stepped again."""
    memory, known = house.memory, house.memory.states
    missing = {reading.key for reading in readings if reading.key not in known}
    if missing:
        found = await house.store.ledger.states(missing)
        known.update({key: found.get(key) for key in missing})
    gathered: list[Posting] = []
    posted = 0
    try:
        for n, reading in enumerate(readings):
            home = memory.homes.get(reading.key)
            if home is None:
                house.metrics.read("unknown_meter", 1)
                continue
            posting = _posting(house, home, reading)
            if posting.step.quality is Quality.STALE:
                house.metrics.read(Quality.STALE, 1)
                continue
            gathered.append(posting)
            if any(_reaches_a_line(memory, part) for part in posting.parts if part.counts):
                if await _save(house, gathered):
                    return [*(one.reading for one in gathered), *readings[n + 1 :]]
                gathered, posted = [], n + 1
                await decide_turn(house, [home.subscriber], now=reading.at)
        if await _save(house, gathered):
            return [posting.reading for posting in gathered]
    except BaseException:
        memory.forget(readings[posted:])
        raise
    return ()


def _posting(house: House, home: MeterHome, reading: Reading) -> Posting:
    memory = house.memory
    before = memory.states[reading.key]
    result = step(before, reading)
    memory.states[reading.key] = result.state
    shares: tuple[Part, ...] = ()
    if result.entry is not None:
        line = memory.lines.get(home.subscriber)
        shares = parts(
            result.entry,
            home.subscriber,
            home.cycle_day,
            house.zone,
            counts=home.counts_bytes,
            within=line.period if line else None,
        )
    return Posting(before=before, step=result, reading=reading, parts=shares)


def _reaches_a_line(memory: Memory, part: Part) -> bool:
    """Add *part* to what is remembered of its period; say whether something may change now."""
    line = memory.lines.get(part.subscriber)
    if line is None or line.period.start < part.period.start:
        return True  # nobody looked yet in this period
    if line.period.start > part.period.start:
        return False  # late bytes of a period that is over
    if line.counts is not Counts.UPLOAD:
        line.counted += part.down_bytes
    if line.counts is not Counts.DOWNLOAD:
        line.counted += part.up_bytes
    return line.watch_bytes is not None and line.counted >= line.watch_bytes


async def _save(house: House, gathered: Sequence[Posting]) -> bool:
    """Post what was gathered; say whether somebody else was faster (then nothing was saved)."""
    if not gathered:
        return False
    if await house.store.ledger.post(gathered):
        house.memory.forget([posting.reading for posting in gathered])
        return True
    house.metrics.posted(gathered)
    return False


async def accept_turn(house: House, fact: Fact, *, now: datetime) -> str | None:
    """Take in what somebody told about a subscriber, and judge them; return why not, if refused.

    The same top-up reference twice adds once, and is not refused. Raises CannotBeDone where the
    subscriber is not known.
    """
    if fact.subscriber is None:
        raise CannotBeDone(f"{fact.fact}: whose? a subscriber is missing")
    async with house.store.judging() as desk:
        catalogue = await desk.products()
        standings = await desk.standings(
            [fact.subscriber], now=now, tz=house.zone, months=house.policy.window_months
        )
        if not standings:
            raise CannotBeDone(f"no subscriber {fact.subscriber!r}")
        reference = fact.details.get("reference")
        if reference is not None and await desk.fact_seen(fact.fact, reference):
            return None
        found = facts.accept(standings[0], fact, catalogue, house.policy, now, zone=house.zone)
        if isinstance(found, Refused):
            return found.sentence
        await desk.record(found)
        await _judge(house, desk, [fact.subscriber], now)
    return None


async def decide_turn(
    house: House, subscribers: Collection[SubscriberId], *, now: datetime
) -> list[Verdict]:
    """Judge *subscribers*; what they are owed and do not have becomes the open orders."""
    verdicts: list[Verdict] = []
    for some in _chunks(list(subscribers)):
        async with house.store.judging() as desk:
            verdicts += await _judge(house, desk, some, now)
        await asyncio.sleep(0)
    return verdicts


async def _judge(
    house: House, desk: Desk, subscribers: Sequence[SubscriberId], now: datetime
) -> list[Verdict]:
    policy, memory = house.policy, house.memory
    catalogue = await desk.products()
    standings = await desk.standings(
        subscribers, now=now, tz=house.zone, months=policy.window_months
    )
    verdicts = []
    for standing in standings:
        verdict = judge(standing, catalogue, policy, now, currency=house.currency, zone=house.zone)
        verdicts.append(verdict)
        memory.lines[verdict.subscriber] = _Line(
            period=standing.period,
            counts=standing.product.counts,
            counted=verdict.counted_bytes,
            watch_bytes=verdict.watch_bytes,
            allowance_bytes=verdict.allowance_bytes,
        )
        if verdict.due_at is None:
            memory.due.pop(verdict.subscriber, None)
        else:
            memory.due[verdict.subscriber] = verdict.due_at
    await desk.record([event for verdict in verdicts for event in verdict.events])
    await _order(house, desk, verdicts, now)
    house.metrics.judged(verdicts)
    return verdicts


async def _order(house: House, desk: Desk, verdicts: Sequence[Verdict], now: datetime) -> None:
    """Write down the differences between owed and applied; the guard may hold some back."""
    subscribers = [verdict.subscriber for verdict in verdicts]
    applied = await desk.applied(subscribers)
    standing_orders = await desk.open_orders(subscribers)
    changes = reconcile.orders(verdicts, applied, standing_orders, now)
    if changes.supersede:
        await desk.supersede(changes.supersede, now)
    if changes.add:
        released, held = guard.release(
            changes.add,
            suspensions_last_hour=await desk.suspensions_since(now - _HOUR),
            most_suspensions=house.most_suspensions,
        )
        await desk.add_orders([*released, *held])


def _chunks(subscribers: list[SubscriberId]) -> Iterator[list[SubscriberId]]:
    for start in range(0, len(subscribers), _AT_A_TIME):
        yield subscribers[start : start + _AT_A_TIME]
