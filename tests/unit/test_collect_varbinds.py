"""What a device answers over SNMP becomes readings, whichever way the port looks."""

import pytest

from capd.collect.decode import varbinds
from capd.collect.decode.varbinds import Place
from capd.model import Down, Meter
from capd.profiles import HealthOid, Interfaces, Profile, SnmpCollect, UptimeOid
from tests.builders import NOON, a_device, a_meter

IFX = "1.3.6.1.2.1.31.1.1.1"
UPTIMES = (
    UptimeOid(oid="1.3.6.1.2.1.25.1.1.0", since="box"),
    UptimeOid(oid="1.3.6.1.2.1.1.3.0", since="agent"),
)


def a_profile(**snmp):
    return Profile(name="a", title="A", snmp=SnmpCollect(uptimes=UPTIMES, **snmp))


def a_plan(*meters, at=3, wired=True, profile=None):
    device = a_device(meters=meters or (a_meter(if_name="wan0"),))
    index = {m.if_name.encode(): Place(at + n, wired) for n, m in enumerate(device.meters)}
    return varbinds.plan(device, profile or a_profile(), index)


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
    assert found.doubtful
    assert found.readings == ()


def test_a_row_that_is_down_is_read_and_looked_for_again():
    found = decoded(a_plan(), an_answer(status=2))
    assert found.doubtful
    assert len(found.readings) == 1


def test_of_two_rows_of_a_name_the_living_one_counts():
    """net-snmp keeps the dead row of an interface that was made anew."""
    column = "1.3.6.1.2.1.2.2.1.8"
    up_first = {f"{column}.3": 1, f"{column}.5": 2}
    assert varbinds.choose([3, 5], column, up_first) == 3
    assert varbinds.choose([3, 5], column, {f"{column}.3": 2, f"{column}.5": 1}) == 5
    assert varbinds.choose([3, 5], column, {f"{column}.3": 2, f"{column}.5": 2}) == 5
    assert varbinds.choose([3, 5], None, {}) == 5


def test_a_name_with_a_nul_or_a_blank_at_its_end_is_the_same_name():
    assert varbinds.index_of({f"{IFX}.1.4": b"wan0\0", f"{IFX}.1.9": b"lan0 "}) == {
        b"wan0": [4],
        b"lan0": [9],
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
    index = varbinds.placed({b"ether1": 3, b"wlan1": 4, b"unsaid": 5}, column, types)
    assert {name: place.wired for name, place in index.items()} == {
        b"ether1": True,
        b"wlan1": False,
        b"unsaid": True,
    }


def test_counts_of_several_bytes_are_multiplied__CN_17():
    kbit = a_profile(interfaces=Interfaces(unit_bytes=125))
    assert the_reading(a_plan(profile=kbit), an_answer(into=8)).down_bytes == 1_000


def test_the_serial_number_tells_boxes_apart__CN_1():
    profile = a_profile(serial="1.3.6.1.4.1.9.1.0", firmware="1.3.6.1.4.1.9.2.0")
    plan = a_plan(profile=profile)
    answer = an_answer(**{"1.3.6.1.4.1.9.1.0": b"ABC123\0", "1.3.6.1.4.1.9.2.0": b"7.1"})
    assert the_reading(plan, answer).identity == "ABC123"
    assert varbinds.box(plan, answer, NOON).health == {"firmware": "7.1"}


def test_health_is_scaled_and_left_out_where_it_is_not_there():
    radio = a_profile(
        health={
            "temperature_c": HealthOid(oid="1.3.6.1.4.1.9.3.0", scale=0.1),
            "signal_dbm": HealthOid(oid="1.3.6.1.4.1.9.4.0"),
        }
    )
    plan = a_plan(profile=radio)
    answer = an_answer(**{"1.3.6.1.4.1.9.3.0": 415})
    assert varbinds.box(plan, answer, NOON).health == {"temperature_c": pytest.approx(41.5)}


def test_an_interface_that_is_not_there_is_named():
    device = a_device(meters=(a_meter(if_name="wan0"), Meter(id="x", subscriber="S-2")))
    plan = varbinds.plan(device, a_profile(), {b"lan0": Place(1, wired=True)})
    assert [each.text for each in varbinds.absent(plan)] == [
        "a meter names no interface (ifName)",
        "there is no interface wan0",
    ]


def test_extras_that_an_old_agent_does_not_have_are_asked_no_more():
    plan = a_plan()
    answer = an_answer()
    del answer[f"{IFX}.15.3"], answer["1.3.6.1.2.1.25.1.1.0"]
    thin = varbinds.without(plan, plan.gets[0], answer)
    assert set(thin.gets[0].oids) == set(plan.gets[0].oids) & set(answer)
    assert the_reading(thin, answer).uptime_s is None
