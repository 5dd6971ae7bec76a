"""A move to another address: the contract goes along (CT-2), or another begins there (C-5)."""

from collections.abc import Mapping
from datetime import date, datetime

from capd.decide.contract import ending, plans
from capd.decide.contract.days import day_of, start_of
from capd.decide.contract.ending import Cause, Ending, State
from capd.decide.holds import has_ended
from capd.decide.shapes import day, guess, yes_or_no
from capd.decide.told import Answer, FactKind, Refused, Told
from capd.decide.wording import date_text
from capd.model import Event, Product, ProductId


def _move(told: Told) -> Answer:
    if has_ended(told.standing):
        return Refused("the contract has ended: there is nothing to move")
    if told.policy.contract.moving.as_new:
        return _disconnected(told)
    if told.get("on") is not None or told.get("to") is not None:
        return Refused("on and to are for moves that begin a new subscription (C-5)")
    address, product = told.fact.details["address"], _product(told)
    if isinstance(product, Refused):
        return product
    if address == told.standing.subscriber.address and product is None:
        return ()
    clause = told.policy.contract.moving.clause
    figures = {"address": address, "was": told.standing.subscriber.address}
    moved = told.event("moved", f"Moved to {_line(address)} ({clause}).", clause, figures)
    return (moved,) if product is None else (moved, _changed(told, product, clause))


def _line(address: str) -> str:
    return ", ".join(part.strip() for part in address.splitlines() if part.strip())


def _product(told: Told) -> Product | Refused | None:
    """Return the product that is taken at the new address, where it is another one."""
    wanted = told.get("product")
    if wanted is None or wanted == told.standing.product.id:
        return None
    product = told.catalogue.get(ProductId(wanted))
    if product is None:
        return Refused(f"there is no product {wanted!r}.{guess(wanted, told.catalogue)}")
    if told.get("unavailable") == "yes":  # CT-2: the present one is not to be had there
        return product
    return plans.bound(told, product, told.now) or product


def _changed(told: Told, product: Product, clause: str) -> Event:
    now_on = told.standing.product
    why = ", as it is not to be had there" if told.get("unavailable") == "yes" else ""
    text = f"Moved from {now_on.name} to {product.name} with the address{why} ({clause})."
    figures = {"from": now_on.id, "to": product.id, "note": told.get("note")}
    return told.event("plan_changed", text, clause, figures)


def _disconnected(told: Told) -> Answer:
    """End the contract where service was: a new subscription begins with its own activation."""
    present, clause = ending.of(told.standing), told.policy.contract.moving.clause
    if present is not None:
        same = present.cause is Cause.MOVE and present.moved_to == told.get("to")
        return () if same else Refused("the contract ends already: a new subscription is a new one")
    at, on = told.now, told.get("on")
    if on is not None:
        at = max(told.now, start_of(date.fromisoformat(on), told.zone))
    over = Ending(
        state=State.CANCELLING,
        cause=Cause.MOVE,
        told_at=told.now,
        ends_at=at,
        note=told.get("note"),
        moved_to=told.get("to"),
    )
    return (told.event("cancellation", _text(told, at, clause), clause, over.change()),)


def _text(told: Told, at: datetime, clause: str) -> str:
    to = told.get("to")
    which = "a new subscription" if to is None else f"the new subscription {to}"
    end = date_text(day_of(at, told.zone))
    return (
        f"A move to {_line(told.fact.details['address'])}: service here ends on {end}, and {which} "
        f"begins with its own activation ({clause})."
    )


FACTS: Mapping[str, FactKind] = {
    "move": FactKind(
        help="a move to another address; the contract goes along, with a lower product only where "
        "the present one is unavailable (CT-2, CT-13), or a new subscription begins there (C-5)",
        required=("address",),
        optional=("product", "unavailable", "agreed", "on", "to", "note"),
        shapes={"unavailable": yes_or_no, "agreed": yes_or_no, "on": day},
        accept=_move,
    ),
}
