"""The round that makes old records coarser, beside a daemon that goes on counting."""

import asyncio
from datetime import timedelta

from capd.account.retention import Keep
from capd.model import Reading
from capd.pipeline import account_turn
from capd.retention import Retention
from capd.store import check
from tests.builders import MARCH, NOON, a_reading, postings
from tests.integration.test_pipeline import a_house
from tests.unit.test_metrics import value


async def old_readings(store, several=400):
    readings = [a_reading(10 * n, device="old", at=300 * n) for n in range(several)]
    await store.ledger.post(postings(readings))


class Clock:
    def __init__(self, days):
        self.now = NOON + timedelta(days=days)

    def __call__(self):
        return self.now


async def test_a_turn_compacts_counts_and_says_so_once(store):
    house = await a_house(store)
    await old_readings(store)
    clock = Clock(days=100)
    retention = Retention(house, clock, Keep)
    for _ in range(3):
        await retention.turn()
    assert value(house.metrics, "capd_compacted_entries_total") == 398
    assert value(house.metrics, "capd_history_rows", kind="raw") == 1
    assert value(house.metrics, "capd_history_rows", kind="hours") > 30
    told = [event for _, event in await store.trail.events() if event.kind == "records_compacted"]
    assert [event.figures["entries"] for event in told] == [398]
    assert "398 readings became hours" in told[0].text
    assert await check(store) == []


async def test_a_new_day_or_a_new_setting_begins_a_new_walk(store):
    house = await a_house(store)
    await old_readings(store)
    clock, keep = Clock(days=80), Keep()
    retention = Retention(house, clock, lambda: keep)
    await retention.turn()
    assert value(house.metrics, "capd_compacted_entries_total") == 0
    keep = Keep(raw_days=60)
    await retention.turn()
    assert value(house.metrics, "capd_compacted_entries_total") == 398
    clock.now += timedelta(days=2_700)
    await retention.turn()
    async with asyncio.timeout(5):
        assert (await store.history.sizes())["hours"] < 40
    assert await check(store) == []


async def test_readings_are_counted_while_old_ones_become_hours(store):
    house = await a_house(store)
    await old_readings(store, 3_000)
    start = NOON + timedelta(days=400)

    async def read():
        for n in range(40):
            at = start + timedelta(minutes=5 * n)
            reading = Reading(device="cpe-1", meter="wan", at=at, down_bytes=7 * n, up_bytes=n)
            await account_turn(house, [reading])

    async with asyncio.TaskGroup() as group:
        group.create_task(Retention(house, Clock(days=400), Keep).turn())
        group.create_task(read())
    assert value(house.metrics, "capd_counted_bytes_total", direction="down") == 7 * 39
    assert (await store.ledger.usage("S-1", MARCH)).down_bytes == 10 * 2_999
    assert await check(store) == []
