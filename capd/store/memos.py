"""Small things by a key: what has no table of its own."""

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from capd.store.tables import remembered


async def recall(conn: AsyncConnection, key: str) -> str | None:
    """Return what was remembered by *key*."""
    query = select(remembered.c.value).where(remembered.c.key == key)
    value: str | None = (await conn.execute(query)).scalar()
    return value


async def remember(conn: AsyncConnection, key: str, value: str) -> None:
    """Remember *value* by *key*, within a writing transaction."""
    changed = await conn.execute(
        update(remembered).where(remembered.c.key == key).values(value=value)
    )
    if not changed.rowcount:
        await conn.execute(insert(remembered).values(key=key, value=value))
