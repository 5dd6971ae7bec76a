"""What writes over HTTP were answered: asked again with the same key, they are not done again."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from capd.store.database import Database
from capd.store.tables import answered
from capd.units import micros

_KEEP = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """An answer, and what it was the answer to."""

    token: int
    key: str
    asked: str  # a digest of method, path and body
    status: int
    body: str  # JSON


class AnsweredBefore(Exception):
    """The same key was answered by another process in the meantime: nothing is done twice."""


class Answered:
    """The answers of the last week."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, token: int, key: str) -> Kept | None:
        """Return what was answered to *key* of that token."""
        async with self._database.read() as conn:
            return await _find(conn, token, key)

    async def keep(self, kept: Kept, at: datetime) -> None:
        """Keep an answer by itself; AnsweredBefore where there is one."""
        async with self._database.write() as conn:
            await keep(conn, kept, at)


async def keep(conn: AsyncConnection, kept: Kept, at: datetime) -> None:
    """Keep an answer within a writing transaction; AnsweredBefore where there is one."""
    await conn.execute(delete(answered).where(answered.c.at < micros(at - _KEEP)))
    if await _find(conn, kept.token, kept.key) is not None:
        raise AnsweredBefore
    await conn.execute(
        insert(answered).values(
            token=kept.token,
            key=kept.key,
            asked=kept.asked,
            status=kept.status,
            body=kept.body,
            at=micros(at),
        )
    )


async def _find(conn: AsyncConnection, token: int, key: str) -> Kept | None:
    query = select(answered).where(answered.c.token == token, answered.c.key == key)
    row = (await conn.execute(query)).mappings().first()
    if row is None:
        return None
    return Kept(
        token=row["token"],
        key=row["key"],
        asked=row["asked"],
        status=row["status"],
        body=row["body"],
    )
