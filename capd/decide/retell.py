"""What people told, told again: from the audit trail back to the facts, under other terms.

The trail keeps what became different. Of that, what a person, billing or a file brought about is a
fact that stands whatever the policy; what capd concluded by itself is for a judgement to find anew.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from capd.decide import facts
from capd.decide.contract import linked
from capd.model import Event, Fact

ITSELF = "capd"
"""The author of what capd concluded."""

_NOT_DELIVERED = "delivery_failed"
_FACTS = {"plan_changed": "plan", "hold_opened": "hold", "hold_closed": "release"}
_DETAILS = {
    "size": "size_bytes",
    "product": "to",
    "down": "down_bps",
    "up": "up_bps",
    "charges": "bills",
    "invoice": "about",
    "charge_id": "reverses",
}


def was_told(event: Event) -> bool:
    """Say whether somebody told capd what *event* says, or it came of another subscriber's life.

    So it is with what is linked: it follows the connection that it hangs on (CT-10); and with a
    mail that never left (C-2).
    """
    if event.author != ITSELF or event.kind == _NOT_DELIVERED:
        return True
    return event.figures.get("matter") == linked.KIND


def fact_of(event: Event) -> Fact | None:
    """Return the fact behind *event*; None where no fact of today's is known to make such a one."""
    name = _FACTS.get(event.kind, event.kind)
    if event.kind == "charge" and event.figures.get("reverses"):
        name = "charge_reversed"
    kind = facts.FACTS.get(name)
    if kind is None or event.subscriber is None:
        return None
    if name == "plan" and "note" not in event.figures:
        return None  # by an import, which asks nobody: it is as it was
    details = {}
    for key in (*kind.required, *kind.optional):
        value = _detail(name, key, event)
        if value not in (None, ""):
            details[key] = str(value)
    fact = Fact(
        at=event.at, fact=name, subscriber=event.subscriber, details=details, author=event.author
    )
    return None if facts.check(fact) else fact


def _detail(name: str, key: str, event: Event) -> str | int | bool | None:
    if name == "charge_reversed":  # the event is the counter-charge, of an id of its own
        return event.figures.get({"reason": "why"}.get(key, _DETAILS.get(key, key)))
    if key == "note" and "why" in event.figures:
        return event.figures["why"]  # the note among the figures is of what it is about
    return event.figures.get(key, event.figures.get(_DETAILS.get(key, key)))


def tellings(trail: Iterable[Event]) -> list[tuple[Event, ...]]:
    """Return what was told of one subscriber, each telling whole, the oldest first.

    A telling is what one author brought about at one moment, without a conclusion in between.
    """
    by = groupby(trail, key=lambda event: (event.author, event.at, was_told(event)))
    found = [tuple(several) for (_, _, told), several in by if told]
    return sorted(found, key=lambda telling: telling[0].at)


def steps(telling: Sequence[Event]) -> Iterator[Fact | tuple[Event, ...]]:
    """Yield the facts of *telling*; or, where it begins with none that is known, all its events.

    Those make the same difference again, together: what comes of half of them is nobody's wish.
    What follows a fact, and is no fact by itself, came of it, and is for it to bring about anew.
    """
    if not telling or fact_of(telling[0]) is None:
        yield tuple(telling)
        return
    for event in telling:
        fact = fact_of(event)
        if fact is not None:
            yield fact
