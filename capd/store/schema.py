"""The schema's versions: where the database stands, and the way to the newest (Alembic).

Alembic is loaded by whoever takes that way: every command looks where the database stands.
"""

import asyncio
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

from capd.errors import StoreError
from capd.store.database import Database, parse

if TYPE_CHECKING:
    from alembic.config import Config

_MIGRATIONS = Path(__file__).parent / "migrations"
_EMPTY = "nothing"
_BLANK: list[bytes] = []  # an empty SQLite file at the newest revision, once one was made


def config(connection: Connection | None = None) -> "Config":
    """Return Alembic's settings, with the *connection* that its environment is to use."""
    from alembic.config import Config  # noqa: PLC0415 - see above

    settings = Config()
    settings.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    settings.attributes["connection"] = connection
    return settings


@lru_cache(maxsize=1)
def head() -> str:
    """Return the newest revision that this capd knows: their files are named by their numbers."""
    files = (_MIGRATIONS / "versions").glob("[0-9]*_*.py")
    return max((file.name.partition("_")[0] for file in files), default=_EMPTY)


def _stands_at(connection: Connection) -> str:
    if not inspect(connection).has_table("alembic_version"):
        return _EMPTY
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return _EMPTY if found is None else str(found)


async def current(database: Database) -> str:
    """Return the revision that *database* stands at; "nothing" where it has no tables of ours."""
    async with database.read() as conn:
        return await conn.run_sync(_stands_at)


async def expect_head(database: Database) -> None:
    """Raise StoreError, with what to do, unless *database* is there and at the newest revision."""
    if not database.exists():
        raise StoreError(f"{database.name}: no such file: run `capd db upgrade`")
    stands, wanted = await current(database), head()
    if stands != wanted:
        raise StoreError(
            f"{database.name}: the schema stands at {stands}, this capd wants {wanted}: "
            "run `capd db upgrade`"
        )


async def upgrade(url: str) -> tuple[str, str]:
    """Bring the database at *url* to the newest revision; return where it stood and stands.

    All steps are one transaction: interrupted, nothing has changed. Raises StoreError.
    """
    # in a thread with a loop of its own: Alembic reads files
    return await asyncio.to_thread(_upgrade_in_a_thread, url)


def _upgrade_in_a_thread(url: str) -> tuple[str, str]:
    """Bring it up by its steps; a further new file of this process is a copy of the first."""
    file = _new_file(url)
    if file is not None and _BLANK:
        Database(url).create_file()
        with suppress(OSError):  # then by its steps, which say what is wrong
            file.write_bytes(_BLANK[-1])
            return _EMPTY, head()
    found = asyncio.run(_upgrade(url))
    if file is not None and not file.with_name(f"{file.name}-wal").exists():
        _BLANK[:] = [file.read_bytes()]
    return found


def _new_file(url: str) -> Path | None:
    """Return SQLite's file where there is none yet."""
    parsed = parse(url)
    file = Path(str(parsed.database))
    return file if parsed.drivername.startswith("sqlite") and not file.exists() else None


async def _upgrade(url: str) -> tuple[str, str]:
    from alembic import command  # noqa: PLC0415 - see above

    database = Database(url)
    try:
        database.create_file()
        async with database.write() as conn:
            before = await conn.run_sync(_stands_at)
            await conn.run_sync(lambda connection: command.upgrade(config(connection), "head"))
            return before, await conn.run_sync(_stands_at)
    finally:
        await database.close()
