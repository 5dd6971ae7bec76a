"""What is left of the minimum term is charged for when a contract ends inside it (CT-2)."""

from dataclasses import dataclass
from datetime import datetime, tzinfo
from decimal import Decimal

from capd.decide import charges
from capd.decide.breaches import months_after
from capd.decide.case import Case
from capd.decide.contract import agreement
from capd.decide.contract.days import day_of, start_of
from capd.decide.wording import date_text, money_text
from capd.model import Event

_FREE = frozenset({"cooling_off", "move", "linked"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """What ending early costs, and the sentence's part that says so."""

    amount: Decimal
    months: int  # whole ones that are left
    days: int  # and days of the one after them
    of_days: int  # which has so many
    text: str


def left(at: datetime, until: datetime, zone: tzinfo) -> tuple[int, int, int]:
    """Return whole months from *at* to *until*, the days after them, and that last month's days."""
    months = 0
    while months_after(at, months + 1, zone) <= until:
        months += 1
    begun, over = months_after(at, months, zone), months_after(at, months + 1, zone)
    first, last = day_of(begun, zone), day_of(until, zone)
    return months, (last - first).days, (day_of(over, zone) - first).days


def due(case: Case, at: datetime, cause: str) -> Owed | None:
    """Return what ending at *at* by *cause* costs; None: nothing (CT-2, CT-3)."""
    known, terms = agreement.of(case.standing), case.policy.contract.ending
    price = case.standing.product.price
    if known is None or price is None or cause in _FREE:
        return None
    if cause == "breach" and not terms.early_for_cause:
        return None
    until = start_of(known.bound_until(case.zone), case.zone)
    if at >= until or not terms.early_share:
        return None
    months, days, of_days = left(at, until, case.zone)
    share = Decimal(terms.early_share) / 100
    # one division, at the end: a third of a month, three times, is a month
    amount = charges.rounded((months * of_days + days) * price * share / of_days)
    if not amount:
        return None
    text = (
        f"{money_text(amount)} {case.currency} for what is left of the minimum term until "
        f"{date_text(known.bound_until(case.zone))}"
    )
    return Owed(amount=amount, months=months, days=days, of_days=of_days, text=text)


def charge(case: Case, at: datetime, cause: str) -> tuple[Event, ...]:
    """Charge for what is left of the minimum term, once: a contract ends once."""
    owed, known = due(case, at, cause), agreement.of(case.standing)
    if owed is None or known is None:
        return ()
    terms = case.policy.contract.ending
    figures = charges.figures(
        case.standing.subscriber.id,
        "early_termination",
        known.activated_on.isoformat(),
        owed.amount,
        currency=case.currency,
        behind={
            "months_left": owed.months,
            "days_left": owed.days,
            "of_days": owed.of_days,
            "term_until": known.bound_until(case.zone).isoformat(),
            "price": charges.exact(case.standing.product.price or Decimal(0)),
            "share_percent": terms.early_share,
        },
    )
    text = f"{owed.text[0].upper()}{owed.text[1:]} ({terms.early})."
    return (case.event("charge", text, terms.early, figures, at=at),)
