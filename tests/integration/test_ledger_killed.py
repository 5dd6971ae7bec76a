"""Killed between any two statements, the books are as they were before or as they were to be."""

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from capd.store import Store, check
from tests.builders import MARCH, NOON, a_reading, an_inventory, postings

_ROOT = Path(__file__).parents[2]
_VICTIM = """
import asyncio, os, signal, sys
from sqlalchemy import Engine, event
from capd.store import Store
from tests.builders import NOON, a_reading, an_event, postings

url, what, kill_at = sys.argv[1], sys.argv[2], int(sys.argv[3])
executed = 0

@event.listens_for(Engine, "after_cursor_execute")
def executed_one(conn, cursor, statement, *more):
    global executed
    if statement.startswith(("INSERT", "UPDATE")):
        executed += 1
        if executed == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

async def post(store):
    readings = [a_reading(0), a_reading(700, at=300)]
    await store.ledger.post(postings(readings[:1]))
    state = postings(readings[:1])[-1].step.state
    fresh = postings([a_reading(0, meter="lte"), a_reading(9, meter="lte", at=300)])
    await store.ledger.post([*postings(readings[1:], state), *fresh])

async def record(store):
    async with store.judging() as desk:
        await desk.record([
            an_event("hold_opened", reason="cap", period="2026-03", breach="2026-03",
                     counted_bytes=2, allowance_bytes=1),
            an_event("topup", size_bytes=5, period="2026-03", reference="inv-9"),
        ])

async def main():
    store = await Store.open(url)
    await {"post": post, "record": record}[what](store)
    await store.close()

asyncio.run(main())
"""


def killed_at(url, what, statement):
    """Run the victim until its *statement*-th writing statement; say whether it lived that long."""
    command = [sys.executable, "-c", _VICTIM, url, what, str(statement)]
    code = subprocess.run(command, cwd=_ROOT, timeout=60, check=False).returncode
    assert code in {0, -signal.SIGKILL}
    return code != 0


@pytest.mark.slow
async def test_a_post_that_is_killed_anywhere_is_whole_or_not_there(store, store_url):
    await store.people.apply(an_inventory(), dry_run=False, author="test", at=NOON)
    met = set()
    for statement in range(1, 20):
        killed = await asyncio.to_thread(killed_at, store_url, "post", statement)
        usage = await store.ledger.usage("S-1", MARCH)
        entries = await store.ledger.entries("S-1", MARCH.start, MARCH.end)
        met.add((usage.down_bytes, len(entries)))
        assert await check(store) == []
        if not killed:
            break
    assert not killed
    assert met == {(0, 0), (709, 2)}


@pytest.mark.slow
async def test_a_decision_that_is_killed_anywhere_is_whole_or_not_there(store, store_url):
    await store.people.apply(an_inventory(), dry_run=False, author="test", at=NOON)
    met = set()
    before = await store.trail.last_id()
    for statement in range(1, 20):
        killed = await asyncio.to_thread(killed_at, store_url, "record", statement)
        (standing,) = await store.people.standings(["S-1"], NOON, MARCH.start.tzinfo, 6)
        met.add((len(standing.holds), standing.topup_bytes, len(standing.breaches)))
        assert await check(store) == []
        if not killed:
            break
    assert not killed
    assert met == {(0, 0, 0), (1, 5, 1)}
    assert await store.trail.last_id() == before + 2


async def test_the_next_capd_counts_on_from_the_last_reading_saved(store, store_url):
    readings = [a_reading(100 * n, at=300 * n) for n in range(5)]
    await store.ledger.post(postings(readings[:3]))
    again = await Store.open(store_url)
    state = (await again.ledger.states([readings[0].key]))[readings[0].key]
    await again.ledger.post(postings(readings[3:], state))
    assert (await again.ledger.usage("S-1", MARCH)).down_bytes == 400
    await again.close()
