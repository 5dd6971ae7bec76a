"""What the guard asks of the books: suspensions let go, caps exceeded, whether all is stopped."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import orjson
from sqlalchemy import and_, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from capd.model import Event, Order, OrderState, Reason, SectorId, SubscriberId
from capd.store import memos, rows
from capd.store.surges import Surges
from capd.store.tables import holds, orders, subscribers
from capd.units import micros, moment_of, rfc3339

GUARD = "guard"
STOPPED, CLEARED = "guard_stopped", "guard_cleared"
_RUNNING = (OrderState.OPEN, OrderState.UNKNOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Whether all suspensions are stopped, and when a person last cleared that."""

    sentence: str | None = None
    at: datetime | None = None
    cleared_at: datetime | None = None


async def stop_of(conn: AsyncConnection) -> Stop:
    """Return whether all suspensions are stopped."""
    kept = await memos.recall(conn, GUARD)
    if kept is None:
        return Stop()
    said = orjson.loads(kept)
    at = moment_of(said["at"])
    return Stop(sentence=said["text"], at=at) if said["stopped"] else Stop(cleared_at=at)


async def note(conn: AsyncConnection, event: Event) -> None:
    """Remember that a guard event stopped or cleared."""
    said = {"stopped": event.kind == STOPPED, "at": rfc3339(event.at), "text": event.text}
    await memos.remember(conn, GUARD, rows.json_text(said))


class Suspensions:
    """Within a judgement's transaction: what was taken away lately."""

    def __init__(self, conn: AsyncConnection) -> None:
        self._conn = conn
        self.surges = Surges(conn)

    async def _count(self, *conditions: object) -> int:
        query = select(func.count()).where(*conditions)  # type: ignore[arg-type]
        return int((await self._conn.execute(query)).scalar_one())

    async def since(self, at: datetime) -> int:
        """Return how many suspensions were let go to devices since *at*."""
        return await self._count(orders.c.suspends, orders.c.released_at >= micros(at))

    async def waiting(self, before: datetime) -> int:
        """Return how many suspensions let go before *before* no device has carried out yet."""
        return await self._count(
            orders.c.suspends, orders.c.state.in_(_RUNNING), orders.c.released_at < micros(before)
        )

    async def since_by_sector(self, at: datetime) -> dict[SectorId, int]:
        """Return how many were let go since *at*, by the subscriber's sector."""
        query = (
            select(subscribers.c.sector, func.count())
            .join_from(orders, subscribers, orders.c.subscriber == subscribers.c.id)
            .where(orders.c.suspends, orders.c.released_at >= micros(at))
            .group_by(subscribers.c.sector)
        )
        found = await self._conn.execute(query)
        return {SectorId(sector): count for sector, count in found if sector is not None}

    async def sectors(self, ids: Collection[SubscriberId]) -> dict[SubscriberId, SectorId]:
        """Return the sectors of those of *ids* that have one."""
        known: dict[SubscriberId, SectorId] = {}
        for chunk in rows.chunks(list(ids)):
            query = select(subscribers.c.id, subscribers.c.sector).where(
                subscribers.c.id.in_(chunk)
            )
            for row in await self._conn.execute(query):
                if row.sector is not None:
                    known[SubscriberId(row.id)] = SectorId(row.sector)
        return known

    async def subscribers(self) -> int:
        """Return how many subscribers there are."""
        query = select(func.count()).select_from(subscribers)
        return int((await self._conn.execute(query)).scalar_one())

    async def caps_exceeded(self, since: datetime, until: datetime) -> int:
        """Return how many holds for the cap were opened after *since*, up to *until*."""
        return await self._count(
            holds.c.reason == Reason.CAP,
            holds.c.opened_at > micros(since),
            holds.c.opened_at <= micros(until),
        )

    async def under_way_since(self, at: datetime) -> list[Order]:
        """Return the suspensions let go since *at* that no device has been told of yet."""
        query = select(orders).where(
            and_(
                orders.c.suspends,
                orders.c.state == OrderState.OPEN,
                orders.c.begun.is_(False),
                orders.c.released_at > micros(at),
            )
        )
        found = (await self._conn.execute(query.order_by(orders.c.id))).mappings()
        return [rows.order(row) for row in found]

    async def stop(self) -> Stop:
        """Return whether all suspensions are stopped until a person has looked."""
        return await stop_of(self._conn)
