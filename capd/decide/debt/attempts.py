"""C-2: who is to be cut off for a debt must have been written to, and called, before.

What counts is that it was tried, not what came of it: a call that nobody answered is one, and so is
a mail to the address on file that came back (UC-7). A mail that never left is none. An attempt
belongs to the invoice that it was about, and is no attempt about a later one.
"""

from datetime import datetime, time, timedelta

from capd.decide import matters, quiet
from capd.decide.case import Case, needs
from capd.decide.debt.book import Invoice, invoices
from capd.decide.debt.tried import ATTEMPT, UNSENT
from capd.model import Event, Matter, Reason


def on_record(case: Case, invoice: Invoice, channel: str) -> datetime | None:
    """Return when *channel* was last tried about *invoice*; None: no such attempt is known.

    What was tried before capd was told of the invoice counts if it was about it by name; or, about
    no invoice by name, if it was issued by then.
    """
    found = [_told_before(case, invoice, channel), _with_the_invoice(case, invoice, channel)]
    return max((at for at in found if at is not None), default=None)


def _with_the_invoice(case: Case, invoice: Invoice, channel: str) -> datetime | None:
    at = invoice.tried.get(channel)
    unsent = matters.find(case.standing, UNSENT, invoice.key) if channel == "email" else None
    never = None if unsent is None else matters.moment(unsent, "noticed_at")
    return None if at is None or (never is not None and at <= never) else at


def _told_before(case: Case, invoice: Invoice, channel: str) -> datetime | None:
    named = _kept(case, channel, invoice.key)
    if named is not None:
        return named
    issued = quiet.local(datetime.combine(invoice.issued_on, time()), case.zone)
    at = _kept(case, channel)
    return None if at is None or at < issued else at


def _kept(case: Case, channel: str, about: str | None = None) -> datetime | None:
    key = channel if about is None else f"{channel}/{about}"
    found = matters.find(case.standing, ATTEMPT, key)
    return None if found is None else matters.moment(found, "tried_at")


def missing(case: Case, invoice: Invoice) -> tuple[str, ...]:
    """Return the channels that must still be tried before *invoice* may stop service."""
    wanted = case.policy.dunning.attempts
    return tuple(channel for channel in wanted if on_record(case, invoice, channel) is None)


def refusal(case: Case, note: str | None) -> str | None:
    """Return why nobody may suspend for a missed payment by hand; None: the attempts are there.

    *note* names the invoice that it is for, or is words: then any that is open will do. Where capd
    knows of none, an attempt about the debt counts for as many days as the policy says.
    """
    terms, owed = case.policy.dunning, invoices(case.standing)
    several = [one for one in owed if one.key == note] or owed
    lacking = [missing(case, invoice) for invoice in several] or [
        tuple(channel for channel in terms.attempts if not _is_recent(case, channel, note))
    ]
    least = min(lacking, key=len)
    if not least:
        return None
    return f"{' and '.join(least)}: must have been tried before ({terms.attempts_clause})"


def _is_recent(case: Case, channel: str, note: str | None) -> bool:
    since = case.now - timedelta(days=case.policy.dunning.attempt_days)
    found = [_kept(case, channel, note or None), _kept(case, channel)]
    return any(at is not None and at >= since for at in found)


def complete_at(case: Case, invoice: Invoice) -> datetime:
    """Return when the last of the attempts that are wanted was made; all of them are on record."""
    made = [on_record(case, invoice, channel) for channel in case.policy.dunning.attempts]
    return max((at for at in made if at is not None), default=invoice.since)


@needs(UNSENT, ATTEMPT)
def used(case: Case) -> tuple[Event, ...]:
    """Close attempts about no known invoice once service was stopped: another time wants its own.

    Also those about the one that the hold is for, and none about others.

    And a mail that never left, when its invoice is not owed any more.
    """
    owed = {one.key for one in invoices(case.standing)}
    spent = [matter for matter in matters.of_kind(case.standing, UNSENT) if matter.key not in owed]
    stopped = next((h for h in case.standing.holds if h.reason is Reason.NON_PAYMENT), None)
    if stopped is not None:
        spent += [
            matter
            for matter in matters.of_kind(case.standing, ATTEMPT)
            if matter.data.get("about") in (None, stopped.note)
            and (matters.moment(matter, "tried_at") or stopped.opened_at) <= stopped.opened_at
        ]
    return tuple(_spent(case, matter) for matter in spent)


def _spent(case: Case, matter: Matter) -> Event:
    clause = case.policy.dunning.attempts_clause
    figures = matters.change(matter.kind, matter.key, is_open=False)
    text = f"What was tried before ({matter.key}) counts for no other suspension ({clause})."
    return case.event("attempt_used", text, clause, figures)
