"""What is said of the ledger after the fact: a drawer's reading accepted, figures corrected.

Nothing that stands is changed: each word is an entry of its own, with who said it and why. For
the command line and the API alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from capd.account.adjusting import corrected
from capd.account.periods import period_named, period_of
from capd.decide.voice.facts import CALL
from capd.errors import CannotBeDone
from capd.fill import vouch_within
from capd.house import House
from capd.judgement import look_after
from capd.model import (
    Adjustment,
    Aside,
    DeviceId,
    DrawerState,
    Event,
    MeterKey,
    Part,
    Period,
    Subscriber,
    SubscriberId,
    Usage,
)
from capd.store.desk import Desk, Witness
from capd.units import moment_of, size_text

_MOMENT = timedelta(microseconds=1)
_MOST = 1 << 62  # two of these still add up in a BIGINT


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """A person's own figures for a billing period: they are added to what was counted."""

    subscriber: SubscriberId
    down_bytes: int = 0  # may be negative
    up_bytes: int = 0
    note: str
    author: str
    period: str | None = None  # "2026-03"; None: the one that *at* is in
    at: datetime | None = None  # None: the end of the period, or now


async def drawer_turn(
    house: House,
    number: int,
    *,
    accept: bool,
    author: str,
    note: str,
    now: datetime,
    witness: Witness | None = None,
) -> Event:
    """Accept or refuse a reading that was put aside (CN-10); return what the trail says of it.

    Accepted, its bytes are an entry of their own and the subscriber is judged. Raises
    CannotBeDone: unknown, decided already, or more than the ledger can hold.
    """
    _expect_reason(note)
    async with house.store.judging() as desk:
        one = await desk.adjusting.aside(number)
        if one is None:
            raise CannotBeDone(f"nothing was put aside with the number {number}")
        state = DrawerState.ACCEPTED if accept else DrawerState.REFUSED
        if not await desk.adjusting.decide(number, state, author=author, note=note, at=now):
            raise CannotBeDone(f"{number} was {one.state} already, by {one.decided_by}")
        parts: Sequence[Part] = []
        if accept:
            parts = await _accepted(desk, one, author, note, now=now)
        event = _drawer_event(one, parts, state, author=author, note=note, now=now)
        await desk.record([event])
        await look_after(house, desk, parts, now)
        if witness is not None:
            await witness(desk)
    counting = [part for part in parts if part.counts]
    house.metrics.counted(
        max(0, sum(part.down_bytes for part in counting)),
        max(0, sum(part.up_bytes for part in counting)),
    )
    return event


async def _accepted(
    desk: Desk, one: Aside, author: str, note: str, *, now: datetime
) -> Sequence[Part]:
    if max(one.evidence.down_bytes, one.evidence.up_bytes) >= _MOST:
        raise CannotBeDone(f"{one.id}: more than the ledger can hold: it can only be refused")
    parts = await vouch_within(desk, one, author=author, note=note, now=now)
    if parts is None:
        raise CannotBeDone(f"{one.id}: its gap is no longer in the ledger: correct the total")
    return parts


def _drawer_event(
    one: Aside,
    parts: Sequence[Part],
    state: DrawerState,
    *,
    author: str,
    note: str,
    now: datetime,
) -> Event:
    evidence = one.evidence
    size = f"{size_text(evidence.down_bytes)} down and {size_text(evidence.up_bytes)} up"
    effect = "they are not counted"
    if state is DrawerState.ACCEPTED:
        names = ", ".join(dict.fromkeys(part.period.name for part in parts)) or "no period"
        counted = all(part.counts for part in parts)
        effect = f"they count in {names}" if counted else "a backup meter's, which count nothing"
    return Event(
        at=now,
        kind=f"implausible_{state}",
        text=f"{size} that {evidence.after.device}/{evidence.after.meter} showed, more than its "
        f"link can carry, were {state}: {effect} ({note}).",
        clause="CN-10",
        subscriber=one.subscriber,
        device=DeviceId(evidence.after.device),
        author=author,
        figures={
            "implausible": one.id,
            "meter": evidence.after.meter,
            "down_bytes": evidence.down_bytes,
            "up_bytes": evidence.up_bytes,
            "note": note,
        },
    )


async def correct_turn(
    house: House, correction: Correction, *, now: datetime, witness: Witness | None = None
) -> Event:
    """Add a person's figures to a period's total; return what the trail says of it.

    An entry of its own, and the subscriber is judged. Raises CannotBeDone: nobody of that name, a
    period that has not begun, or less than nothing would be left.
    """
    _expect_reason(correction.note)
    if not correction.down_bytes and not correction.up_bytes:
        raise CannotBeDone("a correction of nothing: say by how much down or up")
    who = correction.subscriber
    subscriber = await house.store.people.subscriber(who)
    if subscriber is None:
        raise CannotBeDone(f"no subscriber {who!r}")
    period, at = _when(house, subscriber, correction, now)
    async with house.store.judging() as desk:
        usage = await desk.adjusting.usage(who, period)
        wanted = Part(
            subscriber=who,
            period=period,
            started_at=at,
            ended_at=at,
            down_bytes=correction.down_bytes,
            up_bytes=correction.up_bytes,
            estimated_bytes=0,
            unknown_us=0,
        )
        part = _something_left(usage, wanted)
        await desk.adjusting.write(
            [part],
            kind=Adjustment.CORRECTED,
            rule="correction",
            key=MeterKey(DeviceId(""), ""),
            author=correction.author,
            note=correction.note,
            at=now,
        )
        event = _correction_event(correction, period, now)
        await desk.record([event])
        await look_after(house, desk, [part], now)
        if witness is not None:
            await witness(desk)
    return event


def _something_left(usage: Usage, wanted: Part) -> Part:
    part = corrected(usage, wanted)
    if part is None:
        raise CannotBeDone(
            f"{usage.subscriber}: less than nothing would be left in {usage.period.name}: counted "
            f"were {usage.down_bytes} bytes down and {usage.up_bytes} up"
        )
    return part


def _when(
    house: House, subscriber: Subscriber, correction: Correction, now: datetime
) -> tuple[Period, datetime]:
    cycle, at = subscriber.cycle, correction.at
    if correction.period is None:
        period = period_of(at or now, cycle, house.zone)
    else:
        try:
            period = period_named(correction.period, cycle, house.zone)
        except ValueError as exc:
            raise CannotBeDone(f"the period {exc}") from None
    if period.start > now or (at is not None and at > now):
        raise CannotBeDone(f"{subscriber.id}: {period.name if at is None else at} is yet to come")
    at = at or min(now, period.end - _MOMENT)
    if not period.start <= at < period.end:
        raise CannotBeDone(f"{subscriber.id}: {at} is not in the period {period.name}")
    return period, at


def _correction_event(correction: Correction, period: Period, now: datetime) -> Event:
    changes = [
        f"{_signed_text(count)} {way}"
        for count, way in ((correction.down_bytes, "down"), (correction.up_bytes, "up"))
        if count
    ]
    return Event(
        at=now,
        kind="correction",
        text=f"Usage in {period.name} was corrected by {' and '.join(changes)} "
        f"({correction.note}).",
        subscriber=correction.subscriber,
        author=correction.author,
        figures={
            "period": period.name,
            "down_bytes": correction.down_bytes,
            "up_bytes": correction.up_bytes,
            "note": correction.note,
        },
    )


async def book_calls(
    house: House, desk: Desk, subscriber: Subscriber, events: Sequence[Event], *, now: datetime
) -> bool:
    """Count the calls among *events* in the ledger, and judge; say whether there were any (D-1)."""
    calls = [event for event in events if event.kind == CALL]
    parts = [_call(house, subscriber, event) for event in calls]
    for event, part in zip(calls, parts, strict=True):
        await desk.adjusting.write(
            [part],
            kind=Adjustment.TOLD,
            rule=event.clause or CALL,
            key=MeterKey(DeviceId(""), ""),
            author=event.author,
            note=f"call {event.figures['reference']}",
            at=now,
        )
    if calls:
        await look_after(house, desk, parts, now)
    return bool(calls)


def _call(house: House, subscriber: Subscriber, event: Event) -> Part:
    ended_at = moment_of(str(event.figures["ended_at"]))
    return Part(
        subscriber=subscriber.id,
        period=period_of(ended_at, subscriber.cycle, house.zone),
        started_at=ended_at,
        ended_at=ended_at,
        down_bytes=int(event.figures["counted_seconds"] or 0),
        up_bytes=0,
        estimated_bytes=0,
        unknown_us=0,
    )


def _signed_text(count: int) -> str:
    return f"{'-' if count < 0 else '+'}{size_text(abs(count))}"


def _expect_reason(note: str) -> None:
    if not note.strip():
        raise CannotBeDone("a note must say why")
