"""Days as contracts count them: local, whatever the clocks do."""

from datetime import UTC, date, datetime, time, timedelta, tzinfo

from capd.decide.breaches import months_after


def day_of(at: datetime, zone: tzinfo) -> date:
    """Return the local day of *at*."""
    return at.astimezone(zone).date()


def start_of(day: date, zone: tzinfo) -> datetime:
    """Return the local midnight that *day* begins with, in UTC."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def after_days(at: datetime, days: int, zone: tzinfo) -> datetime:
    """Return the same local time *days* later, in UTC."""
    return (at.astimezone(zone) + timedelta(days=days)).astimezone(UTC)


def after_months(day: date, months: int, zone: tzinfo) -> date:
    """Return the same day *months* later; the month's last day where it has no such day."""
    return day_of(months_after(start_of(day, zone), months, zone), zone)
