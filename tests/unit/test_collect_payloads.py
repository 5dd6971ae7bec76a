"""What devices publish: golden captures of collectd 5.12, and JSON as scripts write it."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capd.collect.decode import Refused, payloads
from capd.collect.decode.payloads import Pair, Proof
from capd.profiles import JsonMap, MqttCollect
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


def told(payload, mapping=SCHEMA.map):
    return payloads.document(payload, mapping)


def reason(found):
    assert isinstance(found, Refused), found
    return found.reason


def test_collectd_ends_its_payload_with_a_nul():
    found = payloads.octets(b"1795302472.931:1012255977:1012255978\0", 64)
    at = datetime.fromtimestamp(1_795_302_472, tz=UTC) + timedelta(milliseconds=931)
    assert found == Pair(1_012_255_977, 1_012_255_978, at)


def test_a_later_collectd_does_not():
    found = payloads.octets(b"1795302472.931:1:2", 64)
    assert (found.rx, found.tx) == (1, 2)


def test_N_is_now():
    assert payloads.octets(b"N:5:6\0", 64).at is None


@pytest.mark.parametrize(
    "payload",
    [b"1795302472.931:nan:nan\0", b"1795302472.931:239.79962:0\0", b"1795302472.931:U:U\0",
     b"1795302472.931:1.2e+06:5\0", b"1795302472.931:-5:5\0"],
)  # fmt: skip
def test_a_rate_is_refused_with_the_line_that_cures_it__CN_17(payload):
    found = payloads.octets(payload, 64)
    assert reason(found) == "rate_not_counter"
    assert "StoreRates false" in found.text


@pytest.mark.parametrize(
    "payload",
    [b"", b"\0", b"hello", b"1:2", b"1:2:3:4", b"x:2:3", b"nan:2:3", b"1:2:" + b"9" * 400],
)
def test_what_is_not_collectd_is_refused_without_an_exception(payload):
    assert reason(payloads.octets(payload, 64)) in ("undecodable", "rate_not_counter")


def test_a_counter_never_goes_through_float():
    large = (1 << 64) - 1
    assert payloads.octets(f"1.0:{large}:{large - 2}".encode(), 64)[:2] == (large, large - 2)
    json = f'{{"if": {{"e": {{"rx": {large}, "tx": {large - 2}}}}}}}'.encode()
    assert payloads.pair_in(told(json), SCHEMA, "e")[:2] == (large, large - 2)


def test_the_uptime_plugin_speaks_of_the_box():
    found = payloads.uptime(b"1795302472.931:1842\0")
    assert found[0] == 1842.0
    assert reason(payloads.uptime(b"1795302472.931:U\0")) == "undecodable"
    assert reason(payloads.uptime(b"1795302472.931:nan\0")) == "undecodable"


def heard(proof, *pairs):
    refused = None
    for rx, tx in pairs:
        proof, refused = payloads.proven(proof, Pair(rx, tx, NOON))
    return proof, refused


A_RATE = Refused(reason="rate_not_counter", text=payloads.RATES)


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
    assert payloads.pair_in(said, SCHEMA, "ether1") == Pair(123, 45, None)


def test_json_of_an_interface_with_a_slash_in_its_name():
    said = told(b'{"if":{"Gi0/1":{"rx":1,"tx":2}}}')
    assert payloads.pair_in(said, SCHEMA, "Gi0/1")[:2] == (1, 2)


def test_json_may_have_lists_and_no_interface_at_all():
    flat = MqttCollect(
        format="json", topic="t/{name}", map=JsonMap(rx_bytes="data/0/in", tx_bytes="data/1/in")
    )
    said = told(b'{"data":[{"in":7},{"in":"8"}]}', flat.map)
    assert payloads.pair_in(said, flat, None)[:2] == (7, 8)
    assert reason(payloads.pair_in(told(b'{"data":[]}', flat.map), flat, None)) == "missing"


def test_json_counts_of_several_bytes_are_multiplied():
    kib = MqttCollect(
        format="json", topic="t/{name}", map=JsonMap(rx_bytes="r", tx_bytes="t", unit_bytes=1024)
    )
    assert payloads.pair_in(told(b'{"r":2,"t":3}', kib.map), kib, None)[:2] == (2_048, 3_072)


@pytest.mark.parametrize(
    ("value", "why"),
    [("1.5", "fractional"), ("1e9", "fractional"), ("-4", "negative"), ("null", "missing"),
     ("true", "not_a_number"), ('"12 MB"', "not_a_number"), ("{}", "not_a_number"),
     ("18446744073709551616", "fractional")],
)  # fmt: skip
def test_json_that_cannot_be_a_counter_is_refused__CN_17(value, why):
    said = told(f'{{"if":{{"e":{{"rx":{value},"tx":1}}}}}}'.encode())
    found = payloads.pair_in(said, SCHEMA, "e")
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


@given(st.binary(max_size=200))
def test_no_payload_breaks_the_decoders(payload):
    payloads.octets(payload, 64)
    payloads.uptime(payload)
    said = told(payload)
    if not isinstance(said, Refused):
        payloads.pair_in(said, SCHEMA, "e")
