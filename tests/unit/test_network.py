"""Which device is asked, how often, and which only listens."""

from dataclasses import replace

import pytest

from capd.model import Meter, Secret, SnmpAccess
from capd.network import network
from capd.profiles import load_all
from tests.builders import a_device, a_meter

PROFILES = load_all()
READ = SnmpAccess(version="1", community=Secret("public"))


def asked(*devices, interval_s=300):
    found = network(devices, PROFILES, broker=False, interval_s=interval_s)
    assert found.problems == ()
    return {device.id: device.interval_s for device in found.polled}


def a_row(table):
    return Meter(id="ann", subscriber="S-1", table=table, row="02:00:00:00:00:01")


def a_radio(profile, *meters, **more):
    given = {"address": "10.9.0.2", "snmp": READ, "ssh": None, "meters": meters, **more}
    return a_device("ap", profile=profile, **given)


def test_a_device_without_meters_is_asked_how_it_is():
    assert asked(a_radio("ubiquiti_airos")) == {"ap": None}


def test_a_device_without_meters_that_cannot_be_asked_is_left_alone():
    radio = a_radio("ubiquiti_airos")
    assert asked(replace(radio, snmp=None), replace(radio, profile="generic_mqtt_json")) == {}


@pytest.mark.parametrize(
    ("radio", "interval_s"),
    [
        (a_radio("cambium_pmp450", a_row("links")), 120),
        (a_radio("cambium_pmp450", a_row("links"), interval_s=60), 60),
        (a_radio("cambium_pmp450", a_row("links"), interval_s=900), 120),
        (a_radio("cambium_pmp450", a_meter(if_name="et1")), None),
        (a_radio("ceragon", a_meter(if_name="eth1")), 120),
        (a_radio("ubiquiti_airos", a_row("stations")), None),
    ],
)
def test_counters_that_wrap_soon_are_read_often_enough__CN_7(radio, interval_s):
    assert asked(radio) == {"ap": interval_s}


def test_who_asks_often_anyway_is_not_slowed_down():
    assert asked(a_radio("cambium_pmp450", a_row("links")), interval_s=30) == {"ap": None}
