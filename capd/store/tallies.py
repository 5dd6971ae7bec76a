"""How many there are in which state: what the gauges show."""

from datetime import datetime

from sqlalchemy import case, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from capd.model import Reason, SubscriberId
from capd.store.tables import holds, subscribers, totals
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


async def idle(conn: AsyncConnection, since: datetime) -> dict[SubscriberId, datetime | None]:
    """Return who used nothing in any period that ends after *since*, and was there before it.

    Beside each, the end of the last period with usage; None: there never was any.
    """
    used = case((totals.c.down + totals.c.up > 0, totals.c.period_end))
    query = (
        select(totals.c.subscriber, func.max(used).label("last"))
        .group_by(totals.c.subscriber)
        .having(func.min(totals.c.period_start) <= micros(since))
        .having(func.coalesce(func.max(used), 0) <= micros(since))
        .order_by(totals.c.subscriber)
    )
    found = await conn.execute(query)
    return {SubscriberId(row[0]): None if row[1] is None else moment(row[1]) for row in found}


async def ended(conn: AsyncConnection) -> set[SubscriberId]:
    """Return whose contract has ended: those whom its hold keeps off (CT-15)."""
    query = select(holds.c.subscriber).where(
        holds.c.reason == Reason.ENDED, holds.c.closed_at.is_(None)
    )
    return {SubscriberId(who) for who in (await conn.execute(query)).scalars()}
