"""What is known of a suspension for debt, and what it is for."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from capd.decide import matters
from capd.decide.case import Case, Figures
from capd.decide.debt.book import Invoice, credit, invoices
from capd.decide.debt.schedule import extended_until, overdue_at, suspended_at, waits
from capd.decide.wording import list_text, money_text
from capd.model import Hold, Reason, Standing

KIND = "suspension"
KEY = Reason.NON_PAYMENT.value


class State(StrEnum):
    """Where a suspension for debt stands."""

    WAITING = "waiting"  # for a working hour (UC-8)
    REFUSED = "refused"  # until the attempts are on record (C-2)
    ON = "on"  # the open hold is its own
    BACK = "back"  # paid, and charged for when no other hold is left (C-3)
    RELEASED = "released"  # a person let it go: what had led to it leads to no other


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspension:
    """A suspension for debt; every event about it says all of this."""

    state: State
    until: datetime | None = None  # of one that waits
    missing: str | None = None  # of one that is refused: what was not tried
    released_at: datetime | None = None  # nothing that fell due by then stops service
    opened_at: datetime | None = None  # of its hold
    fee: Decimal = Decimal(0)  # quoted, for coming back (C-3, CT-12)
    late_fee: Decimal = Decimal(0)
    paid_first: bool = False  # what was quoted is to be paid before service comes back
    left: Decimal = Decimal(0)  # of fees alone, when that was told last

    def change(self, *, is_open: bool = True) -> Figures:
        """Return the figures of an event that makes this of the suspension."""
        return matters.change(
            KIND,
            KEY,
            is_open=is_open,
            due_at=self.until if self.state is State.WAITING else None,
            state=self.state.value,
            until=self.until,
            missing=self.missing,
            released_at=self.released_at,
            opened_at=self.opened_at,
            fee=money_text(self.fee) if self.fee else None,
            late_fee=money_text(self.late_fee) if self.late_fee else None,
            paid_first=self.paid_first or None,
            left=money_text(self.left) if self.left else None,
        )


def suspension(standing: Standing) -> Suspension | None:
    """Return what is known of a suspension for debt, in force or not."""
    found = matters.find(standing, KIND, KEY)
    if found is None:
        return None
    return Suspension(
        state=State(str(found.data["state"])),
        until=matters.moment(found, "until"),
        missing=matters.text(found, "missing"),
        released_at=matters.moment(found, "released_at"),
        opened_at=matters.moment(found, "opened_at"),
        fee=matters.money(found, "fee"),
        late_fee=matters.money(found, "late_fee"),
        paid_first=matters.flag(found, "paid_first"),
        left=matters.money(found, "left"),
    )


def released(standing: Standing, at: datetime) -> Figures:
    """Return the figures by which a person's release of the hold holds for all that led to it."""
    if not invoices(standing):
        return {}
    return Suspension(state=State.RELEASED, released_at=at).change()


def hold(standing: Standing) -> Hold | None:
    """Return the open hold for a missed payment, whoever opened it."""
    return next((hold for hold in standing.holds if hold.reason is Reason.NON_PAYMENT), None)


def stopping(case: Case) -> list[tuple[datetime, Invoice]]:
    """Return the invoices because of which service is to stop by now, and since when each.

    A late fee alone stops nobody.
    """
    found = []
    for invoice in invoices(case.standing):
        at = suspended_at(case, invoice)
        if invoice.principal <= 0 or at is None or was_let_go(case, invoice):
            continue
        if at <= case.now:
            found.append((at, invoice))
    return found


def overdue(case: Case) -> list[Invoice]:
    """Return the invoices that are overdue by now: not those in dispute, or let go by a person."""
    return [one for one in invoices(case.standing) if _counts(case, one)]


def owed_in_all(several: Iterable[Invoice]) -> Decimal:
    """Return what of *several* invoices is to be paid."""
    return sum((invoice.owed for invoice in several), Decimal(0))


def enough_at(case: Case, *, with_fees: bool = False) -> datetime | None:
    """Return since when as much is overdue as service stops for; None: less is.

    *with_fees*: late fees that are owed with their invoices count: service that is off waits for
    them, and what is on is not stopped for them.
    """
    several = sorted(
        (_counts_from(case, one), one.owed if with_fees else one.principal) for one in overdue(case)
    )
    total = Decimal(0)
    for at, amount in several:
        total += amount
        if amount > 0 and total >= case.policy.dunning.least:
            return at
    return None


def to_pay_first(case: Case, known: Suspension) -> Decimal:
    """Return what of the fees that were quoted is still to be paid before service comes back."""
    if not known.paid_first:
        return Decimal(0)
    return max(Decimal(0), known.fee + known.late_fee - credit(case.standing))


def reserved(standing: Standing) -> Decimal:
    """Return what of the credit is for coming back, and pays no invoice while service is off."""
    known = suspension(standing)
    if known is None or known.state is not State.ON or not known.paid_first:
        return Decimal(0)
    return known.fee + known.late_fee


def free_credit(standing: Standing) -> Decimal:
    """Return what was paid in advance and may pay an invoice."""
    return max(Decimal(0), credit(standing) - reserved(standing))


def is_extended(case: Case) -> bool:
    """Say whether a person gave time to pay, and that still holds (UC-8)."""
    until = extended_until(case.standing)
    return until is not None and case.now < until


def in_words(several: Iterable[Invoice]) -> str:
    """Return "invoice a", "invoices a and b"."""
    keys = [invoice.key for invoice in several]
    return f"{'invoice' if len(keys) == 1 else 'invoices'} {list_text(keys, 'and')}"


def _counts(case: Case, invoice: Invoice) -> bool:
    if waits(case, invoice) or was_let_go(case, invoice):
        return False
    return _counts_from(case, invoice) <= case.now


def _counts_from(case: Case, invoice: Invoice) -> datetime:
    """Return since when *invoice* is overdue: its day is over, or the schedule stops service."""
    stop = suspended_at(case, invoice)
    day = overdue_at(case, invoice)
    return max(invoice.since, day if stop is None else min(day, stop))


def was_let_go(case: Case, invoice: Invoice) -> bool:
    """Say whether a person released the hold after *invoice* had led to it."""
    known = suspension(case.standing)
    at = suspended_at(case, invoice)
    return (
        known is not None
        and known.released_at is not None
        and at is not None
        and at <= known.released_at
    )
