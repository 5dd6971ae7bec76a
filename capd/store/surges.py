"""Of whom more bytes were read than they would use: kept as long as the guard compares."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from capd.model import DeviceId, SubscriberId
from capd.store.tables import surges
from capd.units import micros, moment

_SHOWN = 10
_ONCE = {
    "sqlite": sqlite.insert(surges).on_conflict_do_nothing(),
    "postgresql": postgresql.insert(surges).on_conflict_do_nothing(),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Surge:
    """A reading that showed more than use explains."""

    subscriber: SubscriberId
    device: DeviceId
    at: datetime
    down_bytes: int
    up_bytes: int
    seconds: float


class Surges:
    """Within a transaction: the surges."""

    def __init__(self, conn: AsyncConnection) -> None:
        self._conn = conn

    async def add(self, several: Sequence[Surge], *, forget_before: datetime) -> None:
        """Write *several* down, each once; what is older than *forget_before* goes."""
        told = [
            {
                "subscriber": one.subscriber,
                "at": micros(one.at),
                "device": one.device,
                "down": one.down_bytes,
                "up": one.up_bytes,
                "us": int(one.seconds * 1_000_000),
            }
            for one in several
        ]
        await self._conn.execute(_ONCE[self._conn.dialect.name], told)
        old = surges.c.at < micros(forget_before)
        await self._conn.execute(delete(surges).where(old))

    async def people(self, since: datetime, until: datetime) -> int:
        """Return of how many subscribers, after *since* and up to *until*."""
        return await self._count(func.count(surges.c.subscriber.distinct()), since, until)

    async def count(self, since: datetime, until: datetime) -> int:
        """Return how many, after *since* and up to *until*."""
        return await self._count(func.count(), since, until)

    async def largest(self, since: datetime) -> list[Surge]:
        """Return the largest few after *since*."""
        query = select(surges).where(surges.c.at > micros(since))
        found = await self._conn.execute(
            query.order_by((surges.c.down + surges.c.up).desc()).limit(_SHOWN)
        )
        return [
            Surge(
                subscriber=SubscriberId(row["subscriber"]),
                device=DeviceId(row["device"]),
                at=moment(row["at"]),
                down_bytes=row["down"],
                up_bytes=row["up"],
                seconds=timedelta(microseconds=row["us"]).total_seconds(),
            )
            for row in found.mappings()
        ]

    async def _count(self, what: object, since: datetime, until: datetime) -> int:
        between = (surges.c.at > micros(since), surges.c.at <= micros(until))
        query = select(what).where(*between)  # type: ignore[call-overload]
        return int((await self._conn.execute(query)).scalar_one())
