"""What a subscriber owes: invoices and credit, as their matters say it.

A late fee is a charge: billing is told of it, and bills it. Where the terms say that it is a part
of the debt it is owed with its invoice from the moment it is charged; an invoice that billing then
tells, and that says which charges it bills, is owed without them, so that no fee is owed twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal

from capd.decide import matters
from capd.decide.case import Figures
from capd.decide.wording import money_text
from capd.model import Matter, Standing
from capd.units import moment_of

INVOICE = "invoice"
CREDIT = "credit"
LATE_FEE = "late_fee"
_TAKEN = "step_"
_TRIED = "tried_"  # by which channel somebody was tried to be reached about it, when last (C-2)
_FEE = "fee_"  # a late fee that is owed with the invoice, by its step and how often that was taken
_APART = "apart_"  # and one that is billed by itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoice:
    """An invoice that is not settled; every event about it says all of this."""

    key: str
    total: Decimal
    currency: str
    issued_on: date
    due_on: date
    since: datetime  # told, or owed again: nothing that follows from it is dated before
    paid: Decimal = Decimal(0)
    note: str | None = None
    noticed_at: datetime | None = None  # the first written notice about it
    disputed_at: datetime | None = None
    rest_days: int = 0  # spent in dispute: they do not count
    taken: Mapping[str, int] = field(default_factory=dict)  # steps of the schedule, how often
    tried: Mapping[str, datetime] = field(default_factory=dict)  # by channel, when last (C-2)
    fees: Mapping[str, Decimal] = field(default_factory=dict)  # late ones owed with it: "late/1"
    apart: Mapping[str, Decimal] = field(default_factory=dict)  # late ones billed by themselves
    fees_paid: Decimal = Decimal(0)
    bills: str | None = None  # the ids of the late fees in it
    elsewhere: Decimal = Decimal(0)  # of those, what is owed with the invoices they are for

    @property
    def principal(self) -> Decimal:
        """Return what of it is not paid, without late fees: they are worked out from this alone."""
        return self.total - self.elsewhere - self.paid

    @property
    def fees_owed(self) -> Decimal:
        """Return what of the late fees that are owed with it is not paid."""
        return sum(self.fees.values(), Decimal(0)) - self.fees_paid

    @property
    def owed(self) -> Decimal:
        """Return what of it is not paid, late fees that are owed with it included."""
        return self.principal + self.fees_owed

    def with_payment(self, amount: Decimal) -> "Invoice":
        """Return it after *amount*, no more than is owed, was paid: late fees come last."""
        part = min(amount, self.principal)
        return replace(self, paid=self.paid + part, fees_paid=self.fees_paid + amount - part)

    def without_payment(self, amount: Decimal) -> "Invoice":
        """Return it after *amount*, no more than was paid, was taken back: late fees come first."""
        part = min(amount, self.fees_paid)
        return replace(self, paid=self.paid - amount + part, fees_paid=self.fees_paid - part)

    def change(self, *, is_open: bool = True, due_at: datetime | None = None) -> Figures:
        """Return the figures of an event that makes this of the invoice."""
        steps = {f"{_TAKEN}{name}": count for name, count in self.taken.items()}
        tried = {f"{_TRIED}{channel}": at for channel, at in self.tried.items()}
        fees = {
            f"{mark}{name}": money_text(amount)
            for mark, several in ((_FEE, self.fees), (_APART, self.apart))
            for name, amount in several.items()
        }
        return matters.change(
            INVOICE,
            self.key,
            is_open=is_open,
            due_at=due_at if is_open else None,
            invoice=self.key,
            total=money_text(self.total),
            paid=money_text(self.paid),
            owed=money_text(self.owed),
            currency=self.currency,
            issued_on=self.issued_on.isoformat(),
            due_on=self.due_on.isoformat(),
            since=self.since,
            note=self.note,
            noticed_at=self.noticed_at,
            disputed_at=self.disputed_at,
            rest_days=self.rest_days or None,
            fees_paid=money_text(self.fees_paid) if self.fees_paid else None,
            bills=self.bills,
            elsewhere=money_text(self.elsewhere) if self.elsewhere else None,
            **steps,
            **tried,
            **fees,
        )


def invoice_of(matter: Matter) -> Invoice:
    """Return the invoice that *matter* is."""
    taken = {
        name.removeprefix(_TAKEN): int(count or 0)
        for name, count in matter.data.items()
        if name.startswith(_TAKEN)
    }
    return Invoice(
        key=matter.key,
        total=matters.money(matter, "total"),
        currency=str(matter.data["currency"]),
        issued_on=date.fromisoformat(str(matter.data["issued_on"])),
        due_on=date.fromisoformat(str(matter.data["due_on"])),
        since=matters.moment(matter, "since") or matter.opened_at,
        paid=matters.money(matter, "paid"),
        note=matters.text(matter, "note"),
        noticed_at=matters.moment(matter, "noticed_at"),
        disputed_at=matters.moment(matter, "disputed_at"),
        rest_days=matters.number(matter, "rest_days") or 0,
        taken=taken,
        tried={
            name.removeprefix(_TRIED): moment_of(str(at))
            for name, at in matter.data.items()
            if name.startswith(_TRIED)
        },
        fees=_amounts(matter, _FEE),
        apart=_amounts(matter, _APART),
        fees_paid=matters.money(matter, "fees_paid"),
        bills=matters.text(matter, "bills"),
        elsewhere=matters.money(matter, "elsewhere"),
    )


def _amounts(matter: Matter, mark: str) -> dict[str, Decimal]:
    return {
        name.removeprefix(mark): Decimal(str(value))
        for name, value in matter.data.items()
        if name.startswith(mark) and "/" in name
    }


def invoices(standing: Standing) -> tuple[Invoice, ...]:
    """Return the invoices that are not settled, the oldest first."""
    found = (invoice_of(matter) for matter in matters.of_kind(standing, INVOICE))
    return tuple(sorted(found, key=lambda one: (one.issued_on, one.due_on, one.key)))


def credit(standing: Standing) -> Decimal:
    """Return what was paid in advance."""
    kept = matters.find(standing, CREDIT, CREDIT)
    return Decimal(0) if kept is None else matters.money(kept, "credit")


def credit_change(amount: Decimal, currency: str) -> Figures:
    """Return the figures of an event after which *amount* is paid in advance."""
    return matters.change(
        CREDIT, CREDIT, is_open=amount > 0, credit=money_text(amount), currency=currency
    )
