"""THE PAGE TO READ FIRST: the turns that capd takes, again and again.

    devices ─▶ collect ─Poll─▶ account ─Entry─▶ the ledger
                                                    │ Usage
    people ◀─ notify ◀─Outcome─ enforce ◀─Order─ decide

Each turn is load, think, save. Nothing flows backwards: what enforcement did is written in the
books, and the next look starts from there. What a turn keeps in memory are hints, to save queries;
a hint that is wrong or missing costs time, never bytes: the ledger compares before it sets.
"""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

from capd import gate
from capd.account.counters import step
from capd.account.usage import parts
from capd.amend import book_calls
from capd.decide import facts
from capd.decide.contract import cycle_days
from capd.decide.facts import Refused
from capd.decide.references import repeated
from capd.errors import CannotBeDone, StoreError
from capd.fill import fill_turn
from capd.house import House
from capd.judgement import judge_at, settle_at
from capd.model import (
    Event,
    Fact,
    MeterKey,
    Part,
    Posting,
    Quality,
    Reading,
    SubscriberId,
    Verdict,
)
from capd.objections import objection as objected
from capd.store import MeterHome, Witness

_AT_A_TIME = 500  # subscribers judged in one transaction
_TRIES = 5
_MOST_DUE = 10_000  # moments that one look makes up for: then it goes on with the next look


async def account_turn(house: House, readings: Sequence[Reading]) -> None:
    """Post what devices said to the ledger; judge at once whoever reaches a line.

    Raises StoreError when the ledger cannot be written: then nothing of the unposted rest is
    remembered, and the same readings may be handed in again.
    """
    for _ in range(_TRIES):
        readings = await _Batch(house).take(readings)
        if not readings:
            return
    raise StoreError("the ledger changed under every attempt to post; is a second capd running?")


class _Batch:
    """Readings on their way into the ledger, and who must be looked at because of them."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._gathered: list[Posting] = []
        self._unseen: set[SubscriberId] = set()  # first bytes of a period nobody looked at yet
        # bytes of a period that is over, and when a reading first showed them; by its end
        self._late: dict[datetime, dict[SubscriberId, datetime]] = defaultdict(dict)

    async def take(self, readings: Sequence[Reading]) -> Sequence[Reading]:
        """Post *readings*; return those that somebody else was faster with, to step again."""
        posted = 0
        try:
            await self._recall(readings)
            await self._look_for_surges(readings)
            for n, reading in enumerate(readings):
                if not self._gather(reading):
                    continue
                if await self._save():
                    break
                posted = n + 1
                who = self._house.memory.homes[reading.key].subscriber
                await self._settle_first(who)
                if who in self._house.memory.blind:
                    await fill_turn(self._house, [who], now=reading.at)
                await decide_turn(self._house, [who], now=reading.at)
            else:
                posted = posted if await self._save() else len(readings)
        except BaseException:
            self._house.memory.forget(readings[posted:])
            raise
        await self._look_after(readings)
        return readings[posted:]

    async def _recall(self, readings: Sequence[Reading]) -> None:
        known = self._house.memory.states
        missing = {reading.key for reading in readings if reading.key not in known}
        if missing:
            found = await self._house.store.ledger.states(missing)
            known.update({key: found.get(key) for key in missing})

    async def _look_for_surges(self, readings: Sequence[Reading]) -> None:
        """Let the guard see what is implausible before anybody is judged by it."""
        found = gate.suspects(self._house, readings)
        if not found:
            return
        lines = self._house.memory.lines
        unseen = {one.subscriber for one in found if one.subscriber not in lines}
        if unseen:
            await decide_turn(self._house, sorted(unseen), now=min(one.at for one in found))
        await gate.note_surges(self._house, found)

    def _gather(self, reading: Reading) -> bool:
        """Step *reading*; say whether its subscriber reached a line and must be judged now."""
        key = reading.key
        home = self._house.memory.homes.get(key)
        if home is None:
            self._house.metrics.read("unknown_meter", 1)
            return False
        posting = _posting(self._house, home, key, reading)
        if posting.step.quality is Quality.STALE:
            self._house.metrics.read(Quality.STALE, 1)
            return False
        self._gathered.append(posting)
        reached = [self._reaches_a_line(part, reading.at) for part in posting.parts if part.counts]
        more = home.backed and self._may_fill(home.subscriber, posting)
        return more or any(reached) or self._ends_a_wait(home.subscriber, reading)

    def _ends_a_wait(self, who: SubscriberId, reading: Reading) -> bool:
        """Say whether *reading* is past the month's end that *who* waits to be read up to."""
        until = self._house.memory.awaited.get(who)
        return until is not None and reading.at >= until

    def _may_fill(self, who: SubscriberId, posting: Posting) -> bool:
        """Say whether a gap of *who*'s main meter may be judged by now (CN-14)."""
        blind, entry = self._house.memory.blind, posting.step.entry
        if posting.backed and entry is not None and entry.unknown_from is not None:
            blind[who] = entry.ended_at
        return who in blind and self._house.memory.sees_past(who, blind[who])

    def _reaches_a_line(self, part: Part, seen: datetime) -> bool:
        line = self._house.memory.lines.get(part.subscriber)
        if part.period.end <= seen:  # over by then, whether or not somebody has looked yet
            self._late[part.period.end].setdefault(part.subscriber, seen)
            return line is not None and line.every_period and line.add(part)
        if line is None or line.period.start < part.period.start:
            self._unseen.add(part.subscriber)
            return False
        return line.add(part)

    async def _save(self) -> bool:
        """Post what was gathered; say whether somebody else was faster (nothing is saved then)."""
        house, gathered = self._house, self._gathered
        if not gathered:
            return False
        self._gathered = []
        if await house.store.ledger.post(gathered):
            house.memory.forget([posting.reading for posting in gathered])
            return True
        house.metrics.posted(gathered)
        return False

    async def _look_after(self, readings: Sequence[Reading]) -> None:
        """Judge those of whom nobody knew the line, and settle periods that are over."""
        now = max((reading.at for reading in readings), default=None)
        if now is None:
            return
        for end, seen in self._late.items():
            async with self._house.store.judging() as desk:
                await settle_at(self._house, desk, seen, end)
        if self._unseen:
            await decide_turn(self._house, sorted(self._unseen), now=now)

    async def _settle_first(self, who: SubscriberId) -> None:
        """Settle what *who* did in periods that are over, before they are judged for this one."""
        for end in sorted(self._late):
            seen = self._late[end].pop(who, None)
            if seen is not None:
                async with self._house.store.judging() as desk:
                    await settle_at(self._house, desk, {who: seen}, end)


def _posting(house: House, home: MeterHome, key: MeterKey, reading: Reading) -> Posting:
    memory = house.memory
    before = memory.states[key]
    result = step(before, reading)
    memory.states[key] = result.state
    shares: tuple[Part, ...] = ()
    if result.entry is not None:
        line = memory.lines.get(home.subscriber)
        shares = parts(
            result.entry,
            home.subscriber,
            home.cycle,
            house.zone,
            counts=home.counts_bytes,
            within=line.period if line else None,
        )
    backed = home.backed and home.counts_bytes
    return Posting(before=before, step=result, reading=reading, parts=shares, backed=backed)


async def accept_turn(
    house: House, fact: Fact, *, now: datetime, witness: Witness | None = None
) -> str | None:
    """Take in what somebody told about a subscriber, and judge them; return why not, if refused.

    The same top-up reference twice adds once, and is not refused; for somebody else, or another
    size, it is. Raises CannotBeDone where the subscriber is not known.
    """
    if fact.subscriber is None:
        raise CannotBeDone(f"{fact.fact}: whose? a subscriber is missing")
    await _fallen_due(house, [fact.subscriber], now)
    async with house.store.judging() as desk:
        catalogue = await desk.products()
        standings = await desk.standings(
            [fact.subscriber], now=now, tz=house.zone, months=house.window_months
        )
        if not standings:
            raise CannotBeDone(f"no subscriber {fact.subscriber!r}")
        reference = fact.details.get("reference")
        before = None if reference is None else await desk.fact_seen(fact.fact, reference)
        if before is not None:
            return repeated(before, fact)
        policy = house.policy_of(standings[0], now)
        objection = await objected(desk, fact, radios=policy.contract.term.radios)
        if objection is not None:
            return objection
        found = facts.accept(
            standings[0],
            fact,
            catalogue,
            policy,
            now,
            currency=house.currency,
            zone=house.zone,
            past=await desk.recalled(fact.subscriber, facts.recalled(fact)),
        )
        if isinstance(found, Refused):
            return found.sentence
        await desk.record(found)
        if not await book_calls(house, desk, standings[0].subscriber, found, now=now):
            await judge_at(house, desk, [fact.subscriber], now)
        if witness is not None:
            await witness(desk)
    await _look_round_after(house, found)
    return None


async def _look_round_after(house: House, told: Sequence[Event]) -> None:
    """Read again how meters count where what was told changes that: other periods."""
    if any(event.kind == cycle_days.KIND for event in told):
        await house.look_round()


async def decide_turn(
    house: House, subscribers: Collection[SubscriberId], *, now: datetime
) -> list[Verdict]:
    """Judge *subscribers*; what they are owed and do not have becomes the open orders.

    What is known to have fallen due for one of them before *now* happens first, at its own moment:
    it does not matter who looks first after that, nor how late.
    """
    await _fallen_due(house, subscribers, now)
    return await _judge(house, subscribers, now)


async def _fallen_due(house: House, subscribers: Collection[SubscriberId], now: datetime) -> None:
    known = house.memory.due
    for _ in range(_MOST_DUE):
        due: dict[datetime, list[SubscriberId]] = defaultdict(list)
        for who in subscribers:
            moment = known.get(who)
            if moment is not None and moment < now:
                due[moment].append(who)
        if not due:
            return
        first = min(due)
        await _judge(house, due[first], first)
        for who in due[first]:
            if known.get(who) == first:  # gone from the books
                del known[who]


async def _judge(
    house: House, subscribers: Collection[SubscriberId], now: datetime
) -> list[Verdict]:
    verdicts: list[Verdict] = []
    for some in _chunks(list(subscribers)):
        async with house.store.judging() as desk:
            verdicts += await judge_at(house, desk, some, now)
        await asyncio.sleep(0)
    return verdicts


def _chunks(subscribers: list[SubscriberId]) -> Iterator[list[SubscriberId]]:
    for start in range(0, len(subscribers), _AT_A_TIME):
        yield subscribers[start : start + _AT_A_TIME]
