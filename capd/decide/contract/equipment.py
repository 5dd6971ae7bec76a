"""IN-5: the operator's equipment at the subscriber's: out, returned, lost."""

from collections.abc import Mapping

from capd.decide import charges, matters
from capd.decide.shapes import guess, money, one_of
from capd.decide.told import Answer, FactKind, Refused, Told
from capd.decide.wording import money_text
from capd.model import Event, Matter, Standing
from capd.units import rfc3339

KIND = "equipment"
OUT, RETURNED, LOST = "out", "returned", "lost"


def out(standing: Standing) -> tuple[str, ...]:
    """Return the items that the subscriber has: what a contract that ends waits for (CT-15)."""
    return tuple(matter.key for matter in matters.of_kind(standing, KIND))


def _equipment(told: Told) -> Answer:
    item, state = told.fact.details["item"], told.fact.details["state"]
    there = matters.find(told.standing, KIND, item)
    if state == OUT:
        return _handed_out(told, item)
    if there is None:
        near = guess(item, out(told.standing))
        return Refused(f"no {item!r} is out with this subscriber.{near}".removesuffix("."))
    clause = told.policy.contract.ending.equipment
    text = f"{item} is {'back' if state == RETURNED else 'lost'} ({clause})."
    figures = matters.change(
        KIND, item, is_open=False, state=state, serial=matters.text(there, "serial")
    )
    return (told.event("equipment", text, clause, figures), *_cost(told, there, clause))


def _handed_out(told: Told, item: str) -> Answer:
    there, serial = matters.find(told.standing, KIND, item), told.get("serial")
    if there is not None and matters.text(there, "serial") == serial:
        return ()
    clause = told.policy.contract.ending.equipment
    text = f"{item} is out with the subscriber; it stays the operator's ({clause})."
    figures = matters.change(KIND, item, state=OUT, serial=serial)
    return (told.event("equipment", text, clause, figures),)


def _cost(told: Told, there: Matter, clause: str) -> tuple[Event, ...]:
    """Charge for what did not come back, where an amount was told: once for each time it is out."""
    item, since = there.key, rfc3339(there.opened_at)
    amount = told.money("amount")
    if told.fact.details["state"] != LOST or not amount:
        return ()
    figures = charges.figures(
        told.standing.subscriber.id,
        KIND,
        f"{item}/{since}",
        amount,
        currency=told.currency,
        behind={"item": item, "serial": matters.text(there, "serial"), "out_since": since},
    )
    text = f"{money_text(amount)} {told.currency} for {item}, which is lost ({clause})."
    return (told.event("charge", text, clause, figures),)


FACTS: Mapping[str, FactKind] = {
    "equipment": FactKind(
        help="the operator's equipment at the subscriber's: out, returned or lost (IN-5, CT-15)",
        required=("item", "state"),
        optional=("serial", "amount"),
        shapes={"state": one_of(OUT, RETURNED, LOST), "amount": money},
        accept=_equipment,
    ),
}
