"""The usage book: last readings, entries and totals, saved together or not at all."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import and_, func, insert, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from capd.account.periods import period_of
from capd.model import (
    Adjustment,
    Aside,
    Implausible,
    MeterKey,
    MeterState,
    Part,
    Period,
    Posting,
    SubscriberId,
    Usage,
)
from capd.store import adjusting, bulk, filling, ledger_check, rows, standings
from capd.store.batch import Batch, gathered
from capd.store.database import Database
from capd.store.tables import entries, gaps, implausible, meter_states, totals
from capd.units import micros, moment

_BY_HAND = (Adjustment.CORRECTED, Adjustment.TOLD)  # a person's figures: no traffic passed then


class Ledger:
    """What every meter counted, for whom, in which period."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._statements = bulk.SQLITE if database.sqlite else bulk.POSTGRESQL

    async def states(self, keys: Collection[MeterKey]) -> dict[MeterKey, MeterState]:
        """Return what is remembered of the meters *keys*; those never read are missing."""
        async with self._database.read() as conn:
            return await _states(conn, keys)

    async def post(self, postings: Sequence[Posting]) -> frozenset[MeterKey]:
        """Save *postings* in one transaction; return nothing, or the meters that stood in the way.

        A meter stands in the way when its last reading is not the one that the posting was worked
        out from: somebody else posted it. Then nothing at all was saved: load its state and step
        again. A posting that changes nothing (CN-2) writes nothing.
        """
        batch = gathered(postings)
        if batch.broken or not batch:
            return frozenset(batch.broken)
        async with self._database.write() as conn:
            if await self._write(conn, batch):
                return frozenset()
            await conn.rollback()
        return await self._in_the_way(batch)

    async def _write(self, conn: AsyncConnection, batch: Batch) -> bool:
        """Write *batch*; say whether every meter still stood where the batch took off from."""
        added, moved = batch.new_states(), batch.moved_states()
        if await bulk.run(conn, self._statements.add_states, added) != len(added):
            return False
        if await bulk.run(conn, self._statements.move_states, moved) != len(moved):
            return False
        await bulk.run(conn, self._statements.add_entries, batch.entries)
        await bulk.run(conn, self._statements.add_totals, batch.total_rows())
        if batch.gaps:
            await conn.execute(insert(gaps), batch.gaps)
        if batch.implausible:
            await conn.execute(
                insert(implausible), [_drawer_row(*one) for one in batch.implausible]
            )
        return True

    async def _in_the_way(self, batch: Batch) -> frozenset[MeterKey]:
        """Return the meters that do not stand where *batch* took off from.

        All of its meters where none is found: somebody moved one back in the meantime.
        """
        there = await self.states(list(batch.before))
        others = {key for key, before in batch.before.items() if not _same(before, there.get(key))}
        return frozenset(others or batch.before)

    async def totals(
        self, at: datetime, subscribers: Collection[SubscriberId], tz: ZoneInfo
    ) -> dict[SubscriberId, Usage]:
        """Return what each of *subscribers* that exists used in the period that *at* is in."""
        async with self._database.read() as conn:
            known = await standings.some_subscribers(conn, subscribers)
            periods = {who: period_of(at, one.cycle, tz) for who, one in known.items()}
            return await standings.usages(conn, periods)

    async def usage(self, subscriber: SubscriberId, period: Period) -> Usage:
        """Return what *subscriber* used in *period*; zero where nothing was counted."""
        async with self._database.read() as conn:
            return (await standings.usages(conn, {subscriber: period}))[subscriber]

    async def periods(self, subscriber: SubscriberId) -> list[Usage]:
        """Return the usage of every period that has any, oldest first."""
        query = select(totals).where(totals.c.subscriber == subscriber)
        async with self._database.read() as conn:
            found = (await conn.execute(query.order_by(totals.c.period_start))).mappings()
            return [standings.usage_of(row) for row in found]

    async def entries(self, subscriber: SubscriberId, start: datetime, end: datetime) -> list[Part]:
        """Return the parts that began from *start* up to and not including *end*, oldest first.

        Those of backup meters are among them, with `counts` False.
        """
        period = and_(
            entries.c.subscriber == totals.c.subscriber,
            entries.c.period_start == totals.c.period_start,
        )
        query = (
            select(entries, totals.c.period, totals.c.period_end)
            .join_from(entries, totals, period)
            .where(
                entries.c.subscriber == subscriber,
                entries.c.started_at >= micros(start),
                entries.c.started_at < micros(end),
            )
            .order_by(entries.c.started_at, entries.c.id)
        )
        async with self._database.read() as conn:
            return [_part(row) for row in (await conn.execute(query)).mappings()]

    async def since(self, subscribers: Mapping[SubscriberId, datetime]) -> dict[SubscriberId, int]:
        """Return the bytes, down and up, of each one's parts that began at that moment or later."""
        found = dict.fromkeys(subscribers, 0)
        for chunk in rows.chunks(list(subscribers.items()), 200):
            wanted = or_(
                *(
                    and_(entries.c.subscriber == who, entries.c.started_at >= micros(at))
                    for who, at in chunk
                )
            )
            query = select(entries.c.subscriber, func.sum(entries.c.down + entries.c.up))
            query = query.where(wanted, entries.c.counts, entries.c.quality.not_in(_BY_HAND))
            query = query.group_by(entries.c.subscriber)
            async with self._database.read() as conn:
                for who, count in await conn.execute(query):
                    found[SubscriberId(who)] = int(count)
        return found

    async def implausible(self, limit: int = 1000) -> list[Implausible]:
        """Return the readings that were put aside for a person, newest first (CN-10)."""
        query = select(implausible.c.evidence).order_by(implausible.c.id.desc()).limit(limit)
        async with self._database.read() as conn:
            return [rows.implausible_of(row.evidence) for row in await conn.execute(query)]

    async def drawer(
        self, *, closed: bool = False, before: int | None = None, limit: int = 1000
    ) -> list[Aside]:
        """Return the readings that wait for a person; where *closed*, also those decided on."""
        async with self._database.read() as conn:
            return await adjusting.drawer(conn, closed=closed, before=before, limit=limit)

    async def drawer_open(self) -> int:
        """Return how many readings wait for a person."""
        async with self._database.read() as conn:
            return await adjusting.drawer_open(conn)

    async def aside(self, number: int) -> Aside | None:
        """Return one reading that was put aside."""
        async with self._database.read() as conn:
            return await adjusting.aside(conn, number)

    async def blind(self, *, ready: bool = False) -> dict[SubscriberId, datetime]:
        """Return who has gaps that a backup meter may fill, and when the last one's entry ended.

        Where *ready*, only those of whom a backup meter was read since (CN-14).
        """
        async with self._database.read() as conn:
            return await filling.blind(conn, ready=ready)

    async def check(self) -> list[str]:
        """Return what does not add up, a line each: entries, totals and last readings."""
        async with self._database.read() as conn:
            return await ledger_check.mistakes(conn)


async def _states(conn: AsyncConnection, keys: Collection[MeterKey]) -> dict[MeterKey, MeterState]:
    found: dict[MeterKey, MeterState] = {}
    for chunk in rows.chunks(list(keys)):
        pair = tuple_(meter_states.c.device, meter_states.c.meter)
        query = select(meter_states).where(pair.in_([tuple(key) for key in chunk]))
        for row in (await conn.execute(query)).mappings():
            state = rows.meter_state(row)
            found[state.last.key] = state
    return found


def _same(before: MeterState | None, there: MeterState | None) -> bool:
    if before is None or there is None:
        return before is there
    return before.last.at == there.last.at and _at(before) == _at(there)


def _at(state: MeterState) -> datetime | None:
    return None if state.candidate is None else state.candidate.at


def _part(row: rows.Row) -> Part:
    return Part(
        subscriber=SubscriberId(row["subscriber"]),
        period=Period(
            name=row["period"],
            start=moment(row["period_start"]),
            end=moment(row["period_end"]),
        ),
        started_at=moment(row["started_at"]),
        ended_at=moment(row["ended_at"]),
        down_bytes=row["down"],
        up_bytes=row["up"],
        estimated_bytes=row["estimated"],
        unknown_us=row["unknown_us"],
        counts=row["counts"],
    )


def _drawer_row(one: Implausible, subscriber: SubscriberId | None) -> dict[str, Any]:
    return {
        "device": one.after.device,
        "meter": one.after.meter,
        "at": micros(one.after.at),
        "evidence": rows.implausible_json(one),
        "subscriber": subscriber,
    }
