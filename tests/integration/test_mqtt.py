"""Counters out of a real broker: Debian's mosquitto, Debian's collectd, and scripts' JSON."""

import asyncio
import json
from contextlib import asynccontextmanager

import pytest

from capd.clock import utc_now
from capd.collect.mqtt import MqttSource
from capd.config import MqttConfig
from capd.errors import ConfigError
from capd.model import Secret
from capd.profiles import load_all
from capd.simulator.broker import EmbeddedBroker
from tests.builders import a_device, a_meter
from tests.servers.collectd import Collectd
from tests.servers.mosquitto import Mosquitto, a_certificate

PROFILES = load_all()
PATIENCE_S = 20
ROUTER = a_device(mqtt_name="cpe-1", meters=(a_meter(if_name="lo"),))
SCRIPTED = a_device("r1", profile="generic_mqtt_json", mqtt_name="r1", settings={})


class Ledger:
    """Keeps what was poured, and tells when something new came."""

    def __init__(self):
        self.polls = []
        self.rejected = {}
        self.up = []
        self._news = asyncio.Event()

    async def pour(self, poll):
        self.polls.append(poll)
        self._news.set()

    def reject(self, reason, n):
        self.rejected[reason] = self.rejected.get(reason, 0) + n
        self._news.set()

    def connected(self, up):
        self.up.append(up)
        self._news.set()

    async def until(self, true):
        async with asyncio.timeout(PATIENCE_S):
            while not true():
                self._news.clear()
                await self._news.wait()

    @property
    def readings(self):
        return [reading for poll in self.polls for reading in poll.readings]


async def until(true):
    async with asyncio.timeout(PATIENCE_S):
        while not true():  # noqa: ASYNC110 - a log tells nobody that it grew
            await asyncio.sleep(0.02)


@asynccontextmanager
async def listening(url, *devices, silent_s=900, **config):
    """Listen for *devices* until the block ends."""
    ledger = Ledger()
    source = MqttSource(
        devices, PROFILES, MqttConfig(url=url, **config), utc_now,
        connected=ledger.connected, rejected=ledger.reject, burst_s=0.05, silent_s=silent_s,
    )  # fmt: skip
    task = asyncio.ensure_future(source.run(ledger.pour))
    try:
        yield ledger, source
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
def broker(tmp_path):
    server = Mosquitto(tmp_path / "mosquitto")
    server.start()
    yield server
    server.stop()


def publish(broker, topic, *, rx=900, tx=70, retain=False, **more):
    payload = json.dumps({"v": 1, "if": {"wan0": {"rx": rx, "tx": tx}}, **more}).encode()
    return asyncio.to_thread(broker.publish, topic, payload, retain=retain)


@pytest.fixture
def collector(tmp_path):
    started = []

    def start(broker, **more):
        server = Collectd(tmp_path / f"collectd-{len(started)}", broker.port, **more)
        started.append(server)
        server.start()
        return server

    yield start
    for server in started:
        server.stop()


async def test_a_real_collectd_is_counted_with_its_uptime__CN_4(broker, collector):
    async with listening(broker.url, ROUTER) as (ledger, _):
        await ledger.until(lambda: ledger.up == [False, True])
        collector(broker)
        await ledger.until(lambda: len(ledger.readings) >= 3)
    first, *_, last = ledger.readings
    assert last.down_bytes >= first.down_bytes > 0
    assert last.at > first.at
    assert last.uptime_s > 0
    assert all(poll.problem is None for poll in ledger.polls)


async def test_a_collectd_as_it_comes_publishes_rates_and_is_told_the_cure__CN_17(
    broker, collector, caplog
):
    async with listening(broker.url, ROUTER) as (ledger, _):
        await ledger.until(lambda: ledger.up == [False, True])
        collector(broker, store_rates=None)
        await ledger.until(lambda: ledger.rejected.get("rate_not_counter", 0) >= 3)
    assert ledger.readings == []
    assert "StoreRates false" in ledger.polls[-1].problem
    said = [record for record in caplog.records if "StoreRates" in record.getMessage()]
    assert len(said) == 1


async def test_a_collectd_set_right_is_believed_in_the_end(broker, collector):
    async with listening(broker.url, ROUTER) as (ledger, _):
        wrong = collector(broker, store_rates=None, interval_s=0.2)
        await ledger.until(lambda: ledger.rejected.get("rate_not_counter", 0) >= 2)
        await asyncio.to_thread(wrong.stop)
        collector(broker, interval_s=0.2)
        await ledger.until(lambda: len(ledger.readings) >= 2)
    assert ledger.readings[0].down_bytes > 0


async def test_a_broker_that_restarts_is_awaited_and_no_byte_is_lost(broker, caplog):
    caplog.set_level("INFO", "capd.collect.mqtt")
    async with listening(broker.url, SCRIPTED) as (ledger, _):
        await ledger.until(lambda: ledger.up == [False, True])
        await publish(broker, "capd/r1/counters", rx=100)
        await ledger.until(lambda: len(ledger.readings) == 1)
        await asyncio.to_thread(broker.stop)
        await ledger.until(lambda: ledger.up == [False, True, False])
        await asyncio.to_thread(broker.start)
        await ledger.until(lambda: ledger.up == [False, True, False, True])
        while len(ledger.readings) == 1:  # the subscription follows the connection
            await publish(broker, "capd/r1/counters", rx=900)
            await asyncio.sleep(0.1)
    assert [ledger.readings[0].down_bytes, ledger.readings[-1].down_bytes] == [100, 900]
    assert sum("connected" in record.getMessage() for record in caplog.records) == 2


async def test_retained_messages_are_marked_as_old(broker):
    await publish(broker, "capd/r1/counters", retain=True)
    async with listening(broker.url, SCRIPTED) as (ledger, _):
        await ledger.until(lambda: len(ledger.readings) == 1)
        await publish(broker, "capd/r1/counters", rx=901)
        await ledger.until(lambda: len(ledger.readings) == 2)
    assert [reading.retained for reading in ledger.readings] == [True, False]


async def test_strangers_are_ignored_and_counted(broker):
    async with listening(broker.url, SCRIPTED) as (ledger, _):
        await ledger.until(lambda: ledger.up == [False, True])
        while not ledger.rejected:
            await publish(broker, "capd/stranger/counters")
    assert ledger.polls == []
    assert set(ledger.rejected) == {"unknown_topic"}


async def test_a_new_inventory_is_listened_to_at_once(broker):
    async with listening(broker.url, ROUTER) as (ledger, source):
        await ledger.until(lambda: ledger.up == [False, True])
        source.replace([SCRIPTED])
        while not ledger.readings:
            await publish(broker, "capd/r1/counters")
            await asyncio.sleep(0.05)
    assert ledger.readings[0].device == "r1"


async def test_a_broker_that_asks_for_a_password_gets_it(tmp_path, caplog, monkeypatch):
    broker = Mosquitto(tmp_path / "mosquitto", login=("capd", "s3cret-word"))
    broker.start()
    try:
        wrong = {"username": "capd", "password": Secret("wrong-word")}
        async with listening(broker.url, SCRIPTED, **wrong):
            await until(lambda: caplog.records)
        assert "authori" in caplog.records[0].getMessage()
        monkeypatch.setenv("BROKER_PASSWORD", "s3cret-word")
        login = {"username": "capd", "password": Secret("env:BROKER_PASSWORD")}
        async with listening(broker.url, SCRIPTED, **login) as (ledger, _):
            await ledger.until(lambda: ledger.up == [False, True])
        assert "s3cret-word" not in caplog.text
    finally:
        broker.stop()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_a_broker_with_a_certificate_is_spoken_to_over_tls(tmp_path, caplog):
    certificate = a_certificate(tmp_path)
    broker = Mosquitto(tmp_path / "mosquitto", cert=certificate)
    broker.start()
    try:
        async with listening(broker.url, SCRIPTED, ca=str(certificate[0])) as (ledger, _):
            await ledger.until(lambda: ledger.up == [False, True])
            while not ledger.readings:
                await publish(broker, "capd/r1/counters")
                await asyncio.sleep(0.05)
        # nobody vouches for it; paho leaves the socket of a failed handshake to the collector
        async with listening(broker.url, SCRIPTED) as (stranger, _):
            await until(lambda: "CERTIFICATE_VERIFY_FAILED" in caplog.text)
        assert stranger.up == [False]
    finally:
        broker.stop()


async def test_a_missing_certificate_authority_is_a_mistake_of_the_configuration(tmp_path):
    config = MqttConfig(url="mqtts://127.0.0.1:1", ca=str(tmp_path / "none.pem"))
    with pytest.raises(ConfigError, match=r"none\.pem"):
        await MqttSource([], PROFILES, config, utc_now).run(Ledger().pour)


async def test_a_broker_of_3_1_1_is_spoken_to_as_well(caplog):
    """The broker inside `capd demo` knows nothing of MQTT 5."""
    async with EmbeddedBroker() as broker, listening(broker.url, SCRIPTED) as (ledger, _):
        await ledger.until(lambda: ledger.up == [False, True])
    assert [record for record in caplog.records if record.name.startswith("capd.collect")] == []


async def test_a_router_that_publishes_no_more_is_noticed(broker):
    async with listening(broker.url, SCRIPTED, silent_s=0.2) as (ledger, _):
        await ledger.until(lambda: ledger.polls)
    assert ledger.polls[0].unreachable
    assert "nothing heard" in ledger.polls[0].problem


def line(now, **fields):
    counts = ",".join(f"{key}={value}i" for key, value in fields.items())
    return f"net,host=d1,interface=wan0 {counts} {int(now * 1e9)}\n"


def telegraf_json(now, rx):
    fields = {"bytes_recv": rx, "bytes_sent": 70, "drop_in": 0}
    tags = {"host": "d1", "interface": "wan0"}
    return {"fields": fields, "name": "net", "tags": tags, "timestamp": int(now)}


def a_report(now, rx, interface="1"):
    stats = f"Device.IP.Interface.{interface}.Stats"
    return {
        "CollectionTime": int(now), "Device.DeviceInfo.UpTime": 500, f"{stats}.BytesReceived": rx,
        f"{stats}.BytesSent": 70,
    }  # fmt: skip


def monitoring(now, rx):
    statistics = {"rx_bytes": rx, "tx_bytes": 70}
    return {
        "type": "DeviceMonitoring",
        "general": {"hostname": "OpenWrt", "uptime": 500, "local_time": int(now)},
        "interfaces": [{"name": "wan0", "statistics": statistics}],
    }


PUBLISHERS = {
    "telegraf, line protocol": (
        "generic_telegraf", "telegraf/d1/net", "wan0",
        lambda now: line(now, bytes_sent=70, bytes_recv=900, packets_sent=1),
    ),
    "telegraf, JSON": (
        "generic_telegraf", "telegraf/d1/net", "wan0",
        lambda now: json.dumps(telegraf_json(now, 900)),
    ),
    "telegraf, a batch": (
        "generic_telegraf", "telegraf/d1/net", "wan0",
        lambda now: json.dumps(
            {"metrics": [telegraf_json(now - 10, 800), telegraf_json(now, 900)]}
        ),
    ),
    "obuspa, after an outage": (
        "generic_tr181", "bulk/d1", "1",
        lambda now: json.dumps({"Report": [a_report(now - 600, 800), a_report(now, 900)]}),
    ),
    "openwisp-monitoring": (
        "generic_netjson", "netjson/d1/monitoring", "wan0",
        lambda now: json.dumps(monitoring(now, 900)),
    ),
    "collectd, Format JSON": (
        "linux_router", "collectd/d1/interface-wan0/if_octets", "wan0",
        lambda now: json.dumps(
            [{"values": [900, 70], "dsnames": ["rx", "tx"], "time": now, "host": "d1",
              "type": "if_octets"}]
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize("publisher", PUBLISHERS)
async def test_what_other_agents_publish_is_counted(broker, publisher):
    profile, topic, if_name, payload = PUBLISHERS[publisher]
    device = a_device(
        "d1", profile=profile, mqtt_name="d1", meters=(a_meter(if_name=if_name),),
        settings={} if profile != "linux_router" else {"wan": "wan0", "lan": "lan0"},
    )  # fmt: skip
    async with listening(broker.url, device) as (ledger, _):
        await ledger.until(lambda: ledger.up == [False, True])
        while not ledger.readings:
            now = utc_now().timestamp()
            await asyncio.to_thread(broker.publish, topic, payload(now).encode())
            await asyncio.sleep(0.1)
    last = ledger.readings[-1]
    assert (last.device, last.down_bytes, last.up_bytes) == ("d1", 900, 70)
    assert ledger.readings[0].down_bytes in (800, 900)
    assert ledger.rejected == {}
