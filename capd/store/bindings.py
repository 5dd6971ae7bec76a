"""Which subscriber hangs on which device, taken apart again; what was counted there meanwhile."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import and_, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from capd.model import ActivationState, DeviceId, MeterKey, Part, SubscriberId
from capd.store.adjusting import period_of_row, same_period
from capd.store.tables import (
    activations,
    applied,
    charges,
    entries,
    events,
    meter_states,
    meters,
    totals,
)
from capd.units import micros, moment


class Bindings:
    """What a judgement's transaction may take apart."""

    def __init__(self, conn: AsyncConnection) -> None:
        self._conn = conn

    async def leaving(self) -> set[tuple[DeviceId, SubscriberId]]:
        """Return the homes that are being put back as they were: nothing else is ordered there."""
        query = select(activations.c.device, activations.c.subscriber)
        found = await self._conn.execute(
            query.where(activations.c.state == ActivationState.UNDOING)
        )
        return {(DeviceId(row.device), SubscriberId(row.subscriber)) for row in found}

    async def charged(self, subscriber: SubscriberId, since: datetime) -> list[str]:
        """Return the ids of what was charged since then, and not reversed."""
        query = (
            select(charges.c.charge_id, charges.c.charge)
            .join(events, events.c.id == charges.c.event)
            .where(charges.c.subscriber == subscriber, events.c.at >= micros(since))
        )
        found = [row.charge_id or row.charge for row in await self._conn.execute(query)]
        reversed_ = {one.removesuffix("/reversed") for one in found if one.endswith("/reversed")}
        return [one for one in found if one not in reversed_ and not one.endswith("/reversed")]

    async def counted(
        self, device: DeviceId, subscriber: SubscriberId, since: datetime
    ) -> list[tuple[MeterKey, Part]]:
        """Return what *device* counted for *subscriber* from then on, by meter and period."""
        sums = {
            name: func.sum(entries.c[name]).label(name)
            for name in ("down", "up", "estimated", "unknown_us")
        }
        whose = (entries.c.meter, totals.c.period, totals.c.period_start, totals.c.period_end)
        query = (
            select(*whose, *sums.values(), func.max(entries.c.ended_at).label("ended_at"))
            .join_from(entries, totals, same_period())
            .where(
                entries.c.device == device,
                entries.c.subscriber == subscriber,
                entries.c.started_at >= micros(since),
                entries.c.counts,
            )
            .group_by(*whose)
            .order_by(totals.c.period_start, entries.c.meter)
        )
        return [
            (
                MeterKey(device, row["meter"]),
                Part(
                    subscriber=subscriber,
                    period=period_of_row(row),
                    started_at=moment(row["ended_at"]),
                    ended_at=moment(row["ended_at"]),
                    down_bytes=int(row["down"]),
                    up_bytes=int(row["up"]),
                    estimated_bytes=int(row["estimated"]),
                    unknown_us=int(row["unknown_us"]),
                ),
            )
            for row in (await self._conn.execute(query)).mappings()
        ]

    async def untie(self, device: DeviceId, subscriber: SubscriberId) -> Sequence[str]:
        """Take the meters of *subscriber* off *device*, with their last readings; return them."""
        mine = and_(meters.c.device == device, meters.c.subscriber == subscriber)
        found = await self._conn.execute(select(meters.c.id).where(mine))
        names = [row.id for row in found]
        await self._conn.execute(
            delete(meter_states).where(
                meter_states.c.device == device, meter_states.c.meter.in_(names)
            )
        )
        await self._conn.execute(delete(meters).where(mine))
        here = and_(applied.c.device == device, applied.c.subscriber == subscriber)
        await self._conn.execute(delete(applied).where(here))
        return names

    async def end(self, ids: Collection[str], at: datetime) -> None:
        """Let activations be undone."""
        which = or_(*(activations.c.id == one for one in ids))
        change = update(activations).where(which)
        await self._conn.execute(change.values(state=ActivationState.UNDONE, ended_at=micros(at)))
