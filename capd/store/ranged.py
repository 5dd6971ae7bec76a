"""Usage of any range, of many subscribers in one pass over what is kept of each (E-4).

Each bucket is added up where it is kept, in the order of the index; only what goes over a cut comes
out row by row.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from sqlalchemy import Select, Table, Text, case, cast, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from capd.account.buckets import Ranged
from capd.model import SubscriberId
from capd.store.asked import answered, asks_of
from capd.store.tables import days, entries, hours, lapsed, totals

_KEPT_IN: Sequence[Table] = (entries, hours, days, lapsed)
_SUMS = ("down", "up", "estimated", "unknown_us")
_Ask = tuple[SubscriberId, int, int, int]  # whose; unused; from, up to

Cuts = Mapping[SubscriberId, Sequence[int]]
"""Of each subscriber, the ascending moments between which usage is asked for, in microseconds."""


async def ranged(conn: AsyncConnection, cuts: Cuts, zone: ZoneInfo) -> dict[SubscriberId, Ranged]:
    """Return what each subscriber used between their *cuts*."""
    found = {who: Ranged(cuts=edges, zone=zone) for who, edges in cuts.items()}
    since = await _since(conn, cuts)
    for table in _KEPT_IN:
        over = await _add_inside(conn, table, found)
        over += [(who, 0, since.get(who, edges[0]), edges[0]) for who, edges in cuts.items()]
        await _add_across(conn, table, [ask for ask in over if ask[2] < ask[3]], found)
    return found


async def _since(conn: AsyncConnection, cuts: Cuts) -> dict[SubscriberId, int]:
    """Return when the period began that the first cut is in: nothing kept reaches over its start.

    Who has no period by then has nothing that goes over the first cut.
    """
    asks = asks_of(conn.dialect.name)
    begun = (
        select(func.max(totals.c.period_start))
        .where(totals.c.subscriber == asks.c.who, totals.c.period_start < asks.c.until)
        .correlate(asks)
        .scalar_subquery()
    )
    wanted = [(who, 0, 0, edges[0]) for who, edges in cuts.items()]
    rows = await answered(conn, select(asks.c.who, begun), wanted)
    return {SubscriberId(who): start for who, start in rows if start is not None}


async def _add_inside(
    conn: AsyncConnection, table: Table, found: Mapping[SubscriberId, Ranged]
) -> list[_Ask]:
    """Add what lies in a bucket as a whole; return where something begins that goes over it."""
    places = [
        (who, n, edges)
        for who, several in found.items()
        for n, edges in enumerate(pairwise(several.cuts))
    ]
    asks = [(who, 0, *edges) for who, _, edges in places]
    over: list[_Ask] = []
    for n, sums in await answered(conn, _inside(table, conn.dialect.name), asks):
        if sums is None:
            continue
        who, bucket, (_, end) = places[n]
        first, down, up, estimated, unknown_us = orjson.loads(sums)
        if down is not None:
            found[who].add_inside(bucket, (down, up, estimated, unknown_us))
        if first is not None:
            over.append((who, 0, first, end))
    return over


async def _add_across(
    conn: AsyncConnection, table: Table, over: Sequence[_Ask], found: Mapping[SubscriberId, Ranged]
) -> None:
    """Add what begins in a span of *over*, and ends after that."""
    if not over:
        return
    for who, start, end, *figures in await answered(conn, _across(table, conn.dialect.name), over):
        down, up, estimated, unknown_us = figures
        several = found[SubscriberId(who)]
        put = several.add_readings if table is entries else several.add_whole
        put((start, end), (down, up, estimated, unknown_us))


@cache
def _inside(table: Table, dialect: str) -> Select[Any]:
    own, asks = table.c, asks_of(dialect)
    is_over = own.ended_at > asks.c.until
    array = func.json_array if dialect == "sqlite" else func.json_build_array
    sums = array(
        func.min(case((is_over, own.started_at))),
        *(func.sum(case((~is_over, own[name]))) for name in _SUMS),
    )
    those = _of_ask(select(case((func.count() > 0, cast(sums, Text)))), table, dialect)
    return select(asks.c.n, those.correlate(asks).scalar_subquery())


@cache
def _across(table: Table, dialect: str) -> Select[Any]:
    own, asks = table.c, asks_of(dialect)
    query = select(asks.c.who, own.started_at, own.ended_at, *(own[name] for name in _SUMS))
    return _of_ask(query, table, dialect).where(own.ended_at > asks.c.until)


def _of_ask(query: Select[Any], table: Table, dialect: str) -> Select[Any]:
    own, asks = table.c, asks_of(dialect)
    query = query.where(
        own.subscriber == asks.c.who,
        own.started_at >= asks.c.since,
        own.started_at < asks.c.until,
    )
    return query.where(table.c.counts) if table is entries else query
