"""What a subscriber owes: invoices and credit, as their matters say it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from capd.decide import matters
from capd.decide.case import Figures
from capd.decide.wording import money_text
from capd.model import Matter, Standing

INVOICE = "invoice"
CREDIT = "credit"
_TAKEN = "step_"


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

    @property
    def owed(self) -> Decimal:
        """Return what of it is not paid."""
        return self.total - self.paid

    def change(self, *, is_open: bool = True, due_at: datetime | None = None) -> Figures:
        """Return the figures of an event that makes this of the invoice."""
        steps = {f"{_TAKEN}{name}": count for name, count in self.taken.items()}
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
            **steps,
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
    )


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
