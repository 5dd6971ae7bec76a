"""What a burst of messages says: polls by device, each counter once, old and false ones marked."""

import json
from datetime import timedelta

from capd.collect.hearing import Hearing, Message
from capd.collect.topics import topics_of
from capd.model import Down
from capd.profiles import load_all
from tests.builders import NOON, a_device, a_meter

PROFILES = load_all()
OCTETS = "collectd/cpe-1/interface-wan0/if_octets"
UPTIME = "collectd/cpe-1/uptime/uptime"
JSON = "capd/r1/counters"
ROUTER = a_device(mqtt_name="cpe-1")
SCRIPTED = a_device("r1", profile="generic_mqtt_json", mqtt_name="r1", settings={})


def a_hearing(*devices):
    return Hearing(topics_of(devices or (ROUTER, SCRIPTED), PROFILES).routes)


def at(seconds):
    return NOON + timedelta(seconds=seconds)


def collectd(topic, values, *, s=0.0, late_s=0.0, retained=False):
    payload = f"{at(s).timestamp():.3f}:{values}\0".encode()
    return Message(topic, payload, at(s + late_s), retained)


def scripted(s=0.0, *, rx=1, tx=2, **more):
    payload = {"v": 1, "if": {"wan0": {"rx": rx, "tx": tx}}, **more}
    return Message(JSON, json.dumps(payload).encode(), at(s), retained=False)


def the_readings(polls):
    (poll,) = polls
    assert poll.problem is None
    return poll.readings


def test_rx_is_in():
    hearing = a_hearing()
    (reading,) = the_readings(hearing.polls([collectd(OCTETS, "900:70")]))
    assert (reading.down_bytes, reading.up_bytes, reading.at) == (900, 70, NOON)
    lan = a_device(mqtt_name="cpe-1", meters=(a_meter(down=Down.OUT),))
    (reading,) = the_readings(a_hearing(lan).polls([collectd(OCTETS, "900:70")]))
    assert (reading.down_bytes, reading.up_bytes) == (70, 900)


def test_the_uptime_of_the_burst_belongs_to_its_counters_whichever_came_first__CN_4():
    burst = [collectd(OCTETS, "900:70", s=2), collectd(UPTIME, "100", s=1)]
    (reading,) = the_readings(a_hearing().polls(burst))
    assert reading.uptime_s == 101.0


def test_an_uptime_heard_long_ago_proves_nothing_about_now__CN_4():
    hearing = a_hearing()
    hearing.polls([collectd(UPTIME, "100")])
    (soon,) = the_readings(hearing.polls([collectd(OCTETS, "900:70", s=60)]))
    (late,) = the_readings(hearing.polls([collectd(OCTETS, "900:70", s=600)]))
    assert (soon.uptime_s, late.uptime_s) == (160.0, None)


def test_a_retained_message_is_marked_and_its_uptime_is_not_taken():
    burst = [collectd(UPTIME, "100", retained=True), collectd(OCTETS, "900:70", retained=True)]
    (reading,) = the_readings(a_hearing().polls(burst))
    assert reading.retained
    assert reading.uptime_s is None


def test_messages_with_a_time_of_their_own_are_all_kept():
    burst = [collectd(OCTETS, f"{900 + n}:70", s=10 * n, late_s=30 - 10 * n) for n in range(3)]
    assert [r.down_bytes for r in the_readings(a_hearing().polls(burst))] == [900, 901, 902]


def test_the_same_message_twice_is_one_reading__CN_2():
    burst = [collectd(OCTETS, "900:70")] * 2
    assert len(the_readings(a_hearing().polls(burst))) == 1


def test_of_a_backlog_without_times_only_the_last_counts__CN_13():
    """Else a minute's bytes would seem to have come within a millisecond (CN-10)."""
    burst = [scripted(s=n / 1000, rx=1_000_000_000 * n) for n in range(1, 5)]
    (reading,) = the_readings(a_hearing().polls(burst))
    assert reading.down_bytes == 4_000_000_000


def test_json_says_who_it_is_and_since_when():
    (reading,) = the_readings(a_hearing().polls([scripted(sn="HX1", uptime=12.5)]))
    assert (reading.identity, reading.uptime_s) == ("HX1", 12.5)


def test_identity_is_the_topics_whatever_the_payload_claims():
    (poll,) = a_hearing().polls([scripted(name="cpe-1", device="cpe-1")])
    assert poll.device == "r1"


def test_a_payload_that_names_another_device_is_refused_and_counted():
    hearing = a_hearing()
    (poll,) = hearing.polls([scripted(name="cpe-1")])
    assert (poll.device, poll.readings) == ("r1", ())
    assert "calls itself 'cpe-1'" in poll.problem
    assert hearing.rejected["identity"] == 1
    the_readings(hearing.polls([scripted(name="R1")]))


def test_so_is_one_with_the_serial_of_another():
    devices = (a_device(mqtt_name="cpe-1", serial="HX1"), SCRIPTED)
    hearing = a_hearing(*devices)
    (poll,) = hearing.polls([scripted(sn="HX1")])
    assert poll.readings == ()
    assert hearing.rejected["identity"] == 1
    the_readings(hearing.polls([scripted(sn="HX2")]))


def test_a_host_name_may_be_anything_but_anothers_where_the_profile_says_so():
    netjson = a_device("r1", profile="generic_netjson", mqtt_name="r1", settings={})
    tree = {"interfaces": [{"name": "wan0", "statistics": {"rx_bytes": 1, "tx_bytes": 2}}]}

    def named(name):
        payload = json.dumps({**tree, "general": {"hostname": name}}).encode()
        return Message("netjson/r1/monitoring", payload, NOON, retained=False)

    hearing = a_hearing(ROUTER, netjson)
    the_readings(hearing.polls([named("OpenWrt")]))
    (poll,) = hearing.polls([named("cpe-1")])
    assert poll.readings == ()


def test_rates_that_happen_to_be_whole_are_not_believed_in_json_either__CN_17():
    hearing = a_hearing()
    hearing.polls([scripted(rx=1.5)])
    (poll,) = hearing.polls([scripted(s=10, rx=2)])
    assert poll.readings == ()
    assert hearing.rejected["fractional"] == 2


def test_an_uptime_of_unknown_age_proves_nothing__CN_4():
    """A message that the broker kept may be hours older than its arrival."""
    late = scripted(uptime=12.5)._replace(late=True)
    (reading,) = the_readings(a_hearing().polls([late]))
    assert reading.uptime_s is None
    timed = scripted(uptime=12.5, at=NOON.timestamp() - 3600)._replace(late=True)
    (reading,) = the_readings(a_hearing().polls([timed]))
    assert (reading.uptime_s, reading.at) == (12.5, NOON - timedelta(hours=1))


def test_telegraf_tells_the_uptime_on_a_topic_of_its_own():
    device = a_device("t1", profile="generic_telegraf", mqtt_name="t1", settings={})
    ns = f"{int(NOON.timestamp())}000000000"
    burst = [
        Message("telegraf/t1/net", payload, NOON, retained=False)
        for payload in (
            f"net,host=t1,interface=wan0 bytes_recv=9i,bytes_sent=8i {ns}".encode(),
            f"net,host=t1,interface=lo bytes_recv=1i,bytes_sent=1i {ns}".encode(),
        )
    ]
    system = f"system,host=t1 uptime=500i {ns}".encode()
    burst.append(Message("telegraf/t1/system", system, NOON, retained=False))
    (reading,) = the_readings(a_hearing(device).polls(burst))
    assert (reading.down_bytes, reading.up_bytes, reading.uptime_s) == (9, 8, 500.0)


def test_a_clock_of_1970_is_replaced_by_the_time_of_arrival_and_counted__CN_16():
    hearing = a_hearing()
    (reading,) = the_readings(hearing.polls([scripted(at=12)]))
    assert reading.at == NOON
    assert hearing.rejected["clock_skew"] == 1


def test_an_unknown_topic_is_ignored_and_counted():
    hearing = a_hearing()
    strange = Message("collectd/stranger/interface-wan0/if_octets", b"1:2:3", NOON, retained=False)
    assert hearing.polls([strange]) == []
    assert hearing.rejected["unknown_topic"] == 1


def test_a_huge_payload_is_not_even_parsed():
    hearing = a_hearing()
    (poll,) = hearing.polls([Message(JSON, b" " * 65_537, NOON, retained=False)])
    assert poll.readings == ()
    assert "64 KiB" in poll.problem
    assert hearing.rejected["too_large"] == 1


def test_a_router_that_publishes_rates_is_said_once_with_the_cure(caplog):
    hearing = a_hearing()
    for n in range(4):
        (poll,) = hearing.polls([collectd(OCTETS, "nan:nan" if n == 0 else "0:0", s=n)])
        assert "StoreRates false" in poll.problem
    assert len(caplog.records) == 1
    assert hearing.rejected["rate_not_counter"] == 4


def test_an_interface_that_json_does_not_mention_is_named():
    device = a_device(
        "r1", profile="generic_mqtt_json", mqtt_name="r1", settings={},
        meters=(a_meter(), a_meter("b", subscriber="S-2", if_name="lan9")),
    )  # fmt: skip
    (poll,) = a_hearing(device).polls([scripted()])
    assert [reading.meter for reading in poll.readings] == ["wan"]
    assert poll.problem == "capd/r1/counters if/lan9/rx is missing"


def test_a_new_inventory_keeps_what_topics_have_shown():
    hearing = a_hearing()
    hearing.polls([collectd(OCTETS, "nan:nan")])
    hearing.follow(topics_of([ROUTER], PROFILES).routes)
    (poll,) = hearing.polls([collectd(OCTETS, "0:0", s=10)])
    assert poll.readings == ()
    assert hearing.polls([scripted()]) == []


def test_nonsense_of_all_kinds_is_said_once_a_minute_and_fills_no_disk(caplog):
    caplog.set_level("INFO", "capd.collect.hearing")
    hearing = a_hearing()
    for n in range(100):
        hearing.polls([scripted(n / 10, rx=-n - 1), scripted(n / 10, rx="much")])
        hearing.polls([scripted(n / 10, rx=5)])
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 2
    assert "is negative" in said[0]
    assert said[1] == f"{JSON} is understood again"
    hearing.polls([scripted(50, rx="much")])
    assert hearing.complaint(JSON) is not None  # for whoever looks, it is there at once
    assert len(caplog.records) == 2
    hearing.polls([scripted(90, rx="much")])
    assert "not a whole number" in caplog.records[-1].getMessage()  # it stays so: it is said


def test_a_device_that_falls_silent_is_said_once_and_so_is_its_return(caplog):
    caplog.set_level("INFO", "capd.collect.hearing")
    hearing, patience = a_hearing(ROUTER), timedelta(minutes=15)
    hearing.polls([collectd(UPTIME, "100")])
    assert hearing.unheard(at(0), at(800), patience) == []
    (poll,) = hearing.unheard(at(0), at(1000), patience)
    assert (poll.device, poll.unreachable) == ("cpe-1", True)
    assert poll.problem == "nothing heard for 15 min"
    assert hearing.unheard(at(0), at(2000), patience) == []
    hearing.polls([collectd(OCTETS, "900:70", s=2100)])
    assert [record.getMessage() for record in caplog.records] == [
        "cpe-1: nothing heard for 15 min",
        "cpe-1: heard again",
    ]


def test_while_the_broker_was_away_nobody_could_be_heard():
    hearing = a_hearing(ROUTER)
    hearing.polls([collectd(UPTIME, "100")])
    assert hearing.unheard(at(5000), at(5100), timedelta(minutes=15)) == []


def test_a_retained_message_is_no_sign_of_life():
    hearing = a_hearing(ROUTER)
    hearing.polls([collectd(OCTETS, "900:70", s=990, retained=True)])
    assert len(hearing.unheard(at(0), at(1000), timedelta(minutes=15))) == 1
