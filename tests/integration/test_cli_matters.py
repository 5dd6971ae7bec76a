"""What is open with subscribers, who is idle, and the clauses: from the command line."""

import asyncio

import pytest

from capd.clock import utc_now
from capd.decide import matters
from capd.decide.breaches import months_after
from capd.store import Store
from tests.builders import GB, LONDON, a_reading, an_event, postings
from tests.servers.commandline import Capd


@pytest.fixture
def capd(tmp_path):
    found = Capd(tmp_path)
    found.ok("init")
    found.ok("import", "inventory.json")
    return found


def in_the_books(capd, work):
    async def done():
        store = await Store.open(f"sqlite:///{capd.folder}/capd.db")
        await work(store)
        await store.close()

    asyncio.run(done())


def test_what_is_open_is_listed_and_what_is_closed_on_request__IN_1(capd):
    async def told(store):
        async with store.judging() as desk:
            await desk.record(
                [
                    an_event("job", **matters.change("job", "j-1", on="2026-12-01")),
                    an_event("job", **matters.change("job", "j-0", is_open=False)),
                ]
            )

    assert capd.ok("matters").out == "Nothing is open.\n"
    in_the_books(capd, told)
    (job,) = capd.ok("matters", "job", "--json").json()
    assert (job["key"], job["open"], job["data"]) == ("j-1", True, {"on": "2026-12-01"})
    assert "on=2026-12-01" in capd.ok("matters").out
    keys = [one["key"] for one in capd.ok("matters", "--closed", "--json").json()]
    assert keys == ["j-0", "j-1"]
    assert capd.ok("matters", "--subscriber", "S-9", "--json").json() == []


@pytest.mark.parametrize(("months", "idle"), [(5, []), (8, ["S-1"])])
def test_who_used_nothing_for_six_months_is_listed_and_stays__FU_3(capd, months, idle):
    began = months_after(utc_now(), -months, LONDON)

    async def used(store):
        readings = [a_reading(0, 0, at=began), a_reading(GB, 0, at=began.replace(minute=59))]
        await store.ledger.post(postings(readings))

    in_the_books(capd, used)
    listed = capd.ok("subscribers", "--idle", "--json").json()
    assert [one["id"] for one in listed] == idle
    assert "S-1" in capd.ok("subscribers").out


def test_a_clause_tells_what_the_policy_sets_for_it(capd):
    (repeat,) = capd.ok("clauses", "UC-4", "--json").json()
    assert repeat["settings"]["repeat.window_months"] == 6
    assert "moved up, or charged" in repeat["about"]
    assert "repeat.action = upgrade" in capd.ok("clauses", "UC-4").out
    assert len(capd.ok("clauses", "--json").json()) > 70
    assert capd("clauses", "UC-99").err.startswith("there is no clause 'UC-99'")
