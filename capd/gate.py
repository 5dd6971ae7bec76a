"""The guard with what the books say: which orders may go, and whether a jump stops them all."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from capd.decide import guard
from capd.house import House
from capd.model import Event, Order, OrderState
from capd.store.desk import Desk

_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)


async def let_go(house: House, desk: Desk, orders: Sequence[Order], now: datetime) -> None:
    """Write *orders* down, open or held as the guard says."""
    seen = guard.Seen()
    if any(guard.suspends(order) for order in orders):
        stopped = await _stopped(house, desk, now)
        seen = await _seen(house, desk, orders, now, stopped)
    released, held = guard.release(orders, house.limits, seen)
    await desk.add_orders([*released, *held])


async def _seen(
    house: House, desk: Desk, orders: Sequence[Order], now: datetime, stopped: str | None
) -> guard.Seen:
    limits, book = house.limits, desk.suspensions
    by_sector = limits.most_in_sector is not None
    by_share = limits.most_share is not None
    return guard.Seen(
        last_hour=await book.since(now - _HOUR),
        last_day=await book.since(now - _DAY) if by_share else 0,
        waiting=await book.waiting(now - _HOUR),
        paused=bool(await house.store.people.paused()),
        subscribers=await book.subscribers() if by_share else 0,
        sectors=await book.sectors({order.subscriber for order in orders}) if by_sector else {},
        last_hour_in=await book.since_by_sector(now - _HOUR) if by_sector else {},
        stopped=stopped,
    )


async def _stopped(house: House, desk: Desk, now: datetime) -> str | None:
    """Return the sentence of the stop that is in force; begin one where there is a jump."""
    stop = await desk.suspensions.stop()
    if stop.sentence is not None:
        return stop.sentence
    start = now - guard.JUMP_WITHIN
    since = start if stop.cleared_at is None else max(start, stop.cleared_at)
    recent = await desk.suspensions.caps_exceeded(since, now)
    before = await desk.suspensions.caps_exceeded(start - guard.USUAL_OVER, start)
    found = guard.jump(recent, before, house.limits)
    if found is None:
        return None
    back = await desk.suspensions.under_way_since(start)
    await desk.set_state(back, OrderState.HELD, found.sentence, now)
    await desk.record([_event(found, len(back), now)])
    return found.sentence


def _event(found: guard.Jump, back: int, now: datetime) -> Event:
    return Event(
        at=now,
        kind="guard_stopped",
        text=f"The guard has stopped all suspensions: {found.sentence} (`capd guard`).",
        figures={
            "recent": found.recent,
            "usual": f"{found.usual:.1f}",
            "most": found.most,
            "within_s": int(guard.JUMP_WITHIN.total_seconds()),
            "called_back": back,
        },
    )
