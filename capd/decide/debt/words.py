"""What would change for somebody who owes money, in sentences with exact figures."""

from collections.abc import Iterator
from decimal import Decimal

from capd.decide import holds, quiet
from capd.decide.case import Case
from capd.decide.debt import attempts
from capd.decide.debt.book import invoices
from capd.decide.debt.schedule import suspended_at
from capd.decide.debt.state import (
    State,
    in_words,
    overdue,
    owed_in_all,
    suspension,
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
    total = f"{money_text(owed_in_all(several))} {case.currency}"
    clause = case.policy.hold_rule(Reason.NON_PAYMENT).clause
    fees = Decimal(0) if known is None else known.fee + known.late_fee
    costs = f"; {money_text(fees)} {case.currency} is charged for it then" if fees else ""
    return f"Paying {total} ({in_words(several)}) {effect}{costs} ({clause})."


def _ahead(case: Case) -> Iterator[str]:
    """Yield what the unpaid invoice that stops service first leads to."""
    several = [one for one in invoices(case.standing) if not was_let_go(case, one)]
    found = [(at, one) for one in several if (at := suspended_at(case, one)) is not None]
    if not found or owed_in_all(several) < case.policy.dunning.least:
        return
    at, invoice = min(found, key=lambda one: (one[0], one[1].key))
    missing = attempts.missing(case, invoice)
    if missing:
        clause = case.policy.dunning.attempts_clause
        before = f"before {tries_text(missing)} was tried ({clause})"
        yield f"Service is not suspended for invoice {invoice.key} {before}."
        return
    stop = quiet.allowed(max(at, case.now), Reason.NON_PAYMENT, case.policy, case.zone)
    amount = f"{money_text(invoice.owed)} {case.currency}"
    clause = case.policy.hold_rule(Reason.NON_PAYMENT).clause
    yield (
        f"Unless {amount} (invoice {invoice.key}) is paid before, service is suspended on "
        f"{moment_text(stop, case.zone)} ({clause})."
    )
