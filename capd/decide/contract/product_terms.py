"""CT-6, B-3: who has a product keeps what it was, until the notice of what it becomes is over.

A matter keyed by the product's id keeps what was, and from when on the new holds: from the first of
the subscriber's periods that begins on the announced day or after, so that no period has two caps.
Whoever takes the product later has it as it is listed. The matter stays for two more months: bytes
of an old period that arrive late count against what held then.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime, tzinfo
from decimal import Decimal
from typing import Any

from capd.decide import matters
from capd.decide.breaches import months_after
from capd.decide.case import Case, Figures, needs
from capd.decide.contract.days import day_of
from capd.decide.contract.versions import notice_end
from capd.decide.contract.withdrawal import is_worse
from capd.decide.holds import has_ended
from capd.decide.policy import Policy
from capd.decide.wording import cap_text, date_text, money_text
from capd.model import Counts, Event, Kind, Matter, Period, Product, ProductId, SubscriberId, Unit
from capd.units import moment_of, rate_text

__all__ = ["KIND", "called_off", "coming", "earliest", "in_force", "is_worse", "same", "told"]

KIND = "product_terms"
_MONTHS_KEPT = 2
_TERMS = (
    *("name", "cap_bytes", "counts", "down_bps", "up_bps", "price", "family", "upgrade_to"),
    *("delay_h", "unit", "term_months", "kind"),
)
"""What a product promises; when it is withdrawn has a notice of its own (CT-7)."""

_NOTHING = ""  # how an event writes a value that is none: what is None would be left out
_READ: dict[str, Callable[[Any], Any]] = {
    "counts": Counts,
    "unit": Unit,
    "kind": Kind,
    "price": Decimal,
    "upgrade_to": ProductId,
}
_READ |= dict.fromkeys(("cap_bytes", "down_bps", "up_bps", "delay_h", "term_months"), int)


def same(one: Product, other: Product) -> bool:
    """Say whether both promise the same."""
    return all(getattr(one, name) == getattr(other, name) for name in _TERMS)


def earliest(now: datetime, policies: Iterable[Policy], zone: tzinfo) -> date:
    """Return the first day on which worse terms told *now* may hold, whichever policy applies."""
    ends = (notice_end(now, policy.contract.changes, zone) for policy in policies)
    return day_of(max(ends), zone)


def in_force(row: Product, open_matters: Sequence[Matter], period: Period) -> Product:
    """Return what *row* is for whom these matters are open, in *period*."""
    for matter in open_matters:
        if matter.kind == KIND and matter.key == row.id:
            return row if period.start >= _from(matter) else _was(row, matter)
    return row


def coming(open_matters: Iterable[Matter], product: ProductId, now: datetime) -> Matter | None:
    """Return the change of *product* that was told and does not hold yet."""
    for matter in open_matters:
        if matter.kind == KIND and matter.key == product and now < _from(matter):
            return matter
    return None


def before(row: Product, matter: Matter | None) -> Product:
    """Return what *row* is until *matter* is over."""
    return row if matter is None else _was(row, matter)


def told(
    who: SubscriberId,
    was: Product,
    becomes: Product,
    at: datetime,
    now: datetime,
    *,
    clause: str,
    currency: str,
    zone: tzinfo,
) -> Event:
    """Return the event that tells *who* what changes and from when: *at*, a period's start."""
    on, what = date_text(day_of(at, zone)), _changes_text(was, becomes, currency)
    text = f"{was.name} changes for you on {on}: {what}. Until then all stays as it is"
    return Event(
        at=now,
        kind="product_terms",
        text=f"{text} ({clause}).",
        clause=clause,
        subscriber=who,
        figures={
            **matters.change(KIND, was.id, due_at=at, effective_at=at, product=was.id),
            **_differing(was, becomes),
        },
    )


def called_off(
    who: SubscriberId,
    was: Product,
    becomes: Product,
    now: datetime,
    *,
    clause: str,
    currency: str,
) -> Event:
    """Return the event that tells *who* that an announced change is off, or better at once."""
    what = "it stays as it is"
    if not same(was, becomes):
        what = f"from today on it is {_changes_text(was, becomes, currency)}"
    return Event(
        at=now,
        kind="product_terms_off",
        text=f"The change of {was.name} that was announced is off: {what} ({clause}).",
        clause=clause,
        subscriber=who,
        figures=matters.change(KIND, was.id, is_open=False, product=was.id),
    )


@needs(KIND)
def due(case: Case) -> tuple[Event, ...]:
    """Let the new terms hold on their day; forget the old ones later, or with the product."""
    found = matters.of_kind(case.standing, KIND)
    return tuple(event for matter in found for event in _due(case, matter))


def _due(case: Case, matter: Matter) -> Iterable[Event]:
    clause, at = case.policy.contract.changes.clause, _from(matter)
    row = case.catalogue.get(ProductId(matter.key))
    if row is None or case.standing.product.id != matter.key or has_ended(case.standing):
        text = f"What {matter.key} was concerns this subscriber no more ({clause})."
        yield case.event("product_terms_over", text, clause, _closed(matter))
    elif matters.flag(matter, "holds") and case.now >= (matter.due_at or case.now):
        text = f"What {row.name} was before its change is past ({clause})."
        yield case.event("product_terms_over", text, clause, _closed(matter))
    elif not matters.flag(matter, "holds") and case.standing.period.start >= at:
        kept_until = months_after(at, _MONTHS_KEPT, case.zone)
        what = _changes_text(_was(row, matter), row, case.currency)
        changed = matters.change(KIND, matter.key, due_at=kept_until, holds=True)
        yield case.event(
            "product_terms_hold",
            f"From today on {row.name} is {what} ({clause}).",
            clause,
            {**matter.data, **changed},
            at=at,
        )


def coming_text(case: Case) -> str | None:
    """Return what the subscriber's product becomes, and when; None: nothing is announced."""
    product = case.standing.product
    matter = coming(case.standing.matters, product.id, case.now)
    row = case.catalogue.get(product.id)
    if matter is None or row is None:
        return None
    what = _changes_text(product, row, case.currency)
    on = date_text(day_of(_from(matter), case.zone))
    return f"{product.name} changes on {on}: {what} ({case.policy.contract.changes.clause})."


def _closed(matter: Matter) -> Figures:
    return matters.change(KIND, matter.key, is_open=False)


def _from(matter: Matter) -> datetime:
    return moment_of(str(matter.data["effective_at"]))


def _differing(was: Product, becomes: Product) -> Figures:
    """Return what *was* where it differs, as an event keeps it."""
    kept: dict[str, str | int] = {}
    for name in _TERMS:
        value = getattr(was, name)
        if value != getattr(becomes, name):
            whole = isinstance(value, int)
            kept[f"was_{name}"] = _NOTHING if value is None else value if whole else str(value)
    return kept


def _was(row: Product, matter: Matter) -> Product:
    known = {name: matter.data.get(f"was_{name}") for name in _TERMS}
    kept: dict[str, Any] = {
        name: None if value == _NOTHING else _READ.get(name, str)(value)
        for name, value in known.items()
        if value is not None
    }
    return replace(row, **kept)


def _changes_text(was: Product, becomes: Product, currency: str) -> str:
    """Return what differs, as the subscriber reads it: "30.00 GBP a month instead of 25.00 GBP"."""
    pairs = [
        (_price(one, currency), cap_text(one), _counts(one), *_rates(one)) for one in (was, becomes)
    ]
    said = [f"{new} instead of {old}" for old, new in zip(*pairs, strict=True) if old != new]
    if was.delay_h != becomes.delay_h:
        said.append(f"{becomes.delay_h or 0} hours over the cap before service stops")
    return ", ".join(said) or "its terms are new"


def _price(product: Product, currency: str) -> str:
    price = product.price
    return "its listed price" if price is None else f"{money_text(price)} {currency} a month"


def _counts(product: Product) -> str:
    both = "down- and upload together"
    what = both if product.counts is Counts.BOTH else f"{product.counts.value} alone"
    return f"{what} counting"


def _rates(product: Product) -> tuple[str, str]:
    rates = ((product.down_bps, "down"), (product.up_bps, "up"))
    down, up = (f"up to {rate_text(bps)} {way}" if bps else f"no limit {way}" for bps, way in rates)
    return down, up
