"""How far the ledger reaches: by when meters were read."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import and_, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from capd.model import Role, SubscriberId
from capd.store.tables import meter_states, meters
from capd.units import moment


async def read_to(
    conn: AsyncConnection, who: Collection[SubscriberId]
) -> dict[SubscriberId, datetime]:
    """Return by when every main meter of each was read; without one, or a reading, nothing."""
    if not who:
        return {}
    states = and_(meter_states.c.device == meters.c.device, meter_states.c.meter == meters.c.id)
    read = func.count(meter_states.c.last_at) == func.count()
    query = (
        select(meters.c.subscriber, func.min(meter_states.c.last_at))
        .join(meter_states, states, isouter=True)
        .where(meters.c.subscriber.in_(who), meters.c.role == Role.MAIN)
        .group_by(meters.c.subscriber)
        .having(read)
    )
    return {SubscriberId(one): moment(at) for one, at in await conn.execute(query)}
