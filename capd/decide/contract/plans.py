"""The product is changed on request: at once or later, under the rules of the contract (CT-2)."""

from collections.abc import Mapping
from datetime import date, datetime

from capd.decide import matters
from capd.decide.case import Case, Figures, needs
from capd.decide.contract import agreement, downgrades, withdrawal
from capd.decide.contract.activation import SLOW
from capd.decide.contract.days import start_of
from capd.decide.holds import has_ended
from capd.decide.shapes import day, guess, yes_or_no
from capd.decide.told import Answer, FactKind, Refused, Told
from capd.decide.wording import cap_text, date_text
from capd.model import Event, Product, ProductId

PENDING = "plan_change"


def is_lower(product: Product, than: Product) -> bool:
    """Say whether *product* is the lesser one: by its price, else by its cap, else by its rate."""
    if product.price is not None and than.price is not None and product.price != than.price:
        return product.price < than.price
    if product.cap_bytes != than.cap_bytes:
        return not has_more(product, than)
    return product.down_bps is not None and (
        than.down_bps is None or product.down_bps < than.down_bps
    )


def has_more(product: Product, than: Product) -> bool:
    """Say whether the cap of *product* is the higher one."""
    if than.cap_bytes is None:
        return False
    return product.cap_bytes is None or product.cap_bytes > than.cap_bytes


def _plan(told: Told) -> Answer:
    wanted = told.fact.details["product"]
    product = told.catalogue.get(ProductId(wanted))
    if product is None:
        return Refused(f"there is no product {wanted!r}.{guess(wanted, told.catalogue)}")
    if has_ended(told.standing):
        return Refused("the contract has ended: an activation begins a new one")
    if product.id != told.standing.product.id and not withdrawal.is_sold(product, told.case):
        gone = product.withdrawn_on
        since = "" if gone is None else f" since {date_text(gone)}"
        return Refused(f"{product.name} is withdrawn{since}: it may not be chosen any more")
    pending = matters.find(told.standing, PENDING, PENDING)
    if product.id == told.standing.product.id:
        return () if pending is None else (_stays(told, product),)
    on = told.get("effective_on")
    at = told.now if on is None else start_of(date.fromisoformat(on), told.zone)
    refused = bound(told, product, at)
    if refused is not None:
        return refused
    return (_scheduled(told, product, at) if at > told.now else _moved(told, product),)


def bound(told: Told, product: Product, at: datetime) -> Refused | None:
    """Return why the contract does not let the subscriber go down to *product* at *at* (CT-2)."""
    known, now_on = agreement.of(told.standing), told.standing.product
    if known is None or not is_lower(product, now_on) or told.get("agreed") == "yes":
        return None
    if not known.is_bound(at, told.zone) or _may_go_down(told, product):
        return None
    free = known.bound_until(told.zone)
    upgraded = matters.find(told.standing, downgrades.KIND, product.id) is not None
    but = ", nor was a finished month below its cap yet" if upgraded else ""
    return Refused(
        f"no move down to {product.name} inside the minimum term: it is allowed from "
        f"{date_text(free)}{but} ({told.policy.contract.term.clause})"
    )


def _may_go_down(told: Told, product: Product) -> bool:
    """Say whether UC-5, a withdrawn product or a slow line allows what CT-2 forbids."""
    if downgrades.allowed(told.standing, product):
        return True
    if matters.find(told.standing, withdrawal.KIND, told.standing.product.id) is not None:
        return True  # CT-7: another is chosen
    now_on, rate = told.standing.product, product.down_bps
    slower = rate is not None and (now_on.down_bps is None or rate < now_on.down_bps)
    return slower and matters.find(told.standing, SLOW, SLOW) is not None


def _clause(told: Told, product: Product) -> str | None:
    now_on = told.standing.product
    if downgrades.allowed(told.standing, product):
        return told.policy.clauses.downgrade
    terms = told.policy.contract
    if matters.find(told.standing, withdrawal.KIND, now_on.id) is not None:
        return terms.withdrawn.clause
    if has_more(product, now_on):
        return told.policy.clauses.back
    known = agreement.of(told.standing)
    if known is None or not is_lower(product, now_on):
        return None
    slow = matters.find(told.standing, SLOW, SLOW) is not None
    return terms.speed.clause if slow else terms.term.clause


def _moved(told: Told, product: Product) -> Event:
    clause, now_on = _clause(told, product), told.standing.product
    back = downgrades.allowed(told.standing, product)
    how = " back to" if back else " to"
    free = ", without charge" if back else ""
    text = f"Moved from {now_on.name}{how} {product.name}, with {cap_text(product)}{free}"
    figures: dict[str, str | int | bool | None] = {
        "from": now_on.id,
        "to": product.id,
        "note": told.get("note"),
    }
    if back:
        figures |= matters.change(downgrades.KIND, product.id, is_open=False)
    elif matters.find(told.standing, PENDING, PENDING) is not None:
        figures |= matters.change(PENDING, PENDING, is_open=False)
    return told.event("plan_changed", _ended(text, clause), clause, figures)


def _scheduled(told: Told, product: Product, at: datetime) -> Event:
    clause, now_on = _clause(told, product), told.standing.product
    day_of_it = date_text(at.astimezone(told.zone).date())
    text = f"Moves from {now_on.name} to {product.name}, with {cap_text(product)}, on {day_of_it}"
    figures = matters.change(
        PENDING,
        PENDING,
        due_at=at,
        to=product.id,
        by_clause=clause,
        by=told.fact.author,
        note=told.get("note"),
    )
    return told.event("plan_scheduled", _ended(text, clause), clause, figures)


def _stays(told: Told, product: Product) -> Event:
    text = f"The change of product is called off: {product.name} stays."
    figures = matters.change(PENDING, PENDING, is_open=False, note=told.get("note"))
    return told.event("plan_change_called_off", text, None, figures)


@needs(PENDING)
def due(case: Case) -> tuple[Event, ...]:
    """Change the product on the day that was chosen for it."""
    pending = matters.find(case.standing, PENDING, PENDING)
    if pending is None or pending.due_at is None or case.now < pending.due_at:
        return ()
    if has_ended(case.standing):
        return ()
    now_on, clause = case.standing.product, matters.text(pending, "by_clause")
    to = case.catalogue[ProductId(str(pending.data["to"]))]
    closes = matters.change(PENDING, PENDING, is_open=False)
    if to.id == now_on.id:
        text = f"{to.name} was to begin today and has begun before."
        return (case.event("plan_change_called_off", text, clause, closes, at=pending.due_at),)
    text = _ended(
        f"Moved from {now_on.name} to {to.name}, with {cap_text(to)}, as was chosen", clause
    )
    figures: Figures = {
        **closes,
        "from": now_on.id,
        "to": to.id,
        "note": matters.text(pending, "note"),
    }
    return (case.event("plan_changed", text, clause, figures, at=pending.due_at),)


def _ended(text: str, clause: str | None) -> str:
    return f"{text}." if clause is None else f"{text} ({clause})."


FACTS: Mapping[str, FactKind] = {
    "plan": FactKind(
        help="changes the product, at once or from a day on; no lower one inside the minimum term "
        "unless it is agreed; the present one calls a change off (UC-3, UC-5, CT-2)",
        required=("product",),
        optional=("note", "effective_on", "agreed"),
        shapes={"effective_on": day, "agreed": yes_or_no},
        accept=_plan,
    ),
}
