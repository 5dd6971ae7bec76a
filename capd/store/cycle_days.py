"""What a changed cycle day makes of the subscriber's row: the day, and until when others held."""

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from capd.model import Cycle, Event
from capd.store.inventory_rows import days_json, earlier_days
from capd.store.tables import subscribers


async def note(conn: AsyncConnection, event: Event) -> None:
    """Write down what *event* (kind `cycle_day`) says of its subscriber."""
    mine = subscribers.c.id == event.subscriber
    query = select(subscribers.c.cycle_day, subscribers.c.earlier_days).where(mine)
    row = (await conn.execute(query)).mappings().first()
    if row is None:
        return
    cycle = Cycle(row["cycle_day"], earlier_days(row))
    changed = cycle.changed(int(event.figures["day"] or 1), event.at)
    told = {"cycle_day": changed.day, "earlier_days": days_json(changed.earlier)}
    await conn.execute(update(subscribers).where(mine).values(told))
