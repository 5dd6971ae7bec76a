"""Which billing period a moment belongs to: months of the operator's zone, from a cycle day."""

import calendar
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from capd.model import Period

_MOMENT = timedelta(microseconds=1)


def period_of(at: datetime, cycle_day: int, zone: ZoneInfo) -> Period:
    """Return the period that *at* is in (UC-1): it starts on *cycle_day*, 1 to 31, local midnight.

    Where a month is shorter it starts on the month's last day, and on the day asked for again in
    the next. A day of a clock change has 23 or 25 hours.
    """
    local = at.astimezone(zone)
    period = _starting_in(local.year, local.month, cycle_day, zone)
    if at < period.start:
        year, month = _month_after(local.year, local.month, -1)
        return _starting_in(year, month, cycle_day, zone)
    return period


def period_named(name: str, cycle_day: int, zone: ZoneInfo) -> Period:
    """Return the period with the *name* "2026-03"; ValueError says what is wanted instead."""
    try:
        year, month = (int(part) for part in name.split("-"))
        if len(name) != len("2026-03"):
            raise ValueError  # noqa: TRY301 - one sentence for both mistakes
        return _starting_in(year, month, cycle_day, zone)
    except ValueError:
        raise ValueError(f"wants a period such as 2026-03, not {name!r}") from None


def next_period(period: Period, cycle_day: int, zone: ZoneInfo) -> Period:
    """Return the period that begins where *period* ends."""
    return period_of(period.end, cycle_day, zone)


def period_before(period: Period, cycle_day: int, zone: ZoneInfo) -> Period:
    """Return the period that ends where *period* begins."""
    return period_of(period.start - _MOMENT, cycle_day, zone)


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
