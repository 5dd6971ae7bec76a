"""UC-11: warnings at set shares of the allowance, with what would follow (UC-6)."""

from capd.decide import breaches, caps, upgrades
from capd.decide.case import Case, Figures
from capd.decide.policy import Action
from capd.decide.wording import amount_text, day_text, money_text, of_text, price_text
from capd.model import Event


def reached(case: Case) -> tuple[Event, ...]:
    """Return the notice of the highest share that is reached, unless it was given already."""
    allowance, counted = case.allowance, case.counted
    if not allowance:
        return ()
    shares = [s for s in case.policy.notice_shares if counted >= line(allowance, s)]
    if not shares or (share := max(shares)) <= given_share(case):
        return ()
    figures: Figures = {
        "notice": f"usage_{share}",
        "period": case.period,
        "allowance_bytes": allowance,
        "counted_bytes": case.counted,
        "remaining_bytes": max(0, allowance - case.counted),
    }
    text = _text(case, share, allowance)
    return (case.event("notice", text, case.policy.clauses.notices, figures),)


def line(allowance: int, share: int) -> int:
    """Return the smallest whole number of bytes that is *share* per cent of *allowance*."""
    return -(-allowance * share // 100)


def given_share(case: Case) -> int:
    """Return the highest share that was told for at least this allowance; 0: none (UC-11)."""
    allowance = case.allowance
    if allowance is None or not case.standing.given:
        return 0
    shares = [
        int(given.notice.removeprefix("usage_"))
        for given in case.standing.given
        if given.period == case.period
        and given.allowance_bytes >= allowance
        and given.notice.startswith("usage_")
    ]
    return max(shares, default=0)


def _text(case: Case, share: int, allowance: int) -> str:
    used = f"{share} % of the allowance is used: {of_text(case.counted, allowance, case.unit)}"
    clause = case.policy.clauses.notices
    if case.is_over:
        return f"{used} ({clause})."
    end = day_text(case.standing.period.end, case.zone)
    left = f"{amount_text(allowance - case.counted, case.unit)} left until {end}"
    return f"{used}, {left}. {consequence(case)} ({clause})."


def consequence(case: Case) -> str:
    """Return what going over the cap would lead to now, as the clause of a sentence (UC-6)."""
    action = caps.action_for(case, breaches.next_number(case))
    if action is Action.CHARGE:
        terms = case.policy.overage
        each = f"{money_text(terms.unit_price)} {case.currency}"
        unit = amount_text(terms.unit_bytes, case.unit)
        once = f"{money_text(terms.fee)} {case.currency}"
        return (
            f"Beyond it service goes on, each {unit} begun costs {each}, "
            f"and {once} is charged once for administration"
        )
    to = next(upgrades.above(case), None) if action is Action.UPGRADE else None
    if to is not None:
        return f"Beyond it you are moved up to {to.name} at {price_text(to, case.currency)}"
    return "Beyond it service is suspended until more data is bought or a higher product is chosen"
