"""What the main meter was blind to, filled from the backup meter's readings, once (CN-14)."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from capd.account.adjusting import accepted, figures, over, vouched
from capd.account.backup import Fill, best, fill, needed_until
from capd.house import House
from capd.judgement import look_after
from capd.model import Adjustment, Aside, Entry, Event, Part, SubscriberId
from capd.store.desk import Desk
from capd.store.filling import GapRow
from capd.units import size_text

AUTHOR = "capd"
_OLDEST = timedelta(days=45)  # of readings all of which are there: older ones become hours


async def fill_turn(house: House, subscribers: Collection[SubscriberId], *, now: datetime) -> None:
    """Fill the gaps of *subscribers* that can be judged by now, each one once; judge them after.

    The others wait: for the backup meter's next reading, or for the main one's.
    """
    for who in subscribers:
        async with house.store.judging() as desk:
            parts = await fill_within(desk, who, now)
            await look_after(house, desk, parts, now)
            waiting = await desk.filling.waiting(who)
        house.metrics.counted(
            sum(part.down_bytes for part in parts), sum(part.up_bytes for part in parts)
        )
        house.memory.blind.pop(who, None)
        if waiting:
            house.memory.blind[who] = max(one.gap.end for one in waiting)


async def fill_all_turn(house: House, *, now: datetime) -> None:
    """Fill whatever gaps the books know of that a backup meter was read after."""
    await fill_turn(house, await house.store.ledger.blind(ready=True), now=now)


async def fill_within(desk: Desk, who: SubscriberId, now: datetime) -> list[Part]:
    """Fill the gaps of *who* that can be judged, oldest first; return what was written."""
    written: list[Part] = []
    for one in await desk.filling.waiting(who):
        judged = await _judged(desk, who, one, now)
        if judged is None:
            continue
        found = judged[0]
        if not await desk.filling.close(one, found) or found is None:
            continue
        parts = _parts(one, found, who, await desk.filling.blind(who, one))
        await desk.adjusting.write(
            parts,
            kind=Adjustment.FILLED,
            rule="CN-14",
            key=found.key,
            source=one.id,
            author=AUTHOR,
            note=f"for {one.key.device}/{one.key.meter}",
            at=now,
        )
        await desk.record([_event(one, found, who, now)])
        written += parts
    return written


async def _judged(
    desk: Desk, who: SubscriberId, one: GapRow, now: datetime
) -> tuple[Fill | None] | None:
    """Return what fills the gap, if anything; None while that cannot be known yet."""
    gap = one.gap
    if gap.start < now - _OLDEST:
        return (None,)
    seen = await desk.filling.seen(who, gap)
    fills, known = [], False
    for backup in seen.backups:
        until = needed_until(gap, backup)
        if until is None or seen.mains_until is None or seen.mains_until < until:
            continue
        known = True
        if backup.spans:
            start = min(gap.start, backup.spans[0].start)
            counted = await desk.filling.counted(who, start, max(until, gap.end))
            fills.append(fill(gap, backup, counted))
    return (best(fills),) if known else None


def _parts(one: GapRow, found: Fill, who: SubscriberId, blind: Sequence[Part]) -> list[Part]:
    """Return the bytes, in the gap, and the time that is known now, where it was put down."""
    gap = one.gap
    entry = Entry(
        device=found.key.device,
        meter=found.key.meter,
        started_at=gap.unknown_from,
        ended_at=gap.unknown_to,
        flowed_from=gap.unknown_from,
        down_bytes=found.down,
        up_bytes=found.up,
        unknown_from=gap.unknown_from,
        unknown_to=gap.unknown_to,
    )
    theirs = [
        part
        for part in blind
        if part.period.start < gap.unknown_to and part.period.end > gap.unknown_from
    ]
    shares = over(entry, who, [part.period for part in theirs], counts=True)
    filled = [
        replace(share, estimated_bytes=share.down_bytes + share.up_bytes, unknown_us=0)
        for share in shares
    ]
    known = [_known(share, part) for share, part in zip(shares, theirs, strict=True)]
    parts = [*filled, *(known if found.whole else ())]
    return [part for part in parts if figures(part) != (0, 0, 0, 0)]


def _known(share: Part, blind: Part) -> Part:
    """Return the unknown time of *share* taken out of *blind*, by the hour as it was put in."""
    within = blind.started_at <= share.started_at and share.ended_at <= blind.ended_at
    at = share if within else blind
    return replace(
        share,
        started_at=at.started_at,
        ended_at=at.ended_at,
        down_bytes=0,
        up_bytes=0,
        unknown_us=-share.unknown_us,
    )


def _event(one: GapRow, found: Fill, who: SubscriberId, now: datetime) -> Event:
    blind, backup = one.key, found.key
    unknown_s = (one.gap.unknown_to - one.gap.unknown_from).total_seconds()
    left = "" if found.whole else ", and there may have been more"
    return Event(
        at=now,
        kind="gap_filled",
        text=f"For {unknown_s:.0f} s in which {blind.device}/{blind.meter} counted nothing, "
        f"{size_text(found.down)} down and {size_text(found.up)} up are counted that "
        f"{backup.device}/{backup.meter} saw{left}.",
        clause="CN-14",
        subscriber=who,
        device=backup.device,
        figures={
            "gap": one.id,
            "meter": backup.meter,
            "down_bytes": found.down,
            "up_bytes": found.up,
            "whole": found.whole,
        },
    )


async def vouch_within(
    desk: Desk, one: Aside, *, author: str, note: str, now: datetime
) -> list[Part] | None:
    """Write what a person accepted (CN-10); None where its gap is in the ledger no more.

    Where a backup meter filled that gap, or one beside it, this is taken back and filled anew: the
    main meter counts, and nothing counts twice.
    """
    evidence = one.evidence
    periods, counts = await desk.adjusting.blind(one)
    if one.subscriber is None or not periods:
        return None
    who, key = one.subscriber, evidence.after.key
    parts = accepted(evidence, who, periods, counts=counts)
    said = {"author": author, "note": note}
    await desk.adjusting.write(
        parts, kind=Adjustment.ACCEPTED, rule="CN-10", key=key, source=one.id, at=now, **said
    )
    if not counts:
        return parts
    for gap, filled in await desk.filling.reopen(who, evidence.before.at, evidence.after.at):
        back = [_negative(part) for part in filled if figures(part) != (0, 0, 0, 0)]
        await desk.adjusting.write(
            back, kind=Adjustment.FILLED, rule="CN-14", key=gap.key, source=gap.id, at=now, **said
        )
        parts += back
    still_unknown_to = vouched(evidence).unknown_to or evidence.before.at
    await desk.filling.now_known(key, evidence.after.at, still_unknown_to)
    return [*parts, *await fill_within(desk, who, now)]


def _negative(part: Part) -> Part:
    return replace(
        part,
        down_bytes=-part.down_bytes,
        up_bytes=-part.up_bytes,
        estimated_bytes=-part.estimated_bytes,
        unknown_us=-part.unknown_us,
    )
