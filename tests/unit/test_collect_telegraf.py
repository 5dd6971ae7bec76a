"""Telegraf over MQTT: line protocol with its escapes, JSON alone and in batches (CN-17)."""

import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capd.collect.decode import Refused, influx, telegraf
from capd.collect.decode.payloads import Pair
from capd.published import MqttCollect
from tests.builders import NOON

NET = MqttCollect(format="telegraf", topic="telegraf/{name}/net")
S = int(NOON.timestamp())
LINE = f"net,host=r1,interface=eth0 bytes_sent=45i,bytes_recv=123i {S}000000000\n"


def told(payload, *names, mqtt=NET):
    return telegraf.read(payload.encode(), mqtt, names or ("eth0",))


def the_pair(payload, *names, mqtt=NET):
    (sample,) = told(payload, *names, mqtt=mqtt).samples
    return sample.found


def a_metric(*, name="net", rx=123, tx=45, interface="eth0", timestamp=S):
    fields = {"bytes_recv": rx, "bytes_sent": tx}
    tags = {"host": "r1", "interface": interface}
    return {"name": name, "tags": tags, "fields": fields, "timestamp": timestamp}


def test_what_it_received_is_rx():
    assert the_pair(LINE) == Pair(123, 45, NOON)


def test_a_time_is_nanoseconds_and_never_a_float():
    line = LINE.replace("000000000\n", "123456789\n")
    assert the_pair(line).at == NOON + timedelta(microseconds=123_456)


def test_without_a_time_the_arrival_will_do():
    assert the_pair("net,interface=eth0 bytes_sent=1i,bytes_recv=2i") == Pair(2, 1, None)


def test_unsigned_and_64_bit_numbers_are_whole():
    large = (1 << 64) - 1
    line = f"net,interface=eth0 bytes_sent={large}u,bytes_recv={large - 2}u"
    assert the_pair(line)[:2] == (large - 2, large)


def test_escapes_and_quotes_are_undone():
    line = r'net,host=a\ b,interface=wan\,1\=x note="a, b=\"c\" \\",bytes_sent=1i,bytes_recv=2i 5'
    (metric,) = influx.metrics(line.encode())
    assert metric.tags == {"host": "a b", "interface": "wan,1=x"}
    assert metric.fields["note"] == 'a, b="c" \\'
    assert the_pair(line, "wan,1=x")[:2] == (2, 1)


def test_a_string_may_run_over_lines_and_comments_are_none_of_ours():
    text = f'# a comment\n\nsystem uptime_format="14 days,\n 2:10" 5\n{LINE}'
    assert [metric.name for metric in influx.metrics(text.encode())] == ["system", "net"]


@pytest.mark.parametrize(
    "payload", ["net", "net bytes", "net,a bytes=1i", "net a=1i x", "\x00\x01"]
)
def test_what_is_not_line_protocol_is_refused_with_its_line(payload):
    (refused,) = told(f"{LINE}{payload}").refused
    assert refused.reason == "undecodable"
    assert "in line 2" in refused.text


def test_the_row_of_all_interfaces_is_nobodys():
    told_all = told("net,host=r1,interface=all icmp_inerrors=0i 1")
    assert (told_all.samples, told_all.refused, told_all.seen) == ((), (), ())


def test_other_interfaces_are_not_missed_but_named():
    assert told(LINE, "eth1").seen == ("eth0",)


@pytest.mark.parametrize("value", ["1.5", "15", "1e9", "-2.0"])
def test_a_decimal_is_a_rate_and_is_told_the_cure__CN_17(value):
    found = the_pair(f"net,interface=eth0 bytes_sent=1i,bytes_recv={value}")
    assert found.reason == "rate_not_counter"
    assert "derivative aggregator" in found.text


def test_negative_and_absent_counters_are_refused__CN_17():
    assert the_pair("net,interface=eth0 bytes_sent=1i,bytes_recv=-5i").reason == "negative"
    assert the_pair("net,interface=eth0 bytes_sent=1i").reason == "missing"
    assert the_pair('net,interface=eth0 bytes_sent="1",bytes_recv=1i').reason == "not_a_number"


def test_the_input_system_knows_the_uptime_of_the_box__CN_4():
    assert told(f"system,host=r1 load1=0.1 {S}000000000").uptime is None
    assert told(f"system,host=r1 uptime=1842i {S}000000000").uptime == (1842.0, NOON)


def test_json_comes_one_metric_a_message_or_in_a_batch():
    assert the_pair(json.dumps(a_metric())) == Pair(123, 45, NOON)
    batch = {"metrics": [a_metric(), a_metric(interface="eth1", rx=7), a_metric(name="cpu")]}
    both = told(json.dumps(batch), "eth0", "eth1").samples
    assert [sample.found.rx for sample in both] == [123, 7]


@pytest.mark.parametrize(("unit", "factor"), [("ms", 10**3), ("us", 10**6), ("ns", 10**9)])
def test_the_unit_of_json_timestamps_is_the_profiles(unit, factor):
    mqtt = NET.model_copy(update={"time_unit": unit})
    assert the_pair(json.dumps(a_metric(timestamp=S * factor)), mqtt=mqtt).at == NOON


@pytest.mark.parametrize("payload", ["{", "[1]", '{"metrics":1}', '{"name":"net"}', "{}"])
def test_json_that_is_not_telegrafs_is_refused(payload):
    (refused,) = told(payload).refused
    assert refused.reason == "undecodable"


def test_who_it_says_it_is_is_handed_on():
    assert told(LINE).names == ("r1",)


@given(st.binary(max_size=200))
def test_no_payload_breaks_the_decoder(payload):
    telegraf.read(payload, NET, ("eth0",))
    telegraf.read(b"net,interface=eth0 " + payload, NET, ("eth0",))


@given(st.text(alphabet='net ,="\\\n1i#{', max_size=400))
def test_nor_does_a_mess_of_its_own_signs(text):
    found = influx.metrics(text.encode())
    assert isinstance(found, Refused | list)
