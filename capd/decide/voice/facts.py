"""What is told of calls: each is rounded by itself, and counts in the period it ended in (D-1)."""

from collections.abc import Mapping

from capd.decide.shapes import count
from capd.decide.told import Answer, FactKind, Refused, Told
from capd.decide.wording import amount_text
from capd.model import Unit
from capd.units import rfc3339

CALL = "call"


def _call(told: Told) -> Answer:
    product, terms = told.standing.product, told.policy.calls
    if product.unit is not Unit.SECONDS:
        return Refused(f"{product.name} counts bytes: calls are of products that count seconds")
    ended_at = told.moment("ended_at") or told.now
    if ended_at > told.now:
        return Refused(f"ended_at: {rfc3339(ended_at)} is yet to come")
    seconds = int(told.fact.details["seconds"])
    counted = terms.counted_s(seconds)
    text = (
        f"A call of {amount_text(seconds, Unit.SECONDS)} counts "
        f"{amount_text(counted, Unit.SECONDS)} ({terms.clause})."
    )
    return (
        told.event(
            CALL,
            text,
            terms.clause,
            {
                "reference": told.fact.details["reference"],
                "seconds": seconds,
                "counted_seconds": counted,
                "ended_at": rfc3339(ended_at),
            },
        ),
    )


FACTS: Mapping[str, FactKind] = {
    CALL: FactKind(
        help="a call, by its record's id: counts at least a minute, in whole minutes (D-1)",
        required=("reference", "seconds"),
        optional=("ended_at",),
        shapes={"seconds": count},
        accept=_call,
    ),
}
