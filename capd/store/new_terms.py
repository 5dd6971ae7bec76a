"""What an import makes of products that people have: kept terms, notices, withdrawals that stay."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from capd.account.periods import period_of
from capd.decide.book import Book, book_of
from capd.decide.contract import product_terms
from capd.decide.contract.days import day_of, start_of
from capd.decide.policy import Policy
from capd.model import Event, Inventory, Matter, Product, ProductId, Subscriber, SubscriberId
from capd.store import inventory_rows, rows, tallies
from capd.store.tables import matters

_UTC = ZoneInfo("UTC")
_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """By what rules whoever has a product is told of worse terms (CT-6, B-3)."""

    book: Book = field(default_factory=lambda: book_of([Policy()]))
    zone: ZoneInfo = _UTC
    currency: str = ""

    def earliest(self, families: set[str], at: datetime) -> date:
        """Return the first day on which worse terms may hold for all who are told now."""
        lines = [policy for family in families for policy in self.book.line_of(family)]
        return product_terms.earliest(at, lines, self.zone)

    def clause(self, family: str) -> str:
        """Return what the notice is given by."""
        return self.book.line_of(family)[-1].contract.changes.clause


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """What is there before an import."""

    inventory: Inventory = field(default_factory=Inventory)
    ended: frozenset[SubscriberId] = frozenset()  # whose contract is over
    told: Mapping[SubscriberId, Sequence[Matter]] = field(default_factory=dict)  # changes to come


async def present(conn: AsyncConnection) -> Present:
    """Return what is there."""
    told: dict[SubscriberId, list[Matter]] = defaultdict(list)
    query = select(matters).where(matters.c.kind == product_terms.KIND, matters.c.open)
    for row in (await conn.execute(query)).mappings():
        told[SubscriberId(row["subscriber"])].append(rows.matter(row))
    return Present(
        inventory=await inventory_rows.load(conn),
        ended=frozenset(await tallies.ended(conn)),
        told=told,
    )


@dataclass(slots=True)
class Settled:
    """An inventory as it will be, and what follows for those who have its products."""

    inventory: Inventory
    events: list[Event] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def settled(there: Present, new: Inventory, notice: Notice, at: datetime) -> Settled:
    """Return *new* with what its products leave to capd: from when they hold, what is withdrawn."""
    known = {product.id: product for product in there.inventory.products}
    moved = {one.id: one.product for one in new.subscribers}
    has: dict[ProductId, list[Subscriber]] = defaultdict(list)
    for one in there.inventory.subscribers:
        if one.id not in there.ended and moved.get(one.id, one.product) == one.product:
            has[one.product].append(one)
    found, products = Settled(new), []
    for product in new.products:
        before = known.get(product.id)
        row = product
        if before is not None:
            row = _withdrawal_kept(before, product, new, found)
            row = _Change(before, row, has[product.id], there, notice, at).into(found)
        products.append(row)
    people = tuple(_left_alone(there, new.subscribers, new.silent))
    found.inventory = replace(new, products=tuple(products), subscribers=people)
    return found


def _left_alone(
    there: Present, new: Iterable[Subscriber], silent: Mapping[SubscriberId, frozenset[str]]
) -> Iterator[Subscriber]:
    """Yield *new* with what their rows are silent about as it is: facts may have changed it."""
    known = {one.id: one for one in there.inventory.subscribers}
    for one in new:
        kept = silent.get(one.id, frozenset()) if one.id in known else frozenset()
        told: dict[str, Any] = {name: getattr(known[one.id], name) for name in kept}
        yield replace(one, **told) if told else one


def _withdrawal_kept(before: Product, row: Product, new: Inventory, found: Settled) -> Product:
    """Return *row*, still withdrawn if it was and says nothing of that (CT-7)."""
    gone = before.withdrawn_on
    if gone is None or row.withdrawn_on is not None or row.id in new.sold_again:
        return row
    found.notes.append(
        f"product {row.id}: stays withdrawn on {gone.isoformat()}, of which the file says nothing; "
        f"`capd products offer {row.id}` sells it again"
    )
    return replace(row, withdrawn_on=gone, replaced_by=row.replaced_by or before.replaced_by)


@dataclass(frozen=True, slots=True)
class _Change:
    """One product that is there already, and what a file says of it."""

    before: Product
    row: Product
    holders: Sequence[Subscriber]
    there: Present
    notice: Notice
    at: datetime

    def into(self, found: Settled) -> Product:
        """Add what follows to *found*; return the product as it will be."""
        before, row = self.before, self.row
        if product_terms.same(before, row) and row.terms_from in (None, before.terms_from):
            return replace(row, terms_from=before.terms_from)
        worse = [one for one in self.holders if product_terms.is_worse(row, self._had(one))]
        day = row.terms_from
        if worse:
            earliest = self._earliest(worse)
            day = day or earliest
            if day < earliest:
                found.problems.append(
                    f"product {row.id}: from: {day.isoformat()} is too near: it is worse for "
                    f"{len(worse)} who have it, and after a notice that is given today it may hold "
                    f"from {earliest.isoformat()} ({self.notice.clause(before.family)})"
                )
                return row
        row = replace(row, terms_from=day)
        events = [event for one in self.holders for event in self._told(one, row)]
        found.events += events
        found.notes += self._notes(worse, events, day)
        return row

    def _waiting(self, one: Subscriber) -> Matter | None:
        return product_terms.coming(self.there.told.get(one.id, ()), self.row.id, self.at)

    def _had(self, one: Subscriber) -> Product:
        """Return what the product is for *one* today."""
        return product_terms.before(self.before, self._waiting(one))

    def _earliest(self, worse: Sequence[Subscriber]) -> date:
        """Return the first day that leaves everybody the notice; one that runs already counts."""
        told, announced = [self._waiting(one) for one in worse], self.before.terms_from
        families = {self.before.family, self.row.family, *(self._had(one).family for one in worse)}
        earliest = self.notice.earliest(families, self.at)
        if announced is None or None in told or product_terms.is_worse(self.row, self.before):
            return earliest
        return min(announced, earliest)

    def _told(self, one: Subscriber, row: Product) -> Iterator[Event]:
        """Yield what *one* is told: what changes and when, or that it does not."""
        waiting, had = self._waiting(one), self._had(one)
        clause, currency = self.notice.clause(had.family), self.notice.currency
        # what is better waits only where the file itself says a day
        day = row.terms_from if product_terms.is_worse(row, had) else self.row.terms_from
        begun = day is None or day <= day_of(self.at, self.notice.zone)
        starts = None if day is None or begun else self._starts(one, day)
        if starts is not None and starts > self.at and not product_terms.same(had, row):
            yield product_terms.told(
                one.id, had, row, starts, self.at,
                clause=clause, currency=currency, zone=self.notice.zone,
            )  # fmt: skip
        elif waiting is not None:
            yield product_terms.called_off(
                one.id, had, row, self.at, clause=clause, currency=currency
            )

    def _starts(self, one: Subscriber, day: date) -> datetime:
        """Return when the first period of *one* begins on *day* or later."""
        start = start_of(day, self.notice.zone)
        return period_of(start - _TICK, one.cycle, self.notice.zone).end

    def _notes(
        self, worse: Sequence[Subscriber], events: Sequence[Event], day: date | None
    ) -> Iterator[str]:
        count = Counter(event.kind for event in events)
        told, off = count["product_terms"], count["product_terms_off"]
        if told and day is not None:
            how = "worse" if worse else "other"
            clause = self.notice.clause(self.before.family)
            yield (
                f"product {self.row.id}: {how} for {told} who have it: they are told, and keep "
                f"what they have until their first billing month from {day.isoformat()} on "
                f"({clause}); who takes it from now on has it as it is in the file"
            )
        if off:
            yield f"product {self.row.id}: {off} are told that the announced change is off"
