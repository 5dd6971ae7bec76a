"""Late fees: what they come to, which invoice they are for, and which one bills them (E-3, C-3)."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from decimal import ROUND_DOWN, Decimal

from capd.decide.breaches import months_after
from capd.decide.case import Case
from capd.decide.debt.book import INVOICE, LATE_FEE, Invoice, invoice_of, invoices
from capd.decide.standing import matter_of
from capd.decide.terms.debt import Fee, Step
from capd.decide.told import Refused, Told
from capd.model import Fact, SubscriberId

_CENT = Decimal("0.01")
_WHOLE = Decimal(100)
_NAME = 2  # parts: the step, and how often it was taken


def amount(fee: Fee, owed: Decimal, months: int) -> Decimal:
    """Return what paying *owed* late costs after *months* begun: never more than any limit says.

    A part of a cent is left out, whatever the rate: so the law's limit holds to the cent.
    """
    amounts = [
        owed * percent / _WHOLE * months
        for percent in (fee.percent_a_month, fee.legal_percent_a_month)
        if percent is not None
    ]
    amounts += [limit for limit in (fee.amount, fee.most) if limit is not None]
    return min(amounts, default=Decimal(0)).quantize(_CENT, rounding=ROUND_DOWN)


def months_begun(since: datetime, at: datetime, case: Case) -> int:
    """Return how many calendar months were begun from *since* to *at*, the first one included."""
    months = 1
    while months_after(since, months, case.zone) <= at:
        months += 1
    return months


def name_of(invoice: Invoice, step: Step) -> str:
    """Return what tells the late fee that *step*, just taken, makes from others of *invoice*."""
    return f"{step.name}/{invoice.taken[step.name]}"


def charge_id(who: SubscriberId, invoice: Invoice, name: str) -> str:
    """Return the charge's id of the late fee *name* of *invoice*."""
    return f"{who}/{LATE_FEE}/{invoice.key}/{name}"


def with_fee(case: Case, invoice: Invoice, step: Step, months: int) -> Invoice:
    """Return *invoice* with the late fee that *step*, just taken, makes; nothing is no fee."""
    fee = step.fee or Fee()
    comes_to = amount(fee, invoice.principal, 1 if fee.every_month else months)
    if not comes_to:
        return invoice
    added = {name_of(invoice, step): comes_to}
    if case.policy.dunning.late_fees_join_debt:
        return replace(invoice, fees={**invoice.fees, **added})
    return replace(invoice, apart={**invoice.apart, **added})


def without_fee(invoice: Invoice, name: str) -> tuple[Invoice, Decimal]:
    """Return *invoice* without the late fee *name*, and what of that was paid already."""
    fees = {each: value for each, value in invoice.fees.items() if each != name}
    apart = {each: value for each, value in invoice.apart.items() if each != name}
    left = replace(invoice, fees=fees, apart=apart)
    free = max(Decimal(0), -left.fees_owed)
    return replace(left, fees_paid=left.fees_paid - free), free


def of_charge(who: str | None, charge: str) -> tuple[str, str] | None:
    """Return the invoice, and the name, of the late fee with that charge's id; None: it is none."""
    start = f"{who}/{LATE_FEE}/"
    parts = charge.removeprefix(start).rsplit("/", _NAME)
    if not charge.startswith(start) or len(parts) <= _NAME:
        return None
    return parts[0], "/".join(parts[1:])


def named(fact: Fact) -> Iterator[str]:
    """Yield the ids of the charges that the invoice which *fact* tells of bills."""
    for each in (fact.details.get("charges") or "").split(","):
        if each.strip():
            yield each.strip()


def recalls(fact: Fact) -> Mapping[str, tuple[str, str]]:
    """Return which charges an invoice bills, what became of them, and which invoices they are for.

    Under the charge's id, with a mark before it.
    """
    found: dict[str, tuple[str, str]] = {}
    for charge in named(fact):
        found |= {f"charge {charge}": ("charge", charge)}
        found |= {f"reversal {charge}": ("charge", f"{charge}/reversed")}
        known = of_charge(fact.subscriber, charge)
        if known is not None:
            found |= {f"invoice {charge}": (INVOICE, known[0])}
    return found


def elsewhere(told: Told) -> Decimal | Refused:
    """Return how much of what an invoice bills is owed with others: late fees, for those they are.

    Refused where a charge is not known, was taken back, or is billed by an open invoice already.
    """
    total = Decimal(0)
    for charge in dict.fromkeys(named(told.fact)):
        made = told.past.get(f"charge {charge}")
        if made is None or "reverses" in made.figures:
            return Refused(f"charges: there is no charge {charge!r}")
        if f"reversal {charge}" in told.past:
            return Refused(f"charges: {charge!r} was taken back")
        other = next((one.key for one in invoices(told.standing) if charge in _bills(one)), None)
        if other is not None:
            return Refused(f"charges: {charge!r} is billed by invoice {other!r} already")
        total += _owed_with_its_own(told, charge)
    if total > Decimal(told.fact.details["amount"]):
        return Refused("amount: is less than the late fees that the invoice bills")
    return total


def _bills(invoice: Invoice) -> list[str]:
    return (invoice.bills or "").split(", ")


def _owed_with_its_own(told: Told, charge: str) -> Decimal:
    known = of_charge(told.fact.subscriber, charge)
    if known is None:
        return Decimal(0)
    key, name = known
    found = next((one for one in invoices(told.standing) if one.key == key), None)
    past = told.past.get(f"invoice {charge}")
    kept = None if past is None else matter_of(past)
    if found is None and kept is not None:
        found = invoice_of(kept)
    return Decimal(0) if found is None else found.fees.get(name, Decimal(0))
