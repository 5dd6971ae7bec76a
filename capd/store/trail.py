"""The audit trail: what became different, when, by whom, why; append-only, and it can be proven."""

import hashlib
from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from capd.model import Event, SubscriberId
from capd.store import rows
from capd.store.database import Database
from capd.store.memos import recall, remember
from capd.store.tables import events
from capd.units import micros

_HEAD = "trail_head"  # id and hash of the newest event: shows that the end was cut off
_FIRST = "0" * 64
_AT_A_TIME = 5_000
_HASHED = [column.name for column in events.columns if column.name != "hash"]


def _chained(before: str, row: rows.Row) -> str:
    words = rows.json_text([before, *(row[name] for name in _HASHED)])
    return hashlib.sha256(words.encode()).hexdigest()


async def _head(conn: AsyncConnection) -> tuple[int, str]:
    kept = await recall(conn, _HEAD)
    if kept is None:
        return 0, _FIRST
    number, _, digest = kept.partition(" ")
    return int(number), digest


async def append(conn: AsyncConnection, new: Sequence[Event]) -> list[int]:
    """Append *new* within a writing transaction; return their ids.

    Ids have no gaps and become visible in their order: there is one writer at a time.
    """
    if not new:
        return []
    last, digest = await _head(conn)
    lines = []
    for number, event in enumerate(new, last + 1):
        row: dict[str, Any] = {
            "id": number,
            "at": micros(event.at),
            "kind": event.kind,
            "text": event.text,
            "clause": event.clause,
            "subscriber": event.subscriber,
            "device": event.device,
            "author": event.author,
            "figures": rows.json_text(dict(event.figures)),
        }
        digest = _chained(digest, row)
        lines.append(row | {"hash": digest})
    await conn.execute(insert(events), lines)
    await remember(conn, _HEAD, f"{lines[-1]['id']} {digest}")
    return [line["id"] for line in lines]


def is_chained(row: rows.Row, before: rows.Row | None) -> bool:
    """Say whether *row* is what was written after *before*; None: it is the first."""
    digest = _FIRST if before is None else before["hash"]
    return bool(row["hash"] == _chained(digest, row))


async def rows_of(conn: AsyncConnection, ids: Sequence[int]) -> dict[int, rows.Row]:
    """Return the events with these *ids*, as they are kept."""
    found: dict[int, rows.Row] = {}
    for chunk in rows.chunks(ids):
        query = select(events).where(events.c.id.in_(chunk))
        found |= {row["id"]: row for row in (await conn.execute(query)).mappings()}
    return found


class Trail:
    """Reads the audit trail; `Desk.record` writes it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def events(
        self, *, after: int = 0, limit: int = 1000, subscriber: SubscriberId | None = None
    ) -> list[tuple[int, Event]]:
        """Return events with an id above *after*, oldest first."""
        query = select(events).where(events.c.id > after).order_by(events.c.id).limit(limit)
        if subscriber is not None:
            query = query.where(events.c.subscriber == subscriber)
        async with self._database.read() as conn:
            return [(row["id"], rows.event(row)) for row in (await conn.execute(query)).mappings()]

    async def last_id(self) -> int:
        """Return the newest event's id, 0 where there is none; asked twice a second."""
        async with self._database.read() as conn:
            return int((await conn.execute(select(func.max(events.c.id)))).scalar() or 0)

    async def check(self) -> list[str]:
        """Return what is wrong with the chain, a line each: a changed, missing or foreign row."""
        mistakes: list[str] = []
        async with self._database.read() as conn:
            head, newest = await _head(conn)
            last, digest = 0, _FIRST
            query = select(events).order_by(events.c.id).limit(_AT_A_TIME)
            found = (await conn.execute(query)).mappings().all()
            while found:
                for row in found:
                    mistakes += _mistakes(row, last, digest)
                    last, digest = row["id"], row["hash"]
                found = (await conn.execute(query.where(events.c.id > last))).mappings().all()
        if (last, digest) != (head, newest):
            mistakes.append(f"audit trail: ends with event {last}, but {head} was written last")
        return mistakes


def _mistakes(row: rows.Row, last: int, digest: str) -> list[str]:
    if row["id"] != last + 1:
        return [f"audit trail: after event {last} comes {row['id']}: what was between is missing"]
    if row["hash"] != _chained(digest, row):
        return [f"audit trail: event {row['id']} is not what was written, or not after {last}"]
    return []
