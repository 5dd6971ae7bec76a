"""What a database says when it cannot go on comes with what to do about it."""

import threading

import pytest
from sqlalchemy import text

from capd.errors import StoreError
from capd.store import Store
from capd.store.database import Database


@pytest.fixture
async def database(sqlite_url):
    opened = Database(sqlite_url)
    yield opened
    await opened.close()


async def written(database, *statements):
    async with database.write() as conn:
        for statement in statements:
            await conn.execute(text(statement))


async def test_a_file_that_may_only_be_read_says_who_may_write(database):
    with pytest.raises(StoreError, match="run capd as the user whom the file"):
        await written(database, "PRAGMA query_only = ON", "CREATE TABLE t (a)")


async def test_a_full_disk_is_told_as_that(database):
    large = "INSERT INTO t VALUES (zeroblob(100000))"
    with pytest.raises(StoreError, match="make room"):
        await written(database, "PRAGMA max_page_count = 2", "CREATE TABLE t (a)", large)


async def test_a_file_of_something_else_names_the_setting(sqlite_url, tmp_path):
    (tmp_path / "capd.db").write_text("not a database, " * 100)
    with pytest.raises(StoreError, match=r"\[store\] url names something else"):
        await Store.open(sqlite_url, upgrade=True)


@pytest.mark.parametrize("upgrade", [True, False])
async def test_what_is_no_file_at_all_is_told_before_a_driver_stumbles_over_it(
    sqlite_url, tmp_path, upgrade
):
    """Its thread would tell of it after the end, in a traceback."""
    (tmp_path / "capd.db").mkdir()
    with pytest.raises(StoreError, match="unable to open database file"):
        await Store.open(sqlite_url, upgrade=upgrade)
    assert not [each for each in threading.enumerate() if "_connection_worker" in each.name]
