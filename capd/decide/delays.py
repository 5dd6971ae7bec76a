"""UC-8: the operator may take its time before anything follows from going over the cap."""

from datetime import datetime, timedelta

from capd.decide import quiet
from capd.decide.breaches import Current
from capd.decide.case import Case, Figures
from capd.decide.wording import moment_text
from capd.model import Event, Reason
from capd.units import rfc3339


def end(case: Case, breach: Current) -> datetime:
    """Return when the delay of *breach* is over: the later of the policy's and a person's."""
    hours = case.standing.product.delay_h
    by_policy = breach.at + timedelta(hours=case.policy.delay_h if hours is None else hours)
    granted = case.standing.delay
    return by_policy if granted is None else max(by_policy, granted.until)


def over_at(case: Case, breach: Current, *, stops: bool) -> datetime:
    """Return when something follows from *breach*: one that *stops* service waits as [quiet] says.

    Who goes over again after data was bought waits from now on, not from the first time.
    """
    until = end(case, breach)
    if not stops:
        return until
    recorded = breach.recorded
    again = recorded is not None and recorded.allowance_bytes != case.allowance
    since = max(until, case.now) if again else until
    return quiet.allowed(since, Reason.CAP, case.policy, case.zone)


def granted(case: Case) -> bool:
    """Say whether a person has put the process off, and that still holds."""
    delay = case.standing.delay
    return delay is not None and case.now < delay.until


def put_off(case: Case, breach: Current, until: datetime) -> tuple[Event, ...]:
    """Record a breach from which nothing follows before *until* (UC-8)."""
    allowance = case.allowance
    if breach.recorded is not None or allowance is None:
        return ()
    text = (
        f"Over the cap: {case.over_text}; "
        f"service goes on until {moment_text(until, case.zone)} ({case.policy.clauses.delay})."
    )
    figures: Figures = {
        "until": rfc3339(until),
        "period": case.period,
        "breach": breach.name,
        "breaches": breach.number,
        "counted_bytes": case.counted,
        "allowance_bytes": allowance,
    }
    return (case.event("suspension_delayed", text, case.policy.clauses.delay, figures),)
