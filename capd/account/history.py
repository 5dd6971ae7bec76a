"""Usage by local hour and by local day, the same whether readings are still there or not (CN-12).

A day is the sum of its hours, so what was kept by hour makes the very days that readings make.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

from capd.account.usage import shared
from capd.model import Part
from capd.units import micros, moment

By = Literal["hour", "day"]
Span = tuple[int, int]
"""Start and end in microseconds since 1970 UTC."""
Figures = tuple[int, int, int, int]
"""Down, up and estimated bytes, unknown microseconds."""
Sums = dict[Span, Figures]
Row = tuple[datetime, datetime, int, int, int, int]
"""Start, end and the figures, as people are shown them."""

_QUARTER = 900_000_000  # no zone's offset changes within one
_HOUR = 3_600_000_000


def by_time(parts: Sequence[Part], by: By, zone: ZoneInfo) -> list[Row]:
    """Return (start, end, down, up, estimated bytes, unknown microseconds) a local hour or day.

    Only spans with something in them, oldest first; their sums are the sums of *parts*.
    """
    sums: Sums = {}
    for part in parts:
        figures = (part.down_bytes, part.up_bytes, part.estimated_bytes, part.unknown_us)
        add_hours(sums, micros(part.started_at), micros(part.ended_at), figures, zone)
    return as_rows(sums if by == "hour" else by_day(sums, zone))


def add_hours(sums: Sums, start: int, end: int, figures: Figures, zone: ZoneInfo) -> None:
    """Add *figures* to the local hours of *sums* that *start* to *end* touches, shared by time."""
    spans = [_hour_at(start, zone)]
    if end <= spans[0][1]:
        add(sums, spans[0], figures)
        return
    while spans[-1][1] < end:
        spans.append(_hour_at(spans[-1][1], zone))
    cuts = [since for since, _ in spans[1:]]
    columns = [shared(count, start, end, cuts) for count in figures]
    for span, down, up, estimated, unknown_us in zip(spans, *columns, strict=True):
        add(sums, span, (down, up, estimated, unknown_us))


def by_day(hours: Sums, zone: ZoneInfo) -> Sums:
    """Return *hours* added up to local days."""
    sums: Sums = {}
    for (start, _), figures in hours.items():
        add(sums, _day_at(start, zone), figures)
    return sums


def add(sums: Sums, span: Span, figures: Figures) -> None:
    """Add *figures* to what *sums* has of *span*."""
    old = sums.get(span)
    if old is not None:
        figures = (
            old[0] + figures[0], old[1] + figures[1], old[2] + figures[2], old[3] + figures[3],
        )  # fmt: skip
    sums[span] = figures


def added_up(several: Iterable[Figures]) -> Figures:
    """Return the sum of *several* figures."""
    sums: Sums = {(0, 0): (0, 0, 0, 0)}
    for figures in several:
        add(sums, (0, 0), figures)
    return sums[0, 0]


def as_rows(sums: Sums) -> list[Row]:
    """Return *sums* as people are shown them, oldest first."""
    return [(moment(start), moment(end), *sums[start, end]) for start, end in sorted(sums)]


def _hour_at(at: int, zone: ZoneInfo) -> Span:
    start, end = _hour_of_quarter(at // _QUARTER, zone)
    return (start, end) if at < end else (start + _HOUR, end + _HOUR)


@lru_cache(maxsize=50_000)
def _hour_of_quarter(quarter: int, zone: ZoneInfo) -> Span:
    """Return the local hour that a quarter of an hour begins in.

    Counted in UTC, so that the hour that a clock change repeats stays two hours.
    """
    at = quarter * _QUARTER
    local = moment(at).astimezone(zone)
    start = at - (local.minute * 60 + local.second) * 1_000_000
    return start, start + _HOUR


@lru_cache(maxsize=20_000)
def _day_at(at: int, zone: ZoneInfo) -> Span:
    local = moment(at).astimezone(zone)
    floor = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    return micros(floor), micros(floor + timedelta(days=1))
