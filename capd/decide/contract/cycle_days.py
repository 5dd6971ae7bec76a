"""UC-1, B-2: the day of the month on which a subscriber's periods begin is another."""

import calendar
from collections.abc import Mapping
from datetime import date

from capd.decide.contract.days import day_of
from capd.decide.holds import has_ended
from capd.decide.shapes import count
from capd.decide.told import Answer, FactKind, Refused, Told
from capd.decide.wording import date_text

KIND = "cycle_day"
_LAST = 31


def _cycle_day(told: Told) -> Answer:
    day, was = int(told.fact.details["day"]), told.standing.subscriber.cycle_day
    if not 1 <= day <= _LAST:
        return Refused(f"day: wants a day of the month, 1 to {_LAST}, not {day}")
    if has_ended(told.standing):
        return Refused("the contract has ended: an activation begins a new one")
    if day == was:
        return ()
    clause = told.policy.clauses.allowance
    by_days = ", with a cap by days" if told.policy.prorate else ""
    begins = date_text(next_day(day_of(told.now, told.zone), day))
    text = (
        f"Billing months begin on day {day} instead of {was}, first on {begins}; the one before "
        f"is a short one{by_days} ({clause})."
    )
    figures = {"day": day, "was": was, "note": told.get("note")}
    return (told.event(KIND, text, clause, figures),)


def next_day(today: date, day: int) -> date:
    """Return the first day after *today* that is the month's *day*, or its last where it is short.

    There the period begins that follows a change made *today*.
    """
    found = _in_month(today.year, today.month, day)
    if found > today:
        return found
    later = today.year * 12 + today.month  # the next month, counted from 0
    return _in_month(later // 12, later % 12 + 1, day)


def _in_month(year: int, month: int, day: int) -> date:
    return date(year, month, min(day, calendar.monthrange(year, month)[1]))


FACTS: Mapping[str, FactKind] = {
    KIND: FactKind(
        help="another day of the month on which the billing month begins; the running one ends "
        "early where that day comes first (UC-1, B-2)",
        required=("day",),
        optional=("note",),
        shapes={"day": count},
        accept=_cycle_day,
    ),
}
