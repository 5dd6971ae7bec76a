"""A broker that keeps messages while capd is away: nothing is lost, nothing is counted twice."""

import asyncio
import json
import random
import signal
import subprocess
import sys
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import aiomqtt
import pytest

from capd.clock import utc_now
from capd.collect.intake import Intake
from capd.collect.mqtt import MqttSource
from capd.config import MqttConfig
from capd.errors import StoreError
from capd.profiles import load_all
from capd.store import check
from tests.builders import a_device, an_inventory
from tests.servers.mosquitto import Mosquitto

ROOT = Path(__file__).parents[2]
PROFILES = load_all()
PATIENCE_S = 20
TOPIC = "capd/r1/counters"
SCRIPTED = a_device("r1", profile="generic_mqtt_json", mqtt_name="r1", settings={})
KEPT = {"clean_session": False, "session_expiry_s": 600}


class Ledger:
    """Takes batches; while it is *shut* it cannot be written."""

    def __init__(self, *, shut=False):
        self.shut = shut
        self.tried = 0
        self.readings = []

    async def post(self, readings):
        self.tried += 1
        if self.shut:
            raise StoreError("disk full")
        self.readings += readings

    @property
    def counters(self):
        return [reading.down_bytes for reading in self.readings]


@asynccontextmanager
async def capd(broker, ledger=None, *devices, **config):
    """Run source and intake as the daemon does; leaving the block is a kill: nothing is flushed."""
    ledger = ledger or Ledger()
    intake = Intake(ledger.post, batch_ms=20)
    up = asyncio.Event()
    source = MqttSource(
        devices or (SCRIPTED,), PROFILES, MqttConfig(url=broker.url, **config), utc_now,
        connected=lambda is_up: up.set() if is_up else None, burst_s=0.05,
    )  # fmt: skip
    tasks = [
        asyncio.ensure_future(source.run(intake.pour, intake)),
        asyncio.ensure_future(intake.run()),
    ]
    try:
        async with asyncio.timeout(PATIENCE_S):
            await up.wait()
        await asyncio.sleep(0.2)  # the subscription follows the connection
        yield ledger
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def until(true):
    async with asyncio.timeout(PATIENCE_S):
        while not true():  # noqa: ASYNC110 - a list tells nobody that it grew
            await asyncio.sleep(0.02)


@pytest.fixture
def broker(tmp_path):
    server = Mosquitto(tmp_path / "mosquitto")
    server.start()
    yield server
    server.stop()


@asynccontextmanager
async def a_router(broker):
    """Connect as a router that publishes with QoS 1."""
    async with aiomqtt.Client("127.0.0.1", broker.port) as client:

        async def publish(rx, *, at=None, topic=TOPIC, retain=False, **more):
            told = {"if": {"wan0": {"rx": rx, "tx": 0}}, **more}
            told |= {} if at is None else {"at": at.timestamp()}
            await client.publish(topic, json.dumps(told), qos=1, retain=retain)

        yield publish


async def test_what_is_not_in_the_ledger_is_not_acknowledged_and_comes_again(broker):
    async with a_router(broker) as publish:
        async with capd(broker, Ledger(shut=True), **KEPT) as ledger:
            start = utc_now()
            for n in range(3):
                await publish(100 + n, at=start + timedelta(seconds=n))
            await until(lambda: ledger.tried)
        async with capd(broker, **KEPT) as ledger:
            await until(lambda: len(ledger.readings) >= 3)
    assert ledger.counters == [100, 101, 102]


async def test_what_is_in_the_ledger_does_not_come_again(broker):
    async with a_router(broker) as publish:
        async with capd(broker, **KEPT) as ledger:
            await publish(100, at=utc_now())
            await until(lambda: ledger.readings)
            await asyncio.sleep(0.2)  # the acknowledgement follows the commit
        async with capd(broker, **KEPT) as ledger:
            await publish(101, at=utc_now())
            await until(lambda: ledger.readings)
    assert ledger.counters == [101]


async def test_a_store_that_recovers_takes_all_in_order(broker):
    async with a_router(broker) as publish, capd(broker, Ledger(shut=True), **KEPT) as ledger:
        start = utc_now()
        for n in range(30):
            await publish(n, at=start + timedelta(milliseconds=n))
        await until(lambda: ledger.tried)
        ledger.shut = False
        await until(lambda: len(ledger.readings) == 30)
        assert ledger.counters == list(range(30))


async def test_messages_of_an_outage_come_with_the_times_that_they_bear(broker):
    async with a_router(broker) as publish:
        async with capd(broker, **KEPT):
            pass
        start = utc_now() - timedelta(minutes=50)
        for n in range(50):
            await publish(n, at=start + timedelta(minutes=n), uptime=9000 + 60 * n)
        async with capd(broker, **KEPT) as ledger:
            await until(lambda: len(ledger.readings) == 50)
    assert ledger.counters == list(range(50))
    assert ledger.readings[-1].at - ledger.readings[0].at == timedelta(minutes=49)
    assert ledger.readings[0].uptime_s == 9000


async def test_of_an_outage_without_times_the_last_message_counts_and_proves_no_restart(broker):
    async with a_router(broker) as publish:
        async with capd(broker, **KEPT):
            pass
        for n in range(50):
            await publish(n, uptime=60 * n)
        async with capd(broker, **KEPT) as ledger:
            await until(lambda: ledger.readings)
    assert [(reading.down_bytes, reading.uptime_s) for reading in ledger.readings] == [(49, None)]


async def test_a_clean_session_starts_afresh(broker):
    async with a_router(broker) as publish:
        async with capd(broker, Ledger(shut=True)) as ledger:
            await publish(1, at=utc_now())
            await until(lambda: ledger.tried)
        await publish(2, at=utc_now())
        async with capd(broker) as ledger:
            await publish(3, at=utc_now())
            await until(lambda: ledger.readings)
    assert ledger.counters == [3]


async def test_a_retained_message_is_not_replayed_at_each_reconnection(broker):
    async with a_router(broker) as publish:
        await publish(7, retain=True)
        async with capd(broker) as ledger:
            await until(lambda: ledger.readings)
            async with aiomqtt.Client("127.0.0.1", broker.port, identifier="capd"):
                pass  # who takes the name throws the other one out
            async with asyncio.timeout(PATIENCE_S):
                while len(ledger.readings) < 2:
                    await publish(8)
                    await asyncio.sleep(0.1)
    seen = [(reading.down_bytes, reading.retained) for reading in ledger.readings]
    assert seen[:2] == [(7, True), (8, False)]


async def test_several_capd_may_share_the_devices(broker):
    devices = [
        a_device(f"r{n}", profile="generic_mqtt_json", mqtt_name=f"r{n}", settings={})
        for n in range(40)
    ]
    one, two = Ledger(), Ledger()
    async with (
        a_router(broker) as publish,
        capd(broker, one, *devices, share="capd"),
        capd(broker, two, *devices, share="capd"),
    ):
        for n in range(40):
            await publish(n, topic=f"capd/r{n}/counters", at=utc_now())
        await until(lambda: len(one.readings) + len(two.readings) >= 40)
    assert sorted(one.counters + two.counters) == list(range(40))
    assert one.readings
    assert two.readings


VICTIM = """
import asyncio, sys
from capd.clock import utc_now
from capd.collect.intake import Intake
from capd.collect.mqtt import MqttSource
from capd.config import MqttConfig
from capd.metrics import Metrics
from capd.pipeline import House, account_turn
from capd.decide.policy import Policy
from capd.profiles import load_all
from capd.store import Store
from zoneinfo import ZoneInfo

async def main():
    store = await Store.open(sys.argv[1])
    house = House(store=store, policy=Policy(), zone=ZoneInfo("Europe/London"), currency="GBP",
                  metrics=Metrics())
    await house.look_round()
    devices = (await store.people.devices()).values()
    intake = Intake(lambda readings: account_turn(house, readings), batch_ms=30)
    config = MqttConfig(url=sys.argv[2], clean_session=False)
    source = MqttSource(devices, load_all(), config, utc_now, burst_s=0.05)
    async with asyncio.TaskGroup() as group:
        group.create_task(intake.run())
        group.create_task(source.run(intake.pour, intake))

asyncio.run(main())
"""


@pytest.mark.slow
async def test_killed_again_and_again_every_message_is_counted_once(broker, store, store_url):
    inventory = an_inventory(devices=(SCRIPTED,))
    await store.people.apply(inventory, dry_run=False, author="test", at=utc_now())
    whole_hour = utc_now().replace(minute=0, second=0, microsecond=0)
    start, published = whole_hour - timedelta(minutes=50), 0  # so that no entry is in two hours
    spread = random.Random(1)

    def a_victim():
        return subprocess.Popen([sys.executable, "-c", VICTIM, store_url, broker.url], cwd=ROOT)

    async def known(count):
        async with asyncio.timeout(60):
            while (await figures(store, start))[0] < count:  # noqa: ASYNC110 - a file is no event
                await asyncio.sleep(0.1)

    async with a_router(broker) as publish:
        for life in range(4):
            victim = a_victim()
            if life == 0:  # the session begins with the first subscription
                async with asyncio.timeout(60):
                    while not (await figures(store, start))[0]:
                        published += 1
                        await publish(published, at=start + timedelta(seconds=published))
                        await asyncio.sleep(0.2)
            for _ in range(spread.randrange(20, 60)):
                published += 1
                await publish(published, at=start + timedelta(seconds=published))
                await asyncio.sleep(spread.uniform(0, 0.03))
            victim.send_signal(signal.SIGKILL)
            victim.wait()
        first = (await figures(store, start))[1]
        last = a_victim()
        await known(published - first)
        last.kill()
        last.wait()
    count, first, counted = await figures(store, start)
    assert (count, counted) == (published - first, published - first)
    assert await check(store) == []


async def figures(store, start):
    """Return how many entries S-1 has, the counter at which they begin, and the bytes counted."""
    entries = await store.ledger.entries("S-1", start, start + timedelta(hours=1))
    first = min((round((e.started_at - start).total_seconds()) for e in entries), default=None)
    return len(entries), first, sum(entry.down_bytes for entry in entries)


async def test_a_broker_that_waits_for_acknowledgements_is_not_kept_waiting(broker):
    """Mosquitto sends 20 ahead to a client of 3.1.1; capd commits then, whatever the batch."""
    ledger = Ledger()
    intake = Intake(ledger.post, batch_ms=60_000)
    source = MqttSource((SCRIPTED,), PROFILES, MqttConfig(url=broker.url), utc_now, burst_s=0.05)
    source._versions = [False]
    async with a_router(broker) as publish, asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(source.run(intake.pour, intake)),
            group.create_task(intake.run()),
        ]
        while not intake.mark():  # the subscription follows the connection
            await publish(0, at=utc_now())
            await asyncio.sleep(0.05)
        start = utc_now()
        for n in range(1, 101):
            await publish(n, at=start + timedelta(milliseconds=n))
        await until(lambda: 80 in ledger.counters)
        for task in tasks:
            task.cancel()
    counted = [count for count in ledger.counters if count]
    assert counted == sorted(counted)


@pytest.mark.parametrize("turns", [0, 1, 3])
async def test_it_ends_when_it_is_told_to_as_the_broker_goes(broker, turns):
    """The end of a connection took the cancellation with it: capd connected again for ever."""
    up = asyncio.Event()
    source = MqttSource(
        (SCRIPTED,), PROFILES, MqttConfig(url=broker.url), utc_now,
        connected=lambda is_up: up.set() if is_up else None,
    )  # fmt: skip
    task = asyncio.ensure_future(source.run(Ledger().post))
    async with asyncio.timeout(PATIENCE_S):
        await up.wait()
    await asyncio.sleep(0.2)
    broker.stop()
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task], timeout=PATIENCE_S / 4)
    assert task.cancelled()
