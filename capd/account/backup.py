"""A backup meter fills what the main one could not know, and nothing else (CN-14).

Both see the same bytes. Over a window between two readings of the backup, no more can have gone
uncounted than the backup shows, less all that the main meters' entries counted that touch the
window; of an entry that only begins or ends in it, no more than its link can carry in what they
share. So for any flow, what is counted stays at or below what truly flowed. That holds for any
window whatever; the one is taken that says most of the gap.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from capd.account.counters import carried
from capd.model import MeterKey

_MICROSECOND = timedelta(microseconds=1)
_SLACK = timedelta(
    seconds=1
)  # counters are as old as an answer takes, and a link may be slower now


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The bytes of a whole entry, or of a fill: they flowed somewhere from *start* to *end*."""

    start: datetime
    end: datetime
    down: int
    up: int
    known: bool = True  # False: a part of the time is unknown
    link_bps: int | None = None  # of its meter

    def touches(self, start: datetime, end: datetime) -> bool:
        """Say whether some of the time from *start* to *end* is the span's."""
        return self.start < end and self.end > start


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """What a main meter's entry does not know."""

    start: datetime  # of the whole entry
    end: datetime
    unknown_from: datetime
    unknown_to: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """What a backup meter showed around a gap: entries one after the other, oldest first."""

    key: MeterKey
    until: datetime  # its last reading
    spans: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """What a gap is filled with, proven by the backup's readings at *start* and *end*."""

    key: MeterKey
    start: datetime
    end: datetime
    down: int
    up: int
    whole: bool  # nothing of the gap is unknown any more


def needed_until(gap: Gap, backup: Backup) -> datetime | None:
    """Return up to when main meters must be read for the gap to be judged; None: too early."""
    if backup.until < gap.end:
        return None
    return max((window[-1].end for window in _windows(gap, backup)), default=gap.end)


def fill(gap: Gap, backup: Backup, counted: Sequence[Span]) -> Fill | None:
    """Return what *backup* proves to have gone uncounted; None where it is blind itself.

    *counted* is everything counted that touches the time of the backup's spans: the main meters'
    entries, whole, and what other gaps there were filled with, by the windows that proved it.
    """
    found = [
        _over(gap, backup.key, window, counted)
        for window in _windows(gap, backup)
        if all(span.known for span in window)
    ]
    if not found:
        return None
    return max(found, key=lambda one: (one.whole, one.down + one.up))


def best(fills: Iterable[Fill | None]) -> Fill | None:
    """Return the fill that says most; None where none says anything."""
    found = [one for one in fills if one is not None and (one.whole or one.down or one.up)]
    return max(found, key=lambda one: (one.whole, one.down + one.up), default=None)


def _windows(gap: Gap, backup: Backup) -> list[tuple[Span, ...]]:
    """Return the stretches to look at: around the gap, around its entry, and within the entry."""
    spans = backup.spans
    around_gap = tuple(one for one in spans if one.touches(gap.unknown_from, gap.unknown_to))
    around = tuple(one for one in spans if one.touches(gap.start, gap.end))
    within = tuple(one for one in around if gap.start <= one.start and one.end <= gap.end)
    stretches = []
    for stretch in (around_gap, around, within):
        unbroken = all(one.end == other.start for one, other in pairwise(stretch))
        if stretch and unbroken and stretch not in stretches:
            stretches.append(stretch)
    return stretches


def _over(gap: Gap, key: MeterKey, window: Sequence[Span], counted: Sequence[Span]) -> Fill:
    start, end = window[0].start, window[-1].end
    there = [one for one in counted if one.touches(start, end)]
    outside = [one for one in there if one.start < start or one.end > end]
    return Fill(
        key=key,
        start=start,
        end=end,
        down=max(
            0, sum(w.down for w in window) - sum(_within(s, s.down, start, end) for s in there)
        ),
        up=max(0, sum(w.up for w in window) - sum(_within(s, s.up, start, end) for s in there)),
        # what was taken off was all of the window's, so the difference is all that was missing
        whole=start <= gap.unknown_from
        and gap.unknown_to <= end
        and not any(one.down or one.up for one in outside),
    )


def _within(one: Span, count: int, start: datetime, end: datetime) -> int:
    """Return how much of *count* can have flowed from *start* to *end* at most."""
    if one.link_bps is None or (start <= one.start and one.end <= end):
        return count
    shared = min(one.end, end) - max(one.start, start) + _SLACK
    return min(count, carried(one.link_bps, shared // _MICROSECOND))
