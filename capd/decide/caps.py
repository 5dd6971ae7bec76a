"""UC-2, UC-4, UC-8: what follows from using more than the allowance."""

from datetime import datetime

from capd.decide import breaches, delays, overage, upgrades
from capd.decide.breaches import Current
from capd.decide.case import Case, Figures
from capd.decide.policy import Action
from capd.decide.wording import day_text
from capd.model import Event, Reason


def over(case: Case) -> tuple[Event, ...]:
    """Return what follows now from being over the cap; nothing while a hold for it is open."""
    if not case.is_over or case.cap_hold is not None:
        return ()
    breach = breaches.current(case)
    until = follows_at(case, breach)
    if case.now < until:
        return delays.put_off(case, breach, until)
    action = action_for(case, breach.number)
    if action is Action.CHARGE:
        return overage.charges(case, breach)
    if action is Action.UPGRADE:
        return upgrades.moved_up(case, breach) or _suspended(case, breach)
    return _suspended(case, breach)


def follows_at(case: Case, breach: Current) -> datetime:
    """Return when something follows from *breach*; a suspension may wait for a working hour."""
    action = action_for(case, breach.number)
    moved = action is Action.UPGRADE and upgrades.target(case) is not None
    stops = not moved and action is not Action.CHARGE
    return delays.over_at(case, breach, stops=stops)


def action_for(case: Case, number: int) -> Action:
    """Return what the policy does about breach *number* in the window (UC-2, UC-4)."""
    return case.policy.first_action if number <= 1 else case.policy.repeat_action


def suspended_text(case: Case) -> str:
    """Return why service is off, and the three ways back (UC-3, UC-6)."""
    back = day_text(case.standing.period.end, case.zone)
    return (
        f"Over the cap: {case.over_text}; service is suspended "
        "until more data is bought, a higher product is chosen, or the new period starts on "
        f"{back} ({case.policy.hold_rule(Reason.CAP).clause})."
    )


def _suspended(case: Case, breach: Current) -> tuple[Event, ...]:
    figures: Figures = {
        "reason": Reason.CAP.value,
        "period": case.period,
        "breach": breach.name,
        "breaches": breach.number,
        "counted_bytes": case.counted,
        "allowance_bytes": case.allowance,
    }
    recorded = breach.recorded
    at, until = case.now, delays.over_at(case, breach, stops=True)
    if recorded is not None and recorded.allowance_bytes == case.allowance and until > recorded.at:
        at = until  # over ever since, so it fell due then, even if nobody looked
    clause = case.policy.hold_rule(Reason.CAP).clause
    return (case.event("hold_opened", suspended_text(case), clause, figures, at=at),)
