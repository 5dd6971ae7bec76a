"""Holds: when they close by themselves, and what the open ones leave of the service."""

from collections.abc import Iterable
from datetime import datetime

from capd.decide import delays
from capd.decide.case import A_HOLD, Case, Figures, needs
from capd.decide.policy import Policy
from capd.decide.wording import amount_text, day_text, moment_text, of_text
from capd.model import Event, Hold, Product, Reason, Service, Standing

NAMES = {
    Reason.CAP: "going over the cap",
    Reason.NON_PAYMENT: "a missed payment",
    Reason.BREACH: "a breach of the contract",
    Reason.AUP: "a breach of the acceptable use policy",
    Reason.SECURITY: "an insecure or infected machine",
    Reason.FRAUD: "suspected fraud",
    Reason.RESTRICTED: "activity that harms others",
    Reason.MAINTENANCE: "maintenance",
    Reason.PREPAID: "a used-up prepaid balance",
    Reason.SPIKE: "an unusual spike of usage",
    Reason.OPERATOR: "a decision of the operator",
    Reason.CREDENTIALS: "a log-in that others know",
    Reason.LINKED: "the connection that it hangs on",
    Reason.ENDED: "the end of the contract",
}


@needs(A_HOLD)
def closings(case: Case) -> tuple[Event, ...]:
    """Return the holds that end by themselves, in the order in which they ended."""
    found = [event for hold in case.standing.holds for event in _closing(case, hold)]
    return tuple(sorted(found, key=lambda event: event.at))


def _closing(case: Case, hold: Hold) -> Iterable[Event]:
    """Yield the first of the endings that applies to *hold*."""
    for ending in (_at_its_end, _in_a_new_period, _under_the_cap, _put_off):
        event = ending(case, hold)
        if event is not None:
            yield event
            return


def _at_its_end(case: Case, hold: Hold) -> Event | None:
    """Close a hold that has an end (NM-4)."""
    if hold.until is None or case.now < hold.until:
        return None
    text = (
        f"The hold for {NAMES[hold.reason]} ended on "
        f"{moment_text(hold.until, case.zone)} ({hold.clause})."
    )
    return closed(hold, at=hold.until, clause=hold.clause, text=text)


def _in_a_new_period(case: Case, hold: Hold) -> Event | None:
    """Close a hold for the cap with the period that was used up (UC-1)."""
    period = case.standing.period
    if hold.reason is not Reason.CAP:
        return None
    if hold.period == period.name and hold.opened_at >= period.start:
        return None
    ended = (u.period.end for u in case.standing.previous if u.period.name == hold.period)
    at = min(period.start, next(ended, period.start))
    clause = case.policy.clauses.allowance
    text = f"A new period began on {day_text(at, case.zone)}: the allowance starts afresh"
    return closed(hold, at=at, clause=clause, text=f"{text} ({clause}).")


def _under_the_cap(case: Case, hold: Hold) -> Event | None:
    """Close it when more data or a higher cap puts usage within the allowance (UC-3)."""
    if hold.reason is not Reason.CAP or case.is_over:
        return None
    clause, allowance = case.policy.clauses.back, case.allowance
    used = (
        f"{amount_text(case.counted, case.unit)} used, no cap"
        if allowance is None
        else f"{of_text(case.counted, allowance, case.unit)} used"
    )
    figures = {"counted_bytes": case.counted, "allowance_bytes": allowance}
    text = f"Back within the allowance: {used} ({clause})."
    return closed(hold, at=case.now, clause=clause, text=text, figures=figures)


def _put_off(case: Case, hold: Hold) -> Event | None:
    """Close it while the operator's discretion lasts (UC-8)."""
    delay = case.standing.delay
    if hold.reason is not Reason.CAP or delay is None or not delays.granted(case):
        return None
    clause = case.policy.clauses.delay
    text = (
        "The operator has put off the suspension for going over the cap until "
        f"{moment_text(delay.until, case.zone)} ({clause})."
    )
    return closed(hold, at=case.now, clause=clause, text=text)


def closed(
    hold: Hold,
    *,
    at: datetime,
    clause: str,
    text: str,
    author: str = "capd",
    figures: Figures | None = None,
) -> Event:
    """Return the event that *hold* closed."""
    period = {} if hold.period is None else {"period": hold.period}
    return Event(
        at=at,
        kind="hold_closed",
        text=text,
        clause=clause,
        subscriber=hold.subscriber,
        author=author,
        figures={"reason": hold.reason.value, **period, **(figures or {})},
    )


def has_ended(standing: Standing) -> bool:
    """Say whether the contract has ended: then its hold is open (CT-15)."""
    return any(hold.reason is Reason.ENDED for hold in standing.holds)


def blocking(holds: Iterable[Hold], policy: Policy) -> tuple[Hold, ...]:
    """Return the *holds* that keep the subscriber off, the one that came first at the front."""
    kept = (hold for hold in holds if policy.hold_rule(hold.reason).blocking)
    return tuple(sorted(kept, key=lambda hold: (hold.opened_at, hold.reason.value)))


def limiting(holds: Iterable[Hold], policy: Policy) -> tuple[Hold, ...]:
    """Return the *holds* that only limit the rates, the one that came first at the front (NM-4)."""
    kept = (hold for hold in holds if not policy.hold_rule(hold.reason).blocking)
    limits = (hold for hold in kept if hold.reason is not Reason.CREDENTIALS)
    return tuple(sorted(limits, key=lambda hold: (hold.opened_at, hold.reason.value)))


def owed(product: Product, holds: Iterable[Hold], policy: Policy) -> Service:
    """Return the service owed: suspended while a blocking hold is open, else at these rates."""
    holds = tuple(holds)
    down, up = product.down_bps, product.up_bps
    for hold in holds:
        rule = policy.hold_rule(hold.reason)
        if not rule.blocking:  # NM-4: a limit, on top of the product's
            down = _lower(down, hold.down_bps or rule.down_bps)
            up = _lower(up, hold.up_bps or rule.up_bps)
    suspended = bool(blocking(holds, policy))
    return Service(product=product.id, suspended=suspended, down_bps=down, up_bps=up)


def _lower(one: int | None, other: int | None) -> int | None:
    rates = [rate for rate in (one, other) if rate is not None]
    return min(rates, default=None)
