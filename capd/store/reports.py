"""Usage of any range, a subscriber at a time (E-4), and the readings behind a charge (E-5)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Select, Table, func, or_, select, union

from capd.account.buckets import Ranged
from capd.account.history import Sums
from capd.model import Event, SubscriberId
from capd.store import rows
from capd.store.database import Database
from capd.store.ranged import Cuts, ranged
from capd.store.tables import (
    charges,
    days,
    entries,
    events,
    hours,
    lapsed,
    subscribers,
    totals,
)
from capd.store.trail import is_chained, rows_of
from capd.units import micros, moment

_LONG = 19  # digits; no event has such a number


@dataclass(frozen=True, slots=True)
class Charge:
    """A charge as it stands in the audit trail."""

    number: int
    event: Event
    digest: str
    unbroken: bool  # the digest is that of the event as it stands, after the one before it


class Reports:
    """Reads the ledger and what retention made of it; each answer is of one moment."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def subscribers(self, after: str, limit: int) -> list[SubscriberId]:
        """Return who ever used something, or is a subscriber, with ids above *after*."""
        used = select(totals.c.subscriber.label("who")).where(totals.c.subscriber > after)
        there = select(subscribers.c.id.label("who")).where(subscribers.c.id > after)
        both = used.union(there).subquery()
        query = select(both.c.who).order_by(both.c.who).limit(limit)
        async with self._database.read() as conn:
            return [SubscriberId(who) for who in (await conn.execute(query)).scalars()]

    async def knows(self, subscriber: SubscriberId) -> bool:
        """Say whether *subscriber* ever used something."""
        query = select(totals.c.period_start).where(totals.c.subscriber == subscriber).limit(1)
        async with self._database.read() as conn:
            return (await conn.execute(query)).first() is not None

    async def how_many(self) -> int:
        """Return how many there are that `subscribers` returns in all."""
        both = union(select(totals.c.subscriber), select(subscribers.c.id)).subquery()
        async with self._database.read() as conn:
            return int((await conn.execute(select(func.count()).select_from(both))).scalar_one())

    async def periods(
        self, who: Sequence[SubscriberId], start: datetime, end: datetime
    ) -> dict[SubscriberId, list[tuple[str, datetime, datetime]]]:
        """Return name, start and end of the periods of *who* that touch that time."""
        found: dict[SubscriberId, list[tuple[str, datetime, datetime]]] = {one: [] for one in who}
        query = (
            select(totals.c.subscriber, totals.c.period, totals.c.period_start, totals.c.period_end)
            .where(
                totals.c.subscriber.in_(who),
                totals.c.period_start < micros(end),
                totals.c.period_end > micros(start),
            )
            .order_by(totals.c.period_start)
        )
        async with self._database.read() as conn:
            for one, name, since, until in await conn.execute(query):
                found[one].append((name, moment(since), moment(until)))
        return found

    async def ranged(self, cuts: Cuts, zone: ZoneInfo) -> dict[SubscriberId, Ranged]:
        """Return what each subscriber used between their *cuts*, all of it of one moment."""
        async with self._database.read() as conn:
            return await ranged(conn, cuts, zone)

    async def charges(
        self, *, subscriber: SubscriberId | None = None, key: str | None = None
    ) -> list[Charge]:
        """Return charges, oldest first: all of *subscriber*, or by their event or charge id."""
        query = select(events).join(charges, charges.c.event == events.c.id).order_by(events.c.id)
        if subscriber is not None:
            query = query.where(events.c.subscriber == subscriber)
        if key is not None:
            number = int(key) if key.isdecimal() and len(key) < _LONG else -1
            query = query.where(or_(events.c.id == number, charges.c.charge_id == key))
        async with self._database.read() as conn:
            found = (await conn.execute(query)).mappings().all()
            before = await rows_of(conn, [row["id"] - 1 for row in found])
        return [_charge(row, before.get(row["id"] - 1)) for row in found]

    async def behind(
        self, subscriber: SubscriberId, period: str, at: datetime
    ) -> tuple[list[rows.Row], Sums]:
        """Return the entries of a period, as they were posted, and what is no readings any more.

        Of two periods with the same name (the cycle day was changed), the last that began by *at*.
        """
        which = select(func.max(totals.c.period_start)).where(
            totals.c.subscriber == subscriber,
            totals.c.period == period,
            totals.c.period_start <= micros(at),
        )
        async with self._database.read() as conn:
            start = (await conn.execute(which)).scalar()
            posted = (
                select(entries)
                .where(
                    entries.c.subscriber == subscriber,
                    entries.c.period_start == start,
                    entries.c.started_at >= start,
                    entries.c.counts,
                )
                .order_by(entries.c.id)
            )
            kept: Sums = {}
            for table in (hours, days, lapsed):
                query = _figures(table).where(
                    table.c.subscriber == subscriber, table.c.period_start == start
                )
                for since, until, *figures in await conn.execute(query):
                    kept[since, until] = (figures[0], figures[1], figures[2], figures[3])
            return list((await conn.execute(posted)).mappings()), kept


def _charge(row: rows.Row, before: rows.Row | None) -> Charge:
    return Charge(row["id"], rows.event(row), row["hash"], is_chained(row, before))


def _figures(table: Table) -> Select[Any]:
    own = table.c
    return select(own.started_at, own.ended_at, own.down, own.up, own.estimated, own.unknown_us)
