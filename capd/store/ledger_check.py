"""Whether the ledger adds up: entries make the totals, and end where meters were last read.

What is too old to be an entry is an hour, a day, or in the sum of what lapsed; all count here, so
that nothing vanishes unnoticed when one becomes another.
"""

from typing import Any

from sqlalchemy import Select, Table, and_, case, func, or_, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from capd.account.adjusting import WRITTEN
from capd.store.tables import adjustments, days, entries, hours, lapsed, meter_states, totals
from capd.units import moment, rfc3339

_FIGURES = ("down", "up", "estimated", "unknown_us")
_KEY = ("subscriber", "period_start")
_COARSER = (hours, days, lapsed)


async def mistakes(conn: AsyncConnection) -> list[str]:
    """Return what is wrong, a line each."""
    found = [_uneven(row) for row in (await conn.execute(_sums())).mappings()]
    for table in (entries, *_COARSER):
        without = (await conn.execute(_without_total(table))).mappings()
        found += [_orphan(table, row) for row in without]
    found += [_unsigned(row) for row in (await conn.execute(_by_nobody())).mappings()]
    found += [_astray(row) for row in (await conn.execute(_last_entries())).mappings()]
    return found


def _summed() -> Any:  # noqa: ANN401 - a subquery
    """Sum up what is kept of each subscriber and period, as readings or coarser."""
    of_entries = [
        func.sum(case((entries.c.counts, entries.c[name]), else_=0)).label(name)
        for name in _FIGURES
    ]
    key = [entries.c[name] for name in _KEY]
    selects = [select(*key, *of_entries).group_by(*key)]
    for table in _COARSER:
        own = [table.c[name] for name in _KEY]
        sums = [func.sum(table.c[name]).label(name) for name in _FIGURES]
        selects.append(select(*own, *sums).group_by(*own))
    every = union_all(*selects).subquery("every")
    both = [every.c[name] for name in _KEY]
    sums = [func.sum(every.c[name]).label(name) for name in _FIGURES]
    return select(*both, *sums).group_by(*both).subquery("summed")


def _sums() -> Select[Any]:
    summed = _summed()
    same = and_(
        totals.c.subscriber == summed.c.subscriber,
        totals.c.period_start == summed.c.period_start,
    )
    kept = [totals.c[name] for name in _FIGURES]
    made = [func.coalesce(summed.c[name], 0).label(f"sum_{name}") for name in _FIGURES]
    return (
        select(totals.c.subscriber, totals.c.period, *kept, *made)
        .join_from(totals, summed, same, isouter=True)
        .where(or_(*(one != other for one, other in zip(kept, made, strict=True))))
        .order_by(totals.c.subscriber, totals.c.period_start)
    )


def _uneven(row: Any) -> str:  # noqa: ANN401 - a row of _sums
    wrong = "; ".join(
        f"{name} is {row[name]}, entries make {row[f'sum_{name}']}"
        for name in _FIGURES
        if row[name] != row[f"sum_{name}"]
    )
    return f"ledger: {row['subscriber']} {row['period']}: {wrong}"


def _without_total(table: Table) -> Select[Any]:
    same = and_(
        totals.c.subscriber == table.c.subscriber,
        totals.c.period_start == table.c.period_start,
    )
    return (
        select(table.c.subscriber, table.c.period_start, func.count().label("several"))
        .join_from(table, totals, same, isouter=True)
        .where(totals.c.subscriber.is_(None))
        .group_by(table.c.subscriber, table.c.period_start)
    )


def _orphan(table: Table, row: Any) -> str:  # noqa: ANN401 - a row of _without_total
    since = rfc3339(moment(row["period_start"]))
    return f"ledger: {row['subscriber']}: {row['several']} {table} since {since} have no total"


def _by_nobody() -> Select[Any]:
    """Select the entries that no reading made, and of which nobody knows who wrote them."""
    signed = adjustments.c.entry.is_(None) | (adjustments.c.kind != entries.c.quality)
    return (
        select(entries.c.id, entries.c.subscriber, entries.c.quality)
        .join_from(entries, adjustments, adjustments.c.entry == entries.c.id, isouter=True)
        .where(entries.c.quality.in_(WRITTEN), signed)
        .order_by(entries.c.id)
    )


def _unsigned(row: Any) -> str:  # noqa: ANN401 - a row of _by_nobody
    return (
        f"ledger: {row['subscriber']}: entry {row['id']} is {row['quality']}, "
        "and nothing says by whom"
    )


def _last_entries() -> Select[Any]:
    """Select the newest entry of each meter that its last reading does not agree with."""
    newest_first = (entries.c.ended_at.desc(), entries.c.id.desc())
    place = func.row_number().over(
        partition_by=(entries.c.device, entries.c.meter), order_by=newest_first
    )
    kept = [entries.c[name] for name in ("device", "meter", "ended_at", "down_raw", "up_raw")]
    read = entries.c.quality.not_in(WRITTEN)  # what a person or a backup says moves no meter
    newest = select(*kept, place.label("place")).where(read).subquery("newest")
    state = meter_states.c
    other_counters = or_(newest.c.down_raw != state.down_raw, newest.c.up_raw != state.up_raw)
    return (
        select(newest.c.device, newest.c.meter, newest.c.ended_at, state.last_at)
        .join_from(
            newest,
            meter_states,
            and_(newest.c.device == state.device, newest.c.meter == state.meter),
        )
        .where(
            newest.c.place == 1,
            or_(
                newest.c.ended_at > state.last_at,
                and_(newest.c.ended_at == state.last_at, other_counters),
            ),
        )
        .order_by(newest.c.device, newest.c.meter)
    )


def _astray(row: Any) -> str:  # noqa: ANN401 - a row of _last_entries
    at, last = rfc3339(moment(row["ended_at"])), rfc3339(moment(row["last_at"]))
    return (
        f"ledger: {row['device']} {row['meter']}: the newest entry ends at {at}, "
        f"but the last reading of {last} does not agree with it"
    )
