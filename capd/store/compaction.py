"""Old readings become hours, hours days, days a sum: a little at a time, each byte just once.

Every step is one small transaction that takes rows away and adds what they come to elsewhere, so
killed anywhere, or done by two at once, nothing is lost and nothing is there twice. What a person
wrote into the ledger stays as it is written, with its author and note.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, Table, delete, exists, func, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from capd.account.history import Figures, Span, Sums, add, add_hours, added_up, by_day
from capd.account.retention import Cuts
from capd.model import Role, SubscriberId
from capd.store import leftovers
from capd.store.database import Database
from capd.store.filling import WAITING
from capd.store.tables import (
    adjustments,
    charges,
    days,
    entries,
    events,
    gaps,
    hours,
    lapsed,
    legal_holds,
    meter_states,
    meters,
    totals,
)
from capd.units import micros

MOST_ROWS = 500
"""Rows that one transaction takes away: whoever posts readings waits no longer than for that."""

_WINDOW = 30 * 86_400_000_000  # of hours, or of days, in one transaction
_LOOK = 200  # subscribers that are looked at in one query
_DIALECTS = {"sqlite": sqlite, "postgresql": postgresql}
_FIGURES = ("down", "up", "estimated", "unknown_us")
_ByPeriod = dict[int, Sums]
# stays, for SQLite would give its number to another one
_NEWEST = select(func.max(entries.c.id)).scalar_subquery()


@dataclass(slots=True)
class Moved:
    """How many rows a compaction took away so far, by what they were."""

    entries: int = 0
    hours: int = 0
    days: int = 0
    transcripts: int = 0
    deliveries: int = 0

    @property
    def rows(self) -> int:
        """Return the rows of all kinds."""
        return self.entries + self.hours + self.days + self.transcripts + self.deliveries


class Compaction:
    """One walk over all subscribers; take `step` until `done`.

    Where it stands is only a hint, to save queries: begun anew, it finds what is left.
    """

    def __init__(self, database: Database, cuts: Cuts, zone: ZoneInfo) -> None:
        self.moved = Moved()
        self.done = False
        self.seen = 0  # subscribers
        self._database = database
        self._cuts = cuts
        self._zone = zone
        self._after = ""
        self._waiting: list[SubscriberId] = []

    async def subscribers(self) -> int:
        """Return how many subscribers there are to walk over."""
        query = select(func.count(totals.c.subscriber.distinct()))
        async with self._database.read() as conn:
            return int((await conn.execute(query)).scalar_one())

    async def step(self) -> int:
        """Do one small transaction's worth; return how many rows it took away."""
        if self.done:
            return 0
        if not self._waiting and not await self._look():
            return await self._leftovers()
        if not self._waiting:
            return 0
        who, before = self._waiting[0], self.moved.rows
        async with self._database.write() as conn:
            moved = await self._of(conn, who)
        self._add(moved)
        if not moved.rows:  # all done, or kept for a reason
            self._waiting.pop(0)
        return self.moved.rows - before

    def _add(self, moved: Moved) -> None:
        for name in Moved.__slots__:
            setattr(self.moved, name, getattr(self.moved, name) + getattr(moved, name))

    async def _look(self) -> bool:
        """Find out who of the next few has anything old; say whether there was anybody to ask."""
        some = (
            select(totals.c.subscriber)
            .where(totals.c.subscriber > self._after)
            .distinct()
            .order_by(totals.c.subscriber)
            .limit(_LOOK)
        )
        async with self._database.read() as conn:
            asked = (await conn.execute(some)).scalars().all()
            if not asked:
                return False
            held = select(legal_holds.c.subscriber)
            who = some.subquery("some").c.subscriber
            has_old = or_(
                exists().where(entries.c.subscriber == who, self._old(entries)),
                exists().where(hours.c.subscriber == who, self._old(hours)),
                exists().where(days.c.subscriber == who, self._old(days)),
            )
            query = select(who).where(has_old, who.not_in(held)).order_by(who)
            self._waiting = [SubscriberId(one) for one in (await conn.execute(query)).scalars()]
        self._after = asked[-1]
        self.seen += len(asked)
        return True

    def _old(self, table: Table) -> ColumnElement[bool]:
        before = {entries: self._cuts.raw, hours: self._cuts.hours, days: self._cuts.days}[table]
        cut = micros(before)
        return (table.c.started_at < cut) & (table.c.ended_at <= cut)

    async def _of(self, conn: AsyncConnection, who: SubscriberId) -> Moved:
        """Move what is old of *who*; a legal hold wins, also one that was opened just now."""
        held = select(legal_holds.c.event).where(legal_holds.c.subscriber == who)
        if (await conn.execute(held)).first() is not None:
            return Moved()
        moved = Moved(entries=await self._entries(conn, who))
        if moved.entries < MOST_ROWS:
            moved.hours = await self._hours(conn, who)
        if moved.rows < MOST_ROWS:
            moved.days = await self._days(conn, who)
        return moved

    async def _entries(self, conn: AsyncConnection, who: SubscriberId) -> int:
        old = (
            select(entries.c.id)
            .where(
                entries.c.subscriber == who,
                self._old(entries),
                entries.c.id < _NEWEST,
                ~exists().where(adjustments.c.entry == entries.c.id),
                _to_fill_no_gap(who, micros(self._cuts.raw)),
                entries.c.period_start.not_in(_disputed(who, micros(self._cuts.disputes))),
            )
            .order_by(entries.c.started_at)
            .limit(MOST_ROWS)
        )
        gone = await _taken(conn, entries, entries.c.id.in_(old))
        sums: _ByPeriod = defaultdict(dict)
        for row in gone:
            if row.counts:  # a backup's is evidence only (CN-14)
                add_hours(
                    sums[row.period_start], row.started_at, row.ended_at, _of_row(row), self._zone
                )
        await _put(conn, hours, who, sums)
        return len(gone)

    async def _hours(self, conn: AsyncConnection, who: SubscriberId) -> int:
        gone = await self._window(conn, hours, who)
        sums = {start: by_day(found, self._zone) for start, found in _by_period(gone).items()}
        await _put(conn, days, who, sums)
        return len(gone)

    async def _days(self, conn: AsyncConnection, who: SubscriberId) -> int:
        gone = await self._window(conn, days, who)
        for period, found in _by_period(gone).items():
            span = (min(start for start, _ in found), max(end for _, end in found))
            await _put_lapsed(conn, who, period, span, added_up(found.values()))
        return len(gone)

    async def _window(
        self, conn: AsyncConnection, table: Table, who: SubscriberId
    ) -> Sequence[Any]:
        """Take away the oldest old spans of *who*, of a month at most."""
        own = table.c.subscriber == who
        first = (await conn.execute(select(func.min(table.c.started_at)).where(own))).scalar()
        if first is None:
            return ()
        return await _taken(
            conn, table, own, self._old(table), table.c.started_at < first + _WINDOW
        )

    async def _leftovers(self) -> int:
        """Let go of old transcripts and deliveries; done when there are none left."""
        async with self._database.write() as conn:
            moved = Moved(
                transcripts=await leftovers.transcripts(conn, self._cuts.transcripts, MOST_ROWS),
                deliveries=await leftovers.deliveries(conn, self._cuts.deliveries, MOST_ROWS),
            )
        self._add(moved)
        self.done = not moved.rows
        return moved.rows


def _disputed(who: SubscriberId, since: int) -> Select[Any]:
    """Select the periods of *who* with a charge that can still be disputed (E-5)."""
    return (
        select(totals.c.period_start)
        .join(
            charges,
            (charges.c.subscriber == totals.c.subscriber) & (charges.c.period == totals.c.period),
        )
        .join(events, events.c.id == charges.c.event)
        .where(totals.c.subscriber == who, events.c.at >= since)
    )


def _to_fill_no_gap(who: SubscriberId, cut: int) -> ColumnElement[bool]:
    """Say that nobody needs an entry any more to fill what a main meter was blind to (CN-14)."""
    waiting = select(func.coalesce(func.min(gaps.c.started_at), cut)).where(
        gaps.c.subscriber == who, gaps.c.state == WAITING
    )
    same = (meters.c.device == meter_states.c.device) & (meters.c.id == meter_states.c.meter)
    read = (  # where a main meter was read last: what it says next may leave a gap from there
        select(func.coalesce(func.min(meter_states.c.last_at), cut))
        .join_from(meters, meter_states, same)
        .where(meters.c.subscriber == who, meters.c.role == Role.MAIN)
    )
    ended = entries.c.ended_at
    behind = ended <= read.scalar_subquery()
    return (ended <= waiting.scalar_subquery()) & or_(entries.c.counts, behind)


async def _taken(conn: AsyncConnection, table: Table, *which: ColumnElement[bool]) -> Sequence[Any]:
    """Delete rows; return them."""
    return (await conn.execute(delete(table).where(*which).returning(*table.c))).all()


def _of_row(row: Any) -> Figures:  # noqa: ANN401 - a row with the four figures
    return row.down, row.up, row.estimated, row.unknown_us


def _by_period(rows: Iterable[Any]) -> _ByPeriod:
    sums: _ByPeriod = defaultdict(dict)
    for row in rows:
        add(sums[row.period_start], (row.started_at, row.ended_at), _of_row(row))
    return sums


async def _put(conn: AsyncConnection, table: Table, who: SubscriberId, sums: _ByPeriod) -> None:
    """Add *sums*, by the start of their period, to what *table* has."""
    rows = [
        {
            "subscriber": who, "started_at": start, "period_start": period, "ended_at": end,
            **dict(zip(_FIGURES, figures, strict=True)),
        }
        for period, spans in sums.items()
        for (start, end), figures in sorted(spans.items())
    ]  # fmt: skip
    if not rows:
        return
    insert = _DIALECTS[conn.dialect.name].insert(table)
    added = {name: table.c[name] + insert.excluded[name] for name in _FIGURES}
    await conn.execute(
        insert.on_conflict_do_update(index_elements=list(table.primary_key), set_=added), rows
    )


async def _put_lapsed(
    conn: AsyncConnection, who: SubscriberId, period: int, span: Span, figures: Figures
) -> None:
    here = (lapsed.c.subscriber == who) & (lapsed.c.period_start == period)
    for row in await _taken(conn, lapsed, here):
        span = (min(span[0], row.started_at), max(span[1], row.ended_at))
        figures = added_up((figures, _of_row(row)))
    await conn.execute(
        lapsed.insert(),
        {
            "subscriber": who, "period_start": period, "started_at": span[0], "ended_at": span[1],
            **dict(zip(_FIGURES, figures, strict=True)),
        },
    )  # fmt: skip
