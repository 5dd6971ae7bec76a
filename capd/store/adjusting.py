"""Entries that are written after the fact, with who wrote them and why; never an edit."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from capd.model import (
    Adjustment,
    Aside,
    DrawerState,
    MeterKey,
    Part,
    Period,
    Quality,
    SubscriberId,
    Usage,
)
from capd.store import bulk, rows, standings
from capd.store.tables import adjustments, entries, implausible, totals
from capd.units import micros, moment


class Adjusting:
    """What a judgement's transaction may write into the ledger besides readings."""

    def __init__(self, conn: AsyncConnection) -> None:
        self._conn = conn

    async def aside(self, number: int) -> Aside | None:
        """Return a reading that was put aside."""
        return await aside(self._conn, number)

    async def decide(
        self, number: int, state: DrawerState, *, author: str, note: str, at: datetime
    ) -> bool:
        """Close an open reading of the drawer; say whether it was open: nothing changes else."""
        closed = await self._conn.execute(
            update(implausible)
            .where(implausible.c.id == number, implausible.c.state == DrawerState.OPEN)
            .values(state=state, decided_at=micros(at), decided_by=author, note=note)
        )
        return closed.rowcount == 1

    async def blind(self, one: Aside) -> tuple[list[Period], bool]:
        """Return the periods that the gap of *one* was put down in, and whether it counts."""
        before, after = one.evidence.before, one.evidence.after
        query = (
            select(entries.c.counts, totals.c.period, totals.c.period_start, totals.c.period_end)
            .join_from(entries, totals, same_period())
            .where(
                entries.c.subscriber == one.subscriber,
                entries.c.device == after.device,
                entries.c.meter == after.meter,
                entries.c.quality == Quality.IMPLAUSIBLE,
                entries.c.started_at <= micros(after.at),
                entries.c.ended_at > micros(before.at),
                entries.c.ended_at <= micros(after.at),
            )
            .order_by(entries.c.period_start)
        )
        found = (await self._conn.execute(query)).mappings().all()
        return [period_of_row(row) for row in found], all(row["counts"] for row in found)

    async def usage(self, who: SubscriberId, period: Period) -> Usage:
        """Return what *who* used in *period*; zero where nothing was counted."""
        return (await standings.usages(self._conn, {who: period}))[who]

    async def write(
        self,
        parts: Sequence[Part],
        *,
        kind: Adjustment,
        rule: str,
        key: MeterKey,
        author: str,
        note: str,
        at: datetime,
        source: int | None = None,
    ) -> None:
        """Write *parts* as entries of their own, and add them to the totals."""
        for part in parts:
            row = {
                "device": key.device, "meter": key.meter, "subscriber": part.subscriber,
                "period_start": micros(part.period.start), "started_at": micros(part.started_at),
                "ended_at": micros(part.ended_at), "down": part.down_bytes, "up": part.up_bytes,
                "estimated": part.estimated_bytes, "unknown_us": part.unknown_us,
                "counts": part.counts, "quality": kind.value, "rule": rule,
                "down_raw": 0, "up_raw": 0, "uptime_s": None,
            }  # fmt: skip
            query = insert(entries).values(**row).returning(entries.c.id)
            number = (await self._conn.execute(query)).scalar_one()
            said = {"at": micros(at), "author": author, "note": note, "source": source}
            await self._conn.execute(insert(adjustments).values(entry=number, kind=kind, **said))
            await self._add(part)

    async def _add(self, part: Part) -> None:
        figures = (part.down_bytes, part.up_bytes, part.estimated_bytes, part.unknown_us)
        start = micros(part.period.start)
        row = (
            part.subscriber,
            start,
            part.period.name,
            micros(part.period.end),
            *(figures if part.counts else (0, 0, 0, 0)),
            start,  # no meter was read because of it
        )
        sqlite = self._conn.dialect.name == "sqlite"
        statements = bulk.SQLITE if sqlite else bulk.POSTGRESQL
        await bulk.run(self._conn, statements.add_totals, [row])


def same_period() -> ColumnElement[bool]:
    """Return how an entry finds the total that it is part of."""
    return and_(
        entries.c.subscriber == totals.c.subscriber,
        entries.c.period_start == totals.c.period_start,
    )


def period_of_row(row: rows.Row) -> Period:
    """Return the period of a row of the totals."""
    start, end = moment(row["period_start"]), moment(row["period_end"])
    return Period(name=row["period"], start=start, end=end)


async def aside(conn: AsyncConnection, number: int) -> Aside | None:
    """Return one reading of the drawer."""
    query = select(implausible).where(implausible.c.id == number)
    row = (await conn.execute(query)).mappings().first()
    return None if row is None else rows.aside(row)


async def drawer(
    conn: AsyncConnection, *, closed: bool, before: int | None, limit: int
) -> list[Aside]:
    """Return the readings that were put aside, newest first; those decided on where *closed*.

    Only those with numbers below *before*.
    """
    query = select(implausible).order_by(implausible.c.id.desc()).limit(limit)
    if not closed:
        query = query.where(implausible.c.state == DrawerState.OPEN)
    if before is not None:
        query = query.where(implausible.c.id < before)
    return [rows.aside(row) for row in (await conn.execute(query)).mappings()]


async def drawer_open(conn: AsyncConnection) -> int:
    """Return how many readings wait in the drawer for a person."""
    query = select(func.count()).where(implausible.c.state == DrawerState.OPEN)
    return int((await conn.execute(query)).scalar_one())
