"""A radio that is disconnected is still charged for; coming back is quoted first (CT-12)."""

from collections.abc import Mapping

from capd.decide import charges, matters
from capd.decide.case import Figures
from capd.decide.shapes import one_of
from capd.decide.told import Answer, FactKind, Refused, Told
from capd.decide.wording import money_text
from capd.model import Event
from capd.units import rfc3339

KIND = "disconnection"
_KEY = "radio"
CUSTOMER = "customer"


def _disconnected(told: Told) -> Answer:
    cause, note = told.fact.details["cause"], told.get("note")
    known = matters.find(told.standing, KIND, _KEY)
    if known is not None:
        same = known.data.get("cause") == cause
        return () if same else Refused("the radio is disconnected already: tell `reconnected`")
    terms = told.policy.reconnection
    by = {CUSTOMER: "by the customer", "operator": "by the operator"}.get(cause, "by a fault")
    why = f"{by}{f': {note}' if note else ''}"
    text = f"The radio is disconnected, {why}; the product is charged on ({terms.clause})."
    figures = matters.change(KIND, _KEY, cause=cause, note=note)
    return (
        told.event("disconnected", text, terms.clause, figures),
        *(_quoted(told, figures) if cause == CUSTOMER and terms.fee else ()),
    )


def _quoted(told: Told, known: Figures) -> tuple[Event, ...]:
    terms = told.policy.reconnection
    figures = {
        **known,
        "fee": money_text(terms.fee),
        "amount": money_text(terms.fee),
        "currency": told.currency,
    }
    fee = f"{money_text(terms.fee)} {told.currency}"
    text = f"When the radio is connected again, {fee} is charged for it ({terms.clause})."
    return (told.event("fee_quoted", text, terms.clause, figures),)


def _reconnected(told: Told) -> Answer:
    known = matters.find(told.standing, KIND, _KEY)
    if known is None:
        return Refused("the radio is not disconnected")
    clause, fee = told.policy.reconnection.clause, matters.money(known, "fee")
    figures = matters.change(KIND, _KEY, is_open=False)
    text = f"The radio is connected again ({clause})."
    events = [told.event("reconnected", text, clause, figures)]
    if fee:
        since = rfc3339(known.opened_at)
        charge = charges.figures(
            told.standing.subscriber.id,
            "reconnection",
            f"{_KEY}/{since}",
            fee,
            currency=told.currency,
            behind={"disconnected_at": since},
        )
        text = f"Connecting the radio again costs {money_text(fee)} {told.currency} ({clause})."
        events.append(told.event("charge", text, clause, charge))
    return tuple(events)


FACTS: Mapping[str, FactKind] = {
    "disconnected": FactKind(
        help="the radio is disconnected, and is charged for all the same (CT-12)",
        required=("cause",),
        optional=("note",),
        shapes={"cause": one_of(CUSTOMER, "operator", "fault")},
        accept=_disconnected,
    ),
    "reconnected": FactKind(
        help="the radio is connected again; a fee that was quoted is charged (CT-12)",
        optional=("note",),
        accept=_reconnected,
    ),
}
