"""What billing tells of money owed: invoices, payments, attempts to reach somebody, disputes."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal

from capd.decide import matters
from capd.decide.debt import (
    book,
    breach,
    corrections,
    late_fees,
    payments,
    radio,
    schedule,
    state,
    suspension,
    tried,
)
from capd.decide.debt.book import Invoice
from capd.decide.debt.shapes import some_money
from capd.decide.shapes import day, guess
from capd.decide.told import Answer, FactKind, Refused, Told
from capd.decide.wording import money_text
from capd.model import Event

_DAY = timedelta(days=1)


def _invoice(told: Told) -> Answer:
    details = told.fact.details
    issued_on = date.fromisoformat(details["issued_on"])
    due = told.get("due_on")
    days = told.policy.dunning.due_days
    due_on = issued_on + days * _DAY if due is None else date.fromisoformat(due)
    if due_on < issued_on:
        return Refused(f"due_on: {due_on} is before {issued_on}, when it was issued")
    if any(one.key == details["reference"] for one in book.invoices(told.standing)):
        return Refused(f"an invoice {details['reference']!r} is open already")
    elsewhere = late_fees.elsewhere(told)
    if isinstance(elsewhere, Refused):
        return elsewhere
    invoice = Invoice(
        key=details["reference"],
        total=Decimal(details["amount"]),
        currency=told.currency,
        issued_on=issued_on,
        due_on=due_on,
        since=told.now,
        note=told.get("note"),
        bills=", ".join(late_fees.named(told.fact)) or None,
        elsewhere=elsewhere,
    )
    return _booked(told, invoice)


def _booked(told: Told, invoice: Invoice) -> tuple[Event, ...]:
    """Return the events of a new invoice; what was paid in advance pays it."""
    credit = book.credit(told.standing)
    paid = min(state.free_credit(told.standing), invoice.owed)
    invoice = invoice.with_payment(paid)
    clause = told.policy.dunning.clause
    figures = {
        **schedule.change(told.case, invoice, told.now),
        "reference": invoice.key,
        "amount": money_text(invoice.total),
        "due_on": invoice.due_on.isoformat(),
    }
    covered = f", {money_text(paid)} of it paid in advance" if paid else ""
    late = f", {money_text(invoice.elsewhere)} of it late fees that were owed before"
    text = (
        f"Invoice {invoice.key} of {money_text(invoice.total)} {invoice.currency}"
        f"{late if invoice.elsewhere else ''}{covered}, "
        f"to be paid by {invoice.due_on.isoformat()} ({clause})."
    )
    events = [told.event("invoice", text, clause, figures)]
    if paid:
        left = f"{money_text(credit - paid)} {told.currency} is left of the credit ({clause})."
        change = book.credit_change(credit - paid, told.currency)
        events.append(told.event("credit", left, clause, change))
    return tuple(events)


def _payment(told: Told) -> Answer:
    return payments.received(told, Decimal(told.fact.details["amount"]), told.get("invoice"))


def _refund(told: Told) -> Answer:
    amount, credit = Decimal(told.fact.details["amount"]), book.credit(told.standing)
    if amount > credit:
        return Refused(f"only {money_text(credit)} {told.currency} is kept as credit")
    clause = told.policy.dunning.clause
    figures = {
        **book.credit_change(credit - amount, told.currency),
        "reference": told.fact.details["reference"],
        "amount": money_text(amount),
    }
    text = f"{money_text(amount)} {told.currency} of the credit was paid back ({clause})."
    return (told.event("refund", text, clause, figures),)


def _disputed(told: Told) -> Answer:
    invoice = _the_invoice(told)
    if isinstance(invoice, Refused):
        return invoice
    if invoice.disputed_at is not None:
        return ()
    clause, note = told.policy.dunning.clause, told.get("note")
    text = f"{schedule.named(invoice)} is in dispute{_in_brackets(note)}"
    if told.policy.dunning.disputes_wait:
        text += "; nothing follows from it until that is settled"
    figures = schedule.change(told.case, replace(invoice, disputed_at=told.now), told.now)
    return (told.event("dispute", f"{text} ({clause}).", clause, {**figures, "why": note}),)


def _settled(told: Told) -> Answer:
    """Let the schedule go on where it stopped: the days in dispute do not count."""
    invoice = _the_invoice(told)
    if isinstance(invoice, Refused) or invoice.disputed_at is None:
        return invoice if isinstance(invoice, Refused) else ()
    lasted = told.now - invoice.disputed_at
    rest = -(-lasted // _DAY) if told.policy.dunning.disputes_wait else 0
    noticed_at = invoice.noticed_at
    agreed = replace(
        invoice,
        disputed_at=None,
        since=told.now,
        rest_days=invoice.rest_days + rest,
        noticed_at=None if noticed_at is None else noticed_at + rest * _DAY,
    )
    credit = book.credit(told.standing)
    part = min(state.free_credit(told.standing), agreed.owed)
    agreed = agreed.with_payment(part)
    clause, note = told.policy.dunning.clause, told.get("note")
    text = (
        f"The dispute about {schedule.named(invoice, small=True)} is settled"
        f"{_in_brackets(note)}: {schedule.owed_text(agreed)} to pay ({clause})."
    )
    events = [
        told.event("dispute_settled", text, clause, schedule.change(told.case, agreed, told.now))
    ]
    if part:
        change = book.credit_change(credit - part, told.currency)
        paid = f"{money_text(part)} {told.currency} of it was paid in advance ({clause})."
        events.append(told.event("credit", paid, clause, change))
    return tuple(events)


def extension(told: Told, until: datetime) -> Answer:
    """Return the event that a person gives time to pay (UC-8)."""
    note = told.get("note") or ""
    given = matters.find(told.standing, schedule.EXTENSION, schedule.EXTENSION)
    if given is not None and (matters.moment(given, "until"), given.data["note"]) == (until, note):
        return ()
    text, figures = suspension.extended(told.case, until, note)
    return (told.event("suspension_delayed", text, told.policy.quiet.clause, figures),)


def _in_brackets(note: str | None) -> str:
    return f" ({note})" if note else ""


def _the_invoice(told: Told) -> Invoice | Refused:
    key, there = told.fact.details["invoice"], book.invoices(told.standing)
    found = next((invoice for invoice in there if invoice.key == key), None)
    if found is None:
        return Refused(f"there is no unpaid invoice {key!r}.{guess(key, [o.key for o in there])}")
    return found


FACTS: Mapping[str, FactKind] = {
    "invoice": FactKind(
        help="an invoice to be paid; charges: ids of those it bills, with commas between (CT-4)",
        required=("reference", "amount", "issued_on"),
        optional=("due_on", "note", "charges"),
        shapes={"amount": some_money, "issued_on": day, "due_on": day},
        recalls=late_fees.recalls,
        accept=_invoice,
    ),
    "payment": FactKind(
        help="money that arrived: for the invoice named, then the oldest; the rest stays credit",
        required=("reference", "amount"),
        optional=("invoice", "note"),
        shapes={"amount": some_money},
        accept=_payment,
    ),
    "refund": FactKind(
        help="credit that was paid back",
        required=("reference", "amount"),
        optional=("note",),
        shapes={"amount": some_money},
        accept=_refund,
    ),
    "dispute": FactKind(
        help="an invoice is disputed: nothing follows from it until that is settled",
        required=("invoice",),
        optional=("note",),
        accept=_disputed,
    ),
    "dispute_settled": FactKind(
        help="a dispute is over; the schedule goes on where it stopped",
        required=("invoice",),
        optional=("note",),
        accept=_settled,
    ),
    **corrections.FACTS,
    **breach.FACTS,
    **radio.FACTS,
    **tried.FACTS,
}
