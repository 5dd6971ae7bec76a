"""Whether the ledger adds up: entries make the totals, and end where meters were last read."""

from typing import Any

from sqlalchemy import Select, and_, case, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from capd.store.tables import entries, meter_states, totals
from capd.units import moment, rfc3339

_FIGURES = ("down", "up", "estimated", "unknown_us")


async def mistakes(conn: AsyncConnection) -> list[str]:
    """Return what is wrong, a line each."""
    found = [_uneven(row) for row in (await conn.execute(_sums())).mappings()]
    found += [_orphan(row) for row in (await conn.execute(_without_total())).mappings()]
    found += [_astray(row) for row in (await conn.execute(_last_entries())).mappings()]
    return found


def _summed() -> Any:  # noqa: ANN401 - a subquery
    sums = [
        func.sum(case((entries.c.counts, entries.c[name]), else_=0)).label(name)
        for name in _FIGURES
    ]
    key = (entries.c.subscriber, entries.c.period_start)
    return select(*key, *sums).group_by(*key).subquery("summed")


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


def _without_total() -> Select[Any]:
    same = and_(
        totals.c.subscriber == entries.c.subscriber,
        totals.c.period_start == entries.c.period_start,
    )
    return (
        select(entries.c.subscriber, entries.c.period_start, func.count().label("several"))
        .join_from(entries, totals, same, isouter=True)
        .where(totals.c.subscriber.is_(None))
        .group_by(entries.c.subscriber, entries.c.period_start)
    )


def _orphan(row: Any) -> str:  # noqa: ANN401 - a row of _without_total
    since = rfc3339(moment(row["period_start"]))
    return f"ledger: {row['subscriber']}: {row['several']} entries since {since} have no total"


def _last_entries() -> Select[Any]:
    """Select the newest entry of each meter that its last reading does not agree with."""
    key = (entries.c.device, entries.c.meter)
    newest = select(*key, func.max(entries.c.ended_at).label("at")).group_by(*key).subquery()
    this = and_(
        entries.c.device == newest.c.device,
        entries.c.meter == newest.c.meter,
        entries.c.ended_at == newest.c.at,
    )
    state = and_(meter_states.c.device == newest.c.device, meter_states.c.meter == newest.c.meter)
    other_counters = or_(
        entries.c.down_raw != meter_states.c.down_raw, entries.c.up_raw != meter_states.c.up_raw
    )
    return (
        select(*key, newest.c.at, meter_states.c.last_at)
        .join_from(newest, entries, this)
        .join(meter_states, state)
        .where(
            or_(
                newest.c.at > meter_states.c.last_at,
                and_(newest.c.at == meter_states.c.last_at, other_counters),
            )
        )
    )


def _astray(row: Any) -> str:  # noqa: ANN401 - a row of _last_entries
    at, last = rfc3339(moment(row["at"])), rfc3339(moment(row["last_at"]))
    return (
        f"ledger: {row['device']} {row['meter']}: the newest entry ends at {at}, "
        f"but the last reading of {last} does not agree with it"
    )
