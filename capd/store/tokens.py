"""API tokens: never the text of one, only its digest; and who used which, when."""

from datetime import datetime

from sqlalchemy import exists, insert, select, update

from capd.model import Event, Reason, SubscriberId, Token, TokenRole
from capd.store import rows
from capd.store.database import Database
from capd.store.outbox import Outbox
from capd.store.tables import holds, tokens
from capd.store.trail import append
from capd.units import micros, moment


class Tokens:
    """Who may ask over HTTP."""

    def __init__(self, database: Database, outbox: Outbox) -> None:
        self._database = database
        self._outbox = outbox

    async def add(
        self,
        name: str,
        role: TokenRole,
        subscriber: SubscriberId | None,
        *,
        digest: str,
        event: Event,
    ) -> bool:
        """Write a token down with its event; False, and nothing, where one of that name lives."""
        async with self._database.write() as conn:
            live = select(tokens.c.id).where(tokens.c.name == name, tokens.c.revoked_at.is_(None))
            if (await conn.execute(live)).first() is not None:
                return False
            await conn.execute(
                insert(tokens).values(
                    name=name,
                    role=role,
                    subscriber=subscriber,
                    digest=digest,
                    created_at=micros(event.at),
                    created_by=event.author,
                )
            )
            written = list(zip(await append(conn, [event]), [event], strict=True))
            await self._outbox.enqueue(conn, written)
            return True

    async def revoke(self, name: str, event: Event) -> bool:
        """End the token *name* with its event; False, and nothing, where none of it lives."""
        async with self._database.write() as conn:
            ended = await conn.execute(
                update(tokens)
                .where(tokens.c.name == name, tokens.c.revoked_at.is_(None))
                .values(revoked_at=micros(event.at))
            )
            if not ended.rowcount:
                return False
            written = list(zip(await append(conn, [event]), [event], strict=True))
            await self._outbox.enqueue(conn, written)
            return True

    async def by_digest(self, digest: str) -> tuple[Token, str] | None:
        """Return the token that has *digest* and was not revoked, and the digest as it is kept.

        One of a subscriber whose log-ins are off is none, until that hold is released (AU-5).
        """
        off = exists().where(
            holds.c.subscriber == tokens.c.subscriber,
            holds.c.reason == Reason.CREDENTIALS,
            holds.c.closed_at.is_(None),
        )
        live = tokens.c.revoked_at.is_(None)
        query = select(tokens).where(tokens.c.digest == digest, live, ~off)
        async with self._database.read() as conn:
            row = (await conn.execute(query)).mappings().first()
        return None if row is None else (_token(row), row["digest"])

    async def listing(self, *, revoked: bool = False) -> list[Token]:
        """Return the tokens by name, those *revoked* too where asked for."""
        query = select(tokens).order_by(tokens.c.name, tokens.c.id)
        if not revoked:
            query = query.where(tokens.c.revoked_at.is_(None))
        async with self._database.read() as conn:
            return [_token(row) for row in (await conn.execute(query)).mappings()]

    async def used(self, token: int, at: datetime) -> None:
        """Write down that a token was used."""
        async with self._database.write() as conn:
            mark = update(tokens).where(tokens.c.id == token).values(last_used_at=micros(at))
            await conn.execute(mark)


def _token(row: rows.Row) -> Token:
    def at(name: str) -> datetime | None:
        return None if row[name] is None else moment(row[name])

    return Token(
        id=row["id"],
        name=row["name"],
        role=TokenRole(row["role"]),
        subscriber=row["subscriber"],
        created_at=moment(row["created_at"]),
        created_by=row["created_by"],
        last_used_at=at("last_used_at"),
        revoked_at=at("revoked_at"),
    )
