"""A period that is over: what late bytes prove about it still counts, but stops nobody now."""

from collections.abc import Mapping
from datetime import datetime, tzinfo

from capd.decide import breaches, caps, delays, overage
from capd.decide.breaches import Current
from capd.decide.case import Case, Figures
from capd.decide.policy import Action, Policy
from capd.decide.wording import month_text
from capd.model import Event, Product, ProductId, Standing


def settle(
    standing: Standing,
    catalogue: Mapping[ProductId, Product],
    policy: Policy,
    now: datetime,
    *,
    currency: str,
    zone: tzinfo,
) -> tuple[Event, ...]:
    """Return what becomes different by late bytes of a period that ended before *now*.

    *standing* is of that period. A breach that a reading shows only after the period's end counts
    in the window and is charged for where the policy charges (UC-4); no hold opens, because it
    would have closed with the period (UC-1), and nobody is moved. The second time: nothing.
    """
    case = Case(
        standing=standing,
        catalogue=catalogue,
        policy=policy,
        now=now,
        currency=currency,
        zone=zone,
    )
    if not case.is_over:
        return ()
    breach = breaches.current(case)
    charged = caps.action_for(case, breach.number) is Action.CHARGE
    if charged and now >= delays.end(case, breach) and not _was_suspended(case, breach):
        return overage.charges(case, breach)
    return () if breach.recorded is not None else (_seen_late(case, breach),)


def _was_suspended(case: Case, breach: Current) -> bool:
    """Say whether the breach was answered with a hold: who was off is not charged as well."""
    return breach.recorded is not None and not any(
        charged.breach == breach.name for charged in case.standing.charged
    )


def _seen_late(case: Case, breach: Current) -> Event:
    clause, allowance = case.policy.clauses.repeat, case.allowance or 0
    text = (
        f"Over the cap in {month_text(case.period)}: {case.over_text}, "
        f"as was seen only after its end; it counts, and service goes on ({clause})."
    )
    figures: Figures = {
        "period": case.period,
        "breach": breach.name,
        "breaches": breach.number,
        "counted_bytes": case.counted,
        "allowance_bytes": allowance,
    }
    return case.event("breach", text, clause, figures)
