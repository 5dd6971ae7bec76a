"""UC-11: warnings at set shares of the allowance, with what would follow (UC-6)."""

from capd.decide import breaches, caps, upgrades
from capd.decide.case import Case, Figures
from capd.decide.policy import Action
from capd.decide.wording import amount_text, day_text, money_text, of_text, price_text
from capd.model import Event


def reached(case: Case) -> tuple[Event, ...]:
    """Return the notice of the highest share that is reached, unless it was given already."""
    share = max((s for s in case.policy.notice_shares if _is_reached(case, s)), default=None)
    allowance = case.allowance
    if share is None or allowance is None or was_given(case, share):
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


def was_given(case: Case, share: int) -> bool:
    """Say whether this share, or a higher one, was told for at least this allowance (UC-11)."""
    allowance = case.allowance
    if allowance is None or not case.standing.given:
        return False
    return any(
        given.period == case.period
        and given.allowance_bytes >= allowance
        and given.notice.startswith("usage_")
        and int(given.notice.removeprefix("usage_")) >= share
        for given in case.standing.given
    )


def _is_reached(case: Case, share: int) -> bool:
    allowance = case.allowance
    return bool(allowance) and case.counted >= line(allowance or 0, share)


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
