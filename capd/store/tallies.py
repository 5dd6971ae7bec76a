"""How many there are in which state: what the gauges show."""

from datetime import datetime

from sqlalchemy import case, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from capd.decide.contract import agreement
from capd.model import Period, Reason, SubscriberId
from capd.store import rows
from capd.store.tables import holds, matters, subscribers, totals
from capd.units import micros, moment

_RANKS = {Reason.RESTRICTED: 1, Reason.CREDENTIALS: 0}  # the others suspend


async def states(conn: AsyncConnection) -> dict[str, int]:
    """Return how many subscribers are active, restricted or suspended by what holds are open."""
    worst = (
        select(
            holds.c.subscriber,
            func.max(case(_RANKS, value=holds.c.reason, else_=2)).label("worst"),
        )
        .where(holds.c.closed_at.is_(None))
        .group_by(holds.c.subscriber)
        .subquery()
    )
    query = select(worst.c.worst, func.count()).group_by(worst.c.worst)
    held = {row[0]: int(row[1]) for row in await conn.execute(query) if row[0]}
    everyone = int((await conn.execute(select(func.count()).select_from(subscribers))).scalar_one())
    return {
        "active": everyone - sum(held.values()),
        "restricted": held.get(1, 0),
        "suspended": held.get(2, 0),
    }


async def hold_counts(conn: AsyncConnection) -> dict[Reason, int]:
    """Return how many holds are open for each reason; every reason is there."""
    query = (
        select(holds.c.reason, func.count())
        .where(holds.c.closed_at.is_(None))
        .group_by(holds.c.reason)
    )
    found = {Reason(reason): count for reason, count in await conn.execute(query)}
    return {reason: found.get(reason, 0) for reason in Reason}


async def idle(conn: AsyncConnection, since: datetime) -> dict[SubscriberId, Period | None]:
    """Return who may have used nothing after *since*, and was there before it.

    Beside each, the last period with usage, which may reach beyond *since*; None: there never was
    any. Who was never read was there if the contract had begun.
    """
    used = totals.c.down + totals.c.up > 0
    first = func.min(totals.c.period_start)
    last_start = func.max(case((used, totals.c.period_start)))
    last_end = func.max(case((used, totals.c.period_end)))
    query = select(totals.c.subscriber, first, last_start, last_end).group_by(totals.c.subscriber)
    found: dict[SubscriberId, Period | None] = {}
    counted = set()
    for who, began, start, end in await conn.execute(query):
        counted.add(who)
        if began <= micros(since) and (start is None or start < micros(since)):
            found[SubscriberId(who)] = None if start is None else _unnamed(start, end)
    begun = await _begun_by(conn, since)
    return found | dict.fromkeys(who for who in sorted(begun - counted))


def _unnamed(start: int, end: int) -> Period:
    return Period(name="", start=moment(start), end=moment(end))


async def _begun_by(conn: AsyncConnection, since: datetime) -> set[SubscriberId]:
    """Return whose contract had begun by *since* (CT-1)."""
    query = select(matters).where(matters.c.kind == agreement.KIND, matters.c.open)
    found = (await conn.execute(query)).mappings()
    begun = ((SubscriberId(row["subscriber"]), [rows.matter(row)]) for row in found)
    days = ((who, agreement.activated_on(several)) for who, several in begun)
    return {who for who, day in days if day is not None and day < since.date()}


async def ended(conn: AsyncConnection) -> set[SubscriberId]:
    """Return whose contract has ended: those whom its hold keeps off (CT-15)."""
    query = select(holds.c.subscriber).where(
        holds.c.reason == Reason.ENDED, holds.c.closed_at.is_(None)
    )
    return {SubscriberId(who) for who in (await conn.execute(query)).scalars()}
