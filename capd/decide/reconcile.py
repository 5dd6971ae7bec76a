"""Owed against applied: the orders in between. Suspend, restore, re-rate: one comparison."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from capd.model import Applied, DeviceId, Order, OrderState, Service, SubscriberId, Verdict

_Home = tuple[DeviceId, SubscriberId]


_NOT_KNOWN = ("unknown", "drifted")
_ENDED = (OrderState.FAILED, OrderState.REFUSED)  # until a person says otherwise


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What must become of the orders for what is owed to come true."""

    add: tuple[Order, ...] = ()
    supersede: tuple[Order, ...] = ()


def orders(
    verdicts: Sequence[Verdict],
    applied: Sequence[Applied],
    open_orders: Sequence[Order],
    now: datetime,
) -> Changes:
    """Return the orders to add and to supersede; of what is already under way, none.

    *open_orders* are those OPEN, HELD, FAILED, REFUSED or UNKNOWN of the same subscribers. One
    that FAILED, or that a person REFUSED, is not made again until something else is owed.
    """
    owed = {verdict.subscriber: verdict for verdict in verdicts}
    waiting: dict[_Home, list[Order]] = defaultdict(list)
    for order in open_orders:
        if order.subscriber in owed:
            waiting[order.device, order.subscriber].append(order)
    add: list[Order] = []
    kept: set[int] = set()
    for row in applied:
        if row.subscriber not in owed:
            continue
        verdict = owed[row.subscriber]
        under_way = waiting[row.device, row.subscriber]
        if not _needed(row, verdict.owed, under_way):
            continue
        good = _leading_to(verdict.owed, under_way)
        if good is None:
            add.append(_order(row, verdict, now))
        else:
            kept.add(good.id)
    dropped = (o for some in waiting.values() for o in some if o.id not in kept)
    return Changes(add=tuple(add), supersede=tuple(dropped))


def same_effect(one: Service, other: Service) -> bool:
    """Say whether a device gives the same in both: rates do not matter while nothing flows.

    The product is the operator's word, not the device's: two with the same rates look alike.
    """
    if one.suspended or other.suspended:
        return one.suspended and other.suspended
    return (one.down_bps, one.up_bps) == (other.down_bps, other.up_bps)


def _needed(row: Applied, owed: Service, under_way: Iterable[Order]) -> bool:
    """Say whether the device must be told: what it has differs, or is not known.

    What somebody changed by hand (`drifted`) is left to a person, until something else is owed.
    """
    if row.state == "unknown" or not same_effect(row.service, owed):
        return True
    if any(order.state is OrderState.UNKNOWN or order.begun for order in under_way):
        return True  # a session was lost half-way, or is under way
    return owed.suspended and row.state == "assumed"  # nobody ever saw it suspended


def _leading_to(owed: Service, under_way: Iterable[Order]) -> Order | None:
    """Return the order that brings about *owed*, one that still moves before one that failed."""
    good = [order for order in under_way if same_effect(order.after, owed)]
    return min(good, key=lambda o: (o.state in _ENDED, o.id), default=None)


def _order(row: Applied, verdict: Verdict, now: datetime) -> Order:
    return Order(
        id=0,
        device=row.device,
        subscriber=row.subscriber,
        meter=row.meter,
        before=_before(row, verdict.owed),
        after=verdict.owed,
        reason=verdict.reason,
        clause=verdict.clause,
        created_at=now,
    )


def _before(row: Applied, owed: Service) -> Service:
    """Return what to start from; where that is not known, what makes every line be typed."""
    if row.state not in _NOT_KNOWN and not same_effect(row.service, owed):
        return row.service
    same_rates = (row.service.down_bps, row.service.up_bps) == (owed.down_bps, owed.up_bps)
    known = replace(row.service, down_bps=None, up_bps=None) if same_rates else row.service
    return replace(known, suspended=not owed.suspended)
