"""The operator's discretion, as the books keep it (UC-8)."""

from collections.abc import Collection

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from capd.model import Delay, SubscriberId
from capd.store.tables import delays
from capd.units import moment


async def newest(conn: AsyncConnection, who: Collection[SubscriberId]) -> dict[SubscriberId, Delay]:
    """Return the newest delay of each, whether or not it is over by now."""
    newest = (
        select(func.max(delays.c.event))
        .where(delays.c.subscriber.in_(who))
        .group_by(delays.c.subscriber)
    )
    found = (await conn.execute(select(delays).where(delays.c.event.in_(newest)))).mappings()
    return {
        SubscriberId(row["subscriber"]): Delay(
            until=moment(row["until"]), author=row["author"], note=row["note"]
        )
        for row in found
    }
