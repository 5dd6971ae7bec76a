"""Working days, by the operator's own calendar."""

from datetime import date, timedelta

from capd.decide.terms.calendar import Calendar

_DAY = timedelta(days=1)


def is_working_day(day: date, calendar: Calendar) -> bool:
    """Say whether *day* is neither of a weekend nor a holiday."""
    return day.weekday() not in calendar.weekend and day not in calendar.holidays


def working_days_before(day: date, count: int, calendar: Calendar) -> date:
    """Return the day that lies *count* working days before *day*."""
    return _stepped(day, count, calendar, -_DAY)


def working_days_after(day: date, count: int, calendar: Calendar) -> date:
    """Return the day that lies *count* working days after *day*."""
    return _stepped(day, count, calendar, _DAY)


def _stepped(day: date, count: int, calendar: Calendar, step: timedelta) -> date:
    while count > 0:
        day += step
        count -= is_working_day(day, calendar)
    return day
