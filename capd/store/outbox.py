"""What people and their systems are still to be told: each once, in order for a subscriber."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import ColumnElement, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from capd.decide import matters
from capd.decide.case import Figures
from capd.decide.debt.book import INVOICE
from capd.decide.debt.tried import UNSENT
from capd.model import Delivery, Event, SubscriberId
from capd.store import rows
from capd.store.database import Database
from capd.store.projections import project
from capd.store.tables import events, outbox, subscribers
from capd.store.trail import append
from capd.told import is_told
from capd.units import micros, moment

OPEN, DONE, GIVEN_UP = "open", "done", "given_up"
DELIVERY = (
    outbox.c.id.label("delivery"),
    outbox.c.event,
    outbox.c.channel,
    outbox.c.recipient,
    outbox.c.attempts,
    *(column for column in events.columns if column.name not in {"id", "hash"}),
)


class Outbox:
    """The deliveries; `channels` says which of them new events are written for."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.channels: tuple[str, ...] = ()
        self.off: frozenset[str] = frozenset()  # kinds that the operator tells no subscriber

    async def enqueue(
        self,
        conn: AsyncConnection,
        written: Sequence[tuple[int, Event]],
        *,
        but: str | None = None,
    ) -> None:
        """Write a row for each event and channel that is to hear of it, save the channel *but*."""
        new = []
        addresses = await self._addresses(conn, written) if "email" in self.channels else {}
        for event_id, event in written:
            for channel in self.channels:
                to = addresses.get(event_id)
                if channel != but and (channel != "email" or to is not None):
                    new.append(_row(event_id, event, channel, to if channel == "email" else None))
        if new:
            await conn.execute(insert(outbox), new)

    async def _addresses(
        self, conn: AsyncConnection, written: Iterable[tuple[int, Event]]
    ) -> dict[int, str]:
        """Return the e-mail address for each event that one is to be sent about."""
        mailed = {event_id: event.subscriber for event_id, event in written if self._mailed(event)}
        wanted = list(set(mailed.values()))
        found: dict[str, str] = {}
        for chunk in rows.chunks(wanted):
            query = select(subscribers.c.id, subscribers.c.email).where(
                subscribers.c.id.in_(chunk), subscribers.c.email.is_not(None)
            )
            found.update((id_, email) for id_, email in await conn.execute(query))
        return {event_id: found[str(who)] for event_id, who in mailed.items() if who in found}

    def _mailed(self, event: Event) -> bool:
        return is_told(event, "email") and event.kind not in self.off

    async def due(
        self, now: datetime, limit: int = 100, *, channel: str | None = None
    ) -> list[Delivery]:
        """Return what may be delivered now: the oldest open one a subscriber and channel.

        *channel* asks for one channel's only, so that another's backlog does not stand before it.
        """
        oldest = (
            select(func.min(outbox.c.id))
            .where(outbox.c.state == OPEN)
            .group_by(outbox.c.channel, outbox.c.subscriber)
        )
        if channel is not None:
            oldest = oldest.where(outbox.c.channel == channel)
        ready = or_(outbox.c.next_at.is_(None), outbox.c.next_at <= micros(now))
        return await self._deliveries(limit, outbox.c.id.in_(oldest), ready)

    async def given_up(
        self, limit: int = 100, *, before: int | None = None
    ) -> list[tuple[Delivery, str]]:
        """Return what could not be delivered, newest first, with the problem (UC-7).

        Only deliveries with ids below *before*.
        """
        query = (
            select(*DELIVERY, outbox.c.problem)
            .join_from(outbox, events, outbox.c.event == events.c.id)
            .where(outbox.c.state == GIVEN_UP)
            .order_by(outbox.c.id.desc())
            .limit(limit)
        )
        if before is not None:
            query = query.where(outbox.c.id < before)
        async with self._database.read() as conn:
            found = (await conn.execute(query)).mappings()
            return [(rows.delivery(row), row["problem"]) for row in found]

    async def _deliveries(self, limit: int, *where: ColumnElement[bool]) -> list[Delivery]:
        query = (
            select(*DELIVERY)
            .join_from(outbox, events, outbox.c.event == events.c.id)
            .where(*where)
            .order_by(outbox.c.id)
            .limit(limit)
        )
        async with self._database.read() as conn:
            return [rows.delivery(row) for row in (await conn.execute(query)).mappings()]

    async def done(
        self, delivery_id: int, at: datetime, *, answer: str = "", message_id: str | None = None
    ) -> None:
        """Write down that it was delivered, and how whoever took it answered."""
        ended = {
            "state": DONE, "ended_at": micros(at), "problem": "",
            "answer": answer, "message_id": message_id,
        }  # fmt: skip
        async with self._database.write() as conn:
            await conn.execute(update(outbox).where(outbox.c.id == delivery_id).values(**ended))

    async def failed(
        self,
        delivery_id: int,
        problem: str,
        next_at: datetime | None,
        at: datetime,
        *,
        tried: bool = False,
    ) -> None:
        """Write down that it was not: try again at *next_at*, or give up where that is None.

        What was given up is an event of its own, for every channel but the one that failed (UC-7).
        *tried*: it was put to whoever takes mail for that address, so it was an attempt (C-2).
        """
        values: dict[str, Any] = {"attempts": outbox.c.attempts + 1, "problem": problem}
        if next_at is None:
            values |= {"state": GIVEN_UP, "ended_at": micros(at)}
        else:
            values["next_at"] = micros(next_at)
        async with self._database.write() as conn:
            query = select(outbox, events.c.kind, events.c.figures, events.c.at).join_from(
                outbox, events, outbox.c.event == events.c.id
            )
            row = (await conn.execute(query.where(outbox.c.id == delivery_id))).mappings().first()
            if row is None:
                return
            await conn.execute(update(outbox).where(outbox.c.id == delivery_id).values(**values))
            if next_at is None:
                event = _lost(row, problem, at, tried=tried)
                (event_id,) = await append(conn, [event])
                await project(conn, [(event_id, event)])
                await self.enqueue(conn, [(event_id, event)], but=row["channel"])


def _row(event_id: int, event: Event, channel: str, to: str | None) -> dict[str, Any]:
    return {
        "event": event_id,
        "channel": channel,
        "subscriber": event.subscriber or "",
        "recipient": to,
        "state": OPEN,
        "attempts": 0,
        "next_at": None,
        "ended_at": None,
        "problem": "",
    }


def _lost(row: rows.Row, problem: str, at: datetime, *, tried: bool) -> Event:
    unsent = {} if tried or row["channel"] != "email" else unsent_invoice(row)
    return Event(
        at=at,
        kind="delivery_failed",
        text=f"{row['channel']}: {row['kind']} could not be delivered: {problem}",
        clause="UC-7" if row["channel"] == "email" else None,
        subscriber=SubscriberId(row["subscriber"]) if row["subscriber"] else None,
        figures={"channel": row["channel"], "event": row["event"], "problem": problem, **unsent},
    )


def unsent_invoice(row: rows.Row, *, is_open: bool = True) -> Figures:
    """Return the figures by which a notice about an invoice never left: no attempt (C-2)."""
    figures = orjson.loads(row["figures"])
    if row["kind"] != "notice" or figures.get("matter") != INVOICE:
        return {}
    return matters.change(
        UNSENT, str(figures["key"]), is_open=is_open, noticed_at=moment(row["at"])
    )
