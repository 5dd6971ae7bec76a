"""CT-7: a withdrawn product: another is chosen, or the nearest equivalent takes its place."""

from collections.abc import Iterable
from datetime import datetime

from capd.decide import matters, tasks
from capd.decide.case import Case, Figures, needs
from capd.decide.contract import agreement
from capd.decide.contract.days import after_days, day_of, start_of
from capd.decide.contract.versions import notice_end
from capd.decide.holds import has_ended
from capd.decide.wording import cap_text, date_text, price_text
from capd.model import Counts, Event, Matter, Product, ProductId

__all__ = ["KIND", "Figures", "due", "has_ended", "is_sold", "is_worse", "move", "nearest", "told"]

KIND = "withdrawal"


def is_sold(product: Product, case: Case) -> bool:
    """Say whether *product* may be chosen at the moment of *case*."""
    gone = product.withdrawn_on
    return gone is None or day_of(case.now, case.zone) < gone


def nearest(case: Case, product: Product) -> Product | None:
    """Return what takes the place of *product* for the subscriber; None: a person must say.

    What the inventory says replaces it; else the cheapest of its family with a cap and rates at or
    above. Inside the minimum term the price does not go up.
    """
    named = case.catalogue.get(product.replaced_by) if product.replaced_by else None
    others = [named] if named is not None else sorted(case.catalogue.values(), key=_rank)
    return next((one for one in others if _stands_in(case, one, product)), None)


def _rank(one: Product) -> tuple[object, ...]:
    cap, price = one.cap_bytes, one.price
    return (price is None, price or 0, cap is None, cap or 0, one.id)


def _stands_in(case: Case, one: Product, product: Product) -> bool:
    if one.id == product.id or one.withdrawn_on is not None:
        return False
    if product.replaced_by != one.id and not _equivalent(one, product):
        return False
    known = agreement.of(case.standing)
    is_bound = known is not None and known.is_bound(_moves_at(case, product), case.zone)
    cheaper = one.price is not None and product.price is not None and one.price <= product.price
    return cheaper or not is_bound


def _equivalent(one: Product, product: Product) -> bool:
    same = (one.family, one.unit, one.kind) == (product.family, product.unit, product.kind)
    return same and all(
        _at_or_above(getattr(one, name), getattr(product, name))
        for name in ("cap_bytes", "down_bps", "up_bps")
    )


def _at_or_above(value: int | None, than: int | None) -> bool:
    return value is None or (than is not None and value >= than)


def _moves_at(case: Case, product: Product) -> datetime:
    """Return when who stays on *product* is moved: after the notice, and not before it is gone."""
    days = case.policy.contract.withdrawn.notice_days
    there = matters.find(case.standing, KIND, product.id)
    if there is not None and there.due_at is not None:
        return there.due_at
    told = after_days(case.now, days, case.zone)
    gone = product.withdrawn_on
    return told if gone is None else max(told, start_of(gone, case.zone))


def _replaced(case: Case, product: Product) -> tuple[datetime, Product | None]:
    """Return when who stays is moved, and to what; to worse terms after their notice (CT-6)."""
    at, to = _moves_at(case, product), nearest(case, product)
    if to is not None and is_worse(to, product):
        at = max(at, notice_end(case.now, case.policy.contract.changes, case.zone))
    return at, to


def is_worse(one: Product, than: Product) -> bool:
    """Say whether *one* is to the disadvantage of who has the other: dearer, smaller, slower.

    So is what cannot be compared: another unit, a balance instead of a cap.
    """
    dearer = one.price is not None and than.price is not None and one.price > than.price
    other = (one.unit, one.kind) != (than.unit, than.kind)
    more = one.cap_bytes is not None and one.counts not in {
        than.counts,
        *_LESS.get(than.counts, ()),
    }
    return (
        dearer
        or other
        or more
        or _stops_sooner(one, than)
        or not all(
            _at_or_above(getattr(one, name), getattr(than, name))
            for name in ("cap_bytes", "down_bps", "up_bps")
        )
    )


_LESS = {Counts.BOTH: (Counts.DOWNLOAD, Counts.UPLOAD)}


def _stops_sooner(one: Product, than: Product) -> bool:
    """Say whether service stops sooner after the cap; None are the hours of the policy (UC-8)."""
    if one.delay_h is None or than.delay_h is None:
        return one.delay_h != than.delay_h and not one.delay_h
    return one.delay_h < than.delay_h


def told(case: Case) -> tuple[Event, ...]:
    """Tell who has a product that is withdrawn, once, what takes its place and when."""
    product, terms = case.standing.product, case.policy.contract.withdrawn
    if product.withdrawn_on is None or has_ended(case.standing):
        return ()
    if matters.find(case.standing, KIND, product.id) is not None:
        return ()
    at, to = _replaced(case, product)
    by = date_text(day_of(at, case.zone))
    then = (
        "we will call you about what takes its place"
        if to is None
        else f"you are moved to {to.name}, with {cap_text(to)}, at {price_text(to, case.currency)}"
    )
    gone = date_text(product.withdrawn_on)
    text = (
        f"{product.name} is withdrawn on {gone}: unless you choose another product by {by}, {then} "
        f"({terms.clause})."
    )
    figures = matters.change(
        KIND, product.id, due_at=at, withdrawn=product.id, to=None if to is None else to.id
    )
    return (case.event("product_withdrawn", text, terms.clause, figures),)


@needs(KIND)
def due(case: Case) -> tuple[Event, ...]:
    """Move who chose nothing; forget it for those who did."""
    return tuple(
        event for one in matters.of_kind(case.standing, KIND) for event in _settled(case, one)
    )


def _settled(case: Case, one: Matter) -> Iterable[Event]:
    clause, at = case.policy.contract.withdrawn.clause, one.due_at or case.now
    closes = matters.change(KIND, one.key, is_open=False)
    now_on = case.standing.product
    if now_on.id == one.key and now_on.withdrawn_on is None and not has_ended(case.standing):
        text = f"{now_on.name} is not withdrawn after all: it stays ({clause})."
        yield case.event("product_sold_again", text, clause, closes)
        return
    if now_on.id != one.key or has_ended(case.standing):
        text = f"The withdrawal of {one.key} concerns this subscriber no more ({clause})."
        yield case.event("withdrawal_over", text, clause, closes)
        return
    if case.now < at:
        return
    to = case.catalogue.get(ProductId(str(one.data.get("to")))) or nearest(case, now_on)
    if to is None or not _stands_in(case, to, now_on):
        to = nearest(case, now_on)
    if to is None:
        key = f"{KIND}/{one.key}"
        if matters.find(case.standing, tasks.KIND, key) is None:
            what = f"find a product in the place of {now_on.name}, which is withdrawn"
            yield tasks.opened(case, key, what, clause, at=at)
        return
    figures: Figures = {
        **closes,
        "from": now_on.id,
        "to": to.id,
        "price": None if to.price is None else str(to.price),
        "currency": case.currency,
    }
    text = (
        f"Moved from {now_on.name}, which is withdrawn, to {to.name}, with {cap_text(to)}, at "
        f"{price_text(to, case.currency)} ({clause})."
    )
    yield case.event("plan_changed", text, clause, figures, at=at)


def move(case: Case, product: Product) -> Figures:
    """Return what would become of the subscriber if *product* were withdrawn as it says."""
    at, to = _replaced(case, product)
    known = agreement.of(case.standing)
    return {
        "subscriber": case.standing.subscriber.id,
        "from": product.id,
        "to": None if to is None else to.id,
        "on": day_of(at, case.zone).isoformat(),
        "price": None if to is None or to.price is None else str(to.price),
        "was": None if product.price is None else str(product.price),
        "bound": known is not None and known.is_bound(at, case.zone),
    }
