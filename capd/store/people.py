"""The inventory, and what is known of each subscriber."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import orjson
from sqlalchemy import exists, select

from capd.model import (
    Counts,
    Cycle,
    Device,
    DeviceId,
    Inventory,
    MeterKey,
    Period,
    Product,
    ProductId,
    Reason,
    Role,
    Sector,
    Standing,
    Subscriber,
    SubscriberId,
)
from capd.store import (
    books_check,
    imports,
    inventory_rows,
    memos,
    new_terms,
    reach,
    standings,
    tallies,
)
from capd.store.database import Database
from capd.store.imports import Changes
from capd.store.new_terms import Notice, Present
from capd.store.outbox import Outbox
from capd.store.projections import PAUSED, project
from capd.store.tables import holds, meters, products, remembered, subscribers
from capd.store.trail import append


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterHome:
    """Whose bytes a meter counts, and how: what the hot path must know of it."""

    subscriber: SubscriberId
    role: Role
    cycle: Cycle
    counts: Counts  # of the subscriber's product
    backed: bool = False  # the subscriber has a backup meter, which may fill gaps (CN-14)

    @property
    def counts_bytes(self) -> bool:
        """Say whether the meter's bytes go to the totals: a backup's are evidence only (CN-14)."""
        return self.role is Role.MAIN


class People:
    """Who is served, with what, over which devices."""

    def __init__(self, database: Database, outbox: Outbox) -> None:
        self._database = database
        self._outbox = outbox

    async def inventory(self) -> Inventory:
        """Return the whole inventory, each kind in the order of its ids."""
        async with self._database.read() as conn:
            return await inventory_rows.load(conn)

    async def apply(
        self,
        inventory: Inventory,
        *,
        dry_run: bool,
        author: str,
        at: datetime,
        enforcing: Collection[DeviceId] = (),
        notice: Notice | None = None,
    ) -> Changes:
        """Add and change what *inventory* says, take nothing away; all or nothing (ConfigError).

        The devices of *enforcing* carry out orders: they are assumed to give what the product of
        each subscriber on them says, so that an import pushes nothing. A meter that moves keeps
        its last reading, and later bytes are the new subscriber's. By *notice* those are told who
        have a product that becomes worse (CT-6).
        """
        notice = notice or Notice()
        if dry_run:
            return imports.changes_of(imports.plan(await self.present(), inventory, notice, at))
        async with self._database.write() as conn:
            there = await new_terms.present(conn)
            planned = imports.plan(there, inventory, notice, at)
            await imports.save(conn, there.inventory, planned.found, frozenset(enforcing), at)
            events = imports.events_of(planned, author, at)
            written = list(zip(await append(conn, events), events, strict=True))
            await project(conn, written)
            await self._outbox.enqueue(conn, written)
            return imports.changes_of(planned)

    async def present(self) -> Present:
        """Return what an import would be compared with."""
        async with self._database.read() as conn:
            return await new_terms.present(conn)

    async def subscriber(self, subscriber: SubscriberId) -> Subscriber | None:
        """Return one subscriber."""
        async with self._database.read() as conn:
            return (await standings.some_subscribers(conn, [subscriber])).get(subscriber)

    async def ids(
        self, *, after: str = "", limit: int | None = None, held: bool | None = None
    ) -> list[SubscriberId]:
        """Return the ids of all subscribers, in their order; at most *limit* of those *after* one.

        *held*: only those with an open hold, or only those without.
        """
        query = select(subscribers.c.id).where(subscribers.c.id > after).limit(limit)
        if held is not None:
            there = exists().where(
                holds.c.subscriber == subscribers.c.id, holds.c.closed_at.is_(None)
            )
            query = query.where(there if held else ~there)
        async with self._database.read() as conn:
            found = await conn.execute(query.order_by(subscribers.c.id))
            return [SubscriberId(row.id) for row in found]

    async def products(self) -> dict[ProductId, Product]:
        """Return what is sold, by id."""
        async with self._database.read() as conn:
            return await standings.all_products(conn)

    async def sectors(self) -> list[Sector]:
        """Return every sector, by id."""
        return list((await self.inventory()).sectors)

    async def devices(self) -> dict[DeviceId, Device]:
        """Return every device with its meters, by id."""
        return {device.id: device for device in (await self.inventory()).devices}

    async def meter_homes(self) -> dict[MeterKey, MeterHome]:
        """Return whose bytes each meter counts."""
        query = (
            select(
                meters.c.device,
                meters.c.id,
                meters.c.role,
                subscribers.c.id.label("who"),
                subscribers.c.cycle_day,
                subscribers.c.earlier_days,
                products.c.counts,
            )
            .join_from(meters, subscribers, meters.c.subscriber == subscribers.c.id)
            .join(products, subscribers.c.product == products.c.id)
        )
        async with self._database.read() as conn:
            found = (await conn.execute(query)).mappings().all()
            backed = {row["who"] for row in found if row["role"] == Role.BACKUP}
            return {
                MeterKey(DeviceId(row["device"]), row["id"]): MeterHome(
                    subscriber=SubscriberId(row["who"]),
                    role=Role(row["role"]),
                    cycle=Cycle(row["cycle_day"], inventory_rows.earlier_days(row)),
                    counts=Counts(row["counts"]),
                    backed=row["who"] in backed,
                )
                for row in found
            }

    async def standings(
        self, ids: Collection[SubscriberId], now: datetime, tz: ZoneInfo, months: int
    ) -> list[Standing]:
        """Return what is known of *ids*, as `Desk.standings` does, without the right to write."""
        async with self._database.read() as conn:
            return await standings.load(conn, list(ids), now=now, tz=tz, months=months)

    async def standing_of(
        self, subscriber: SubscriberId, now: datetime, tz: ZoneInfo, months: int
    ) -> Standing | None:
        """Return what is known of one subscriber."""
        found = await self.standings([subscriber], now, tz, months)
        return found[0] if found else None

    async def states(self) -> dict[str, int]:
        """Return how many subscribers are active, restricted and suspended."""
        async with self._database.read() as conn:
            return await tallies.states(conn)

    async def idle(self, since: datetime) -> dict[SubscriberId, Period | None]:
        """Return who may have used nothing after *since*, and the last period with usage (FU-3)."""
        async with self._database.read() as conn:
            return await tallies.idle(conn, since)

    async def read_to(self, ids: Collection[SubscriberId]) -> dict[SubscriberId, datetime]:
        """Return by when every main meter of each was read; without one, or a reading, nothing."""
        async with self._database.read() as conn:
            return await reach.read_to(conn, ids)

    async def hold_counts(self) -> dict[Reason, int]:
        """Return how many holds are open, by reason."""
        async with self._database.read() as conn:
            return await tallies.hold_counts(conn)

    async def paused(self) -> bool | None:
        """Say whether the operator holds the brake; None where nobody ever said."""
        kept = await self.recall(PAUSED)
        return None if kept is None else bool(orjson.loads(kept)["paused"])

    async def check(self, progress: books_check.Progress = books_check.unseen) -> list[str]:
        """Return where the books are not what the audit trail makes of them, a line each."""
        return await books_check.mistakes(self._database, progress)

    async def remember(self, key: str, value: str) -> None:
        """Keep *value* by *key*, in place of what was kept by it."""
        async with self._database.write() as conn:
            await memos.remember(conn, f"memo:{key}", value)

    async def recall(self, key: str) -> str | None:
        """Return what was kept by *key*."""
        async with self._database.read() as conn:
            return await memos.recall(conn, key if key == PAUSED else f"memo:{key}")

    async def forget(self, key: str) -> None:
        """Keep nothing by *key* any more."""
        async with self._database.write() as conn:
            await conn.execute(remembered.delete().where(remembered.c.key == f"memo:{key}"))
