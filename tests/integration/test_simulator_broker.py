"""The embedded broker against mosquitto's clients, and routers that publish through it."""

import asyncio
import json
import shutil
from datetime import UTC, datetime

from capd.simulator.box import Box, Port
from capd.simulator.broker import EmbeddedBroker
from capd.simulator.publisher import Publisher, Style
from tests.conftest import need

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def need_mosquitto_clients():
    need("mosquitto_sub (Debian: mosquitto-clients)", shutil.which("mosquitto_sub"))


async def a_subscriber(broker, topic, count, *, form="%t %x"):
    return await asyncio.create_subprocess_exec(
        *("mosquitto_sub", "-p", str(broker.port), "-t", topic, "-C", str(count), "-F", form),
        *("-W", "10", "-q", "1"),
        stdout=asyncio.subprocess.PIPE,
    )


async def heard_by(subscriber):
    output, _ = await subscriber.communicate()
    assert subscriber.returncode == 0
    return output.decode().splitlines()


def a_box():
    port = Port(name="wan0", index=3, in_bytes=1_012_255_977, out_bytes=12)
    return Box("cpe-1", clock=lambda: AT, ports=(port,))


async def test_mosquitto_s_clients_can_talk_through_it():
    need_mosquitto_clients()
    async with EmbeddedBroker() as broker:
        subscriber = await a_subscriber(broker, "hill/#", 1)
        while subscriber.returncode is None:  # what is said before the subscription stands is lost
            publisher = await asyncio.create_subprocess_exec(
                *("mosquitto_pub", "-p", str(broker.port), "-q", "1"),
                *("-t", "hill/3", "-m", "AB"),
            )
            assert await publisher.wait() == 0

        assert await heard_by(subscriber) == ["hill/3 4142"]


async def publishing(style, topic, count):
    async with EmbeddedBroker() as broker, asyncio.TaskGroup() as tasks:
        publisher = Publisher(a_box(), style, host="127.0.0.1", port=broker.port, every_s=0.05)
        running = tasks.create_task(publisher.run())
        heard = await heard_by(await a_subscriber(broker, topic, count))
        running.cancel()
    return heard


async def test_a_router_publishes_as_collectd_does_with_its_nul():
    need_mosquitto_clients()
    lines = await publishing(Style.COLLECTD, "collectd/#", 2)

    heard = dict(line.split(" ") for line in lines)
    assert bytes.fromhex(heard["collectd/cpe-1/interface-wan0/if_octets"]) == (
        f"{AT.timestamp():.3f}:1012255977:12\0".encode()
    )
    assert bytes.fromhex(heard["collectd/cpe-1/uptime/uptime"]).endswith(b":3456000\0")


async def test_a_router_publishes_json():
    need_mosquitto_clients()
    (line,) = await publishing(Style.JSON, "capd/#", 1)

    topic, payload = line.split(" ")
    assert topic == "capd/cpe-1/counters"
    assert json.loads(bytes.fromhex(payload)) == {
        "v": 1,
        "sn": "SIM-cpe-1",
        "at": "2026-03-01T12:00:00+00:00",
        "uptime": 3456000,
        "if": {"wan0": {"rx": 1_012_255_977, "tx": 12}},
    }


async def test_a_router_waits_for_a_broker_that_went_away():
    need_mosquitto_clients()
    async with asyncio.TaskGroup() as tasks:
        async with EmbeddedBroker() as broker:
            port = broker.port
            publisher = Publisher(a_box(), Style.JSON, host="127.0.0.1", port=port, every_s=0.05)
            running = tasks.create_task(publisher.run())
            await heard_by(await a_subscriber(broker, "capd/#", 1))
        async with EmbeddedBroker(port=port) as broker:
            assert await heard_by(await a_subscriber(broker, "capd/#", 1))
        running.cancel()
