"""What a device answers over SNMP becomes readings, whichever way the port looks."""

import pytest

from capd.collect.decode import plans, rows, varbinds
from capd.collect.decode.plans import Fact, Get
from capd.collect.decode.rows import Found, Key
from capd.model import Down, Meter
from capd.polled import Age, Interfaces, SnmpCollect, Table, UptimeOid
from tests.builders import NOON, a_device, a_meter

IFX = "1.3.6.1.2.1.31.1.1.1"
UPTIMES = (
    UptimeOid(oid="1.3.6.1.2.1.25.1.1.0", since="box"),
    UptimeOid(oid="1.3.6.1.2.1.1.3.0", since="agent"),
)


def a_profile(**snmp):
    return SnmpCollect(uptimes=UPTIMES, **snmp)


def a_plan(*meters, at=3, wired=True, profile=None, facts=()):
    device = a_device(meters=meters or (a_meter(if_name="wan0"),))
    index = {
        Key("interfaces", m.if_name.encode()): Found(str(at + n), f"{IFX}.1", wired=wired)
        for n, m in enumerate(device.meters)
    }
    return plans.plan(device, profile or a_profile(), index, facts)


def an_answer(*, row=3, name=b"wan0", into=9_000, out=700, status=1, mbps=1000, **more):
    return {
        "1.3.6.1.2.1.25.1.1.0": 360_000,
        "1.3.6.1.2.1.1.3.0": 1_200,
        f"{IFX}.1.{row}": name,
        f"{IFX}.6.{row}": into,
        f"{IFX}.10.{row}": out,
        f"1.3.6.1.2.1.2.2.1.8.{row}": status,
        f"{IFX}.15.{row}": mbps,
        **more,
    }


def decoded(plan, answer):
    of = varbinds.box(plan, answer, NOON)
    return varbinds.readings(plan, plan.gets[0], answer, NOON, of)


def the_reading(plan, answer):
    found = decoded(plan, answer)
    assert found.refused == ()
    (reading,) = found.readings
    return reading


def test_in_is_down_where_the_port_looks_to_the_internet():
    reading = the_reading(a_plan(a_meter(if_name="wan0", down=Down.IN)), an_answer())
    assert (reading.down_bytes, reading.up_bytes) == (9_000, 700)


def test_out_is_down_where_the_port_looks_to_the_subscriber():
    reading = the_reading(a_plan(a_meter(if_name="wan0", down=Down.OUT)), an_answer())
    assert (reading.down_bytes, reading.up_bytes) == (700, 9_000)


def test_the_uptime_of_the_box_and_of_its_agent_are_kept_apart__CN_4__CN_6():
    reading = the_reading(a_plan(), an_answer())
    assert (reading.uptime_s, reading.agent_uptime_s) == (3600.0, 12.0)


def test_a_new_index_is_a_new_epoch_where_the_profile_says_so__CN_5():
    linux = a_profile(interfaces=Interfaces(index_is_epoch=True))
    assert the_reading(a_plan(profile=linux), an_answer()).epoch == "3"
    assert the_reading(a_plan(), an_answer()).epoch is None


def test_only_sessions_are_born_again_where_the_profile_names_them__CN_5():
    routeros = a_profile(interfaces=Interfaces(epoch_names="^<pppoe-"))
    session, port = a_meter("s", if_name="<pppoe-ann>"), a_meter("p", if_name="ether1")
    plan = a_plan(session, port, profile=routeros)
    assert [row.epoch for row in plan.gets[0].rows] == ["3", None]


def test_one_request_asks_for_all_meters_of_a_device():
    plan = a_plan(a_meter("a", if_name="wan0"), a_meter("b", if_name="lan0"))
    assert len(plan.gets) == 1
    assert len(plan.gets[0].oids) == len(UPTIMES) + 2 * 5


def test_a_row_is_never_split_over_two_requests():
    meters = tuple(a_meter(f"m{n}", if_name=f"if{n}") for n in range(7))
    plan = a_plan(*meters, profile=a_profile(max_oids=12))
    assert [len(get.rows) for get in plan.gets] == [2, 2, 2, 1]
    assert all(len(get.oids) <= 12 for get in plan.gets)


def test_a_row_that_bears_another_name_now_is_doubtful_and_counts_for_nobody():
    found = decoded(a_plan(), an_answer(name=b"lan0"))
    assert found.doubtful == {"interfaces"}
    assert found.readings == ()


def test_a_row_that_is_down_is_read_and_looked_for_again():
    found = decoded(a_plan(), an_answer(status=2))
    assert found.doubtful
    assert len(found.readings) == 1


def test_of_two_rows_of_a_name_the_living_one_counts():
    """net-snmp keeps the dead row of an interface that was made anew."""
    column = "1.3.6.1.2.1.2.2.1.8"
    up_first = {f"{column}.3": 1, f"{column}.5": 2}
    assert rows.choose(["3", "5"], column, up_first) == "3"
    assert rows.choose(["3", "5"], column, {f"{column}.3": 2, f"{column}.5": 1}) == "5"
    assert rows.choose(["3", "15"], column, {f"{column}.3": 2, f"{column}.15": 2}) == "15"
    assert rows.choose(["9", "10"], None, {}) == "10"


def test_a_name_with_a_nul_or_a_blank_at_its_end_is_the_same_name():
    assert rows.names_in(f"{IFX}.1", {f"{IFX}.1.4": b"wan0\0", f"{IFX}.1.9": b"lan0 "}) == {
        b"wan0": ["4"],
        b"lan0": ["9"],
    }
    assert the_reading(a_plan(), an_answer(name=b"wan0\0")).down_bytes == 9_000


@pytest.mark.parametrize(
    ("value", "reason"),
    [(None, "missing"), (-1_904_692_107, "negative"), (1.5, "fractional"), (b"12", "not_a_number"),
     (True, "not_a_number"), (1 << 64, "too_large")],
)  # fmt: skip
def test_what_cannot_be_a_counter_is_refused_with_its_reason__CN_17(value, reason):
    found = decoded(a_plan(), an_answer(into=value))
    assert found.readings == ()
    assert [each.reason for each in found.refused] == [reason]


def test_a_64_bit_column_that_really_wraps_at_32_is_declared_so__CN_9():
    narrow = a_profile(interfaces=Interfaces(counter_bits=32))
    assert the_reading(a_plan(profile=narrow), an_answer()).counter_bits == 32
    found = decoded(a_plan(profile=narrow), an_answer(into=1 << 33))
    assert [each.reason for each in found.refused] == ["too_large"]


def test_a_meter_may_know_better_than_its_profile():
    meter = a_meter(if_name="wan0", counter_bits=32, link_bps=50_000_000)
    reading = the_reading(a_plan(meter), an_answer(mbps=1000))
    assert (reading.counter_bits, reading.link_bps) == (32, 50_000_000)


def test_the_speed_of_a_wired_port_is_its_limit__CN_10():
    assert the_reading(a_plan(), an_answer(mbps=1000)).link_bps == 1_000_000_000
    assert the_reading(a_plan(), an_answer(mbps=0)).link_bps is None


def test_the_speed_that_agents_invent_for_a_session_is_no_limit__CN_10():
    """RouterOS and net-snmp show 10 Mbps for what has no speed of its own."""
    assert the_reading(a_plan(), an_answer(mbps=10)).link_bps is None
    radio = a_plan(wired=False)
    assert f"{IFX}.15.3" not in radio.gets[0].oids
    assert the_reading(radio, an_answer(mbps=300)).link_bps is None


def test_ethernet_is_told_from_radios_by_its_type():
    column = "1.3.6.1.2.1.2.2.1.3"
    types = {f"{column}.3": 6, f"{column}.4": 71}
    wired = [rows.placed(Interfaces(), f"{IFX}.1", row, types).wired for row in ("3", "4", "5")]
    assert wired == [True, False, True]  # of what says nothing it is taken for granted


def test_counts_of_several_bytes_are_multiplied__CN_17():
    kbit = a_profile(interfaces=Interfaces(unit_bytes=125))
    assert the_reading(a_plan(profile=kbit), an_answer(into=8)).down_bytes == 1_000


def test_the_serial_number_tells_boxes_apart__CN_1():
    serial, firmware = "1.3.6.1.4.1.9.1.0", "1.3.6.1.4.1.9.2.0"
    plan = a_plan(facts=(Fact("serial", serial), Fact("firmware", firmware)))
    answer = an_answer(**{serial: b"ABC123\0", firmware: b"7.1"})
    assert the_reading(plan, answer).identity == "ABC123"
    assert varbinds.box(plan, answer, NOON).health == {"serial": "ABC123", "firmware": "7.1"}


def test_health_is_scaled_and_left_out_where_it_is_not_there():
    facts = (
        Fact("temperature_c", "1.3.6.1.4.1.9.3.0", 0.1),
        Fact("signal_dbm", "1.3.6.1.4.1.9.4.0"),
    )
    plan = a_plan(facts=facts)
    answer = an_answer(**{"1.3.6.1.4.1.9.3.0": 415})
    assert varbinds.box(plan, answer, NOON).health == {"temperature_c": pytest.approx(41.5)}


@pytest.mark.parametrize(
    ("value", "figure"),
    [(-64, -64.0), (b"-74.5", -74.5), (b"12 dB", 12.0), (b"-", None), (b"", None), (None, None)],
)
def test_a_figure_may_be_a_text(value, figure):
    assert varbinds.measured("signal_dbm", value, 1.0) == figure


def test_an_interface_that_is_not_there_is_named():
    device = a_device(meters=(a_meter(if_name="wan0"), Meter(id="x", subscriber="S-2")))
    index = {Key("interfaces", b"lan0"): Found("1", f"{IFX}.1")}
    plan = plans.plan(device, a_profile(), index)
    assert [each.text for each in plans.absent(plan, a_profile())] == [
        "meter x names no interface (ifName), nor a table and a row",
        "there is no interface wan0",
    ]


def test_extras_that_an_old_agent_does_not_have_are_asked_no_more():
    plan = a_plan()
    answer = an_answer()
    del answer[f"{IFX}.15.3"], answer["1.3.6.1.2.1.25.1.1.0"]
    thin = plans.repacked(plan, answer, frozenset(plan.gets[0].oids), 20)
    assert set(thin.gets[0].oids) == set(plan.gets[0].oids) & set(answer)
    assert the_reading(thin, answer).uptime_s is None


# ---- tables: rows that are stations, queues, sessions --------------------------------------------

MACS, RX, TX, AGE = (f"1.3.6.1.4.1.9.7.1.{n}" for n in (1, 2, 3, 4))
BY_COLUMN = Table(title="radios", key=MACS, key_is="mac", in_bytes=RX, out_bytes=TX)
BY_INDEX = Table(title="radios", index="1.{mac}.*", in_bytes=RX, out_bytes=TX)
ANN = bytes.fromhex("020000000001")


def a_station(table, *, at="5", **meter):
    snmp = a_profile(tables={"radios": table})
    given = {"row": "02:00:00:00:00:01", **meter}
    who = Meter(id="ann", subscriber="S-1", table="radios", **given)
    found = Found(at, table.key)
    return plans.plan(a_device(meters=(who,)), snmp, {Key("radios", ANN): found})


@pytest.mark.parametrize(
    "written",
    ["02:00:00:00:00:01", "02-00-00-00-00-01", "0200.0000.0001", "020000000001", b"\2\0\0\0\0\1",
     b"02:00:00:00:00:01\0"],
)  # fmt: skip
def test_a_mac_is_the_same_however_it_is_written(written):
    assert rows.mac_of(written) == ANN


@pytest.mark.parametrize("written", ["ann", b"", b"\2\0\0\0\0", 5, None, "02:00:00:00:00"])
def test_what_is_no_mac_is_none(written):
    assert rows.mac_of(written) is None


def test_a_row_is_found_by_the_mac_in_its_index():
    there = rows.indexed(BY_INDEX, RX, {f"{RX}.1.2.0.0.0.0.1.7": 1, f"{RX}.9.9.9": 1})
    assert there == {ANN: ["1.2.0.0.0.0.1.7"]}
    assert rows.indexed(BY_INDEX, RX, {f"{RX}.1.2.0.0.0.0.256.7": 1}) == {}


def test_a_row_is_found_by_the_mac_in_a_column_whatever_its_number():
    assert rows.indexed(BY_COLUMN, MACS, {f"{MACS}.3": b"02-00-00-00-00-01"}) == {ANN: ["3"]}


def test_another_station_in_the_same_row_counts_for_nobody():
    """Row numbers are given anew when stations come and go."""
    plan = a_station(BY_COLUMN)
    answer = {f"{MACS}.5": bytes.fromhex("020000000002"), f"{RX}.5": 1, f"{TX}.5": 2}
    found = decoded(plan, answer)
    assert found.readings == ()
    assert found.doubtful == {"radios"}
    assert found.refused == ()  # stations come and go: that is no fault


def test_a_row_that_is_gone_is_not_zero():
    assert decoded(a_station(BY_INDEX, at="1.2.0.0.0.0.1.7"), {}).readings == ()


def test_the_key_is_asked_for_beside_the_counters_in_one_request():
    (get,) = a_station(BY_COLUMN).gets
    assert {f"{MACS}.5", f"{RX}.5", f"{TX}.5"} <= set(get.oids)


def test_the_table_says_which_counter_is_down_and_a_meter_may_turn_it_round():
    answer = {f"{MACS}.5": ANN, f"{RX}.5": 1, f"{TX}.5": 2}
    assert the_reading(a_station(BY_COLUMN), answer).down_bytes == 2
    assert the_reading(a_station(BY_COLUMN, down=Down.IN), answer).down_bytes == 1


def test_the_sum_of_counters_that_wrap_is_a_counter_that_wraps_alike__CN_17():
    both = BY_COLUMN.model_copy(update={"in_bytes": (RX, AGE), "counter_bits": 32})
    answer = {f"{MACS}.5": ANN, f"{RX}.5": 2**32 - 10, f"{AGE}.5": 30, f"{TX}.5": 2}
    assert the_reading(a_station(both), answer).up_bytes == 20


def test_what_only_fills_the_air_is_taken_away():
    less = BY_COLUMN.model_copy(update={"in_bytes": (RX, f"-{AGE}")})
    answer = {f"{MACS}.5": ANN, f"{RX}.5": 100, f"{AGE}.5": 30, f"{TX}.5": 2}
    assert the_reading(a_station(less), answer).up_bytes == 70


@pytest.mark.parametrize(("proves", "uptimes"), [(True, (60.0, 12.0)), (False, (3600.0, 60.0))])
def test_an_association_is_as_old_as_its_counters_or_only_hints_at_it__CN_4__CN_6(proves, uptimes):
    table = BY_COLUMN.model_copy(update={"age": Age(oid=AGE, proves=proves)})
    answer = an_answer(**{f"{MACS}.5": ANN, f"{RX}.5": 1, f"{TX}.5": 2, f"{AGE}.5": 60})
    reading = the_reading(a_station(table), answer)
    assert (reading.uptime_s, reading.agent_uptime_s) == uptimes


def test_a_meter_that_names_no_such_table_is_told_which_there_are():
    plan = a_station(BY_COLUMN, row="ann")
    assert plan.problems == ("meter ann: row 'ann' is no MAC address, as the rows of radios are",)
    who = Meter(id="ann", subscriber="S-1", table="radius", row="02:00:00:00:00:01")
    snmp = a_profile(tables={"radios": BY_COLUMN})
    (problem,) = plans.plan(a_device(meters=(who,)), snmp, {}).problems
    assert "Did you mean 'radios'?" in problem


SERIAL = "1.3.6.1.4.1.9.1.0"


@pytest.mark.parametrize(
    ("serial", "shown", "identity"),
    [
        ((SERIAL,), b"X1", "X1 02:00:00:00:00:01 in radios"),
        ((SERIAL,), None, None),  # the same box until it says so
        ((), None, "02:00:00:00:00:01 in radios"),
    ],
)
def test_another_row_is_another_counter_even_in_the_same_meter__CN_1(serial, shown, identity):
    snmp = a_profile(tables={"radios": BY_COLUMN}, serial=serial)
    who = Meter(id="ann", subscriber="S-1", table="radios", row="02:00:00:00:00:01")
    index = {Key("radios", ANN): Found("5", MACS)}
    facts = (Fact("serial", SERIAL),) if serial else ()
    plan = plans.plan(a_device(meters=(who,)), snmp, index, facts)
    answer = an_answer(**{f"{MACS}.5": ANN, f"{RX}.5": 1, f"{TX}.5": 2, SERIAL: shown})
    assert the_reading(plan, answer).identity == identity


def test_a_text_of_a_device_is_one_line_and_not_long():
    assert rows.text_of(b"hill\0 7\n\x1b[31m" + b"x" * 999) == ("hill  7  [31m" + "x" * 999)[:255]


def test_a_request_that_is_too_big_falls_apart_between_rows():
    meters = tuple(a_meter(f"m{n}", if_name=f"if{n}") for n in range(4))
    (get,) = a_plan(*meters, profile=a_profile(max_oids=60)).gets
    scalars, together = plans.parts(get)
    assert set(scalars.oids) == {uptime.oid for uptime in UPTIMES}
    one, two = plans.parts(together)
    assert [len(each.rows) for each in (one, two)] == [2, 2]
    (alone, _) = plans.parts(one)
    needed, *extras = plans.parts(alone)
    assert needed.oids == alone.rows[0].needed
    assert [each.rows for each in extras] == [(), ()]
    assert plans.parts(needed) == []
    assert plans.parts(Get(("1.3.6.1.2.1.1.3.0",), ())) == []
