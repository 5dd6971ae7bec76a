"""C-2: who is to be cut off for a debt must have been written to, and called, before."""

from datetime import datetime, time

from capd.decide import matters, quiet
from capd.decide.case import Case
from capd.decide.debt.book import Invoice, invoices
from capd.model import Standing


def tried_at(standing: Standing, channel: str) -> datetime | None:
    """Return when *channel* was last tried."""
    found = matters.find(standing, "attempt", channel)
    return None if found is None else matters.moment(found, "tried_at")


def on_record(case: Case, invoice: Invoice, channel: str) -> datetime | None:
    """Return when *channel* was tried since *invoice* was issued; None: no such attempt is known.

    A written notice counts as an attempt by e-mail, where there is an address and the policy
    says so: whether it arrived is another matter (UC-7).
    """
    issued = quiet.local(datetime.combine(invoice.issued_on, time()), case.zone)
    tried = tried_at(case.standing, channel)
    if tried is not None and tried >= issued:
        return tried
    if channel == "email" and case.policy.dunning.notice_is_attempt:
        return invoice.noticed_at if case.standing.subscriber.email else None
    return None


def missing(case: Case, invoice: Invoice) -> tuple[str, ...]:
    """Return the channels that must still be tried before *invoice* may stop service."""
    wanted = case.policy.dunning.attempts
    return tuple(channel for channel in wanted if on_record(case, invoice, channel) is None)


def refusal(case: Case) -> str | None:
    """Return why nobody may suspend for a missed payment by hand; None: the attempts are there.

    Where no invoice is known, any attempt on record is one about the debt.
    """
    terms = case.policy.dunning
    owed = invoices(case.standing)
    lacking = [missing(case, invoice) for invoice in owed] or [
        tuple(channel for channel in terms.attempts if tried_at(case.standing, channel) is None)
    ]
    least = min(lacking, key=len)
    if not least:
        return None
    return f"{' and '.join(least)}: must have been tried before ({terms.attempts_clause})"


def complete_at(case: Case, invoice: Invoice) -> datetime:
    """Return when the last of the attempts that are wanted was made; all of them are on record."""
    made = [on_record(case, invoice, channel) for channel in case.policy.dunning.attempts]
    return max((at for at in made if at is not None), default=invoice.since)
