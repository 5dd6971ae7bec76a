"""UC-5: the way back after an upgrade for going over the cap.

The upgrade (UC-4) opens a matter keyed by the product that was left. At each month's end the
finished month is compared with that product's cap; from the first one below it the subscriber may
go back, without charge and inside the minimum term, and each further one says so again. A month
counts as finished when every main meter was read past its end: before, bytes of it may be missing.
The right stays until it is taken or another product is chosen.
"""

from collections.abc import Iterable
from datetime import datetime

from capd.decide import matters
from capd.decide.case import Case, Figures, covers, needs
from capd.decide.contract import withdrawal
from capd.decide.holds import has_ended
from capd.decide.wording import amount_text, month_text, of_text, price_text
from capd.model import Event, Matter, Product, ProductId, Standing, Unit

KIND = "downgrade"


def opened(now_on: Product, to: Product) -> Figures:
    """Return the figures by which an upgrade from *now_on* remembers the way back."""
    return matters.change(KIND, now_on.id, on=to.id, first_cap_bytes=now_on.cap_bytes)


def allowed(standing: Standing, product: Product) -> bool:
    """Say whether a month below its cap, or below a lower one, has opened the way to *product*."""
    ways = matters.of_kind(standing, KIND)
    return any(one.key == product.id for one in ways) and any(
        _cap(one) <= (product.cap_bytes or 0) and matters.text(one, "month") for one in ways
    )


def awaited(case: Case) -> datetime | None:
    """Return up to when every main meter must be read before the last month can be judged."""
    last, read_to = case.standing.last, case.standing.read_to
    if last is None or case.unit is Unit.SECONDS or not any(True for _ in _unjudged(case)):
        return None  # of calls each is told, and none is late
    return None if read_to is not None and read_to >= last.period.end else last.period.end


@needs(KIND)
def offers(case: Case) -> tuple[Event, ...]:
    """Offer the way back after a month below the cap; or take it, where the policy says so."""
    if awaited(case) is not None or has_ended(case.standing):
        return ()
    below = [one for one in _unjudged(case) if _is_below(case, one)]
    lowest = min(below, key=lambda one: (_cap(one), one.key), default=None)
    if lowest is None:
        return ()
    to = case.catalogue[ProductId(lowest.key)]
    automatic = case.policy.contract.downgrade.automatic and covers(case.standing, to, case.policy)
    return (_taken(case, to) if automatic else _offered(case, lowest, to),)


@needs(KIND)
def over(case: Case) -> tuple[Event, ...]:
    """Close the ways back that no longer lead down from the present product."""
    ways = {matters.text(one, "on"): one for one in matters.of_kind(case.standing, KIND)}
    here, kept = str(case.standing.product.id), set()
    while here in ways and here not in kept:
        kept.add(here)
        here = ways[here].key
    clause = case.policy.clauses.downgrade
    return tuple(
        case.event(
            "downgrade_ended",
            f"The way back to {_name(case, one)} is over: {case.standing.product.name} "
            f"was chosen since ({clause}).",
            clause,
            matters.change(KIND, one.key, is_open=False),
        )
        for on, one in ways.items()
        if on not in kept
    )


def way_back_text(case: Case) -> str | None:
    """Return what would lead back to the lowest product that an upgrade left; None: nothing."""
    lowest = min(matters.of_kind(case.standing, KIND), key=_cap, default=None)
    if lowest is None:
        return None
    name, clause = _name(case, lowest), case.policy.clauses.downgrade
    month = matters.text(lowest, "month")
    if month is not None:
        since = f"{month_text(month)} stayed below {amount_text(_cap(lowest), case.unit)}"
        return f"Going back to {name} is free of charge: {since} ({clause})."
    below = amount_text(_cap(lowest), case.unit)
    return f"A month below {below} opens the way back to {name} ({clause})."


def _unjudged(case: Case) -> Iterable[Matter]:
    """Yield the ways back that the last month may open, and has not."""
    last, ways = case.standing.last, matters.of_kind(case.standing, KIND)
    if last is None:
        return
    told = [_cap(one) for one in ways if matters.text(one, "month") == last.period.name]
    for one in ways:
        is_told = any(cap <= _cap(one) for cap in told)  # below a lower cap is below this one
        if _is_sold(case, one) and one.opened_at < last.period.end and not is_told:
            yield one


def _is_sold(case: Case, one: Matter) -> bool:
    product = case.catalogue.get(ProductId(one.key))
    return product is not None and withdrawal.is_sold(product, case)


def _is_below(case: Case, one: Matter) -> bool:
    last = case.standing.last
    counts = case.catalogue[ProductId(one.key)].counts
    return last is not None and last.counted(counts) < _cap(one)


def _offered(case: Case, one: Matter, to: Product) -> Event:
    last, clause = case.standing.last or case.standing.usage, case.policy.clauses.downgrade
    counted, month = last.counted(to.counts), last.period.name
    used = f"{of_text(counted, _cap(one), to.unit)} used in {month_text(month)}"
    text = (
        f"{used}: you may go back to {to.name}, at "
        f"{price_text(to, case.currency)}, without charge ({clause})."
    )
    figures: Figures = {
        **matters.change(KIND, one.key, on=matters.text(one, "on"), first_cap_bytes=_cap(one)),
        "to": to.id,
        "month": month,
        "counted_bytes": counted,
        "price": None if to.price is None else str(to.price),
        "currency": case.currency,
    }
    return case.event("downgrade_offered", text, clause, figures, at=last.period.end)


def _taken(case: Case, to: Product) -> Event:
    last = case.standing.last or case.standing.usage
    clause, month = case.policy.clauses.downgrade, last.period.name
    text = (
        f"Moved from {case.standing.product.name} back to {to.name}, at "
        f"{price_text(to, case.currency)} and without charge: {month_text(month)} stayed below "
        f"{amount_text(to.cap_bytes or 0, to.unit)} ({clause})."
    )
    figures: Figures = {
        **matters.change(KIND, to.id, is_open=False),
        "from": case.standing.product.id,
        "to": to.id,
        "price": None if to.price is None else str(to.price),
        "currency": case.currency,
    }
    return case.event("plan_changed", text, clause, figures, at=last.period.end)


def _cap(one: Matter) -> int:
    return matters.number(one, "first_cap_bytes") or 0


def _name(case: Case, one: Matter) -> str:
    product = case.catalogue.get(ProductId(one.key))
    return one.key if product is None else product.name
