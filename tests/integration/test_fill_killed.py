"""Killed between any two statements, a gap is filled or it waits; the next capd fills it."""

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from capd.fill import fill_turn
from capd.pipeline import account_turn
from capd.store import check
from tests.builders import NOON
from tests.integration.test_fill import MB, a_restart, backed, filled, usage
from tests.integration.test_pipeline import a_house

_ROOT = Path(__file__).parents[2]
_VICTIM = """
import asyncio, os, signal, sys
from sqlalchemy import Engine, event
from capd.decide.policy import Policy
from capd.fill import fill_turn
from capd.house import House
from capd.metrics import Metrics
from capd.store import Store
from tests.builders import LONDON, NOON

url, kill_at = sys.argv[1], int(sys.argv[2])
executed = 0

@event.listens_for(Engine, "after_cursor_execute")
def executed_one(conn, cursor, statement, *more):
    global executed
    if statement.startswith(("INSERT", "UPDATE")):
        executed += 1
        if executed == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

async def main():
    store = await Store.open(url)
    house = House(store=store, policy=Policy(), zone=LONDON, currency="GBP", metrics=Metrics())
    await fill_turn(house, ["S-1"], now=NOON)
    await store.close()

asyncio.run(main())
"""


def killed_at(url, statement):
    """Run the victim until its *statement*-th writing statement; say whether it was killed."""
    command = [sys.executable, "-c", _VICTIM, url, str(statement)]
    code = subprocess.run(command, cwd=_ROOT, timeout=60, check=False).returncode
    assert code in {0, -signal.SIGKILL}
    return code != 0


@pytest.mark.slow
async def test_a_fill_that_is_killed_anywhere_is_whole_or_waits(store, store_url):
    house = await a_house(store, inventory=backed())
    await account_turn(house, a_restart()[:3])
    house.memory.blind.clear()
    await account_turn(house, a_restart()[3:])
    waits, done = (20 * MB, 0, 0, 100_000_000), (60 * MB, 0, 40 * MB, 0)
    killed, statement = True, 0
    while killed:
        statement += 1
        killed = await asyncio.to_thread(killed_at, store_url, statement)
        assert await usage(store) == (waits if killed else done)
        assert await check(store) == []
    assert statement > 5
    await fill_turn(house, ["S-1"], now=NOON)
    assert await usage(store) == done
    assert len(await filled(store)) == 1
