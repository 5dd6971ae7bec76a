"""UC-8: suspensions that wait for a working hour of the operator's own calendar."""

from datetime import UTC, date, datetime, time, timedelta, tzinfo

from capd.decide.policy import Policy
from capd.model import Reason

_DAY = timedelta(days=1)
_LOOK_AHEAD = 400  # days; a calendar without a working day in a year keeps nobody in service


def allowed(at: datetime, reason: Reason, policy: Policy, zone: tzinfo) -> datetime:
    """Return the first moment from *at* on at which service may be stopped for *reason*."""
    terms = policy.quiet
    if reason not in terms.reasons:
        return at
    day = at.astimezone(zone).date()
    for _ in range(_LOOK_AHEAD):
        opens = local(datetime.combine(day, terms.opens), zone)
        until = day + _DAY if terms.closes is None else day
        closes = local(datetime.combine(until, terms.closes or time()), zone)
        if at < closes and _is_open(day, policy):
            return max(at, opens)
        day += _DAY
    return at


def local(wall: datetime, zone: tzinfo) -> datetime:
    """Return the moment, in UTC, when clocks in *zone* show *wall*.

    One that a clock change skips is as much later; of one that comes twice it is the first.
    """
    return wall.replace(tzinfo=zone).astimezone(UTC)


def _is_open(day: date, policy: Policy) -> bool:
    terms, calendar = policy.quiet, policy.calendar
    if terms.weekends and day.weekday() in calendar.weekend:
        return False
    return not (terms.holidays and day in calendar.holidays)
