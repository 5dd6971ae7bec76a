"""Service comes back when what was overdue is paid, and what coming back costs (CT-4, C-3)."""

from dataclasses import replace
from decimal import Decimal

from capd.decide import charges, holds, matters, tasks
from capd.decide.case import Case, Figures, needs
from capd.decide.debt.book import credit, credit_change, invoices
from capd.decide.debt.schedule import EXTENSION, waits
from capd.decide.debt.state import (
    KIND,
    State,
    Suspension,
    enough_at,
    hold,
    is_extended,
    overdue,
    suspension,
    to_pay_first,
)
from capd.decide.debt.suspension import cause
from capd.decide.wording import money_text
from capd.model import Event
from capd.units import rfc3339


@needs(KIND)
def restored(case: Case) -> tuple[Event, ...]:
    """Close the hold that a debt opened when it is paid, disputed or put off; no other hold."""
    known, open_hold = suspension(case.standing), hold(case.standing)
    if known is None or known.state is not State.ON or open_hold is None:
        return ()
    if enough_at(case, with_fees=True) is not None and not is_extended(case):
        return ()
    after = _after(case, known)
    if after.state is State.BACK and to_pay_first(case, known):
        return ()
    figures = after.change(is_open=after.state is State.BACK or after.released_at is not None)
    clause = open_hold.clause
    why = cause(case)
    text = f"The suspension for a missed payment has ended: {why} ({clause})."
    return (holds.closed(open_hold, at=case.now, clause=clause, text=text, figures=figures),)


def _after(case: Case, known: Suspension) -> Suspension:
    paid = not is_extended(case) and not any(waits(case, one) for one in invoices(case.standing))
    if paid and (known.fee or known.late_fee):
        return replace(known, state=State.BACK)
    return Suspension(state=State.RELEASED, released_at=known.released_at)


@needs(KIND)
def charged(case: Case) -> tuple[Event, ...]:
    """Charge what was quoted, once, when the service is back (C-3, CT-12)."""
    known = suspension(case.standing)
    if known is None or known.state is not State.BACK:
        return ()
    if holds.blocking(case.standing.holds, case.policy):
        return ()
    kept = Suspension(state=State.RELEASED, released_at=known.released_at)
    fees = [("reconnection", known.fee), ("late_fee", known.late_fee)]
    charges = (_fee(case, known, kept, name, amount) for name, amount in fees if amount)
    return (*charges, *_paid_already(case, known))


def _paid_already(case: Case, known: Suspension) -> tuple[Event, ...]:
    """Take what is charged from what was paid for it before service came back."""
    before = credit(case.standing)
    used = min(before, known.fee + known.late_fee) if known.paid_first else Decimal(0)
    if not used:
        return ()
    clause = case.policy.reconnection.clause
    text = f"{money_text(used)} {case.currency} of it was paid before service came back ({clause})."
    figures = {**credit_change(before - used, case.currency), "used": money_text(used)}
    return (case.event("credit", text, clause, figures),)


@needs(KIND)
def left(case: Case) -> tuple[Event, ...]:
    """Tell, once, that fees are all that keeps the service off (C-3, E-3)."""
    known, open_hold = suspension(case.standing), hold(case.standing)
    if known is None or known.state is not State.ON or open_hold is None or is_extended(case):
        return ()
    late = sum((one.fees_owed for one in overdue(case)), Decimal(0))
    rest = late + to_pay_first(case, known)
    if enough_at(case) is not None or not rest or rest == known.left:
        return ()
    figures = {
        **replace(known, left=rest).change(),
        "amount": money_text(rest),
        "currency": case.currency,
    }
    clause = case.policy.reconnection.clause
    text = (
        f"What was overdue is paid but for {money_text(rest)} {case.currency} of fees: service "
        f"comes back when they are paid as well ({clause})."
    )
    return (case.event("fees_left", text, clause, figures),)


def _fee(case: Case, known: Suspension, kept: Suspension, name: str, amount: Decimal) -> Event:
    clause = case.policy.reconnection.clause
    opened_at = rfc3339(known.opened_at or case.now)
    told = charges.figures(
        case.standing.subscriber.id,
        name,
        f"{KIND}/{opened_at}",
        amount,
        currency=case.currency,
        behind={"suspended_at": opened_at, "quoted": money_text(amount)},
    )
    what = "A reconnection fee" if name == "reconnection" else "A late fee"
    text = (
        f"{what} of {money_text(amount)} {case.currency} is charged, as service is back "
        f"after a missed payment ({clause})."
    )
    figures = {**kept.change(is_open=kept.released_at is not None), **told}
    return case.event("charge", text, clause, figures)


@needs(tasks.KIND, KIND, EXTENSION)
def ended(case: Case) -> tuple[Event, ...]:
    """Close what is left of a debt when nothing is owed any more: tasks, time given, a release."""
    owed = {one.key for one in invoices(case.standing)}
    clause = case.policy.dunning.clause
    events = [
        tasks.closed(case, task, "it is paid", clause)
        for task in matters.of_kind(case.standing, tasks.KIND)
        if task.data.get("channel") is not None and task.data.get("about") not in owed
    ]
    if owed:
        return tuple(events)
    known = suspension(case.standing)
    if known is not None and known.state is State.RELEASED:
        events.append(_forgotten(case, "a release", known.change(is_open=False)))
    if matters.find(case.standing, EXTENSION, EXTENSION) is not None:
        gone = matters.change(EXTENSION, EXTENSION, is_open=False)
        events.append(_forgotten(case, "time to pay", gone))
    return tuple(events)


def _forgotten(case: Case, what: str, figures: Figures) -> Event:
    clause = case.policy.dunning.clause
    text = f"Nothing is owed any more: {what} that was given has served its purpose ({clause})."
    return case.event("dunning_ended", text, clause, figures)
