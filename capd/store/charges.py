"""What was charged: each charge once, by its id, with the event that made it."""

from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from capd.decide.told import CHARGE_FROM
from capd.model import Event, SubscriberId
from capd.store import rows
from capd.store.database import Database
from capd.store.tables import charges, events, matters


class Charges:
    """Reads the charges; events make them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(
        self, *, subscriber: SubscriberId | None = None, after: int = 0, limit: int = 1000
    ) -> list[tuple[int, Event]]:
        """Return charges and counter-charges with their events' ids, the oldest first."""
        query = select(events).join(charges, charges.c.event == events.c.id)
        query = query.where(events.c.id > after).order_by(events.c.id).limit(limit)
        if subscriber is not None:
            query = query.where(charges.c.subscriber == subscriber)
        async with self._database.read() as conn:
            found = (await conn.execute(query)).mappings()
            return [(row["id"], rows.event(row)) for row in found]


async def recalled(
    conn: AsyncConnection, subscriber: SubscriberId, wanted: Mapping[str, tuple[str, str]]
) -> dict[str, Event]:
    """Return events of the past by name: *wanted* says of each which kind of thing, and its key.

    A thing is a charge, by its id or how that begins, or a matter of that kind, open or closed: its
    newest event.
    """
    found: dict[str, Event] = {}
    for name, (kind, key) in wanted.items():
        if kind == "charge":
            query = select(events).join(charges, charges.c.event == events.c.id)
            query = query.where(charges.c.subscriber == subscriber, charges.c.charge_id == key)
        elif kind == CHARGE_FROM:
            query = select(events).join(charges, charges.c.event == events.c.id)
            begins = charges.c.charge_id.startswith(key, autoescape=True)
            query = query.where(charges.c.subscriber == subscriber, begins)
        else:
            query = select(events).join(matters, matters.c.event == events.c.id)
            query = query.where(
                matters.c.subscriber == subscriber, matters.c.kind == kind, matters.c.key == key
            )
        newest = query.order_by(events.c.id.desc()).limit(1)
        row = (await conn.execute(newest)).mappings().first()
        if row is not None:
            found[name] = rows.event(row)
    return found
