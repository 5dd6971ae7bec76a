"""Which billing period a moment belongs to: months of the operator's zone, from a cycle day.

A changed cycle day ends the running period early and starts the new one on the new day. Where the
running one ends before that day comes, it runs to its end, and a short one follows. A plain day
stands for a cycle that was never changed.
"""

import calendar
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from capd.model import Cycle, Period

_MOMENT = timedelta(microseconds=1)
_SHORT, _LONG = len("2026-03"), len("2026-03-25")


def period_of(at: datetime, cycle: Cycle | int, zone: ZoneInfo) -> Period:
    """Return the period that *at* is in (UC-1): it starts on the cycle's day, local midnight.

    Where a month is shorter it starts on the month's last day, and on the day asked for again in
    the next. A day of a clock change has 23 or 25 hours.
    """
    return _period_of(at, _cycle(cycle), zone)


@lru_cache(maxsize=4096)  # a look at everybody asks for one moment, and few cycles
def _period_of(at: datetime, cycle: Cycle, zone: ZoneInfo) -> Period:
    if cycle.earlier:
        between = _between(cycle, zone)
        if at < between[0].start:
            return _regular(at, cycle.earlier[0][1], zone)
        if at < between[-1].end:
            return next(period for period in between if at < period.end)
    return _regular(at, cycle.day, zone)


def _cycle(cycle: Cycle | int) -> Cycle:
    return Cycle(cycle) if isinstance(cycle, int) else cycle


def _regular(at: datetime, day: int, zone: ZoneInfo) -> Period:
    local = at.astimezone(zone)
    period = _starting_in(local.year, local.month, day, zone)
    if at < period.start:
        year, month = _month_after(local.year, local.month, -1)
        return _starting_in(year, month, day, zone)
    return period


@lru_cache(maxsize=4096)
def _between(cycle: Cycle, zone: ZoneInfo) -> tuple[Period, ...]:
    """Return the periods from the one of the first change to the first whole one after the last."""
    first, last = cycle.earlier[0], cycle.earlier[-1]
    period = _regular(first[0], first[1], zone)
    found = [_ended(period.start, period.name, cycle, zone)]
    while True:
        start, before = found[-1].end, found[-1].start.astimezone(zone)
        local = start.astimezone(zone)
        again = (local.year, local.month) == (before.year, before.month)
        found.append(_ended(start, f"{local:%Y-%m-%d}" if again else f"{local:%Y-%m}", cycle, zone))
        if start > last[0] and _regular(start, cycle.day, zone).start == start:
            return tuple(found)


def _ended(start: datetime, name: str, cycle: Cycle, zone: ZoneInfo) -> Period:
    """Return the period that begins at *start*, ended early by what was changed in it."""
    whole = end = _regular(start, _day_at(start, cycle), zone).end
    for changed_at, day in _changes(cycle):
        if start < changed_at < end:
            end = min(whole, _regular(changed_at, day, zone).end)
    return Period(name=name, start=start, end=end)


def _changes(cycle: Cycle) -> Iterator[tuple[datetime, int]]:
    """Yield when the day was changed, and to which, oldest first."""
    days = [*(day for _, day in cycle.earlier[1:]), cycle.day]
    yield from zip((changed_at for changed_at, _ in cycle.earlier), days, strict=True)


def _day_at(at: datetime, cycle: Cycle) -> int:
    """Return the day that held at *at*."""
    return next((day for until, day in cycle.earlier if at < until), cycle.day)


def period_named(name: str, cycle: Cycle | int, zone: ZoneInfo) -> Period:
    """Return the period with the *name* "2026-03"; ValueError says what is wanted instead."""
    cycle = _cycle(cycle)
    if cycle.earlier:
        between = _between(cycle, zone)
        found = next((period for period in between if period.name == name), None)
        if found is not None:
            return found
        if name < between[0].name:
            return period_named(name, Cycle(cycle.earlier[0][1]), zone)
    try:
        year, month = (int(part) for part in name.split("-"))
        if len(name) != _SHORT:
            raise ValueError  # noqa: TRY301 - one sentence for both mistakes
        return _starting_in(year, month, cycle.day, zone)
    except ValueError:
        raise ValueError(f"wants a period such as 2026-03, not {name!r}") from None


def is_name(name: str) -> bool:
    """Say whether *name* could be a period's: "2026-03", or "2026-03-25"."""
    try:
        date.fromisoformat(f"{name}-01" if len(name) == _SHORT else name)
    except ValueError:
        return False
    return len(name) in {_SHORT, _LONG}


def next_period(period: Period, cycle: Cycle | int, zone: ZoneInfo) -> Period:
    """Return the period that begins where *period* ends."""
    return period_of(period.end, cycle, zone)


def period_before(period: Period, cycle: Cycle | int, zone: ZoneInfo) -> Period:
    """Return the period that ends where *period* begins."""
    return period_of(period.start - _MOMENT, cycle, zone)


def days_served(
    period: Period, cycle: Cycle | int, zone: ZoneInfo, *, since: date | None = None
) -> tuple[int, int] | None:
    """Return the days of *period* with service, and those of the whole that it is a part of.

    None: it is a whole one, with service on every day. *since* is the first day of service; one
    that is yet to come says nothing of the period.
    """
    cycle = _cycle(cycle)
    if since is None and not cycle.earlier:
        return None
    start, end = (at.astimezone(zone).date() for at in (period.start, period.end))
    whole = _regular(period.start, _day_at(period.start, cycle), zone)
    began = since if since is not None and start < since < end else start
    days = (whole.end.astimezone(zone).date() - whole.start.astimezone(zone).date()).days
    served = (end - began).days
    return None if served == days else (served, days)


@lru_cache(maxsize=4096)
def _starting_in(year: int, month: int, cycle_day: int, zone: ZoneInfo) -> Period:
    return Period(
        name=f"{year:04d}-{month:02d}",
        start=_start(year, month, cycle_day, zone),
        end=_start(*_month_after(year, month, 1), cycle_day, zone),
    )


def _start(year: int, month: int, cycle_day: int, zone: ZoneInfo) -> datetime:
    day = min(cycle_day, calendar.monthrange(year, month)[1])
    return datetime(year, month, day, tzinfo=zone).astimezone(UTC)


def _month_after(year: int, month: int, months: int) -> tuple[int, int]:
    whole = year * 12 + month - 1 + months
    return whole // 12, whole % 12 + 1
