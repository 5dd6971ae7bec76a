"""What is open between the operator and subscribers, as a list: invoices, add-ons, tasks, jobs."""

from dataclasses import dataclass

from sqlalchemy import select, tuple_

from capd.model import Matter, SubscriberId
from capd.store import rows
from capd.store.database import Database
from capd.store.tables import matters


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A matter in the books, open or not; *event* is the newest that told of it."""

    subscriber: SubscriberId
    matter: Matter
    is_open: bool
    event: int


class Matters:
    """Reads the matters; events make them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(
        self,
        *,
        kind: str | None = None,
        subscriber: SubscriberId | None = None,
        closed_too: bool = False,
        after: tuple[str, str, str] = ("", "", ""),
        limit: int = 1000,
    ) -> list[Kept]:
        """Return matters by subscriber, kind and key: the first *limit* that come *after* one."""
        key = (matters.c.subscriber, matters.c.kind, matters.c.key)
        query = select(matters).where(tuple_(*key) > after).order_by(*key).limit(limit)
        if kind is not None:
            query = query.where(matters.c.kind == kind)
        if subscriber is not None:
            query = query.where(matters.c.subscriber == subscriber)
        if not closed_too:
            query = query.where(matters.c.open)
        async with self._database.read() as conn:
            return [_kept(row) for row in (await conn.execute(query)).mappings()]


def _kept(row: rows.Row) -> Kept:
    return Kept(
        subscriber=SubscriberId(row["subscriber"]),
        matter=rows.matter(row),
        is_open=bool(row["open"]),
        event=row["event"],
    )
