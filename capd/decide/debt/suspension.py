"""Service stops for a debt, or waits for a working hour, a call, time given (CT-4, C-2, UC-8)."""

from datetime import datetime

from capd.decide import matters, quiet, tasks
from capd.decide.case import Case, Figures, needs
from capd.decide.debt import attempts
from capd.decide.debt.book import INVOICE, Invoice, invoices
from capd.decide.debt.schedule import call, suspension_step, waits
from capd.decide.debt.state import (
    KIND,
    State,
    Suspension,
    enough_at,
    hold,
    in_words,
    is_extended,
    overdue,
    owed_in_all,
    stopping,
    suspension,
)
from capd.decide.debt.words import fees_text, tries_text
from capd.decide.wording import moment_text, money_text
from capd.model import Event, Reason
from capd.units import rfc3339


@needs(INVOICE, KIND)
def stopped(case: Case) -> tuple[Event, ...]:
    """Return the suspension that is due by now, or why it waits; nothing while a hold is open."""
    if hold(case.standing) is not None:
        return ()
    due, enough = stopping(case), enough_at(case)
    if not due or enough is None:
        return _dropped(case)
    ready = [(at, one) for at, one in due if not attempts.missing(case, one)]
    if not ready:
        return _refused(case, [one for _, one in due])
    first = min(max(at, attempts.complete_at(case, one)) for at, one in ready)
    at = quiet.allowed(max(first, enough), Reason.NON_PAYMENT, case.policy, case.zone)
    if at > case.now:
        return _put_off(case, at, [one for _, one in ready])
    return _opened(case, at, [one for _, one in ready])


def _opened(case: Case, at: datetime, because: list[Invoice]) -> tuple[Event, ...]:
    step = suspension_step(case)
    clause = case.policy.hold_rule(Reason.NON_PAYMENT).clause if step is None else step.clause
    known = suspension(case.standing)
    now_on = Suspension(
        state=State.ON, opened_at=at, released_at=None if known is None else known.released_at
    )
    total = money_text(owed_in_all(overdue(case)))
    figures: Figures = {
        **now_on.change(),
        "reason": Reason.NON_PAYMENT.value,
        "invoices": ", ".join(one.key for one in because),
        "overdue": total,
        "currency": case.currency,
    }
    text = (
        f"Service is suspended: {in_words(because)} "
        f"{'is' if len(because) == 1 else 'are'} not paid, {total} {case.currency} is overdue; "
        f"it comes back when that is paid ({clause})."
    )
    stopped_by = case.event("hold_opened", text, clause, figures, at=at)
    return (stopped_by, *_quoted(case, now_on, at))


def _quoted(case: Case, now_on: Suspension, at: datetime) -> tuple[Event, ...]:
    """Tell what coming back will cost, before it is charged (CT-12, C-3)."""
    terms = case.policy.reconnection
    if not terms.fee and not terms.late_fee:
        return ()
    told = Suspension(
        state=now_on.state,
        opened_at=at,
        released_at=now_on.released_at,
        fee=terms.fee,
        late_fee=terms.late_fee,
        paid_first=terms.paid_first,
    )
    figures: Figures = {
        **told.change(),
        "amount": money_text(terms.fee + terms.late_fee),
        "currency": case.currency,
    }
    fees = fees_text(terms, case.currency)
    text = f"When service comes back, {fees} charged ({terms.clause})."
    if terms.paid_first:
        text = f"Before service comes back, {fees} to be paid as well ({terms.clause})."
    return (case.event("fee_quoted", text, terms.clause, figures, at=at),)


def _put_off(case: Case, until: datetime, because: list[Invoice]) -> tuple[Event, ...]:
    """Record, once, that the suspension waits for a working hour (UC-8)."""
    known, clause = suspension(case.standing), case.policy.quiet.clause
    if known is not None and (known.state, known.until) == (State.WAITING, until):
        return ()
    waiting = Suspension(
        state=State.WAITING, until=until, released_at=None if known is None else known.released_at
    )
    why = "nobody is suspended for a debt outside working hours"
    figures: Figures = {**waiting.change(), "reason": Reason.NON_PAYMENT.value, "why": why}
    text = (
        f"The suspension because of {in_words(because)} waits until "
        f"{moment_text(until, case.zone)}: {why} ({clause})."
    )
    return (case.event("suspension_delayed", text, clause, figures),)


def _refused(case: Case, because: list[Invoice]) -> tuple[Event, ...]:
    """Record, once, that nobody tried to reach the subscriber; ask a person to (C-2)."""
    first, clause = because[0], case.policy.dunning.attempts_clause
    missing = attempts.missing(case, first)
    known = suspension(case.standing)
    events = [
        call(case, first, channel, clause, case.now)
        for channel in missing
        if not tasks.waiting(case.standing, channel, first.key)
    ]
    if known is not None and (known.state, known.missing) == (State.REFUSED, ", ".join(missing)):
        return tuple(events)
    refused = Suspension(
        state=State.REFUSED,
        missing=", ".join(missing),
        released_at=None if known is None else known.released_at,
    )
    text = (
        f"Service is not suspended because of {in_words(because)}: {tries_text(missing)} must have "
        f"been tried before ({clause})."
    )
    figures: Figures = {**refused.change(), "reason": Reason.NON_PAYMENT.value}
    return (case.event("suspension_refused", text, clause, figures), *events)


def _dropped(case: Case) -> tuple[Event, ...]:
    """Record that a suspension which waited, or was refused, is not due any more."""
    known = suspension(case.standing)
    if known is None or known.state not in (State.WAITING, State.REFUSED):
        return ()
    clause = case.policy.dunning.clause
    kept = Suspension(state=State.RELEASED, released_at=known.released_at)
    figures = kept.change(is_open=known.released_at is not None)
    text = f"Service is not suspended after all: {cause(case)} ({clause})."
    return (case.event("suspension_dropped", text, clause, figures),)


def cause(case: Case) -> str:
    """Return why a debt stops nobody any more."""
    if is_extended(case):
        return "time was given to pay"
    if any(waits(case, one) for one in invoices(case.standing)):
        return "what is left is in dispute"
    left = owed_in_all(overdue(case))
    if left:
        return f"no more than {money_text(left)} {case.currency} is overdue"
    return "nothing is overdue any more"


def extended(case: Case, until: datetime, note: str) -> tuple[str, Figures]:
    """Return the sentence and the figures of time that a person gives to pay (UC-8)."""
    clause = case.policy.quiet.clause
    figures: Figures = {
        **matters.change("extension", "extension", due_at=until, until=until, note=note),
        "reason": Reason.NON_PAYMENT.value,
        "until": rfc3339(until),
    }
    text = (
        f"Nothing follows from an unpaid invoice until {moment_text(until, case.zone)}"
        f"{note and f': {note}'} ({clause})."
    )
    return text, figures
