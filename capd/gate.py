"""The guard with what the books say: which orders may go, and whether a jump stops them all."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from capd.decide import guard
from capd.decide.surge import FLOOR_BYTES, is_surge
from capd.house import House, Line
from capd.model import Event, Order, OrderState, Reading, Role
from capd.store.desk import Desk
from capd.store.surges import Surge

_MOST_BYTES = 1 << 61  # a glitch may be larger; two of these still add up in a BIGINT
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
    found = await _jump(house, desk, since, start, now) or await _surge(house, desk, since, start)
    if found is None:
        return None
    back = await desk.suspensions.under_way_since(start)
    await desk.set_state(back, OrderState.HELD, found.sentence, now)
    await desk.record([_event(found, len(back), now)])
    return found.sentence


async def _jump(
    house: House, desk: Desk, since: datetime, start: datetime, now: datetime
) -> guard.Jump | None:
    recent = await desk.suspensions.caps_exceeded(since, now)
    before = await desk.suspensions.caps_exceeded(start - guard.USUAL_OVER, start)
    return guard.jump(recent, before, house.limits)


async def _surge(house: House, desk: Desk, since: datetime, start: datetime) -> guard.Surge | None:
    if not house.limits.surge:
        return None
    # also of readings that are to be judged after this one, of the same moment
    recent = await desk.suspensions.surges.people(since, start + 2 * guard.JUMP_WITHIN)
    if not recent:
        return None
    before = await desk.suspensions.surges.count(start - guard.USUAL_OVER, start)
    return guard.surge(recent, before, house.limits)


def suspects(house: House, readings: Sequence[Reading]) -> list[Surge]:
    """Return what may be surges among *readings*, going by the readings before them."""
    if not house.limits.surge:
        return []
    states, found = house.memory.states, []
    for reading in readings:
        key = reading.key
        if (before := states.get(key)) is None:
            continue
        down = reading.down_bytes - before.last.down_bytes
        up = reading.up_bytes - before.last.up_bytes
        if down + up < FLOOR_BYTES or down < 0 or up < 0 or reading.at <= before.last.at:
            continue
        home = house.memory.homes.get(key)
        if home is None or home.role is not Role.MAIN:
            continue
        found.append(
            Surge(
                subscriber=home.subscriber,
                device=reading.device,
                at=reading.at,
                down_bytes=min(down, _MOST_BYTES),
                up_bytes=min(up, _MOST_BYTES),
                seconds=(reading.at - before.last.at).total_seconds(),
            )
        )
    return found


async def note_surges(house: House, several: Sequence[Surge]) -> None:
    """Write down which of *several* are surges, and stop everything where they are too many."""
    found = [one for one in several if _is_surge(house.memory.lines.get(one.subscriber), one)]
    if not found:
        return
    now = max(one.at for one in found)
    async with house.store.judging() as desk:
        await desk.suspensions.surges.add(
            found, forget_before=now - guard.USUAL_OVER - guard.JUMP_WITHIN
        )
        await _stopped(house, desk, now)


def _is_surge(line: Line | None, one: Surge) -> bool:
    return line is not None and is_surge(
        one.down_bytes,
        one.up_bytes,
        one.seconds,
        allowance_bytes=line.allowance_bytes,
        rates=line.rates,
    )


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
