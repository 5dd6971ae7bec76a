"""UC-4 (a): who goes over again moves up to a product whose cap covers the usage."""

from collections.abc import Iterator

from capd.decide.breaches import Current
from capd.decide.case import Case, Figures, allowance_with, covers
from capd.decide.contract import downgrades, withdrawal
from capd.decide.wording import amount_text, cap_text, price_text
from capd.model import Event, Kind, Product


def above(case: Case) -> Iterator[Product]:
    """Yield the products that `upgrade_to` leads to, nearest first; a circle ends it."""
    seen = {case.standing.product.id}
    step = case.standing.product.upgrade_to
    while step is not None and step not in seen and step in case.catalogue:
        seen.add(step)
        yield case.catalogue[step]
        step = case.catalogue[step].upgrade_to


def target(case: Case) -> Product | None:
    """Return the first product above that covers the usage, else the last; None: no way up."""
    chain = [
        product
        for product in above(case)
        if _is_higher(case, product) and withdrawal.is_sold(product, case)
    ]
    covering = (product for product in chain if covers(case.standing, product, case.policy))
    return next(covering, chain[-1] if chain else None)


def moved_up(case: Case, breach: Current) -> tuple[Event, ...]:
    """Move the subscriber up at once, at the higher product's present price (CT-6)."""
    to = target(case)
    if to is None:
        return ()
    now_on = case.standing.product
    figures: Figures = {
        **downgrades.opened(now_on, to),
        "from": now_on.id,
        "to": to.id,
        "price": None if to.price is None else str(to.price),
        "currency": case.currency,
        "period": case.period,
        "breach": breach.name,
        "breaches": breach.number,
        "counted_bytes": case.counted,
        "allowance_bytes": case.allowance,
        "new_allowance_bytes": allowance_with(case.standing, to, case.policy),
    }
    text = _text(case, breach, to)
    return (case.event("plan_changed", text, case.policy.clauses.repeat, figures),)


def _is_higher(case: Case, product: Product) -> bool:
    present = case.standing.product.cap_bytes
    if product.kind is Kind.PREPAID:
        return False
    return present is not None and (product.cap_bytes is None or product.cap_bytes > present)


def _text(case: Case, breach: Current, to: Product) -> str:
    now_on, clauses = case.standing.product, case.policy.clauses
    cap = cap_text(to)
    again = f" {breach.number} times in {case.policy.window_months} months"
    return (
        f"Over the cap{again if breach.number > 1 else ''}: "
        f"{case.over_text}; "
        f"moved from {now_on.name} to {to.name}, with {cap}, "
        f"at {price_text(to, case.currency)} ({clauses.repeat}). "
        f"You may go back to {now_on.name} without charge once a month's usage is below "
        f"{amount_text(now_on.cap_bytes or 0, now_on.unit)} ({clauses.downgrade})."
    )
