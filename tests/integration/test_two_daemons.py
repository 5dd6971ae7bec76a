"""Two processes on one PostgreSQL that read the same devices: nothing is counted twice (CN-2)."""

import asyncio
import itertools
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from capd.model import MeterKey
from capd.store import Store, check
from tests.builders import GB, NOON, a_device, a_meter, a_subscriber, an_inventory
from tests.integration.test_pipeline import a_house

_ROOT = Path(__file__).parents[2]
_METERS, _ROUNDS = 20, 30
_MICROSECOND = timedelta(microseconds=1)
_DAEMON = f"""
import asyncio, random, sys
from datetime import timedelta
from zoneinfo import ZoneInfo
from capd.collect.intake import Intake
from capd.decide.policy import Policy
from capd.house import House
from capd.metrics import Metrics
from capd.model import Poll
from capd.pipeline import account_turn
from capd.store import Store
from tests.builders import NOON, a_reading

url, what, seed = sys.argv[1], sys.argv[2], int(sys.argv[3])
METERS, ROUNDS = {_METERS}, {_ROUNDS}
dice = random.Random(seed)

def polled(number):
    # each asks every device at a moment of its own; counters go on evenly
    for n in range(METERS):
        after_us = 300_000_000 * number + (dice.randrange(299_000_000) if what == "poll" else 0)
        reading = a_reading(after_us * (n + 1), after_us, device=f"cpe-{{n}}",
                            at=NOON + timedelta(microseconds=after_us),
                            uptime_s=86_400.0 + after_us / 1e6)
        yield Poll(device=reading.device, protocol="snmp", at=reading.at, readings=(reading,))

async def main():
    store = await Store.open(url)
    house = House(store=store, policy=Policy(), zone=ZoneInfo("Europe/London"), currency="GBP",
                  metrics=Metrics())
    await house.look_round()
    intake = Intake(lambda readings: account_turn(house, readings), batch_ms=1)
    print("ready", flush=True)
    sys.stdin.readline()
    async with asyncio.TaskGroup() as group:
        running = group.create_task(intake.run())
        for number in range(ROUNDS):
            for poll in polled(number):
                await intake.pour(poll)
            intake.hurry()
            await intake.committed(intake.mark())
        running.cancel()
    await store.close()

asyncio.run(main())
"""


def run_two(url, what):
    """Start two daemons, let them begin at once, and wait until both have read everything."""
    daemons = [
        subprocess.Popen(
            [sys.executable, "-c", _DAEMON, url, what, str(seed)],
            cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for seed in (1, 2)
    ]  # fmt: skip
    try:
        for daemon in daemons:
            assert daemon.stdout.readline() == "ready\n"
        for daemon in daemons:
            daemon.stdin.write("go\n")
            daemon.stdin.flush()
        return [daemon.wait(timeout=90) for daemon in daemons]
    finally:
        for daemon in daemons:
            daemon.kill()
            daemon.communicate()


@pytest.fixture
async def postgres_store(postgres_url):
    books = await Store.open(postgres_url, upgrade=True)
    yield books
    await books.close()


@pytest.mark.slow
@pytest.mark.parametrize("what", ["poll", "replay"])
async def test_two_daemons_that_read_the_same_devices_count_nothing_twice__CN_2(
    postgres_store, postgres_url, what
):
    store, several = postgres_store, range(_METERS)
    people = tuple(a_subscriber(f"S-{n}") for n in several)
    devices = tuple(a_device(f"cpe-{n}", meters=(a_meter(subscriber=f"S-{n}"),)) for n in several)
    await a_house(store, inventory=an_inventory(subscribers=people, devices=devices))
    assert await asyncio.to_thread(run_two, postgres_url, what) == [0, 0]
    assert await check(store) == []
    for n in several:
        entries = await store.ledger.entries(f"S-{n}", NOON, NOON + timedelta(days=1))
        (usage,) = await store.ledger.periods(f"S-{n}")
        (state,) = (await store.ledger.states([MeterKey(f"cpe-{n}", "wan")])).values()
        for one, other in itertools.pairwise(entries):
            assert one.ended_at == other.started_at
        assert entries[-1].ended_at == state.last.at
        counted_us = (state.last.at - entries[0].started_at) // _MICROSECOND
        assert (usage.down_bytes, usage.up_bytes) == (counted_us * (n + 1), counted_us)
        assert usage.down_bytes > 4 * GB
