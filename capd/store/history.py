"""Usage by hour and by day, whatever of it is readings, hours or days by now; and legal holds."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Select, Table, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from capd.account.history import By, Row, Sums, add, add_hours, as_rows, by_day
from capd.account.retention import Cuts
from capd.model import Period, SubscriberId
from capd.store.compaction import Compaction
from capd.store.database import Database
from capd.store.tables import days, entries, hours, lapsed, legal_holds, totals
from capd.units import micros, moment

_MANY = 1_000_000  # more readings than that are not counted one by one


@dataclass(frozen=True, slots=True, kw_only=True)
class LegalHold:
    """Whose records are all kept, since when, by whom and why (AU-3)."""

    subscriber: SubscriberId
    since: datetime
    author: str
    note: str


class History:
    """What was used when; `compaction` makes what is old coarser, without losing a byte."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def by_time(
        self, subscriber: SubscriberId, period: Period, by: By, zone: ZoneInfo
    ) -> list[Row]:
        """Return (start, end, down, up, estimated, unknown us) a local hour or day of *period*.

        They add up to the period's total. What retention made coarser than asked for stands as
        it is kept: a row has the start and end of its whole day, or of all days that lapsed.
        """
        async with self._database.read() as conn:
            fine = await _spans(conn, hours, subscriber, period)
            await _add_entries(conn, fine, subscriber, period, zone)
            sums = by_day(fine, zone) if by == "day" else fine
            for table in (days, lapsed):
                for span, figures in (await _spans(conn, table, subscriber, period)).items():
                    add(sums, span, figures)
        return as_rows(sums)

    def compaction(self, cuts: Cuts, zone: ZoneInfo) -> Compaction:
        """Return the work of making coarser, or letting go, what is older than *cuts* say."""
        return Compaction(self._database, cuts, zone)

    async def legal_hold(self, subscriber: SubscriberId) -> LegalHold | None:
        """Return the legal hold that *subscriber* is under, if any."""
        return next((one for one in await self.legal_holds() if one.subscriber == subscriber), None)

    async def legal_holds(self) -> list[LegalHold]:
        """Return every legal hold, by subscriber."""
        query = select(legal_holds).order_by(legal_holds.c.subscriber)
        async with self._database.read() as conn:
            return [
                LegalHold(
                    subscriber=SubscriberId(row["subscriber"]), since=moment(row["since"]),
                    author=row["author"], note=row["note"],
                )
                for row in (await conn.execute(query)).mappings()
            ]  # fmt: skip

    async def sizes(self) -> dict[str, int]:
        """Return how many rows of readings, hours and days there are; very many only about."""
        first, last = func.min(entries.c.id), func.max(entries.c.id)
        async with self._database.read() as conn:
            low = int((await conn.execute(select(first))).scalar() or 0)
            spread = int((await conn.execute(select(last))).scalar() or 0) - low + 1
            raw = spread if low and spread > _MANY else await _count(conn, entries)
            return {
                "raw": raw, "hours": await _count(conn, hours), "days": await _count(conn, days),
            }  # fmt: skip


async def _count(conn: AsyncConnection, table: Table) -> int:
    if conn.dialect.name == "postgresql":
        about = text("SELECT reltuples::bigint FROM pg_class WHERE oid = to_regclass(:name)")
        many = int((await conn.execute(about, {"name": table.name})).scalar() or 0)
        if many > _MANY:  # to count them would take minutes
            return many
    return int((await conn.execute(select(func.count()).select_from(table))).scalar_one())


def _figures(table: Table) -> Select[Any]:
    own = table.c
    return select(own.started_at, own.ended_at, own.down, own.up, own.estimated, own.unknown_us)


async def _spans(
    conn: AsyncConnection, table: Table, subscriber: SubscriberId, period: Period
) -> Sums:
    query = _figures(table).where(
        table.c.subscriber == subscriber, table.c.period_start == micros(period.start)
    )
    if table is not lapsed:  # for the index; a span begins with the period or later
        query = query.where(table.c.started_at >= micros(period.start))
    return {
        (start, end): (down, up, estimated, unknown_us)
        for start, end, down, up, estimated, unknown_us in await conn.execute(query)
    }


async def _add_entries(
    conn: AsyncConnection, sums: Sums, subscriber: SubscriberId, period: Period, zone: ZoneInfo
) -> None:
    start = micros(period.start)
    end = select(totals.c.period_end).where(
        totals.c.subscriber == subscriber, totals.c.period_start == start
    )
    query = _figures(entries).where(
        entries.c.subscriber == subscriber,
        entries.c.started_at >= start,
        entries.c.started_at < end.scalar_subquery(),
        entries.c.period_start == start,
        entries.c.counts,
    )
    for since, until, *figures in await conn.execute(query):
        down, up, estimated, unknown_us = figures
        add_hours(sums, since, until, (down, up, estimated, unknown_us), zone)
