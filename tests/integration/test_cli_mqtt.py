"""`capd mqtt sniff` against a real broker, from outside."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.servers.mosquitto import Mosquitto
from tests.servers.process import until

ROOT = Path(__file__).parents[2]
INVENTORY = {
    "products": [{"id": "home", "name": "Home", "cap": "100GB"}],
    "subscribers": [{"id": "S-1", "name": "A. Customer", "product": "home"}],
    "devices": [
        {"id": "cpe-1", "profile": "linux_router", "mqtt": {"name": "cpe-1"},
         "settings": {"wan": "wan0", "lan": "lan0"},
         "meters": [{"id": "wan", "subscriber": "S-1", "ifName": "wan0", "down": "in"}]},
    ],
}  # fmt: skip


def capd(folder, *arguments):
    command = [sys.executable, "-m", "capd", *arguments, "-c", str(folder / "capd.toml")]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture
def broker(tmp_path):
    server = Mosquitto(tmp_path / "mosquitto")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def installed(tmp_path, broker):
    config = f'[store]\nurl = "sqlite:///capd.db"\n[collect.mqtt]\nurl = "{broker.url}"\n'
    config += f'[decide]\npolicy = "{ROOT}/deploy/policies/wireless_broadband.toml"\n'
    (tmp_path / "capd.toml").write_text(config)
    (tmp_path / "inventory.json").write_text(json.dumps(INVENTORY))
    done = capd(tmp_path, "import", str(tmp_path / "inventory.json"))
    assert done.returncode == 0, done.stderr
    return tmp_path


def sniffed(folder, broker, *messages, options=("--json",)):
    """Sniff until the broker has seen the subscription and all *messages*; return what was said."""
    command = [sys.executable, "-m", "capd", "mqtt", "sniff", "--seconds", "4", *options]
    log, before = broker.folder / "log", (broker.folder / "log").read_text()
    with subprocess.Popen(
        [*command, "-c", str(folder / "capd.toml")], cwd=ROOT, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        new = len(before)
        until(lambda: "capd-sniff" in log.read_text()[new:], seconds=20, what="it is connected")
        time.sleep(0.5)
        for topic, payload in messages:
            broker.publish(topic, payload)
        out, err = process.communicate(timeout=30)
    return process.returncode, out, err


def test_what_is_understood_is_shown_by_meter_with_its_age(installed, broker):
    now = time.time()
    code, out, _ = sniffed(
        installed, broker,
        ("collectd/cpe-1/interface-wan0/if_octets", f"{now - 60:.3f}:900:70\0".encode()),
        ("collectd/cpe-1/uptime/uptime", f"{now:.3f}:1842\0".encode()),
    )  # fmt: skip
    assert code == 0
    octets, uptime = [json.loads(line) for line in out.splitlines()]
    assert (octets["device"], octets["meter"]) == ("cpe-1", "wan")
    assert (octets["down_bytes"], octets["up_bytes"], octets["reason"]) == (900, 70, None)
    assert 55 < octets["age_s"] < 75
    assert uptime["uptime_s"] == 1842


def test_what_is_refused_says_why_and_what_to_change__CN_17(installed, broker):
    _, out, _ = sniffed(
        installed, broker,
        ("collectd/cpe-1/interface-wan0/if_octets", b"1795302472.931:nan:nan\0"),
        ("collectd/cpe-2/interface-wan0/if_octets", b"1795302472.931:1:2\0"),
        options=(),
    )  # fmt: skip
    rates, stranger = out.splitlines()
    assert "REFUSED (rate_not_counter)" in rates
    assert "`StoreRates false`" in rates
    assert "REFUSED (unknown_topic): 'cpe-2' is in no topic" in stranger
    assert "Did you mean 'cpe-1'?" in stranger


def test_any_topic_may_be_asked_for(installed, broker):
    options = ("--json", "--topic", "strange/#")
    _, out, _ = sniffed(installed, broker, ("strange/thing", b"1"), options=options)
    (one,) = map(json.loads, out.splitlines())
    assert (one["topic"], one["reason"]) == ("strange/thing", "unknown_topic")


def test_silence_is_said(installed):
    done = capd(installed, "mqtt", "sniff", "--seconds", "1")
    assert done.returncode == 1
    assert "nothing was published to collectd/+/+/if_octets" in done.stderr
    assert done.stdout == ""


def test_a_broker_that_is_not_there_is_one_line(installed, broker):
    broker.stop()
    done = capd(installed, "mqtt", "sniff", "--seconds", "5")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert f"127.0.0.1:{broker.port}: no connection" in line


@pytest.mark.parametrize("topic", ["", "a#", "a/#/b", "a+/b"])
def test_a_filter_that_is_none_is_refused(tmp_path, topic):
    done = capd(tmp_path, "mqtt", "sniff", "--topic", topic)
    assert done.returncode == 2
    assert "--topic: wants a filter" in done.stderr


def test_without_a_broker_in_the_configuration_there_is_nothing_to_sniff(tmp_path):
    (tmp_path / "capd.toml").write_text("")
    done = capd(tmp_path, "mqtt", "sniff")
    assert done.returncode == 2
    assert "collect.mqtt.url" in done.stderr
