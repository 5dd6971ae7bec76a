"""What would change for somebody who owes money, in sentences with exact figures."""

from collections.abc import Iterator
from decimal import Decimal

from capd.decide import holds, quiet
from capd.decide.case import Case
from capd.decide.debt import attempts
from capd.decide.debt.book import Invoice, invoices
from capd.decide.debt.schedule import suspended_at
from capd.decide.debt.state import (
    State,
    in_words,
    overdue,
    owed_in_all,
    suspension,
    to_pay_first,
    was_let_go,
)
from capd.decide.terms.debt import Reconnection
from capd.decide.wording import list_text, moment_text, money_text
from capd.model import Reason

_TRIES = {"phone": "a call", "email": "an e-mail", "letter": "a letter", "text": "a text message"}


def tries_text(channels: tuple[str, ...]) -> str:
    """Return "an e-mail and a call"."""
    return list_text([_TRIES.get(channel, f"a {channel}") for channel in channels], "and")


def fees_text(terms: Reconnection, currency: str) -> str:
    """Return "a reconnection fee of 25.00 USD and a late fee of 5.00 USD are"."""
    fees = [
        f"{name} of {money_text(amount)} {currency}"
        for name, amount in (("a reconnection fee", terms.fee), ("a late fee", terms.late_fee))
        if amount
    ]
    return f"{list_text(fees, 'and')} {'is' if len(fees) == 1 else 'are'}"


def ways(case: Case) -> tuple[str, ...]:
    """Return what would end a suspension for debt, or leads to one."""
    known = suspension(case.standing)
    if known is not None and known.state is State.ON:
        return (_way_back(case),)
    if any(hold.reason is Reason.NON_PAYMENT for hold in case.standing.holds):
        return ()
    return tuple(_ahead(case))


def _way_back(case: Case) -> str:
    several, known = overdue(case), suspension(case.standing)
    blocking = holds.blocking(case.standing.holds, case.policy)
    effect = "closes the hold for a missed payment" if len(blocking) > 1 else "restores service"
    clause = case.policy.hold_rule(Reason.NON_PAYMENT).clause
    first = Decimal(0) if known is None else to_pay_first(case, known)
    total = f"{money_text(owed_in_all(several) + first)} {case.currency}"
    what = list_text(list(_to_pay(case, several, first)), "and")
    later = Decimal(0) if known is None or known.paid_first else known.fee + known.late_fee
    costs = f"; {money_text(later)} {case.currency} is charged for it then" if later else ""
    return f"Paying {total} ({what}) {effect}{costs}{_apart(case, several)} ({clause})."


def _to_pay(case: Case, several: list[Invoice], first: Decimal) -> Iterator[str]:
    """Yield what is to be paid before service comes back."""
    late = sum((one.fees_owed for one in several), Decimal(0))
    if several:
        of_it = f", {money_text(late)} {case.currency} of it late fees" if late else ""
        yield f"{in_words(several)}{of_it}"
    if first:
        yield f"{money_text(first)} {case.currency} for coming back"


def _apart(case: Case, several: list[Invoice]) -> str:
    """Return what is said of late fees that service does not wait for."""
    fees = sum((amount for one in several for amount in one.apart.values()), Decimal(0))
    if not fees:
        return ""
    amount = f"{money_text(fees)} {case.currency}"
    return f"; {amount} of late fees is billed by itself, and service does not wait for it"


def _ahead(case: Case) -> Iterator[str]:
    """Yield what the unpaid invoice that stops service first leads to."""
    known = [one for one in invoices(case.standing) if one.principal > 0]
    several = [one for one in known if not was_let_go(case, one)]
    found = [(at, one) for one in several if (at := suspended_at(case, one)) is not None]
    if not found or sum(one.principal for one in several) < case.policy.dunning.least:
        return
    at, invoice = min(found, key=lambda one: (one[0], one[1].key))
    missing = attempts.missing(case, invoice)
    if missing:
        clause = case.policy.dunning.attempts_clause
        before = f"before {tries_text(missing)} was tried ({clause})"
        yield f"Service is not suspended for invoice {invoice.key} {before}."
        return
    stop = quiet.allowed(max(at, case.now), Reason.NON_PAYMENT, case.policy, case.zone)
    amount = f"{money_text(invoice.principal)} {case.currency}"
    clause = case.policy.hold_rule(Reason.NON_PAYMENT).clause
    yield (
        f"Unless {amount} (invoice {invoice.key}) is paid before, service is suspended on "
        f"{moment_text(stop, case.zone)} ({clause})."
    )
