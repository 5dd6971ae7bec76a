"""The schema: made by migrations, the same as the tables say, up and down, on both databases."""

import asyncio
import sqlite3
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from capd.errors import StoreError
from capd.store import Store, head, mask, schema, upgrade
from capd.store.database import Database
from capd.store.tables import metadata


async def on(url, work):
    database = Database(url)
    try:
        async with database.write() as conn:
            return await conn.run_sync(work)
    finally:
        await database.close()


def differences(connection):
    options = {"compare_type": True, "compare_server_default": True}
    return compare_metadata(MigrationContext.configure(connection, opts=options), metadata)


async def test_migrations_make_just_the_tables_that_the_code_uses(store_url):
    assert head() == ScriptDirectory.from_config(schema.config()).get_current_head()
    assert await upgrade(store_url) == ("nothing", head())
    assert await on(store_url, differences) == []


async def test_an_upgrade_of_what_is_at_the_newest_schema_changes_nothing(store_url):
    await upgrade(store_url)
    assert await upgrade(store_url) == (head(), head())


async def test_every_migration_goes_down_again_and_up_once_more(store_url):
    await upgrade(store_url)
    await on(store_url, lambda conn: command.downgrade(schema.config(conn), "base"))
    await upgrade(store_url)
    assert await on(store_url, differences) == []


async def test_books_that_are_not_there_are_refused_with_what_to_do(sqlite_url, tmp_path):
    with pytest.raises(StoreError, match="no such file: run `capd db upgrade`"):
        await Store.open(sqlite_url)
    assert list(tmp_path.iterdir()) == []


async def test_books_without_a_schema_are_refused_with_what_to_do(postgres_url):
    with pytest.raises(StoreError, match="stands at nothing"):
        await Store.open(postgres_url)


async def test_the_file_is_its_owners_alone_for_it_holds_credentials(sqlite_url, tmp_path):
    store = await Store.open(sqlite_url, upgrade=True)
    await store.people.remember("a", "b")
    modes = {file.stat().st_mode & 0o777 for file in tmp_path.iterdir()}
    await store.close()
    assert modes == {0o600}


@pytest.mark.parametrize(
    "url", ["sqlite://", "mysql://a:secret@b/c", "books", "sqlite:///:memory:"]
)
async def test_a_url_that_is_none_is_refused_in_one_line_without_its_password(url):
    with pytest.raises(StoreError, match="wants sqlite:///FILE or postgresql://") as refused:
        await Store.open(url, upgrade=True)
    assert "secret" not in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://capd:secret@127.0.0.1:1/capd",
        "postgresql://capd:secret@127.0.0.1:1/capd?sslmode=require",
        "sqlite:////nowhere/at/all/capd.db",
        "sqlite:////proc/version",
    ],
)
async def test_a_database_out_of_reach_is_one_line_without_its_password(url):
    with pytest.raises(StoreError) as refused:
        await Store.open(url, upgrade=True)
    assert str(refused.value).startswith(mask(url) + ": ")
    assert "secret" not in str(refused.value)
    assert "\n" not in str(refused.value)


async def test_a_wrong_database_or_user_is_one_line(postgres_url):
    for wrong in (
        postgres_url.replace("/capd_", "/capd_not_"),
        postgres_url.replace("postgres:", "no:"),
    ):
        with pytest.raises(StoreError) as refused:
            await Store.open(wrong)
        assert "\n" not in str(refused.value)


async def test_a_file_that_is_no_database_is_one_line(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("not a database, but long enough to be looked at by one\n" * 100)
    with pytest.raises(StoreError, match="not a database"):
        await Store.open(f"sqlite:///{path}")


async def test_a_relative_path_is_where_the_command_was_given(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store = await Store.open("sqlite:///capd.db", upgrade=True)
    await store.ping()
    await store.close()
    assert (tmp_path / "capd.db").exists()


async def test_an_upgrade_that_is_killed_leaves_what_was_there(sqlite_url):
    path = Path(sqlite_url.removeprefix("sqlite:///"))

    class Killed(Exception):
        pass

    def half(connection):
        command.upgrade(schema.config(connection), "head")
        raise Killed

    database = Database(sqlite_url)
    database.create_file()
    await database.close()
    with pytest.raises(Killed):
        await on(sqlite_url, half)
    found = await asyncio.to_thread(_tables, path)
    assert found == []


def _tables(path):
    connection = sqlite3.connect(path)
    try:
        return connection.execute("SELECT name FROM sqlite_master").fetchall()
    finally:
        connection.close()
