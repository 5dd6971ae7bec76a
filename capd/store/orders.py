"""The service book outside a judgement: what is to be carried out, and what became of it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Select,
    Update,
    and_,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from capd.errors import CannotBeDone
from capd.model import Applied, DeviceId, Order, OrderState, Outcome, SectorId, SubscriberId
from capd.store import rows
from capd.store.database import Database
from capd.store.order_events import order_event
from capd.store.outbox import Outbox
from capd.store.tables import applied, orders, subscribers
from capd.store.trail import append
from capd.units import micros

_RUNNING = (OrderState.OPEN, OrderState.UNKNOWN)


class Orders:
    """The orders that devices are to carry out, and what devices have."""

    def __init__(self, database: Database, outbox: Outbox) -> None:
        self._database = database
        self._outbox = outbox

    async def due(self, now: datetime, limit: int = 1000) -> list[Order]:
        """Return what may be carried out now, oldest first."""
        ready = or_(orders.c.next_at.is_(None), orders.c.next_at <= micros(now))
        query = select(orders).where(orders.c.state.in_(_RUNNING), ready)
        return await self._orders(query.order_by(orders.c.id).limit(limit))

    async def listing(
        self,
        *,
        states: Collection[OrderState] | None = None,
        before: int | None = None,
        limit: int = 1000,
    ) -> list[Order]:
        """Return orders, newest first; those with numbers below *before*."""
        query = select(orders).order_by(orders.c.id.desc()).limit(limit)
        if before is not None:
            query = query.where(orders.c.id < before)
        return await self._orders(
            query if states is None else query.where(orders.c.state.in_(list(states)))
        )

    async def get(self, order_id: int) -> Order | None:
        """Return one order."""
        found = await self._orders(select(orders).where(orders.c.id == order_id))
        return found[0] if found else None

    async def transcript(self, order_id: int) -> str:
        """Return what was last typed for an order and answered, secrets masked."""
        return await self._text(orders.c.transcript, order_id)

    async def device_before(self, order_id: int) -> str:
        """Return what the device said of itself before an order was first tried."""
        return await self._text(orders.c.device_before, order_id)

    async def _text(self, column: Column[Any], order_id: int) -> str:
        async with self._database.read() as conn:
            found = (await conn.execute(select(column).where(orders.c.id == order_id))).scalar()
        return found or ""

    async def counts(self) -> dict[OrderState, int]:
        """Return how many orders stand in each state; every state is there."""
        query = select(orders.c.state, func.count()).group_by(orders.c.state)
        async with self._database.read() as conn:
            found = {OrderState(state): count for state, count in await conn.execute(query)}
        return {state: found.get(state, 0) for state in OrderState}

    async def applied(self, subscriber: SubscriberId) -> list[Applied]:
        """Return what devices are known to give *subscriber*, one a device."""
        query = select(applied).where(applied.c.subscriber == subscriber)
        async with self._database.read() as conn:
            found = (await conn.execute(query.order_by(applied.c.device))).mappings()
            return [rows.applied(row) for row in found]

    async def applied_to(self, ids: Sequence[SubscriberId]) -> list[Applied]:
        """Return what devices are known to give *ids*, by subscriber and device."""
        async with self._database.read() as conn:
            return await given_to(conn, ids)

    async def suspended_applied(self) -> list[Applied]:
        """Return the suspensions that devices confirmed, also those undone by hand since."""
        proven = applied.c.state.in_(("applied", "drifted"))
        query = select(applied).where(applied.c.suspended, proven)
        async with self._database.read() as conn:
            return [rows.applied(row) for row in (await conn.execute(query)).mappings()]

    async def close(
        self, outcomes: Sequence[Outcome], *, next_at: Mapping[int, datetime | None]
    ) -> None:
        """Write down what became of orders, all or nothing.

        An outcome to *retry* leaves its order running, not before its *next_at*. What a device
        confirmed is applied even where the order was superseded in the meantime.
        """
        if not outcomes:
            return
        async with self._database.write() as conn:
            ids = [outcome.order.id for outcome in outcomes]
            query = select(orders).where(orders.c.id.in_(ids))
            now = {row["id"]: rows.order(row) for row in (await conn.execute(query)).mappings()}
            events = []
            for outcome in outcomes:
                standing = now.get(outcome.order.id)
                if standing is None:
                    continue
                ended = _ended(standing, outcome, next_at.get(standing.id))
                await _keep(conn, ended, outcome)
                now[ended.id] = ended
                events.append(order_event(ended, at=outcome.at, state=outcome.state))
            written = list(zip(await append(conn, events), events, strict=True))
            await self._outbox.enqueue(conn, written)

    async def begin(self, ids: Collection[int]) -> list[Order]:
        """Return those of *ids* that are still to be carried out, which begins with this.

        Whoever is killed before an outcome is known leaves them begun: whatever is owed then, the
        device is asked. One that was so already makes what its device has unknown.
        """
        which = and_(orders.c.id.in_(list(ids)), orders.c.state.in_(_RUNNING))
        async with self._database.write() as conn:
            query = select(orders).where(which).order_by(orders.c.id)
            running = [rows.order(row) for row in (await conn.execute(query)).mappings()]
            for order in running:
                if order.begun:
                    await conn.execute(_doubted(order))
            begun = update(orders).where(orders.c.id.in_([order.id for order in running]))
            await conn.execute(begun.values(begun=True))
        return running

    async def hurry(self, device: DeviceId) -> None:
        """Let what is to be tried again on *device* be tried now."""
        waiting = and_(orders.c.device == device, orders.c.state.in_(_RUNNING))
        async with self._database.write() as conn:
            await conn.execute(update(orders).where(waiting).values(next_at=None))

    async def decide(
        self,
        order_id: int | None,
        *,
        approve: bool,
        author: str,
        note: str,
        at: datetime,
        sector: SectorId | None = None,
    ) -> int:
        """Let held orders go, or refuse them: one, a *sector*'s, or all (None); return how many.

        One that was refused may be let go later. Raises CannotBeDone where the one asked for does
        not wait for a person.
        """
        state = OrderState.OPEN if approve else OrderState.REFUSED
        which: ColumnElement[bool] = orders.c.state == OrderState.HELD
        if sector is not None:
            there = select(subscribers.c.id).where(subscribers.c.sector == sector)
            which = and_(which, orders.c.subscriber.in_(there))
        if order_id is not None:
            waits = (OrderState.HELD, OrderState.REFUSED) if approve else (OrderState.HELD,)
            which = and_(orders.c.state.in_(waits), orders.c.id == order_id)
        count = await self._put(which, state, author=author, note=note, at=at)
        if order_id is not None and not count:
            raise CannotBeDone(f"order {order_id} is not held")
        return count

    async def retry(
        self,
        order_id: int | None,
        *,
        device: DeviceId | None = None,
        author: str,
        note: str,
        at: datetime,
    ) -> int:
        """Let failed orders be tried afresh: one, a *device*'s, or all (None); return how many.

        Raises CannotBeDone where the one asked for has not failed.
        """
        which: ColumnElement[bool] = orders.c.state == OrderState.FAILED
        if order_id is not None:
            which = and_(which, orders.c.id == order_id)
        if device is not None:
            which = and_(which, orders.c.device == device)
        count = await self._put(which, OrderState.OPEN, author=author, note=note, at=at)
        if order_id is not None and not count:
            raise CannotBeDone(f"order {order_id} has not failed")
        return count

    async def _put(
        self,
        which: ColumnElement[bool],
        state: OrderState,
        *,
        author: str,
        note: str,
        at: datetime,
    ) -> int:
        """Put the orders *which* into *state*, because a person said so."""
        change: dict[str, Any] = {"state": state, "detail": note, "attempts": 0, "next_at": None}
        if state is OrderState.OPEN:
            change["released_at"] = micros(at)
        async with self._database.write() as conn:
            found = (await conn.execute(select(orders).where(which))).mappings().all()
            await conn.execute(
                update(orders).where(orders.c.id.in_([row["id"] for row in found])).values(**change)
            )
            events = [
                order_event(rows.order(row), at=at, state=state, detail=note, author=author)
                for row in found
            ]
            written = list(zip(await append(conn, events), events, strict=True))
            await self._outbox.enqueue(conn, written)
        return len(found)

    async def _orders(self, query: Select[Any]) -> list[Order]:
        async with self._database.read() as conn:
            return [rows.order(row) for row in (await conn.execute(query)).mappings()]


async def given_to(conn: AsyncConnection, ids: Collection[SubscriberId]) -> list[Applied]:
    """Return what devices are known to give *ids*: one a subscriber and enforcing device."""
    found: list[Applied] = []
    for chunk in rows.chunks(list(ids)):
        query = select(applied).where(applied.c.subscriber.in_(chunk))
        query = query.order_by(applied.c.subscriber, applied.c.device)
        found += [rows.applied(row) for row in (await conn.execute(query)).mappings()]
    return found


def _ended(order: Order, outcome: Outcome, next_at: datetime | None) -> Order:
    """Return *order* as it stands after *outcome*."""
    tried = replace(
        order, attempts=order.attempts + 1, detail=outcome.detail, next_at=None, begun=False
    )
    if outcome.state is OrderState.APPLIED:
        return replace(tried, state=OrderState.APPLIED)
    if order.state not in _RUNNING:  # it ended while the device was talking
        return tried
    if not outcome.retry:
        return replace(tried, state=OrderState.FAILED)
    state = OrderState.UNKNOWN if outcome.state is OrderState.UNKNOWN else OrderState.OPEN
    return replace(tried, state=state, next_at=next_at)


def _doubted(order: Order) -> Update:
    here = and_(applied.c.device == order.device, applied.c.subscriber == order.subscriber)
    return update(applied).where(here).values(state="unknown")


async def _keep(conn: AsyncConnection, order: Order, outcome: Outcome) -> None:
    row = rows.order_row(order)
    changed = {name: row[name] for name in ("state", "attempts", "detail", "next_at", "begun")}
    this = orders.c.id == order.id
    await conn.execute(update(orders).where(this).values(**changed, transcript=outcome.transcript))
    if outcome.before:  # the first try's: a later one may find what an earlier one left
        first = and_(this, orders.c.device_before.is_(None))
        await conn.execute(update(orders).where(first).values(device_before=outcome.before))
    here = and_(applied.c.device == order.device, applied.c.subscriber == order.subscriber)
    if outcome.state is OrderState.APPLIED:
        has = Applied(
            device=order.device,
            subscriber=order.subscriber,
            meter=order.meter,
            service=order.after,
            state="applied",
            at=outcome.at,
            order=order.id,
        )
        await conn.execute(delete(applied).where(here))
        await conn.execute(insert(applied).values(**rows.applied_row(has)))
    elif outcome.state is OrderState.UNKNOWN:
        await conn.execute(_doubted(order))
