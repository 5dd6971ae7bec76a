"""Reports: usage of any range a subscriber (E-4), and the readings behind a charge (E-5)."""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from itertools import accumulate
from typing import Any

from capd.account.buckets import Ranged
from capd.account.history import Figures, Span
from capd.account.report import seconds
from capd.answers.subscribers import standing_of
from capd.answers.usage import product_at
from capd.house import House
from capd.model import Counts, SubscriberId
from capd.store.reports import Charge
from capd.store.rows import unsigned
from capd.units import micros, moment, rfc3339

_PAGE = 100  # subscribers in memory
Row = dict[str, object]
Progress = Callable[[int, int], None]
"""Told how many subscribers are done, and of how many."""


class Part(StrEnum):
    """What a report of usage is divided into."""

    WHOLE = "whole"
    PERIOD = "period"
    MONTH = "month"
    DAY = "day"


async def usage(
    house: House,
    start: datetime,
    end: datetime,
    by: Part,
    *,
    only: SubscriberId | None = None,
    progress: Progress = lambda _done, _whole: None,
) -> AsyncIterator[Row]:
    """Yield what each subscriber used from *start* up to *end*, one after the other (E-4).

    A row whose `cut` is true is kept as a whole and reaches beyond the range: it is no part of
    the other rows, and how much of it belongs to the range nobody knows.
    """
    store = house.store.reports
    whole, done = (await store.how_many() if only is None else 1), 0
    progress(done, whole)
    some = await store.subscribers("", _PAGE) if only is None else [only]
    while some:
        names = await _names(house, some, start, end, by)
        cuts = {who: sorted({micros(start), *names[who], micros(end)}) for who in some}
        for who, found in (await store.ranged(cuts, house.zone)).items():
            if by is Part.WHOLE:
                found.sums.setdefault((cuts[who][0], cuts[who][-1]), (0, 0, 0, 0))
            for row in _told(who, found, names[who]):
                yield row
        progress(done := done + len(some), whole)
        some = await store.subscribers(some[-1], _PAGE) if only is None else []


async def _names(
    house: House, some: Sequence[SubscriberId], start: datetime, end: datetime, by: Part
) -> dict[SubscriberId, dict[int, str]]:
    """Return, for each of *some*, the names of the report's parts by when they begin."""
    if by is Part.PERIOD:
        found = await house.store.reports.periods(some, start, end)
        return {who: _clipped(periods, start, end) for who, periods in found.items()}
    if by is Part.WHOLE:
        return {who: {} for who in some}
    same = {micros(at): name for name, at in _local(start, end, by, house)}
    return dict.fromkeys(some, same)


def _clipped(
    periods: Iterable[tuple[str, datetime, datetime]], start: datetime, end: datetime
) -> dict[int, str]:
    names: dict[int, str] = {}
    for name, since, until in periods:
        names |= {micros(max(since, start)): name, micros(min(until, end)): ""}
    return names


def _local(start: datetime, end: datetime, by: Part, house: House) -> list[tuple[str, datetime]]:
    """Return the local days or months that touch the range, by the moment they begin in it."""
    day = start.astimezone(house.zone).date()
    found = []
    while (at := datetime.combine(day, time(), house.zone)) < end:
        name = f"{day:%Y-%m}" if by is Part.MONTH else day.isoformat()
        found.append((name, max(at, start)))
        day = _month_after(day) if by is Part.MONTH else day + timedelta(days=1)
    return found


def _month_after(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def _told(who: SubscriberId, found: Ranged, names: dict[int, str]) -> list[Row]:
    spans = [(span, figures, False) for span, figures in found.sums.items()]
    spans += [(span, figures, True) for span, figures in found.cut.items()]
    return [
        {
            "subscriber": who,
            "part": names.get(start) or None,
            "from": rfc3339(moment(start)),
            "to": rfc3339(moment(end)),
            "down_bytes": figures[0],
            "up_bytes": figures[1],
            "total_bytes": figures[0] + figures[1],
            "estimated_bytes": figures[2],
            "unknown_s": seconds(figures[3]),
            "cut": cut,
        }
        for (start, end), figures, cut in sorted(spans)
    ]


async def charge(house: House, found: Charge) -> Row:
    """Return a charge, its figures, and every reading that they came from (E-5).

    `adds_up` says that the readings, with what is kept by the hour or day by now, come to the
    bytes that the charge names; None where it names none.
    """
    event, figures = found.event, found.event.figures
    record: Row = {
        "id": found.number,
        "at": rfc3339(event.at),
        "subscriber": event.subscriber,
        "clause": event.clause,
        "text": event.text,
        **figures,
        "hash": found.digest,
        "unbroken": found.unbroken,
    }
    counted, period = figures.get("counted_bytes"), figures.get("period")
    if not isinstance(counted, int) or period is None or event.subscriber is None:
        return record | {"adds_up": None, "readings": [], "kept_as_a_whole": []}
    asked = await standing_of(house, event.subscriber, event.at)
    counts = (await product_at(house, asked, event.at)).counts
    posted, kept = await house.store.reports.behind(event.subscriber, str(period), event.at)
    whole = [_kept(span, sums, counts) for span, sums in sorted(kept.items())]
    readings = [_reading(row, counts) for row in posted]
    base = sum(int(str(row["counted_bytes"])) for row in whole)
    until = _up_to(readings, base, counted, rfc3339(event.at))
    shown = readings if until is None else readings[:until]
    return record | {
        "counts": counts.value,
        "adds_up": until is not None,
        "readings_bytes": base + sum(int(str(row["counted_bytes"])) for row in shown),
        "posted_later": len(readings) - len(shown),
        "readings": shown,
        "kept_as_a_whole": whole,
    }


def _up_to(readings: Sequence[Row], base: int, counted: int, at: str) -> int | None:
    """Return how many of *readings* had been posted when *counted* was reached; None: never.

    They are in the order in which they were posted, which is that in which they were counted.
    """
    sums = list(accumulate((int(str(row["counted_bytes"])) for row in readings), initial=base))
    found = [n for n, sum_ in enumerate(sums) if sum_ == counted]
    if not found:
        return None
    by_then = [n for n in found if n == 0 or str(readings[n - 1]["to"]) <= at]
    return max(by_then, default=found[0])


def _counted(counts: Counts, down: int, up: int) -> int:
    return {Counts.DOWNLOAD: down, Counts.UPLOAD: up, Counts.BOTH: down + up}[counts]


def _kept(span: Span, figures: Figures, counts: Counts) -> Row:
    down, up, estimated, unknown_us = figures
    return {
        "from": rfc3339(moment(span[0])),
        "to": rfc3339(moment(span[1])),
        "down_bytes": down,
        "up_bytes": up,
        "counted_bytes": _counted(counts, down, up),
        "estimated_bytes": estimated,
        "unknown_s": seconds(unknown_us),
    }


def _reading(row: Any, counts: Counts) -> Row:  # noqa: ANN401 - a row of the store
    span = (row["started_at"], row["ended_at"])
    figures = (row["down"], row["up"], row["estimated"], row["unknown_us"])
    return {
        "device": row["device"],
        "meter": row["meter"],
        **_kept(span, figures, counts),
        "down_counter": unsigned(row["down_raw"]),
        "up_counter": unsigned(row["up_raw"]),
        "quality": row["quality"],
        "rule": row["rule"],
    }
