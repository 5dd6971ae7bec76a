"""UC-4 (b): who goes over again keeps their service and is charged for the excess."""

from decimal import Decimal

from capd.decide import charges as charge_events
from capd.decide.breaches import Current
from capd.decide.case import Case, Figures
from capd.decide.wording import amount_text, money_text
from capd.model import Event, Unit

ADMINISTRATION = "administration"
OVERAGE = "overage"
_MOST_AT_ONCE = 100  # a leap over more units than this ends in one charge for the rest


def started_units(case: Case) -> int:
    """Return how many units over the allowance were begun."""
    excess = case.counted - (case.allowance or 0)
    return max(0, -(-excess // case.policy.overage.unit_bytes))


def charged_units(case: Case) -> int:
    """Return how many units were charged in this period: they are paid for, as an allowance is."""
    return sum(
        charged.units
        for charged in case.standing.charged
        if charged.charge == OVERAGE and charged.breach.split("/")[0] == case.period
    )


def charges(case: Case, breach: Current) -> tuple[Event, ...]:
    """Return one charge a unit begun and not yet charged, after the fee of a new breach."""
    before, after = charged_units(case), started_units(case)
    if after <= before:
        return ()
    together = case.unit is Unit.SECONDS  # a call is one charge, however many minutes it takes
    single = 1 if together else min(after - before, _MOST_AT_ONCE)
    sizes = [1] * single
    sizes[-1] += after - before - single
    events, unit = list(_fee(case, breach)), before + 1
    for units in sizes:
        events.append(_unit(case, breach, unit, units))
        unit += units
    return tuple(events)


def _fee(case: Case, breach: Current) -> tuple[Event, ...]:
    fee = case.policy.overage.fee
    paid = any(
        charged.charge == ADMINISTRATION and charged.breach == breach.name
        for charged in case.standing.charged
    )
    if paid or not fee:
        return ()
    what = f"an administration charge of {money_text(fee)} {case.currency} applies"
    return (_charge(case, breach, what, charge=ADMINISTRATION, amount=fee, figures={"units": 1}),)


def _unit(case: Case, breach: Current, unit: int, units: int) -> Event:
    terms = case.policy.overage
    amount = terms.unit_price * units
    which = f"unit {unit}" if units == 1 else f"units {unit} to {unit + units - 1}"
    of = amount_text(terms.unit_bytes, case.unit)
    cost = "costs" if units == 1 else "cost"
    what = f"{which} of {of} {cost} {money_text(amount)} {case.currency}"
    figures: Figures = {
        "unit": unit,
        "units": units,
        "unit_bytes": terms.unit_bytes,
        "unit_price": money_text(terms.unit_price),
    }
    return _charge(case, breach, what, charge=OVERAGE, amount=amount, figures=figures)


def _charge(
    case: Case, breach: Current, what: str, *, charge: str, amount: Decimal, figures: Figures
) -> Event:
    clause, allowance = case.policy.clauses.repeat, case.allowance or 0
    used = case.over_text
    text = f"Over the cap: {used}; service goes on, and {what} ({clause})."
    unit = figures.get("unit")
    behind: Figures = {
        **figures,
        "period": case.period,
        "breach": breach.name,
        "breaches": breach.number,
        "counted_bytes": case.counted,
        "allowance_bytes": allowance,
    }
    what_for = breach.name if unit is None else f"{case.period}/{unit}"
    told = charge_events.figures(
        case.standing.subscriber.id, charge, what_for, amount, currency=case.currency, behind=behind
    )
    return case.event("charge", text, clause, told)
