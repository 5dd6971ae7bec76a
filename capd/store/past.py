"""What was, for many subscribers at once: usage as closely as it is asked for, and the trail."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Select,
    Table,
    Text,
    cast,
    func,
    literal_column,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from capd.account.course import Answer, Ask, AsKept, ByDay, Day, Kept
from capd.account.history import Figures
from capd.model import Event, Period, Standing, Subscriber, SubscriberId
from capd.store import inventory_rows, rows, standings
from capd.store.asked import answered, asks_of
from capd.store.tables import days, entries, events, hours, lapsed, subscribers, totals
from capd.units import micros, moment

_DAY = 86_400_000_000
_KEPT_IN: Sequence[Table] = (entries, hours, days, lapsed)
_ASKS = 500  # in one statement
_SUMS = ("down", "up", "estimated", "unknown_us")
_A_PERIOD = timedelta(days=32)
_LONGEST = 32  # days of a period, and a clock change
_DAYS = (
    select(literal_column("0", BigInteger).label("day")).union_all(
        *(select(literal_column(str(day), BigInteger).label("day")) for day in range(1, _LONGEST))
    )
).cte("days_of_it")

Counted = Mapping[datetime, tuple[Period, Figures]]
"""The periods in which something was counted, by their start."""


class Past:
    """Reads what was; only inside `async with store.looking_back()`, all of it of one moment."""

    def __init__(self, conn: AsyncConnection) -> None:
        self._conn = conn
        self._filled: list[Table] | None = None

    async def range(self) -> tuple[datetime, datetime] | None:
        """Return from when to when there is usage; None: there is none at all."""
        query = select(func.min(totals.c.period_start), func.max(totals.c.last_at))
        first, last = (await self._conn.execute(query)).one()
        return None if first is None else (moment(first), moment(last))

    async def how_many(self) -> int:
        """Return how many subscribers there are."""
        query = select(func.count()).select_from(subscribers)
        return int((await self._conn.execute(query)).scalar_one())

    async def subscribers(self, after: str, limit: int) -> list[Subscriber]:
        """Return subscribers in the order of their ids, from the first one behind *after*."""
        query = select(subscribers).where(subscribers.c.id > after)
        query = query.order_by(subscribers.c.id).limit(limit)
        found = (await self._conn.execute(query)).mappings()
        return [inventory_rows.subscriber(row) for row in found]

    async def some(self, who: Sequence[SubscriberId]) -> list[Subscriber]:
        """Return those of *who* that there are, in the order of their ids."""
        found: list[Subscriber] = []
        for chunk in rows.chunks(sorted(who)):
            query = select(subscribers).where(subscribers.c.id.in_(chunk))
            several = (await self._conn.execute(query.order_by(subscribers.c.id))).mappings()
            found += [inventory_rows.subscriber(row) for row in several]
        return found

    async def linked(self) -> dict[SubscriberId, Sequence[str]]:
        """Return what hangs on which connection (CT-10)."""
        query = select(subscribers.c.id, subscribers.c.linked).where(subscribers.c.linked != "[]")
        found = (await self._conn.execute(query.order_by(subscribers.c.id))).all()
        return {SubscriberId(row.id): orjson.loads(row.linked) for row in found}

    async def standings(
        self, who: Sequence[SubscriberId], *, now: datetime, tz: ZoneInfo, months: int
    ) -> list[Standing]:
        """Return what is known of *who* at *now*."""
        return await standings.load(self._conn, who, now=now, tz=tz, months=months)

    async def counted(
        self, who: Sequence[SubscriberId], since: datetime, until: datetime
    ) -> dict[SubscriberId, Counted]:
        """Return the usage of each period of *who* in *since* to *until*, and of the one before."""
        query = select(totals).where(
            totals.c.subscriber.in_(who),
            totals.c.period_end > micros(since - _A_PERIOD),
            totals.c.period_start < micros(until),
        )
        found: dict[SubscriberId, dict[datetime, tuple[Period, Figures]]] = defaultdict(dict)
        for row in (await self._conn.execute(query)).mappings():
            usage = standings.usage_of(row)
            figures = (
                usage.down_bytes, usage.up_bytes, usage.estimated_bytes, usage.unknown_us,
            )  # fmt: skip
            found[usage.subscriber][usage.period.start] = (usage.period, figures)
        return dict(found)

    async def trails(self, who: Sequence[SubscriberId]) -> dict[SubscriberId, list[Event]]:
        """Return all that the trail says of *who*, as it was written, but for their orders."""
        query = select(events).where(
            events.c.subscriber.in_(who), events.c.kind.not_like(r"order\_%", escape="\\")
        )
        found: dict[SubscriberId, list[Event]] = defaultdict(list)
        for row in (await self._conn.execute(query.order_by(events.c.id))).mappings():
            event = rows.event(row)
            if event.subscriber is not None:
                found[event.subscriber].append(event)
        return dict(found)

    async def answers(self, asked: Mapping[SubscriberId, Ask]) -> dict[SubscriberId, Answer]:
        """Answer what the courses of several subscribers ask, all in a few statements."""
        by_day = [ask for ask in asked.values() if isinstance(ask, ByDay)]
        as_kept = [ask for ask in asked.values() if isinstance(ask, AsKept)]
        found: dict[SubscriberId, Answer] = {}
        for some in rows.chunks(by_day, _ASKS):
            found |= await self._by_day(some)
        for more in rows.chunks(as_kept, _ASKS):
            found |= await self._as_kept(more)
        return found

    async def _by_day(self, asked: Sequence[ByDay]) -> dict[SubscriberId, Sequence[Day]]:
        sums: dict[int, dict[int, _Sum]] = defaultdict(dict)  # by ask, by day
        for table in await self._kept_in():
            for n, those in await self._rows(_by_day_in(table, self._dialect), asked):
                of_ask = sums[n]
                for day, *figures in orjson.loads(those):
                    if figures[0] is not None:
                        of_ask[day] = _added(of_ask[day], figures) if day in of_ask else figures
        found: dict[SubscriberId, Sequence[Day]] = {}
        for n, ask in enumerate(asked):
            days = sorted(sums[n].items()) if n in sums else ()
            found[ask.subscriber] = [_day(ask.since + day * _DAY, figures) for day, figures in days]
        return found

    async def _as_kept(self, asked: Sequence[AsKept]) -> dict[SubscriberId, Sequence[Kept]]:
        found: dict[SubscriberId, list[Kept]] = {ask.subscriber: [] for ask in asked}
        for table in await self._kept_in():
            reading = table is entries
            for n, those in await self._rows(_as_kept_in(table, self._dialect), asked):
                found[asked[n].subscriber] += [
                    Kept(start, end, (down, up, estimated, unknown_us), reading)
                    for start, end, down, up, estimated, unknown_us in orjson.loads(those or "[]")
                ]
        return dict(found)

    @property
    def _dialect(self) -> str:
        return self._conn.dialect.name

    async def _kept_in(self) -> list[Table]:
        """Return the tables that have anything: most books have no hours or no days yet."""
        if self._filled is None:
            self._filled = []
            for table in _KEPT_IN:
                any_row = select(table.c.subscriber).limit(1)
                if (await self._conn.execute(any_row)).first() is not None:
                    self._filled.append(table)
        return self._filled

    async def _rows(self, query: Select[Any], asked: Sequence[Ask]) -> Sequence[Any]:
        return await answered(self._conn, query, asked)


_Sum = list[int]
"""Of the rows of one day: the last end, the four figures."""


def _added(one: _Sum, other: _Sum) -> _Sum:
    """Return the sum of what two tables have of the same day."""
    return [max(one[0], other[0]), *(a + b for a, b in zip(one[1:], other[1:], strict=True))]


def _day(since: int, those: _Sum) -> Day:
    ended, down, up, estimated, unknown_us = those
    return Day(since, since + _DAY, ended, (down, up, estimated, unknown_us))


@cache
def _by_day_in(table: Table, dialect: str) -> Select[Any]:
    """Sum the rows by the day of the period that they started in: an array of arrays an ask.

    A sum a day by the index; grouping would sort all rows first. A row a day would cost as much
    again on its way here.
    """
    asks = asks_of(dialect)
    since = asks.c.since + _DAYS.c.day * _DAY
    figures = (func.max(table.c.ended_at), *(func.sum(table.c[name]) for name in _SUMS))
    a_day = _of_ask(select(_array(dialect, _DAYS.c.day, *figures)), table, asks).where(
        table.c.started_at >= since, table.c.started_at < since + _DAY
    )
    one = a_day.correlate(asks, _DAYS).scalar_subquery()
    days_of_it = select(_arrays(dialect, one)).where(since < asks.c.until)
    return select(asks.c.n, days_of_it.correlate(asks).scalar_subquery())


@cache
def _as_kept_in(table: Table, dialect: str) -> Select[Any]:
    own, asks = table.c, asks_of(dialect)
    row = _array(dialect, own.started_at, own.ended_at, *(own[name] for name in _SUMS))
    those = _of_ask(select(_arrays(dialect, row)), table, asks).where(
        own.started_at >= asks.c.since, own.started_at < asks.c.until
    )
    return select(asks.c.n, those.correlate(asks).scalar_subquery())


def _array(dialect: str, *values: ColumnElement[Any]) -> ColumnElement[Any]:
    make = func.json_array if dialect == "sqlite" else func.json_build_array
    return make(*values)


def _arrays(dialect: str, one: ColumnElement[Any]) -> ColumnElement[Any]:
    gather = func.json_group_array if dialect == "sqlite" else func.json_agg
    return cast(gather(one), Text)


def _of_ask(query: Select[Any], table: Table, asks: FromClause) -> Select[Any]:
    query = query.where(table.c.subscriber == asks.c.who, table.c.period_start == asks.c.start)
    return query.where(table.c.counts) if table is entries else query
