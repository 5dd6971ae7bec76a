"""What became of each notice: taken by the mail server, given up, come back; the proof of it."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from capd.errors import CannotBeDone, NoSuch
from capd.model import Delivery, Event, Notice, SubscriberId
from capd.store import rows
from capd.store.database import Database
from capd.store.outbox import DELIVERY, DONE, GIVEN_UP, OPEN, Outbox, unsent_invoice
from capd.store.projections import project
from capd.store.tables import events, outbox, subscribers
from capd.store.trail import append, is_chained, rows_of
from capd.told import SYSTEMS, TOLD, is_told, masked
from capd.units import micros

BOUNCED = "notice_bounced"
RETRIED = "notice_retried"

_TOLD = (
    outbox.c.id.label("delivery"),
    *(
        outbox.c[name]
        for name in (
            "channel", "recipient", "state", "attempts", "ended_at", "answer", "message_id",
            "problem", "bounced",
        )
    ),
)  # fmt: skip
_TO_PEOPLE = outbox.c.channel.not_in(SYSTEMS)


class Notices:
    """The notices, newest first or as a proof; and what is written when one comes back."""

    def __init__(self, database: Database, outbox_: Outbox) -> None:
        self._database = database
        self._outbox = outbox_

    async def listing(
        self,
        *,
        subscriber: SubscriberId | None = None,
        failed: bool = False,
        bounced: bool = False,
        before: int | None = None,
        limit: int = 1000,
    ) -> list[Notice]:
        """Return deliveries to people, newest first; *failed* and *bounced* both ask for either.

        *before* goes on below the delivery with that id.
        """
        where: list[ColumnElement[bool]] = [_TO_PEOPLE]
        if subscriber is not None:
            where.append(outbox.c.subscriber == subscriber)
        if before is not None:
            where.append(outbox.c.id < before)
        came_back, given_up = outbox.c.bounced.is_not(None), outbox.c.state == GIVEN_UP
        if failed or bounced:
            where.append((came_back & bounced) | (given_up & failed))
        query = (
            select(events, *_TOLD)
            .join_from(outbox, events, outbox.c.event == events.c.id)
            .where(*where)
            .order_by(outbox.c.id.desc())
            .limit(limit)
        )
        async with self._database.read() as conn:
            return await self._notices(conn, query)

    async def unwritten(
        self, *, subscriber: SubscriberId | None = None, limit: int = 1000
    ) -> list[Notice]:
        """Return what was to be told and no mail was written for, newest first: no address.

        A letter, a text or a call is for a person to make of it (CT-14). Not what the operator
        tells nobody, nor what AU-1 keeps quiet.
        """
        mine: ColumnElement[bool] = events.c.subscriber.is_not(None)
        if subscriber is not None:
            mine = events.c.subscriber == subscriber
        sent = and_(outbox.c.event == events.c.id, _TO_PEOPLE)
        query = (
            select(events, *_TOLD)
            .join_from(events, outbox, sent, isouter=True)
            .where(mine, events.c.kind.in_(TOLD.keys() - self._outbox.off), outbox.c.id.is_(None))
            .order_by(events.c.id.desc())
            .limit(limit)
        )
        async with self._database.read() as conn:
            found = await self._notices(conn, query)
        return [notice for notice in found if is_told(notice.event, "email")]

    async def proof(
        self, subscriber: SubscriberId, *, after: int, until: datetime, since: datetime, limit: int
    ) -> list[Notice]:
        """Return what *subscriber* was to be told *since* and before *until*, oldest first.

        Also what no delivery is on record of; not what AU-1 keeps quiet. By ids above *after*.
        """
        query = (
            select(events, *_TOLD)
            .join_from(
                events, outbox, and_(outbox.c.event == events.c.id, _TO_PEOPLE), isouter=True
            )
            .where(
                events.c.subscriber == subscriber,
                events.c.kind.in_(TOLD),
                events.c.id > after,
                events.c.at >= micros(since),
                events.c.at < micros(until),
            )
            .order_by(events.c.id, outbox.c.id)
            .limit(limit)
        )
        async with self._database.read() as conn:
            return await self._notices(conn, query)

    async def _notices(self, conn: AsyncConnection, query: Select[Any]) -> list[Notice]:
        found = (await conn.execute(query)).mappings().all()
        before = await rows_of(conn, [row["id"] - 1 for row in found])
        bounces = await rows_of(conn, [row["bounced"] for row in found if row["bounced"]])
        return [
            _notice(row, before.get(row["id"] - 1), bounces.get(row["bounced"])) for row in found
        ]

    async def retry(self, delivery: int, *, author: str, note: str, at: datetime) -> Notice:
        """Try *delivery* afresh, to the address that is on file now.

        Raises CannotBeDone where there is none, it is on its way, or was delivered.
        """
        async with self._database.write() as conn:
            query = select(outbox, events.c.kind, events.c.figures, events.c.at)
            query = query.join_from(outbox, events)
            query = query.where(outbox.c.id == delivery, _TO_PEOPLE)
            row = (await conn.execute(query)).mappings().first()
            problem = _why_not(delivery, row)
            if problem is not None or row is None:
                kind = NoSuch if row is None else CannotBeDone
                raise kind(problem or f"there is no notice {delivery}")
            on_file = select(subscribers.c.email).where(subscribers.c.id == row["subscriber"])
            to = (await conn.execute(on_file)).scalar() or row["recipient"]
            fresh = {"state": OPEN, "attempts": 0, "next_at": None, "ended_at": None}
            fresh |= {"bounced": None, "problem": "", "recipient": to}
            await conn.execute(update(outbox).where(outbox.c.id == delivery).values(**fresh))
            await self._write(conn, _retried(row, author=author, note=note, at=at))
        return (await self.listing(before=delivery + 1, limit=1))[0]

    async def delivery(self, event: int, at: int) -> Delivery | None:
        """Return the mail about *event* of the microsecond *at*; None: capd wrote none."""
        query = (
            select(*DELIVERY)
            .join_from(outbox, events, outbox.c.event == events.c.id)
            .where(outbox.c.event == event, events.c.at == at, outbox.c.channel == "email")
        )
        async with self._database.read() as conn:
            row = (await conn.execute(query)).mappings().first()
            return None if row is None else rows.delivery(row)

    async def earlier_addresses(self, delivery: Delivery) -> set[str]:
        """Return to whom *delivery* went before it was sent again, masked."""
        who, event = delivery.event.subscriber, delivery.event_id
        query = select(events).where(
            events.c.subscriber == who, events.c.id > event, events.c.kind == RETRIED
        )
        async with self._database.read() as conn:
            found = [rows.event(row) for row in (await conn.execute(query)).mappings()]
        return {
            str(retried.figures["was"])
            for retried in found
            if retried.figures.get("event") == event and retried.figures.get("was")
        }

    async def came_back(self, delivery: int, event: Event) -> bool:
        """Write *event*, that *delivery* bounced; say whether that is news (UC-7)."""
        async with self._database.write() as conn:
            there = select(outbox.c.bounced).where(outbox.c.id == delivery)
            row = (await conn.execute(there)).first()
            if row is None or row.bounced is not None:
                return False
            number = await self._write(conn, event)
            ended = {"bounced": number, "state": DONE, "next_at": None}
            await conn.execute(update(outbox).where(outbox.c.id == delivery).values(**ended))
            return True

    async def _write(self, conn: AsyncConnection, event: Event) -> int:
        (number,) = await append(conn, [event])
        await project(conn, [(number, event)])
        await self._outbox.enqueue(conn, [(number, event)])
        return number


def _notice(row: rows.Row, before: rows.Row | None, bounce: rows.Row | None) -> Notice:
    told: dict[str, Any] = {}
    if row["delivery"] is not None:
        told = {name: row[name] for name in ("delivery", "channel", "state", "attempts")}
        told |= {"to": row["recipient"], "answer": row["answer"] or "", "problem": row["problem"]}
        told |= {"message_id": row["message_id"], "ended_at": rows.moment_or_none(row["ended_at"])}
    return Notice(
        event_id=row["id"],
        event=rows.event(row),
        digest=row["hash"],
        unbroken=is_chained(row, before),
        bounced=None if bounce is None else rows.event(bounce),
        **told,
    )


def _why_not(delivery: int, row: rows.Row | None) -> str | None:
    if row is None:
        return f"there is no notice {delivery}: `capd notices list` shows their ids"
    if row["state"] == OPEN:
        return f"notice {delivery} is on its way: it is tried again by itself"
    if row["state"] == DONE and row["bounced"] is None:
        return f"notice {delivery} was taken by the mail server and did not come back"
    return None


def _retried(row: rows.Row, *, author: str, note: str, at: datetime) -> Event:
    return Event(
        at=at,
        kind=RETRIED,
        text=f"{row['channel']}: {row['kind']} is sent again ({note}).",
        clause="UC-7",
        subscriber=SubscriberId(row["subscriber"]) if row["subscriber"] else None,
        author=author,
        figures={
            "channel": row["channel"],
            "event": row["event"],
            "was": masked(row["recipient"] or ""),
            "note": note,
            **unsent_invoice(row, is_open=False),
        },
    )
