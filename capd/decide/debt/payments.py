"""Money that arrives, and where it goes: to the invoice named, then to the oldest, then credit.

Of late fees that are owed with their invoices: those of the invoice named, and where service is off
for a debt those of what is overdue, so that paying what was asked for is enough. The others come
after all invoices: no invoice is left unpaid for a fee.
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal

from capd.decide import holds
from capd.decide.debt import book, schedule
from capd.decide.debt.book import Invoice
from capd.decide.debt.state import State, hold, overdue, reserved, suspension
from capd.decide.told import Told
from capd.decide.wording import list_text, money_text
from capd.model import Event


def received(told: Told, amount: Decimal, named: str | None) -> tuple[Event, ...]:
    """Return what a payment of *amount* makes different, meant for the invoice *named* or any."""
    before = book.credit(told.standing)
    paid, left = _spread(told, amount + before, named)
    clause = told.policy.dunning.clause
    reference = told.fact.details["reference"]
    figures = {
        **(book.credit_change(left, told.currency) if left != before else {}),
        "reference": reference,
        "amount": money_text(amount),
        "currency": told.currency,
        "invoice": named,
    }
    text = f"{money_text(amount)} {told.currency} arrived (reference {reference})"
    if paid:
        text += f", for {list_text([one.key for one in paid], 'and')}"
    if left:
        text += f"; {money_text(left)} {told.currency} is kept as credit"
    return (
        told.event("payment", f"{text} ({clause}).", clause, figures),
        *(settled(told, invoice) for invoice in paid),
        *_released(told, paid),
    )


def credited(told: Told, amount: Decimal, *, without: str) -> tuple[Event, ...]:
    """Return what *amount*, freed of the invoice *without*, pays now; the rest stays credit."""
    if not amount:
        return ()
    before = book.credit(told.standing)
    paid, left = _spread(told, amount + before, None, without=without)
    clause = told.policy.dunning.clause
    text = f"{money_text(amount)} {told.currency} that was paid is free for other invoices"
    change = book.credit_change(left, told.currency)
    return (
        told.event("credit", f"{text} ({clause}).", clause, change),
        *(settled(told, invoice) for invoice in paid),
    )


def settled(told: Told, invoice: Invoice) -> Event:
    """Return the event that *invoice* is paid, in full or in part."""
    case, clause = told.case, told.policy.dunning.clause
    figures = schedule.change(case, invoice, told.now)
    if invoice.owed > 0:
        left = schedule.owed_text(invoice)
        part = (
            f"in part, {left} is left" if invoice.principal > 0 else f"but for {left} of late fees"
        )
        text = f"{schedule.named(invoice)} is paid {part}"
        return told.event("invoice_part_paid", f"{text} ({clause}).", clause, figures)
    text = f"{schedule.named(invoice)} is paid ({clause})."
    return told.event("invoice_paid", text, clause, figures)


def _spread(
    told: Told, amount: Decimal, named: str | None, *, without: str | None = None
) -> tuple[list[Invoice], Decimal]:
    """Return the invoices that *amount* pays, as they are after it, and what is left of it."""
    known = {one.key: one for one in book.invoices(told.standing) if one.key != without}
    paid: dict[str, Invoice] = {}
    aside = Decimal(0)
    for key, with_fees in _in_order(told, named):
        if key is None:
            aside = min(amount, reserved(told.standing))
            amount -= aside
            continue
        invoice = paid.get(key) or known.get(key)
        if invoice is None:
            continue
        part = min(amount, invoice.owed if with_fees else invoice.principal)
        if part > 0:
            paid[key] = invoice.with_payment(part)
            amount -= part
    return list(paid.values()), amount + aside


def _released(told: Told, paid: Iterable[Invoice]) -> Iterable[Event]:
    """Close the hold that billing opened for an invoice, naming it in its note, when it is paid."""
    open_hold, known = hold(told.standing), suspension(told.standing)
    if open_hold is None or (known is not None and known.state is State.ON):
        return
    if any(one.key == open_hold.note and one.owed <= 0 for one in paid):
        text = f"Invoice {open_hold.note} is paid: the hold for it is closed ({open_hold.clause})."
        yield holds.closed(
            open_hold,
            at=told.now,
            clause=open_hold.clause,
            text=text,
            author=told.fact.author,
        )


def _in_order(told: Told, named: str | None) -> Iterator[tuple[str | None, bool]]:
    """Yield which invoice is paid next, with the late fees owed with it or without them.

    The one *named* first, then the others, the oldest first, but for those in dispute. None: what
    coming back costs is set aside, before what service does not wait for.
    """
    case, known = told.case, suspension(told.standing)
    others = [one.key for one in book.invoices(told.standing) if not schedule.waits(case, one)]
    if named is not None:
        yield named, True
    stops = known is not None and known.state is State.ON
    asked_for = [one.key for one in overdue(case)] if stops else []
    yield from ((key, False) for key in asked_for)
    yield from ((key, True) for key in asked_for)
    yield None, False
    yield from ((key, False) for key in others)
    yield from ((key, True) for key in others)
