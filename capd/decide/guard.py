"""The brake: so many suspensions in an hour, and the rest waits for a person."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from capd.model import Order, OrderState, SubscriberId


def release(
    orders: Sequence[Order],
    *,
    suspensions_last_hour: int,
    most_suspensions: int,
    paused: bool = False,
    suspensions_waiting: int = 0,
) -> tuple[tuple[Order, ...], tuple[Order, ...]]:
    """Return the *orders* that may go, and those held for a person (state HELD, with why).

    Only what takes service away counts against the limit; restores and rates are never held. All
    orders of a subscriber go or are held together.

    Pausing holds nothing here: orders stay OPEN, to be seen, and enforcement takes none until the
    operator resumes. While *paused*, the *suspensions_waiting* (open from before the last hour)
    count as well: else they would pile up behind the brake and all go at once when it is let off.
    """
    used = suspensions_last_hour + (suspensions_waiting if paused else 0)
    suspending: dict[SubscriberId, list[Order]] = defaultdict(list)
    for order in orders:
        if suspends(order):
            suspending[order.subscriber].append(order)
    wanted = used + sum(len(some) for some in suspending.values())
    stopped: set[SubscriberId] = set()
    for subscriber, some in suspending.items():
        if used + len(some) <= most_suspensions:
            used += len(some)
        else:
            stopped.add(subscriber)
    why = f"{wanted} suspensions in an hour, limit {most_suspensions}: held for a person"
    released = tuple(o for o in orders if not (suspends(o) and o.subscriber in stopped))
    held = tuple(
        replace(o, state=OrderState.HELD, detail=why)
        for o in orders
        if suspends(o) and o.subscriber in stopped
    )
    return released, held


def suspends(order: Order) -> bool:
    """Say whether *order* takes service away from someone who has it."""
    return order.after.suspended and not order.before.suspended
