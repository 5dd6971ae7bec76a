"""Records beside the ledger that are let go of when they are old: transcripts, deliveries (D-6)."""

from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from capd.model import OrderState
from capd.store.tables import legal_holds, orders, outbox
from capd.units import micros

_OVER = (OrderState.APPLIED, OrderState.FAILED, OrderState.REFUSED, OrderState.SUPERSEDED)
_HELD = select(legal_holds.c.subscriber)


async def transcripts(conn: AsyncConnection, before: datetime, most: int) -> int:
    """Empty the transcripts of orders made *before* that are over; the orders stay."""
    old = (
        select(orders.c.id)
        .where(
            orders.c.transcript != "",
            orders.c.created_at < micros(before),
            orders.c.state.in_(_OVER),
            orders.c.subscriber.not_in(_HELD),
        )
        .order_by(orders.c.id)
        .limit(most)
    )
    emptied = update(orders).where(orders.c.id.in_(old)).values(transcript="")
    return (await conn.execute(emptied)).rowcount


async def deliveries(conn: AsyncConnection, before: datetime, most: int) -> int:
    """Delete deliveries that were over *before*; what they told stays in the audit trail."""
    old = (
        select(outbox.c.id)
        .where(
            outbox.c.state != "open",
            outbox.c.ended_at < micros(before),
            outbox.c.subscriber.not_in(_HELD),
        )
        .order_by(outbox.c.id)
        .limit(most)
    )
    return (await conn.execute(delete(outbox).where(outbox.c.id.in_(old)))).rowcount
