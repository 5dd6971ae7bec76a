"""Whether the books are what the audit trail makes of them: it is played again, beside them.

The same code that wrote the books writes temporary tables of the same names, which stand in front
of the books for as long as the transaction lasts. Memory does not grow with the trail.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from sqlalchemy import Column, Index, MetaData, Table, except_, func, insert, literal, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from capd.store import rows
from capd.store.database import Database
from capd.store.projections import project
from capd.store.tables import (
    breaches,
    charges,
    delays,
    events,
    given,
    holds,
    legal_holds,
    matters,
    remembered,
    seen,
    subscribers,
    topups,
)

_BOOKS = (breaches, charges, delays, given, holds, legal_holds, matters, seen, topups)
_AT_A_TIME = 2_000
_MOST_TOLD = 20  # of each book: one mistake more or less says nothing new

_NOWHERE = ""  # no product has that name

Books = tuple[str, str]
"""The schemas of the books as they are kept, and of those that the trail makes."""

Progress = Callable[[int, int], None]
"""Told how many events were played, of how many."""


def unseen(_done: int, _whole: int) -> None:
    """Show nothing."""


async def mistakes(database: Database, progress: Progress = unseen) -> list[str]:
    """Return where the books differ from the trail, a line each, and what was charged twice."""
    async with database.read() as conn, _beside(conn, sqlite=database.sqlite) as books:
        try:
            await _play(conn, progress)
        except IntegrityError as exc:
            line = str(exc.orig).splitlines()[0]
            return [f"books: the audit trail says what cannot be in them: {line}"]
        found = [line for table in _BOOKS for line in await _differences(conn, table, books)]
        return [*found, *await _other_products(conn, books), *await _charged_twice(conn, books)]


@asynccontextmanager
async def _beside(conn: AsyncConnection, *, sqlite: bool) -> AsyncIterator[Books]:
    """Put empty tables in front of the books; yield the schemas of the books and of those."""
    if sqlite:
        await conn.execute(text("PRAGMA query_only=OFF"))  # temporary tables are no data
    try:
        kept, made = "main", "temp"
        if not sqlite:
            kept = str((await conn.execute(select(func.current_schema()))).scalar_one())
            made = "pg_temp"
        for table in (*_BOOKS, remembered):
            await conn.run_sync(_temporary(table).create, checkfirst=False)
        moved = _temporary(subscribers, "id", "product", "cycle_day", "earlier_days")
        await conn.run_sync(moved.create, checkfirst=False)
        there = _in(kept, subscribers)
        everyone = select(there.c.id, literal(_NOWHERE), there.c.cycle_day)
        columns = ["id", "product", "cycle_day"]
        await conn.execute(insert(moved).from_select(columns, everyone))
        yield kept, made
    finally:
        await conn.rollback()
        if sqlite:
            await conn.execute(text("PRAGMA query_only=ON"))


def _temporary(table: Table, *names: str) -> Table:
    """Return a temporary table like *table*, or like those columns of it; without foreign keys."""
    columns = [column for column in table.columns if not names or column.name in names]
    copy = Table(
        table.name,
        MetaData(),
        *(Column(c.name, c.type, primary_key=c.primary_key, nullable=c.nullable) for c in columns),
        prefixes=["TEMPORARY"],
    )
    if "subscriber" in copy.c:
        Index(f"ix_beside_{table.name}", copy.c.subscriber)
    return copy


def _in(schema: str, table: Table) -> Table:
    return table.to_metadata(MetaData(), schema=schema)


async def _play(conn: AsyncConnection, progress: Progress) -> None:
    """Project the whole trail, a page at a time."""
    whole = int((await conn.execute(select(func.max(events.c.id)))).scalar() or 0)
    query, last = select(events).order_by(events.c.id).limit(_AT_A_TIME), 0
    while True:
        found = (await conn.execute(query.where(events.c.id > last))).mappings().all()
        if not found:
            return
        await project(conn, [(row["id"], rows.event(row)) for row in found])
        last = found[-1]["id"]
        progress(last, whole)


async def _differences(conn: AsyncConnection, table: Table, books: Books) -> list[str]:
    kept, made = (_in(schema, table) for schema in books)
    found = []
    for one, other, words in (
        (kept, made, "is in the books, and the audit trail does not say so"),
        (made, kept, "is said by the audit trail, and not in the books"),
    ):
        query = except_(select(*one.c), select(*other.c)).limit(_MOST_TOLD)
        found += [
            f"books: {table.name}: event {row['event']}{_whose(row)} {words}"
            for row in (await conn.execute(query)).mappings()
        ]
    return found


def _whose(row: rows.Row) -> str:
    return f" of {row['subscriber']}" if "subscriber" in row else f" ({row['reference']})"


async def _other_products(conn: AsyncConnection, books: Books) -> list[str]:
    """Return who has another product than the one that they were last moved to."""
    kept, made = (_in(schema, subscribers) for schema in books)
    query = (
        select(kept.c.id, kept.c.product, made.c.product.label("moved"))
        .join_from(kept, made, kept.c.id == made.c.id)
        .where(made.c.product != _NOWHERE, made.c.product != kept.c.product)
        .order_by(kept.c.id)
        .limit(_MOST_TOLD)
    )
    return [
        f"books: {row.id} has {row.product}, and was last moved to {row.moved}"
        for row in await conn.execute(query)
    ]


async def _charged_twice(conn: AsyncConnection, books: Books) -> list[str]:
    kept = _in(books[0], charges)
    query = (
        select(kept.c.charge_id, func.count().label("times"), func.max(kept.c.subscriber))
        .where(kept.c.charge_id.is_not(None))
        .group_by(kept.c.charge_id)
        .having(func.count() > 1)
        .order_by(kept.c.charge_id)
        .limit(_MOST_TOLD)
    )
    return [
        f"books: charge {number} of {who} was made {times} times"
        for number, times, who in await conn.execute(query)
    ]
