"""What was used in all time, for those who draw on a balance (E-1)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from capd.decide.prepaid.balance import has_balance
from capd.model import Matter, Product, SubscriberId, Usage
from capd.store.tables import totals


async def lifetimes(
    conn: AsyncConnection,
    used: Mapping[SubscriberId, Usage],
    sold: Mapping[SubscriberId, Product],
    pending: Mapping[SubscriberId, Sequence[Matter]],
) -> dict[SubscriberId, Usage]:
    """Return what each who draws on a balance used in all periods together, the present one too."""
    found = {who: used[who] for who in sold if has_balance(sold[who], pending.get(who, ()))}
    if not found:
        return {}
    query = select(totals.c.subscriber, func.sum(totals.c.down), func.sum(totals.c.up))
    query = query.where(totals.c.subscriber.in_(found)).group_by(totals.c.subscriber)
    for who, down, up in await conn.execute(query):
        usage = found[SubscriberId(who)]
        found[usage.subscriber] = replace(usage, down_bytes=int(down), up_bytes=int(up))
    return found
