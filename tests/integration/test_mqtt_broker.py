"""The broker as `deploy/mosquitto` sets it up: who may write what, and what it keeps."""

import asyncio
from pathlib import Path

import aiomqtt
import pytest

from tests.servers.mosquitto import Shipped

DEPLOY = Path(__file__).parents[2] / "deploy" / "mosquitto"
PATIENCE_S = 20


@pytest.fixture
def broker(tmp_path):
    server = Shipped(tmp_path / "mosquitto", DEPLOY, ("capd", "r1", "r2"))
    server.start()
    yield server
    server.stop()


def a_client(broker, name, **more):
    return aiomqtt.Client("127.0.0.1", broker.port, username=name, password=broker.PASSWORD, **more)


@pytest.mark.parametrize(
    "topic",
    ["capd/{}/counters", "collectd/{}/interface-wan0/if_octets", "collectd/{}/uptime/uptime",
     "telegraf/{}/net", "netjson/{}/monitoring", "bulk/{}"],
)  # fmt: skip
async def test_a_device_writes_its_own_topics_and_no_others(broker, topic):
    async with a_client(broker, "capd") as capd, a_client(broker, "r1") as r1:
        await capd.subscribe("#", qos=1)
        await r1.publish(topic.format("r2"), b"forged", qos=1)
        await r1.publish(topic.format("r1"), b"own", qos=1)
        async with asyncio.timeout(PATIENCE_S):
            message = await anext(aiter(capd.messages))
    assert (message.topic.value, message.payload) == (topic.format("r1"), b"own")


async def test_a_device_reads_nothing_and_capd_writes_nothing_of_a_device(broker):
    async with a_client(broker, "capd") as capd, a_client(broker, "r2") as r2:
        await r2.subscribe("#", qos=1)
        await capd.subscribe("#", qos=1)
        await capd.publish("capd/r1/counters", b"forged", qos=1)
        async with a_client(broker, "r1") as r1:
            await r1.publish("capd/r1/counters", b"own", qos=1)
        async with asyncio.timeout(PATIENCE_S):
            message = await anext(aiter(capd.messages))
        assert message.payload == b"own"
        assert len(r2.messages) == 0


async def test_nobody_gets_in_without_a_login(broker):
    with pytest.raises(aiomqtt.MqttError, match=r"[Aa]uthori"):
        async with aiomqtt.Client("127.0.0.1", broker.port):
            pass


async def test_more_is_kept_than_mosquittos_thousand_and_over_a_restart(broker):
    session = {"clean_session": False, "identifier": "capd"}
    async with a_client(broker, "capd", **session) as capd:
        await capd.subscribe("capd/#", qos=1)
    async with a_client(broker, "r1", max_inflight_messages=100) as r1:
        r1.pending_calls_threshold = 10_000
        async with asyncio.TaskGroup() as group:
            for n in range(1500):
                group.create_task(r1.publish("capd/r1/counters", str(n), qos=1))
    await asyncio.to_thread(broker.stop)
    await asyncio.to_thread(broker.start)
    async with a_client(broker, "capd", **session) as capd, asyncio.timeout(PATIENCE_S):
        messages = aiter(capd.messages)
        got = [int((await anext(messages)).payload) for _ in range(1500)]
    assert sorted(got) == list(range(1500))
