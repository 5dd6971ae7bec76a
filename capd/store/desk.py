"""One judgement's transaction: load, think, save, with no other writer in between."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from capd.model import (
    Applied,
    Event,
    Inventory,
    Order,
    OrderState,
    Product,
    ProductId,
    Standing,
    SubscriberId,
)
from capd.store import inventory_rows, rows, standings, tallies
from capd.store.adjusting import Adjusting
from capd.store.answered import Kept, keep
from capd.store.bindings import Bindings
from capd.store.charges import recalled
from capd.store.filling import Filling
from capd.store.inventory_rows import Radio
from capd.store.order_events import order_event
from capd.store.orders import given_to
from capd.store.outbox import Outbox
from capd.store.premises import taken
from capd.store.projections import project
from capd.store.suspensions import Suspensions
from capd.store.tables import events as trail
from capd.store.tables import orders, seen
from capd.store.trail import append
from capd.units import micros

_STANDING = (
    OrderState.OPEN,
    OrderState.HELD,
    OrderState.FAILED,
    OrderState.UNKNOWN,
    OrderState.REFUSED,
)


class Desk:
    """What a judgement may read and write; only inside `async with store.judging()`."""

    def __init__(self, conn: AsyncConnection, outbox: Outbox) -> None:
        self._conn = conn
        self._outbox = outbox
        self.written: list[tuple[int, Event]] = []  # in this transaction, with their ids
        self.adjusting = Adjusting(conn)
        self.filling = Filling(conn)
        self.bindings = Bindings(conn)
        self.suspensions = Suspensions(conn)

    async def standings(
        self, ids: Sequence[SubscriberId], *, now: datetime, tz: ZoneInfo, months: int
    ) -> list[Standing]:
        """Return what is known of *ids*, in their order, without those that do not exist."""
        return await standings.load(self._conn, ids, now=now, tz=tz, months=months)

    async def products(self) -> dict[ProductId, Product]:
        """Return what is sold, by id."""
        return await standings.all_products(self._conn)

    async def taken(self, subscriber: SubscriberId, address: str) -> list[str]:
        """Return, a line each, who is served at *address* beside *subscriber* (CT-13)."""
        there = await inventory_rows.load(self._conn)
        mine = next(one for one in there.subscribers if one.id == subscriber)
        new = Inventory(subscribers=(replace(mine, address=address),))
        return taken(there, new, await tallies.ended(self._conn))

    async def radios(self) -> list[Radio]:
        """Return the boxes of the inventory, by what they can be told apart."""
        return await inventory_rows.radios(self._conn)

    async def record(self, events: Sequence[Event]) -> list[int]:
        """Write *events* to the audit trail, change the books accordingly; return their ids."""
        ids = await append(self._conn, events)
        written = list(zip(ids, events, strict=True))
        await project(self._conn, written)
        await self._outbox.enqueue(self._conn, written)
        self.written += written
        return ids

    async def keep_answer(self, kept: Kept, at: datetime) -> None:
        """Keep what is answered over HTTP to whoever wrote this; AnsweredBefore if it is."""
        await keep(self._conn, kept, at)

    async def fact_seen(self, kind: str, reference: str) -> Event | None:
        """Return the event of *kind* that had this reference: the same twice counts once."""
        query = select(trail).join(seen, seen.c.event == trail.c.id)
        query = query.where(seen.c.kind == kind, seen.c.reference == reference)
        row = (await self._conn.execute(query)).mappings().first()
        return None if row is None else rows.event(row)

    async def recalled(
        self, subscriber: SubscriberId, wanted: Mapping[str, tuple[str, str]]
    ) -> dict[str, Event]:
        """Return events of what may be over, by name; *wanted* says the kind and key of each."""
        return await recalled(self._conn, subscriber, wanted)

    async def applied(self, ids: Collection[SubscriberId]) -> list[Applied]:
        """Return what devices are known to give *ids*: one a subscriber and enforcing device."""
        return await given_to(self._conn, ids)

    async def open_orders(self, ids: Collection[SubscriberId]) -> list[Order]:
        """Return the orders of *ids* that are not at their end, or that a person must look at."""
        found: list[Order] = []
        for chunk in rows.chunks(list(ids)):
            query = select(orders).where(
                orders.c.subscriber.in_(chunk), orders.c.state.in_(_STANDING)
            )
            query = query.order_by(orders.c.id)
            found += [rows.order(row) for row in (await self._conn.execute(query)).mappings()]
        return found

    async def add_orders(self, new: Sequence[Order]) -> list[Order]:
        """Write orders down, open or held; return them with their ids."""
        if not new:
            return []
        last = (await self._conn.execute(select(func.max(orders.c.id)))).scalar() or 0
        numbered = [rows.renumbered(order, last + n) for n, order in enumerate(new, 1)]
        await self._conn.execute(insert(orders), [rows.order_row(order) for order in numbered])
        await self.record([order_event(order, at=order.created_at) for order in numbered])
        return numbered

    async def supersede(self, several: Sequence[Order], at: datetime) -> None:
        """End orders because something else is owed by now."""
        await self.set_state(several, OrderState.SUPERSEDED, "something else is owed by now", at)

    async def set_state(
        self, several: Sequence[Order], state: OrderState, detail: str, at: datetime
    ) -> None:
        """Put orders into *state*, saying why; OPEN lets go of what was held."""
        if not several:
            return
        change = {"state": state, "detail": detail, "next_at": None}
        if state is OrderState.HELD:
            change["released_at"] = None  # called back before any device had it: it was not let go
        for chunk in rows.chunks([order.id for order in several]):
            await self._conn.execute(update(orders).where(orders.c.id.in_(chunk)).values(**change))
            if state is OrderState.OPEN:
                let_go = update(orders).where(
                    orders.c.id.in_(chunk), orders.c.released_at.is_(None)
                )
                await self._conn.execute(let_go.values(released_at=micros(at)))
        await self.record(
            [order_event(order, at=at, state=state, detail=detail) for order in several]
        )


Witness = Callable[[Desk], Awaitable[None]]
"""Is called last in a transaction that somebody asked for: what it writes is saved with it."""
