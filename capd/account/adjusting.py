"""Entries after the fact: what a person accepts or corrects, shared over the periods it was in."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from capd.account.counters import step
from capd.account.usage import share
from capd.model import (
    Adjustment,
    Entry,
    Implausible,
    MeterState,
    Part,
    Period,
    Quality,
    SubscriberId,
    Usage,
)

_MICROSECOND = timedelta(microseconds=1)
_BOUNDLESS_BPS = 10**40  # a person says that the link could


def over(
    entry: Entry, subscriber: SubscriberId, periods: Sequence[Period], *, counts: bool
) -> list[Part]:
    """Return *entry*'s share of each of *periods*, in their order; together all of it (CN-12)."""
    cuts = [period.start for period in periods[1:]]
    flow = (entry.flowed_from, entry.ended_at)
    down = share(entry.down_bytes, *flow, cuts)
    up = share(entry.up_bytes, *flow, cuts)
    estimated = share(entry.estimated_bytes, *flow, cuts)
    return [
        Part(
            subscriber=subscriber,
            period=period,
            started_at=max(
                period.start,
                entry.flowed_from if entry.flowed_from < period.end else entry.started_at,
            ),
            ended_at=min(period.end, entry.ended_at),
            down_bytes=down[n],
            up_bytes=up[n],
            estimated_bytes=estimated[n],
            unknown_us=_unknown(entry, period),
            counts=counts,
        )
        for n, period in enumerate(periods)
    ]


def _unknown(entry: Entry, period: Period) -> int:
    if entry.unknown_from is None or entry.unknown_to is None:
        return 0
    since, until = max(entry.unknown_from, period.start), min(entry.unknown_to, period.end)
    return max(0, (until - since) // _MICROSECOND)


def vouched(evidence: Implausible) -> Entry:
    """Return the entry of a reading that was put aside, as if the link could carry it (CN-10).

    After a restart it counts from there, and the time before stays unknown (CN-4).
    """
    before, after = evidence.before, evidence.after
    found = step(MeterState(last=before), replace(after, link_bps=_BOUNDLESS_BPS)).entry
    same = found is not None and (found.down_bytes, found.up_bytes) == (
        evidence.down_bytes,
        evidence.up_bytes,
    )
    return Entry(
        device=after.device,
        meter=after.meter,
        started_at=before.at,
        ended_at=after.at,
        flowed_from=found.flowed_from if found is not None and same else before.at,
        down_bytes=evidence.down_bytes,
        up_bytes=evidence.up_bytes,
        estimated_bytes=found.estimated_bytes if found is not None and same else 0,
        unknown_from=found.unknown_from if found is not None and same else None,
        unknown_to=found.unknown_to if found is not None and same else None,
        quality=Quality.IMPLAUSIBLE,
        rule="CN-10",
    )


def accepted(
    evidence: Implausible, subscriber: SubscriberId, periods: Sequence[Period], *, counts: bool
) -> list[Part]:
    """Return what accepting *evidence* adds: its bytes, less the time that is known by them.

    *periods* are those that its gap was put down in as unknown, oldest first.
    """
    entry = vouched(evidence)
    blind = replace(entry, unknown_from=entry.started_at, unknown_to=entry.ended_at)
    parts = [
        replace(part, unknown_us=part.unknown_us - _unknown(blind, part.period))
        for part in over(entry, subscriber, periods, counts=counts)
    ]
    return [part for part in parts if figures(part) != (0, 0, 0, 0)]


def figures(part: Part) -> tuple[int, int, int, int]:
    """Return down, up and estimated bytes, and the unknown microseconds."""
    return part.down_bytes, part.up_bytes, part.estimated_bytes, part.unknown_us


def corrected(usage: Usage, part: Part) -> Part | None:
    """Return *part*, a person's own figures, as it goes on top of *usage*; None: below zero.

    What was inferred cannot be more than what is left.
    """
    down, up = usage.down_bytes + part.down_bytes, usage.up_bytes + part.up_bytes
    if down < 0 or up < 0:
        return None
    return replace(part, estimated_bytes=min(0, down + up - usage.estimated_bytes))


WRITTEN = tuple(kind.value for kind in Adjustment)
"""What stands for the quality of an entry that no reading made by itself."""
