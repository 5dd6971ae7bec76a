"""What was wrong is set right: an invoice cancelled, a payment that failed, a charge reversed."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from capd.decide import charges
from capd.decide.debt import book, late_fees, payments, schedule
from capd.decide.debt.book import Invoice
from capd.decide.debt.shapes import any_text, some_money
from capd.decide.debt.state import State, suspension
from capd.decide.shapes import guess, yes_or_no
from capd.decide.standing import matter_of
from capd.decide.told import Answer, FactKind, Refused, Told
from capd.decide.wording import money_text
from capd.model import Event, Fact, Reason

_DAY = timedelta(days=1)


def _cancelled(told: Told) -> Answer:
    """Close an invoice as if it had never been; what was paid of it stays as credit."""
    key, clause = told.fact.details["invoice"], told.policy.dunning.clause
    invoice = _invoice(told, key)
    before = told.past.get("invoice")
    if invoice is None:
        return _no_invoice(told, key)
    if before is not None and before.kind == "invoice_cancelled":
        return ()
    note = told.get("note")
    text = f"{schedule.named(invoice)} is cancelled{f': {note}' if note else ''} ({clause})."
    figures = {**invoice.change(is_open=False), "why": note}
    return (
        told.event("invoice_cancelled", text, clause, figures),
        *_late_fees_back(told, invoice),
        *payments.credited(told, invoice.paid + invoice.fees_paid, without=key),
        *_fee_withdrawn(told),
    )


def _late_fees_back(told: Told, invoice: Invoice) -> Iterator[Event]:
    """Yield a counter-charge for each late fee of an invoice that is cancelled."""
    who, clause = told.standing.subscriber.id, told.policy.dunning.clause
    for name, amount in {**invoice.fees, **invoice.apart}.items():
        charge_id = late_fees.charge_id(who, invoice, name)
        yield charges.counter(
            told,
            charge_id,
            charge=book.LATE_FEE,
            amount=amount,
            clause=clause,
            why=f"invoice {invoice.key} is cancelled",
        )


def _fee_withdrawn(told: Told) -> tuple[Event, ...]:
    """Take back what was quoted for coming back: what had led to it was no debt."""
    known = suspension(told.standing)
    if known is None or not (known.fee or known.late_fee):
        return ()
    left = replace(known, fee=Decimal(0), late_fee=Decimal(0))
    keep = left.state is not State.BACK or left.released_at is not None
    if left.state is State.BACK:
        left = replace(left, state=State.RELEASED)
    clause = told.policy.reconnection.clause
    text = f"Nothing is charged for coming back: the invoice behind it is cancelled ({clause})."
    return (told.event("fee_withdrawn", text, clause, left.change(is_open=keep)),)


def _failed(told: Told) -> Answer:
    """Take a payment back, or none: what is owed is overdue at once (CT-4, CT-5)."""
    key = told.fact.details["invoice"]
    invoice, past = _invoice(told, key), told.past.get("invoice")
    if invoice is None:
        return _no_invoice(told, key)
    if past is not None and past.kind == "invoice_cancelled":
        return Refused(f"invoice {key!r} is cancelled: nothing of it can be owed")
    paid = invoice.paid + invoice.fees_paid
    taken = min(told.money("amount") or paid, paid)
    yesterday = told.now.astimezone(told.zone).date() - _DAY
    again = replace(invoice.without_payment(taken), due_on=min(invoice.due_on, yesterday))
    events = () if again == invoice else (_owed_again(told, invoice, again),)
    return (*events, *_credit_gone(told, taken), *_fraud(told))


def _credit_gone(told: Told, taken: Decimal) -> tuple[Event, ...]:
    """Take the rest of a payment that failed from the credit that it had become."""
    credit = book.credit(told.standing)
    gone = min((told.money("amount") or taken) - taken, credit)
    if gone <= 0:
        return ()
    clause = told.policy.dunning.clause
    text = f"{money_text(gone)} {told.currency} of the credit never arrived ({clause})."
    return (told.event("credit", text, clause, book.credit_change(credit - gone, told.currency)),)


def _owed_again(told: Told, invoice: Invoice, again: Invoice) -> Event:
    clause, note = told.policy.dunning.clause, told.get("note")
    again = replace(again, since=told.now)
    figures = {
        **schedule.change(told.case, again, told.now),
        "amount": money_text(again.owed - invoice.owed),
        "reference": told.get("reference"),
        "why": note,
    }
    text = (
        f"The payment of {schedule.named(invoice, small=True)} failed"
        f"{f' ({note})' if note else ''}: {schedule.owed_text(again)} is overdue ({clause})."
    )
    return told.event("payment_failed", text, clause, figures)


def _fraud(told: Told) -> tuple[Event, ...]:
    """Stop service at once for payment details that nobody had authorised (CT-5)."""
    is_open = any(hold.reason is Reason.FRAUD for hold in told.standing.holds)
    if told.get("unauthorised") != "yes" or is_open:
        return ()
    clause = told.policy.hold_rule(Reason.FRAUD).clause
    text = f"Service is suspended: the payment details were not authorised ({clause})."
    figures = {"reason": Reason.FRAUD.value, "note": told.get("note") or ""}
    return (told.event("hold_opened", text, clause, figures),)


def _reversed(told: Told) -> Answer:
    """Make a counter-charge, once for a charge; nothing else undoes one."""
    charge_id, why = told.fact.details["charge_id"], told.fact.details["reason"]
    charged = told.past.get("charge")
    if charged is None or "reverses" in charged.figures:
        return Refused(f"there is no charge {charge_id!r}")
    if "reversal" in told.past:
        return ()
    counter = charges.counter(
        told,
        charge_id,
        charge=str(charged.figures["charge"]),
        amount=Decimal(str(charged.figures["amount"])),
        clause=charged.clause,
        why=why,
    )
    return (counter, *_owed_no_more(told, charge_id))


def _owed_no_more(told: Told, charge_id: str) -> tuple[Event, ...]:
    """Take a late fee that was taken back out of the debt that it was a part of."""
    known = late_fees.of_charge(told.fact.subscriber, charge_id)
    invoice = None if known is None else _invoice(told, known[0])
    if known is None or invoice is None or known[1] not in {**invoice.fees, **invoice.apart}:
        return ()
    left, free = late_fees.without_fee(invoice, known[1])
    is_open = any(one.key == invoice.key for one in book.invoices(told.standing))
    figures = schedule.change(told.case, left, told.now) if is_open else left.change(is_open=False)
    clause = told.policy.dunning.clause
    text = f"{schedule.named(invoice)} is without a late fee that was taken back ({clause})."
    gone = told.event("late_fee_gone", text, clause, figures)
    return (gone, *payments.credited(told, free, without=invoice.key))


def _invoice(told: Told, key: str) -> Invoice | None:
    """Return the invoice *key*, open or not; of a closed one, what was last known of it."""
    found = next((one for one in book.invoices(told.standing) if one.key == key), None)
    past = told.past.get("invoice")
    kept = None if past is None else matter_of(past)
    return found or (None if kept is None else book.invoice_of(kept))


def _no_invoice(told: Told, key: str) -> Refused:
    there = [invoice.key for invoice in book.invoices(told.standing)]
    return Refused(f"there is no invoice {key!r}.{guess(key, there)}")


def _the_invoice(fact: Fact) -> Mapping[str, tuple[str, str]]:
    return {"invoice": (book.INVOICE, fact.details["invoice"])}


def _the_charge(fact: Fact) -> Mapping[str, tuple[str, str]]:
    charge_id = fact.details["charge_id"]
    found = {
        "charge": ("charge", charge_id),
        "reversal": ("charge", charges.reversal_id(charge_id)),
    }
    known = late_fees.of_charge(fact.subscriber, charge_id)
    return found if known is None else {**found, "invoice": (book.INVOICE, known[0])}


FACTS: Mapping[str, FactKind] = {
    "invoice_cancelled": FactKind(
        help="an invoice was wrong: nothing of it is owed, what was paid of it is credit",
        required=("invoice",),
        optional=("note",),
        recalls=_the_invoice,
        accept=_cancelled,
    ),
    "payment_failed": FactKind(
        help="a collection failed or a payment was taken back: owed at once (CT-4, CT-5)",
        required=("invoice",),
        optional=("amount", "reference", "unauthorised", "note"),
        shapes={"amount": some_money, "unauthorised": yes_or_no},
        recalls=_the_invoice,
        accept=_failed,
    ),
    "charge_reversed": FactKind(
        help="a charge was wrong: makes a counter-charge, once for a charge",
        required=("charge_id", "reason"),
        shapes={"reason": any_text},
        recalls=_the_charge,
        accept=_reversed,
    ),
}
