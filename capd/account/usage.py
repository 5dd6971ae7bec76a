"""Entries become parts of billing periods, in whole bytes (CN-12)."""

import itertools
from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from capd.account.periods import next_period, period_of
from capd.model import Cycle, Entry, Part, Period, SubscriberId
from capd.units import micros

_MICROSECOND = timedelta(microseconds=1)


def parts(
    entry: Entry,
    subscriber: SubscriberId,
    cycle: Cycle | int,
    zone: ZoneInfo,
    *,
    counts: bool = True,
    within: Period | None = None,
) -> tuple[Part, ...]:
    """Return *entry*'s share of each billing period that it touches; together they are all of it.

    *within* is the period that the meter's last part was in, where known: it saves the search.
    """
    if within is None or not within.start <= entry.started_at < within.end:
        within = period_of(entry.started_at, cycle, zone)
    if entry.ended_at <= within.end:
        return (_whole(entry, subscriber, within, counts=counts),)
    periods = [within]
    while periods[-1].end < entry.ended_at:
        periods.append(next_period(periods[-1], cycle, zone))
    cuts = [period.start for period in periods[1:]]
    flow = (entry.flowed_from, entry.ended_at)
    down = share(entry.down_bytes, *flow, cuts)
    up = share(entry.up_bytes, *flow, cuts)
    estimated = share(entry.estimated_bytes, *flow, cuts)
    unknown = _unknown_shares(entry, cuts)
    return tuple(
        Part(
            subscriber=subscriber,
            period=period,
            started_at=_part_start(entry, period),
            ended_at=min(entry.ended_at, period.end),
            down_bytes=down[n],
            up_bytes=up[n],
            estimated_bytes=estimated[n],
            unknown_us=unknown[n],
            counts=counts,
        )
        for n, period in enumerate(periods)
    )


def _whole(entry: Entry, subscriber: SubscriberId, period: Period, *, counts: bool) -> Part:
    unknown_us = 0
    if entry.unknown_from is not None and entry.unknown_to is not None:
        unknown_us = (entry.unknown_to - entry.unknown_from) // _MICROSECOND
    return Part(
        subscriber=subscriber,
        period=period,
        started_at=_part_start(entry, period),
        ended_at=entry.ended_at,
        down_bytes=entry.down_bytes,
        up_bytes=entry.up_bytes,
        estimated_bytes=entry.estimated_bytes,
        unknown_us=unknown_us,
        counts=counts,
    )


def _part_start(entry: Entry, period: Period) -> datetime:
    """Return where the bytes of this part began to flow, or its silence, where it has none."""
    began = entry.flowed_from if entry.flowed_from < min(period.end, entry.ended_at) else None
    return max(period.start, began or entry.started_at)


def _unknown_shares(entry: Entry, cuts: Sequence[datetime]) -> list[int]:
    if entry.unknown_from is None or entry.unknown_to is None:
        return [0] * (len(cuts) + 1)
    edges = [entry.unknown_from, *cuts, entry.unknown_to]
    return [
        max(0, (min(end, entry.unknown_to) - max(start, entry.unknown_from)) // _MICROSECOND)
        for start, end in itertools.pairwise(edges)
    ]


def share(count: int, start: datetime, end: datetime, cuts: Sequence[datetime]) -> list[int]:
    """Return *count* shared out over the spans that *cuts* (ascending) make of *start* to *end*.

    By time, in whole bytes: the floor to the earlier spans, the rest to the last one that *end*
    lies in (CN-12). There is one share more than there are cuts; a span outside gets nothing.
    """
    return shared(count, micros(start), micros(end), [micros(cut) for cut in cuts])


def shared(count: int, start: int, end: int, cuts: Sequence[int]) -> list[int]:
    """Return what `share` returns, of moments in microseconds."""
    if count < 0:  # taken back out just as it was put in
        return [-one for one in shared(-count, start, end, cuts)]
    whole = end - start
    last = sum(1 for cut in cuts if cut < end)
    if whole <= 0:  # a moment, not a span: all of it belongs to where it is
        return [count if n == last else 0 for n in range(len(cuts) + 1)]
    shares = []
    left = count
    edges = [start, *(min(max(cut, start), end) for cut in cuts), end]
    for n, (since, until) in enumerate(itertools.pairwise(edges)):
        given = left if n == last else count * max(0, until - since) // whole if n < last else 0
        shares.append(given)
        left -= given
    return shares
