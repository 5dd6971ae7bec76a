"""What devices say of themselves is kept, and radios that nobody supplied are told once."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from capd.decide.policy import Policy
from capd.fieldbook import Fieldbook
from capd.house import House
from capd.metrics import Metrics
from capd.model import Meter, Poll, Radio
from capd.profiles import load_all
from capd.store.fieldbook import Whose
from tests.builders import LONDON, NOON, a_device, an_inventory
from tests.servers.commandline import Capd
from tests.servers.snmpagent import COMMUNITY, Manners, in_a_thread

PROFILES = load_all()
AP = a_device(
    "ap-1", profile="ubiquiti_airos", mac="02:00:00:00:00:aa",
    meters=(Meter(id="ann", subscriber="S-1", table="stations", row="02-00-00-00-00-01"),),
)  # fmt: skip
CPE = a_device("cpe-2", profile="ubiquiti_airos", mac="0200.0000.0002", meters=())


class Field:
    """A fieldbook over real books, with a clock of its own."""

    def __init__(self, store, minimums=None):
        self.now = NOON
        self.metrics = Metrics()
        self.house = House(
            store=store, policy=Policy(), zone=LONDON, currency="GBP", metrics=self.metrics
        )
        self.devices = {AP.id: AP, CPE.id: CPE}
        self.book = Fieldbook(
            self.house, lambda: self.now, lambda: self.devices, PROFILES, lambda: minimums or {}
        )

    async def hears(self, *macs, device="ap-1", **poll):
        radios = tuple(Radio(mac=mac, name=f"dish {mac[-1]}") for mac in macs)
        self.book.hear(Poll(device=device, protocol="snmp", at=self.now, radios=radios, **poll))
        await self.book.turn()

    async def told(self):
        events = [event for _, event in await self.house.store.trail.events()]
        return [
            (event.device, event.figures["mac"], event.clause)
            for event in events
            if event.kind == "unknown_radio"
        ]

    def gauge(self, name):
        return self.metrics._registry.get_sample_value(name)


@pytest.fixture
async def field(store):
    inventory = replace(an_inventory(), devices=(AP, CPE))
    await store.people.apply(inventory, dry_run=False, author="test", at=NOON)
    return Field(store)


async def test_the_latest_word_of_each_device_is_kept(field):
    book = field.book
    book.hear(Poll(device="ap-1", protocol="snmp", at=NOON, health={"signal_dbm": -70.0}))
    later = NOON + timedelta(seconds=60)
    book.hear(
        Poll(
            device="ap-1", protocol="snmp", at=later, health={"signal_dbm": -60.0, "ssid": "hill"},
            meter_health={"ann": {"signal_dbm": -55.0}}, radios=(),
        )
    )  # fmt: skip
    book.hear(Poll(device="cpe-2", protocol="snmp", at=later, health={"serial": "X"}))
    book.hear(Poll(device="gone", protocol="snmp", at=later, health={"serial": "Y"}))
    await book.turn()
    book.hear(Poll(device="cpe-2", protocol="snmp", at=later, health={"serial": "Z"}))
    await book.turn()
    known = await field.house.store.fieldbook.latest(["ap-1", "cpe-2", "gone"])
    assert {whose: dict(health.figures) for whose, health in known.items()} == {
        Whose("ap-1"): {"signal_dbm": -60.0, "ssid": "hill"},
        Whose("ap-1", "ann"): {"signal_dbm": -55.0},
        Whose("cpe-2"): {"serial": "Z"},
    }
    assert known[Whose("ap-1")].at == later


async def test_a_radio_that_nobody_supplied_is_told_once_for_each_access_point__CT_11(field):
    for _ in range(3):
        await field.hears("02:00:00:00:00:01", "02:00:00:00:00:02", "02:00:00:00:00:99")
        field.now += timedelta(minutes=15)
    await field.hears("02:00:00:00:00:99", device="cpe-2")
    assert await field.told() == [
        ("ap-1", "02:00:00:00:00:99", "CT-11"),
        ("cpe-2", "02:00:00:00:00:99", "CT-11"),
    ]
    assert field.gauge("capd_unknown_radios") == 1
    first = (await field.house.store.fieldbook.strangers())[0]
    assert (first.mac, first.name) == ("02:00:00:00:00:99", "dish 9")
    assert first.last_at - first.first_at == timedelta(minutes=30)


async def test_two_that_write_at_once_tell_of_a_radio_once__CT_11(field):
    other = Field(field.house.store)
    await field.hears("02:00:00:00:00:99")
    await other.hears("02:00:00:00:00:99")
    assert len(await field.told()) == 1


async def test_a_radio_that_was_supplied_since_is_no_stranger_any_more__CT_11(field):
    await field.hears("02:00:00:00:00:99", "02:00:00:00:00:98")
    field.devices = {**field.devices, "new": a_device("new", mac="02:00:00:00:00:99", meters=())}
    await field.hears("02:00:00:00:00:99", "02:00:00:00:00:98")
    assert [each.mac for each in await field.house.store.fieldbook.strangers()] == [
        "02:00:00:00:00:98"
    ]
    assert field.gauge("capd_unknown_radios") == 1


async def test_a_device_that_says_its_own_mac_is_known_by_it__CT_11(field):
    await field.hears(device="cpe-2", health={"mac": "02:00:00:00:00:77"})
    await field.hears("02:00:00:00:00:77")
    assert await field.told() == []


async def test_a_radio_unheard_of_for_a_month_is_forgotten_and_news_again__CT_11(field):
    await field.hears("02:00:00:00:00:99")
    field.now += timedelta(days=31)
    await field.hears()
    assert await field.house.store.fieldbook.strangers() == []
    await field.hears("02:00:00:00:00:99")
    assert len(await field.told()) == 2


async def test_another_serial_than_the_inventory_has_is_told_once__CT_11(field):
    field.devices = {**field.devices, "cpe-2": replace(CPE, serial="ABC1")}
    for serial in ("abc1", "XYZ9", "XYZ9", "ABC1", "XYZ9"):
        await field.hears(device="cpe-2", health={"serial": serial})
    events = [event for _, event in await field.house.store.trail.events()]
    told = [event.figures["serial"] for event in events if event.kind == "other_serial"]
    assert told == ["XYZ9", "XYZ9"]  # it had been back in between


@pytest.mark.parametrize(
    ("firmware", "minimum", "behind"),
    [
        ("XC.qca955x.v8.7.4.45112", "8.7.11", "8.7.11"),
        ("XC.qca955x.v8.7.11.46972", "8.7.11", None),
        ("XC.qca955x.v9.0", "8.7.11", None),
        ("XC.qca955x.v8.7.4", None, None),
        ("who knows", "8.7.11", None),
    ],
)
async def test_firmware_behind_the_minimum_is_known__CT_16(field, firmware, minimum, behind):
    field.book._minimums = lambda: {"ubiquiti_airos": minimum} if minimum else {}
    await field.hears(health={"firmware": firmware})
    known = await field.house.store.fieldbook.latest(["ap-1"])
    assert known[Whose("ap-1")].figures.get("firmware_minimum") == behind
    assert field.gauge("capd_firmware_behind") == (behind is not None)


async def test_what_could_not_be_written_is_written_at_the_next_turn(field):
    field.book.hear(Poll(device="ap-1", protocol="snmp", at=NOON, health={"signal_dbm": -70.0}))
    real, field.house.store.fieldbook = field.house.store.fieldbook, None
    with pytest.raises(AttributeError):
        await field.book.turn()
    field.house.store.fieldbook = real
    await field.book.turn()
    assert Whose("ap-1") in await real.latest(["ap-1"])


STATION = "1.3.6.1.4.1.41112.1.4.7.1"
SHOWN = {
    "1.3.6.1.2.1.1.1.0": b"Linux 2.6.32.68 #1 mips",
    "1.3.6.1.2.1.1.2.0": "oid:1.3.6.1.4.1.10002.1",
    "1.3.6.1.2.1.1.3.0": 4200,
    "1.2.840.10036.3.1.2.1.4.9": "XC.qca955x.v8.5.1.37185",
    "1.3.6.1.4.1.41112.1.4.5.1.5.1": -61,
    f"{STATION}.2.1.2.0.0.0.0.1": "ann",
    f"{STATION}.3.1.2.0.0.0.0.1": -64,
    f"{STATION}.13.1.2.0.0.0.0.1": "c64:5000000000",
    f"{STATION}.14.1.2.0.0.0.0.1": "c64:7",
    f"{STATION}.2.1.2.0.0.0.0.153": "a neighbour",
    f"{STATION}.13.1.2.0.0.0.0.153": "c64:1",
}


def test_an_access_point_serves_its_subscribers_and_betrays_the_stranger(tmp_path):
    """From the inventory to the lists: SNMPv1, 64-bit counters, one device for all."""
    capd = Capd(tmp_path)
    capd.ok("init")
    inventory = json.loads((tmp_path / "inventory.json").read_text())
    with in_a_thread(SHOWN, Manners(versions=(0,))) as agent:
        inventory["devices"] = [{
            "id": "ap-1", "profile": "ubiquiti_airos", "address": "127.0.0.1",
            "snmp": {"version": "1", "community": COMMUNITY, "port": agent.port},
            "meters": [{"id": "ann", "subscriber": "S-1", "table": "stations",
                        "row": "02:00:00:00:00:01"}],
        }]  # fmt: skip
        (tmp_path / "inventory.json").write_text(json.dumps(inventory))
        config = (tmp_path / "capd.toml").read_text()
        (tmp_path / "capd.toml").write_text(
            config.replace(
                "[collect.snmp]",
                '[collect.snmp]\nfirmware_minimum = { ubiquiti_airos = "8.7" }',
            )
        )
        capd.ok("import", "inventory.json")
        for _ in range(2):
            summary = capd.ok("once", "--json").json()
            assert (summary["readings"], summary["problems"]) == (1, [])
    (device,) = capd.ok("devices", "--behind", "--json").json()
    assert device["health"]["signal_dbm"] == -61.0
    assert device["meter_health"] == {"ann": {"signal_dbm": -64.0}}
    assert (device["firmware_minimum"], device["firmware"][:8]) == ("8.7", "XC.qca95")
    assert "(behind 8.7)" in capd.ok("devices").out
    (stranger,) = capd.ok("devices", "--unknown", "--json").json()
    assert (stranger["mac"], stranger["name"]) == ("02:00:00:00:00:99", "a neighbour")
    assert "a neighbour" in capd.ok("devices", "--unknown").out
    told = [event["kind"] for event in capd.ok("events", "--json").records()]
    assert told.count("unknown_radio") == 1


def test_a_meter_that_names_no_such_row_is_refused_before_it_is_imported(tmp_path):
    capd = Capd(tmp_path)
    capd.ok("init")
    inventory = json.loads((tmp_path / "inventory.json").read_text())
    meters = [
        {"id": "a", "subscriber": "S-1", "table": "station", "row": "02:00:00:00:00:01"},
        {"id": "b", "subscriber": "S-1", "table": "stations", "row": "ann"},
    ]
    inventory["devices"] = [{
        "id": "ap-1", "profile": "ubiquiti_airos", "address": "127.0.0.1",
        "snmp": {"version": "1", "community": "public"}, "meters": meters,
    }]  # fmt: skip
    (tmp_path / "inventory.json").write_text(json.dumps(inventory))
    said = capd("import", "inventory.json")
    assert said.code == 2
    assert "Did you mean 'stations'?" in said.err
    assert "row 'ann' is no MAC address" in said.err
