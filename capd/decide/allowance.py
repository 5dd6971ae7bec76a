"""UC-1, UC-10: the sentence behind the service that is owed, with the figures."""

from capd.decide import breaches, caps, holds
from capd.decide.case import Case
from capd.decide.prepaid import balance
from capd.decide.wording import amount_text, day_text, list_text, moment_text, of_text, rate_clause
from capd.model import Hold, Reason


def why(case: Case) -> tuple[str, str | None]:
    """Return why the subscriber has what they are owed, and the clause behind it."""
    blocking = holds.blocking(case.standing.holds, case.policy)
    if blocking:
        first = blocking[0]
        return _suspended(case, first, blocking[1:]), first.clause
    limits = holds.limiting(case.standing.holds, case.policy)
    if limits:
        return _limited(case, limits[0]), limits[0].clause
    if case.is_over:
        return _over_in_service(case)
    return f"In service: {used_text(case)}.", None


def used_text(case: Case) -> str:
    """Return what was used, and until when the rest may be."""
    end = day_text(case.standing.period.end, case.zone)
    rest = balance.left(case.standing)
    if rest is not None:
        return f"{amount_text(max(0, rest), case.unit)} of the balance left"
    if case.allowance is None:
        return f"{amount_text(case.counted, case.unit)} used since {_start(case)}, no cap"
    used = f"{of_text(case.counted, case.allowance, case.unit)} used"
    return f"{used}, the new period starts on {end}"


def _over_in_service(case: Case) -> tuple[str, str]:
    """Return why nobody stops a subscriber who is over the cap: put off, or charged for."""
    until, used = caps.follows_at(case, breaches.current(case)), used_text(case)
    if case.now < until:
        clause = case.policy.clauses.delay
        when = moment_text(until, case.zone)
        return f"Over the cap, and in service until {when} all the same ({clause}): {used}.", clause
    clause = case.policy.clauses.repeat
    return f"Over the cap, and in service: the excess is charged ({clause}): {used}.", clause


def _suspended(case: Case, first: Hold, others: tuple[Hold, ...]) -> str:
    if first.reason is Reason.CAP:
        text = caps.suspended_text(case)
    else:
        until = "" if first.until is None else f" until {moment_text(first.until, case.zone)}"
        text = f"Service is suspended{until} for {holds.NAMES[first.reason]} ({first.clause})."
    if not others:
        return text
    named = [f"{holds.NAMES[hold.reason]} ({hold.clause})" for hold in others]
    return f"{text[:-1]}; and also for {list_text(named, 'and')}."


def _limited(case: Case, hold: Hold) -> str:
    owed = holds.owed(case.standing.product, case.standing.holds, case.policy)
    until = "" if hold.until is None else f" until {moment_text(hold.until, case.zone)}"
    rates = rate_clause(owed.down_bps, owed.up_bps)
    why_limited = f"limited{rates}{until} for {holds.NAMES[hold.reason]} ({hold.clause})"
    return f"In service, {why_limited}: {used_text(case)}."


def _start(case: Case) -> str:
    return day_text(case.standing.period.start, case.zone)
