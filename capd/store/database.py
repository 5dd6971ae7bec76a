"""The connections: one writer at a time, any number of readers, on SQLite or PostgreSQL."""

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from capd.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator

_BUSY_S = 15.0  # a command and the daemon may write at once: one waits for the other
_STATEMENT_S = 120.0
_WRITER_LOCK = 0x63617064  # "capd": the advisory lock that makes PostgreSQL's writers take turns
_PRAGMAS = (
    "PRAGMA journal_mode=WAL",  # readers and the writer do not wait for each other
    "PRAGMA synchronous=FULL",  # what was committed survives a power cut
    "PRAGMA cache_size=-65536",  # KiB: the index of the entries is written all over
)
_DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
    "postgresql": "postgresql+asyncpg",
    "postgres": "postgresql+asyncpg",
    "postgresql+asyncpg": "postgresql+asyncpg",
}


def mask(url: str) -> str:
    """Return *url* as it may be shown: without its password."""
    try:
        return make_url(url).render_as_string(hide_password=True)
    except ArgumentError:
        return "the database url"


def parse(url: str) -> URL:
    """Return *url* with the driver that capd uses; StoreError says what is accepted."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise StoreError(
            "[store] url wants sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE"
        ) from None
    driver = _DRIVERS.get(parsed.drivername)
    if driver is None or (
        driver.startswith("sqlite") and parsed.database in {None, "", ":memory:"}
    ):
        raise StoreError(
            f"{mask(url)}: wants sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE"
        )
    parsed = parsed.set(drivername=driver)
    sslmode = parsed.query.get("sslmode")
    if sslmode is not None:  # libpq's name for what asyncpg calls ssl
        parsed = parsed.difference_update_query(["sslmode"]).update_query_dict({"ssl": sslmode})
    return parsed


_HINTS = {  # what a database says, and what to do about it
    "database is locked": "another program has been writing for long; try again",
    "disk I/O error": "is the disk full?",
    "database or disk is full": "make room, then try again",
    "unable to open database file": "SQLite writes beside it even to read; may you write there?",
    "readonly database": "run capd as the user whom the file and its folder belong to",
    "file is not a database": "[store] url names something else",
    "[Errno 2]": "is PostgreSQL running there?",
    "Connect call failed": "is PostgreSQL running there?",
    "password authentication failed": "[store] url holds the user and the password",
    "too many clients": "PostgreSQL's max_connections; capd takes ten",
}


class Database:
    """One database: a writer that begins by taking the only pen, and readers beside it."""

    def __init__(self, url: str) -> None:
        self.name = mask(url)  # without the password
        self._url = parse(url)
        self.sqlite = self._url.drivername.startswith("sqlite")
        self._pen = asyncio.Lock()
        if self.sqlite:
            self._writer = self._sqlite_engine("BEGIN IMMEDIATE", "PRAGMA foreign_keys=ON", 1)
            self._reader = self._sqlite_engine("BEGIN", "PRAGMA query_only=ON", 4)
        else:
            self._writer = self._postgres_engine()
            self._reader = self._writer.execution_options(isolation_level="REPEATABLE READ")

    def _sqlite_engine(self, begin: str, pragma: str, connections: int) -> AsyncEngine:
        engine = create_async_engine(
            self._url,
            connect_args={"timeout": _BUSY_S},
            pool_size=connections,
            max_overflow=0,
        )

        # the driver's own transactions begin too late and without the writer's lock
        @event.listens_for(engine.sync_engine, "connect")
        def connected(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's own
            connection.isolation_level = None
            cursor = connection.cursor()
            for line in (*_PRAGMAS, pragma):
                cursor.execute(line)
            cursor.close()

        @event.listens_for(engine.sync_engine, "begin")
        def begun(connection: Any) -> None:  # noqa: ANN401 - SQLAlchemy's sync connection
            connection.exec_driver_sql(begin)

        return engine

    def _postgres_engine(self) -> AsyncEngine:
        settings = {"application_name": "capd", "lock_timeout": f"{int(_BUSY_S * 1000)}"}
        return create_async_engine(
            self._url,
            connect_args={
                "timeout": _BUSY_S,
                "command_timeout": _STATEMENT_S,
                "server_settings": settings,
            },
            pool_size=5,
            max_overflow=5,
            pool_pre_ping=True,  # the server may have been restarted
        )

    def create_file(self) -> None:
        """Create SQLite's file for its owner alone: credentials of devices are kept in it."""
        if self.sqlite and not self.exists():
            with self._one_line():
                os.close(os.open(str(self._url.database), os.O_CREAT | os.O_RDWR, 0o600))

    async def expect_file(self) -> None:
        """Raise StoreError where SQLite's file is there and cannot be opened.

        It is tried here, since a driver's thread that fails in it may outlive the event loop.
        """
        if self.sqlite and self.exists():
            await asyncio.to_thread(self._open_file)

    def _open_file(self) -> None:
        try:
            sqlite3.connect(str(self._url.database)).close()
        except sqlite3.Error as exc:
            raise StoreError(f"{self.name}: {_first_line(exc)}") from exc

    def exists(self) -> bool:
        """Return whether there is a database to connect to, as far as that can be seen."""
        return not self.sqlite or Path(str(self._url.database)).exists()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction that only reads; all of it sees the state of one moment."""
        with self._one_line():
            async with self._reader.connect() as conn:
                yield conn

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """Open the only writing transaction that there is, in this and every other process."""
        async with self._pen:
            with self._one_line():
                async with self._writer.begin() as conn:
                    if not self.sqlite:
                        await conn.execute(
                            text("SELECT pg_advisory_xact_lock(:pen)"), {"pen": _WRITER_LOCK}
                        )
                    yield conn

    async def close(self) -> None:
        """Let go of every connection; a thread of SQLite's left open would keep the process."""
        await self._writer.dispose()
        await self._reader.dispose()

    @contextmanager
    def _one_line(self) -> "Iterator[None]":
        try:
            yield
        except DBAPIError as exc:
            raise StoreError(f"{self.name}: {_first_line(exc.orig or exc)}") from exc
        except (SQLAlchemyError, OSError, OverflowError) as exc:
            raise StoreError(f"{self.name}: {_first_line(exc)}") from exc


def _first_line(exc: BaseException) -> str:
    words = (str(exc).strip() or type(exc).__name__).splitlines()[0]
    hint = next((hint for said, hint in _HINTS.items() if said in words), None)
    return words if hint is None else f"{words}: {hint}"
