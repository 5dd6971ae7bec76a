"""What devices publish: golden captures of collectd 5.12, and JSON as scripts write it."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capd.collect.decode import Refused, collectd, mapped, payloads
from capd.collect.decode.payloads import Pair, Proof
from capd.published import JsonMap, MqttCollect
from tests.builders import NOON

SCHEMA = MqttCollect(
    format="json",
    topic="capd/{name}/counters",
    map=JsonMap(
        rx_bytes="if/{ifName}/rx",
        tx_bytes="if/{ifName}/tx",
        uptime_s="uptime",
        at="at",
        serial="sn",
    ),
)


def told(payload, mqtt=SCHEMA):
    tree = mapped.tree_of(payload)
    return tree if isinstance(tree, Refused) else mapped.payload_of(tree, mqtt)


def reason(found):
    assert isinstance(found, Refused), found
    return found.reason


def test_collectd_ends_its_payload_with_a_nul():
    found = collectd.octets(b"1795302472.931:1012255977:1012255978\0", 64)
    at = datetime.fromtimestamp(1_795_302_472, tz=UTC) + timedelta(milliseconds=931)
    assert found == Pair(1_012_255_977, 1_012_255_978, at)


def test_a_later_collectd_does_not():
    found = collectd.octets(b"1795302472.931:1:2", 64)
    assert (found.rx, found.tx) == (1, 2)


def test_N_is_now():
    assert collectd.octets(b"N:5:6\0", 64).at is None


@pytest.mark.parametrize(
    "payload",
    [b"1795302472.931:nan:nan\0", b"1795302472.931:239.79962:0\0", b"1795302472.931:U:U\0",
     b"1795302472.931:1.2e+06:5\0", b"1795302472.931:-5:5\0"],
)  # fmt: skip
def test_a_rate_is_refused_with_the_line_that_cures_it__CN_17(payload):
    found = collectd.octets(payload, 64)
    assert reason(found) == "rate_not_counter"
    assert "StoreRates false" in found.text


@pytest.mark.parametrize(
    "payload",
    [b"", b"\0", b"hello", b"1:2", b"1:2:3:4", b"x:2:3", b"nan:2:3", b"1:2:" + b"9" * 400],
)
def test_what_is_not_collectd_is_refused_without_an_exception(payload):
    assert reason(collectd.octets(payload, 64)) in ("undecodable", "rate_not_counter")


def test_a_counter_never_goes_through_float():
    large = (1 << 64) - 1
    assert collectd.octets(f"1.0:{large}:{large - 2}".encode(), 64)[:2] == (large, large - 2)
    text = f'{{"if": {{"e": {{"rx": {large}, "tx": {large - 2}}}}}}}'.encode()
    assert mapped.pair_in(told(text), SCHEMA, "e")[:2] == (large, large - 2)


def test_the_uptime_plugin_speaks_of_the_box():
    found = collectd.uptime(b"1795302472.931:1842\0")
    assert found[0] == 1842.0
    assert reason(collectd.uptime(b"1795302472.931:U\0")) == "undecodable"
    assert reason(collectd.uptime(b"1795302472.931:nan\0")) == "undecodable"


def heard(proof, *pairs):
    refused = None
    for rx, tx in pairs:
        proof, refused = payloads.proven(proof, Pair(rx, tx, NOON))
    return proof, refused


A_RATE = Refused(reason="rate_not_counter", text=collectd.RATES)


def test_once_a_rate_always_a_rate__CN_17():
    """A rate of zero looks exactly like a counter of zero."""
    proof, refused = payloads.proven(Proof(), A_RATE)
    assert refused is A_RATE
    for _ in range(20):
        proof, refused = payloads.proven(proof, Pair(0, 0, NOON))
        assert refused.reason == "rate_not_counter"


def test_zeros_prove_nothing_before_the_first_count():
    proof, refused = heard(Proof(), (0, 0))
    assert refused.reason == "unproven_zero"
    proof, refused = heard(proof, (10, 0))
    assert refused is None
    assert heard(proof, (0, 0))[1] is None  # a restart, and the topic is known by now


def test_a_collectd_that_was_set_right_is_believed_after_five_counts():
    proof, _ = payloads.proven(Proof(), A_RATE)
    proof, refused = heard(proof, (1_000, 5), (2_000, 6), (3_000, 7), (3_000, 7))
    assert refused is not None
    assert heard(proof, (3_500, 8))[1] is None


def test_a_rate_that_happens_to_be_whole_does_not_pass_for_a_counter():
    proof, _ = payloads.proven(Proof(), A_RATE)
    _, refused = heard(proof, (1_000, 5), (2_000, 6), (300, 7), (3_000, 7), (3_500, 8))
    assert refused is not None


def test_json_is_read_by_the_map_of_the_profile():
    said = told(b'{"v":1,"sn":"HX1","uptime":86400,"if":{"ether1":{"rx":123,"tx":45}}}')
    assert (said.serial, said.uptime_s, said.at) == ("HX1", 86_400.0, None)
    assert mapped.pair_in(said, SCHEMA, "ether1") == Pair(123, 45, None)


def test_json_of_an_interface_with_a_slash_in_its_name():
    said = told(b'{"if":{"Gi0/1":{"rx":1,"tx":2}}}')
    assert mapped.pair_in(said, SCHEMA, "Gi0/1")[:2] == (1, 2)


def test_json_may_have_lists_and_no_interface_at_all():
    flat = MqttCollect(
        format="json", topic="t/{name}", map=JsonMap(rx_bytes="data/0/in", tx_bytes="data/1/in")
    )
    said = told(b'{"data":[{"in":7},{"in":"8"}]}', flat)
    assert mapped.pair_in(said, flat, None)[:2] == (7, 8)
    assert reason(mapped.pair_in(told(b'{"data":[]}', flat), flat, None)) == "missing"


def test_json_counts_of_several_bytes_are_multiplied():
    kib = MqttCollect(
        format="json", topic="t/{name}", map=JsonMap(rx_bytes="r", tx_bytes="t", unit_bytes=1024)
    )
    assert mapped.pair_in(told(b'{"r":2,"t":3}', kib), kib, None)[:2] == (2_048, 3_072)


@pytest.mark.parametrize(
    ("value", "why"),
    [("1.5", "fractional"), ("1e9", "fractional"), ("-4", "negative"), ("null", "missing"),
     ("true", "not_a_number"), ('"12 MB"', "not_a_number"), ("{}", "not_a_number"),
     ("18446744073709551616", "fractional")],
)  # fmt: skip
def test_json_that_cannot_be_a_counter_is_refused__CN_17(value, why):
    said = told(f'{{"if":{{"e":{{"rx":{value},"tx":1}}}}}}'.encode())
    found = mapped.pair_in(said, SCHEMA, "e")
    assert reason(found) == why
    assert "if/e/rx" in found.text


@pytest.mark.parametrize("payload", [b"", b"{", b"nan", b'{"uptime":"soon"}', b'{"at":"soon"}'])
def test_json_that_is_none_is_refused(payload):
    assert reason(told(payload)) == "undecodable"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1w2d03:04:05", 788_645.0), ("03:04:05", 11_045.0), ("2d", 172_800.0), ("77", 77.0)],
)
def test_routeros_writes_its_uptime_in_its_own_way(text, seconds):
    assert told(f'{{"uptime":"{text}"}}'.encode()).uptime_s == seconds


def test_times_come_as_seconds_or_as_rfc_3339():
    for value in (
        "1773144000",
        "1773144000.0",
        '"2026-03-10T12:00:00Z"',
        '"2026-03-10T13:00:00+01:00"',
    ):
        assert told(f'{{"at":{value}}}'.encode()).at == NOON
    assert reason(told(b'{"at":"2026-03-10T12:00:00"}')) == "undecodable"  # in which zone?
    assert reason(told(b'{"at":1e300}')) == "undecodable"


def test_a_clock_that_is_wrong_is_not_believed__CN_16():
    ahead, long_ago = NOON + timedelta(seconds=61), datetime(1970, 1, 1, 0, 5, tzinfo=UTC)
    assert payloads.when(ahead, NOON) == (NOON, True)
    assert payloads.when(long_ago, NOON) == (NOON, True)
    late = NOON - timedelta(hours=3)
    assert payloads.when(late, NOON) == (late, False)
    assert payloads.when(None, NOON) == (NOON, False)


VALUE_LIST = (
    '[{"values":[%s],"dstypes":["derive","derive"],"dsnames":["rx","tx"],"time":1773144000.000,'
    '"interval":30.000,"host":"cpe-1","plugin":"interface","plugin_instance":"eth0",'
    '"type":"if_octets","type_instance":""}]'
)


def the_octets(values):
    mqtt = MqttCollect(format="collectd", topic="collectd/{name}/{ifName}")
    told = collectd.read_octets((VALUE_LIST % values).encode(), mqtt)
    (sample,) = told.samples
    return sample.found, told.names


def test_collectds_json_is_read_on_the_same_topic():
    assert the_octets("9007199254740993,5") == (Pair(9007199254740993, 5, NOON), ("cpe-1",))


@pytest.mark.parametrize("values", ["239.79962,0", "null,null", "1.2e+06,5", "-3,5"])
def test_rates_in_collectds_json_are_refused_with_the_cure__CN_17(values):
    found, _ = the_octets(values)
    assert reason(found) == "rate_not_counter"
    assert "StoreRates false" in found.text


@pytest.mark.parametrize("payload", [b"[", b"[]", b"[1]", b'[{"type":"if_octets","values":1}]'])
def test_json_that_is_not_collectds_is_refused(payload):
    mqtt = MqttCollect(format="collectd", topic="collectd/{name}/{ifName}")
    told = collectd.read_octets(payload, mqtt)
    refused = [*told.refused, *(s.found for s in told.samples)]
    assert [reason(each) for each in refused] == ["undecodable"]
    (refused,) = collectd.read_uptime(payload, mqtt).refused
    assert reason(refused) == "undecodable"


def mapped_to(rx, tx="t", **more):
    return MqttCollect(
        format="json", topic="t/{name}", map={"rx_bytes": rx, "tx_bytes": tx, **more}
    )


def read(mqtt, tree, *names):
    return mapped.read(json.dumps(tree).encode(), mqtt, names or ("eth0",))


def test_a_path_may_be_a_json_pointer():
    mqtt = mapped_to("/if/{ifName}/a~1b~0c", "/if/{ifName}/tx")
    (sample,) = read(mqtt, {"if": {"Gi0/1": {"a/b~c": 7, "tx": 8}}}, "Gi0/1").samples
    assert sample.found[:2] == (7, 8)


def test_an_element_of_a_list_is_picked_by_its_name():
    mqtt = mapped_to("ports/[id={ifName}]/rx", "ports/[id={ifName}]/tx")
    tree = {"ports": [{"id": "eth1", "rx": 1, "tx": 2}, 5, {"id": "eth0", "rx": 3, "tx": 4}]}
    (sample,) = read(mqtt, tree).samples
    assert sample.found[:2] == (3, 4)
    (sample,) = read(mqtt, tree, "eth9").samples
    assert reason(sample.found) == "missing"


@pytest.mark.parametrize(("unit", "factor"), [("KiB", 1024), ("MB", 10**6), ("8B", 8), (125, 125)])
def test_a_unit_is_written_by_its_name_or_as_bytes(unit, factor):
    (sample,) = read(mapped_to("r", unit_bytes=unit), {"r": 3, "t": 1}).samples
    assert sample.found[:2] == (3 * factor, factor)


def test_a_unit_that_is_none_is_refused():
    with pytest.raises(ValueError, match="furlong"):
        mapped_to("r", unit_bytes="furlong")


def test_a_report_may_carry_several_old_looks_the_oldest_first__CN_12():
    mqtt = mapped_to("r", samples="Report", at="at", uptime_s="up")
    looks = [{"r": n, "t": n, "at": 1773144000 + n, "up": n} for n in (300, 600, 0)]
    told = read(mqtt, {"Report": looks})
    assert [sample.found.rx for sample in told.samples] == [0, 300, 600]
    assert [sample.uptime_s for sample in told.samples] == [0.0, 300.0, 600.0]
    assert reason(read(mqtt, {"Event": []}).refused[0]) == "missing"


def test_one_look_that_is_nonsense_spares_the_others():
    mqtt = mapped_to("r", samples="Report", at="at")
    told = read(mqtt, {"Report": [{"at": "soon"}, {"r": 1, "t": 1, "at": 1773144000}]})
    assert [sample.found.rx for sample in told.samples] == [1]
    assert [reason(each) for each in told.refused] == ["undecodable"]


def test_a_decimal_in_json_is_told_the_cure__CN_17():
    (sample,) = read(mapped_to("r"), {"r": 1.5, "t": 1}).samples
    assert "not a rate" in sample.found.text


@pytest.mark.parametrize("time", [b"1e999999", b"1e99999999999", b"-1", b"inf", b"9" * 30, b""])
def test_a_time_that_is_absurd_is_refused_and_breaks_nothing(time):
    assert reason(collectd.octets(time + b":1:2", 64)) == "undecodable"
    assert reason(collectd.uptime(time + b":1")) == "undecodable"


@pytest.mark.parametrize("time", ['"0001-01-01T00:00:00+14:00"', "1e300", "-1e18", "9" * 19])
def test_so_it_is_in_json(time):
    assert reason(told(f'{{"at":{time}}}'.encode())) == "undecodable"


@given(st.binary(max_size=200))
def test_no_payload_breaks_the_decoders(payload):
    collectd.octets(payload, 64)
    collectd.uptime(payload)
    collectd.read_octets(b"[" + payload, SCHEMA)
    mapped.read(payload, SCHEMA, ("e", None))
    said = told(payload)
    if not isinstance(said, Refused):
        mapped.pair_in(said, SCHEMA, "e")
