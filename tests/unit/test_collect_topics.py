"""Whose a topic is, and what to subscribe to for it."""

import pytest

from capd.collect.topics import topics_of
from capd.profiles import load_all
from tests.builders import a_device, a_meter

PROFILES = load_all()


def test_a_collectd_device_has_a_topic_for_each_interface_and_one_for_its_uptime():
    topics = topics_of([a_device(mqtt_name="cpe-1")], PROFILES)
    assert {topic: route.kind for topic, route in topics.routes.items()} == {
        "collectd/cpe-1/uptime/uptime": "uptime",
        "collectd/cpe-1/interface-wan0/if_octets": "octets",
    }
    assert topics.filters == {"collectd/+/uptime/uptime", "collectd/+/+/if_octets"}


def test_a_thousand_devices_are_two_subscriptions():
    devices = [a_device(f"cpe-{n}", mqtt_name=f"cpe-{n}") for n in range(1000)]
    topics = topics_of(devices, PROFILES)
    assert (len(topics.routes), len(topics.filters)) == (2000, 2)


def test_a_json_device_says_everything_on_one_topic():
    device = a_device(profile="generic_mqtt_json", mqtt_name="r1", settings={"prefix": "site/a"})
    topics = topics_of([device], PROFILES)
    assert list(topics.routes) == ["site/a/r1/counters"]
    assert topics.filters == {"site/a/+/counters"}


def test_a_name_of_two_levels_is_listened_to_on_two():
    device = a_device(profile="generic_mqtt_json", mqtt_name="hill/r1", settings={})
    topics = topics_of([device], PROFILES)
    assert list(topics.routes) == ["capd/hill/r1/counters"]
    assert topics.filters == {"capd/+/+/counters"}


def test_collectd_writes_an_interface_with_a_slash_with_a_line():
    device = a_device(mqtt_name="sw", meters=(a_meter(if_name="Gi0/1"),))
    topics = topics_of([device], PROFILES)
    assert "collectd/sw/interface-Gi0_1/if_octets" in topics.routes


def test_two_meters_may_hang_on_one_interface():
    meters = (a_meter("a"), a_meter("b", subscriber="S-2"))
    topics = topics_of([a_device(mqtt_name="cpe-1", meters=meters)], PROFILES)
    route = topics.routes["collectd/cpe-1/interface-wan0/if_octets"]
    assert [meter.id for meter in route.meters] == ["a", "b"]


@pytest.mark.parametrize(
    ("device", "why"),
    [
        (a_device(mqtt_name="#"), "cannot stand for {name}"),
        (a_device(mqtt_name="a+b"), "cannot stand for {name}"),
        (a_device(mqtt_name="x", profile="generic_ifmib"), "hears nothing over MQTT"),
        (a_device(mqtt_name="x", profile="unheard_of"), "hears nothing over MQTT"),
        (a_device(mqtt_name="x", meters=(a_meter(if_name=None),)), "names no interface"),
    ],
)
def test_a_device_that_cannot_be_listened_to_is_said_and_hurts_nobody_else(device, why):
    topics = topics_of([device, a_device("cpe-9", mqtt_name="cpe-9")], PROFILES)
    (problem,) = topics.problems
    assert problem.startswith("cpe-1: ")
    assert why in problem
    assert len(topics.routes) == 2


def test_settings_stand_in_the_paths_of_a_map_too():
    settings = {"interfaces": "Device.Cellular.Interface"}
    device = a_device("a", profile="generic_tr181", mqtt_name="a", settings=settings)
    (route,) = topics_of([device], PROFILES).routes.values()
    assert route.mqtt.map.rx_bytes == "Device.Cellular.Interface.{ifName}.Stats.BytesReceived"
    assert "{interfaces}" in PROFILES["generic_tr181"].mqtt.map.rx_bytes


def test_a_telegraf_device_has_a_topic_for_all_interfaces_and_one_for_its_uptime():
    meters = (a_meter(), a_meter("b", subscriber="S-2", if_name="wan1"))
    device = a_device("a", profile="generic_telegraf", mqtt_name="a", settings={}, meters=meters)
    routes = topics_of([device], PROFILES).routes
    assert {topic: (route.kind, route.names) for topic, route in routes.items()} == {
        "telegraf/a/net": ("telegraf", ("wan0", "wan1")),
        "telegraf/a/system": ("telegraf", ()),
    }


def test_two_devices_never_share_a_topic():
    topics = topics_of([a_device("a", mqtt_name="x"), a_device("b", mqtt_name="x")], PROFILES)
    assert {route.device for route in topics.routes.values()} == {"a"}
    assert len(topics.problems) == 2
    assert "is the topic of a already" in topics.problems[0]
