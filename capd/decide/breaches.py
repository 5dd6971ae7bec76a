"""UC-4: which breach this is, and how many there were in the rolling window."""

import calendar
from dataclasses import dataclass
from datetime import datetime, tzinfo

from capd.decide.case import Case
from capd.model import Breach


@dataclass(frozen=True, slots=True, kw_only=True)
class Current:
    """The breach that the usage now amounts to."""

    name: str  # "2026-03"; "2026-03/2" where a second one in a period counts
    at: datetime  # when it was first seen
    number: int  # in the window, this one included
    recorded: Breach | None  # None: seen now for the first time


def months_after(at: datetime, months: int, zone: tzinfo) -> datetime:
    """Return the same local time *months* later; the month's last day where it has no such day."""
    local = at.astimezone(zone)
    whole = local.year * 12 + local.month - 1 + months
    year, month = whole // 12, whole % 12 + 1
    day = min(local.day, calendar.monthrange(year, month)[1])
    return local.replace(year=year, month=month, day=day).astimezone(at.tzinfo)


def current(case: Case) -> Current:
    """Return the breach of this period: the one on record, or one that begins now (UC-4)."""
    mine = of_period(case)
    last = mine[-1] if mine else None
    if last is not None and not _begins_again(case, last):
        return Current(name=last.period, at=last.at, number=number_at(case, last.at), recorded=last)
    name = case.period if last is None else f"{case.period}/{len(mine) + 1}"
    return Current(name=name, at=case.now, number=number_at(case, case.now) + 1, recorded=None)


def of_period(case: Case) -> list[Breach]:
    """Return the breaches on record of this period, oldest first."""
    return [b for b in case.standing.breaches if b.period.split("/")[0] == case.period]


def number_at(case: Case, at: datetime) -> int:
    """Return how many recorded breaches the window that ends with *at* has."""
    months = case.policy.window_months
    return sum(
        breach.at <= at < months_after(breach.at, months, case.zone)
        for breach in case.standing.breaches
    )


def next_number(case: Case) -> int:
    """Return which breach in the window going over now would be (for a warning)."""
    mine = of_period(case)
    if mine and not case.policy.second_breach_in_same_period:
        return number_at(case, mine[-1].at)
    return number_at(case, case.now) + 1


def _begins_again(case: Case, last: Breach) -> bool:
    """Say whether usage went over a second time in the period, and the policy counts that.

    It did if the allowance has come to cover what was used when it first went over; where the
    excess is charged for it is one breach throughout.
    """
    return (
        case.policy.second_breach_in_same_period
        and case.allowance is not None
        and case.allowance >= last.counted_bytes
        and not any(charged.breach == last.period for charged in case.standing.charged)
    )
