"""Undo of the last orders: not on the devices, but in what is owed; the orders follow from that.

A suspension follows from holds: they are released, as a person would, one by one. One for the cap
would open again at the next look, since usage is still over it; its release therefore puts off
whatever follows from the cap until the period ends (UC-8). A move to another product (UC-4) is put
off likewise and taken back. What follows from neither, or what the terms refuse, is said and left.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from capd.house import House
from capd.model import Fact, Order, OrderState, Standing, SubscriberId
from capd.pipeline import accept_turn
from capd.units import rfc3339

_IN_FORCE = (
    OrderState.OPEN, OrderState.HELD, OrderState.APPLIED, OrderState.UNKNOWN, OrderState.FAILED,
)  # fmt: skip
_LOOKED_AT = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Undone:
    """One order, the facts that take it back, and what stood in the way."""

    order: Order
    facts: tuple[Fact, ...]
    refused: tuple[str, ...] = ()


async def undo(
    house: House, count: int, *, note: str, author: str, now: datetime, dry_run: bool = False
) -> list[Undone]:
    """Take back the last *count* orders that took service away or changed the product.

    Returns them, newest first, with the facts told for each and what was refused of them; with
    *dry_run* nothing is told.
    """
    done = []
    for order in await _last(house, count):
        standing = await house.store.people.standing_of(
            order.subscriber, now, house.zone, house.window_months
        )
        if standing is None:
            continue
        facts = tuple(_facts(house, order, standing, note=note, author=author, now=now))
        refused: list[str] = []
        for fact in () if dry_run else facts:
            said = await accept_turn(house, fact, now=now)
            refused += [] if said is None else [f"{fact.fact}: {said}"]
        done.append(Undone(order=order, facts=facts, refused=tuple(refused)))
    return done


async def _last(house: House, count: int) -> Sequence[Order]:
    """Return each subscriber's newest order, if it is to be taken back; *count* at most."""
    seen: set[SubscriberId] = set()
    found: list[Order] = []
    for order in await house.store.orders.listing(states=_IN_FORCE, limit=_LOOKED_AT):
        if len(found) == count:
            break
        if order.subscriber not in seen and _takes_away(order):
            found.append(order)
        seen.add(order.subscriber)
    return found


def _takes_away(order: Order) -> bool:
    suspends = order.after.suspended and not order.before.suspended
    gives_back = order.before.suspended and not order.after.suspended
    return suspends or (not gives_back and order.before.product != order.after.product)


def _facts(
    house: House, order: Order, standing: Standing, *, note: str, author: str, now: datetime
) -> Iterator[Fact]:
    def told(kind: str, **details: str) -> Fact:
        return Fact(
            at=now,
            fact=kind,
            subscriber=order.subscriber,
            details={**details, "note": note},
            author=author,
        )

    if order.after.suspended:
        policy = house.policy_of(standing, now)
        for hold in standing.holds:
            if policy.hold_rule(hold.reason).blocking:
                yield told("release", reason=hold.reason.value)
        return
    yield told("delay", until=rfc3339(standing.period.end))
    yield told("plan", product=order.before.product)
