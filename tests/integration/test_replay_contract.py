"""The contract by files of readings and facts: begun, changed, the way back, radios refused."""

from dataclasses import replace

from capd.decide.policy import Policy
from capd.decide.terms.contract import Contract, Downgrade
from capd.decide.terms.proration import Proration
from tests.builders import GB, a_device, an_inventory
from tests.replays import fact, played, reading, told

BEGUN = fact("2026-01-02T10:00:00", "activated", device="cpe-1")
TWICE_OVER = [
    reading("2026-01-02T00:00:00", 0),
    BEGUN,
    reading("2026-01-15T12:00:00", 101 * GB),
    reading("2026-02-01T00:00:00", 101 * GB),
    reading("2026-02-20T00:00:00", 202 * GB),
]
BEFORE = [
    "2026-01-02T10:00 activated CT-1",
    "2026-01-15T12:00 hold_opened cap UC-2",
    "2026-02-01T00:00 hold_closed cap UC-1",
    "2026-02-20T00:00 plan_changed home-300 UC-4",
]
OFFERED = "2026-03-31T23:00 downgrade_offered home-100 UC-5"


async def after(*lines, refusals=None, **more):
    """Return what is told after the second breach moved S-1 up in February."""
    refused = (lambda why: None) if refusals is None else refusals.append
    records = await played([*TWICE_OVER, *lines], refused=refused, **more)
    found = told(records, notices=False)
    assert found[: len(BEFORE)] == BEFORE
    return found[len(BEFORE) :]


def march(used):
    return [reading("2026-03-01T00:00:00", 202 * GB), reading("2026-03-31T00:00:00", used)]


async def test_the_way_back_is_offered_by_a_reading_past_the_month_and_dated_at_its_end__UC_5():
    assert await after(*march(281 * GB), reading("2026-04-01T00:05:00", 281 * GB)) == [OFFERED]
    bought = fact("2026-04-01T00:02:00", "topup", size="1GB", reference="r")
    late = [bought, reading("2026-04-01T00:05:00", 281 * GB)]
    assert await after(*march(281 * GB), *late) == [OFFERED]


async def test_bytes_of_the_month_that_arrive_late_count_before_it_is_offered__UC_5():
    early = [*march(301 * GB), fact("2026-04-02T00:00:00", "clock")]
    shows = reading("2026-04-08T00:00:00", 310 * GB)  # an eighth of it lies in March
    assert await after(*early, shows) == []


async def test_at_the_end_of_a_file_no_reading_is_still_to_come__UC_5():
    assert await after(*march(281 * GB), fact("2026-04-03T00:00:00", "clock")) == [OFFERED]


async def test_every_main_meter_must_be_read_past_the_month__UC_5():
    (first,) = a_device().meters
    two = replace(a_device(), meters=(first, replace(first, id="lan", if_name="lan0")))
    lines = [
        reading("2026-02-28T00:00:00", 0, meter="lan"),
        *march(281 * GB),
        reading("2026-04-01T00:05:00", 281 * GB),
        fact("2026-04-01T00:06:00", "plan", product="home-100"),
        reading("2026-04-01T00:07:00", 0, meter="lan"),
        fact("2026-04-01T00:08:00", "plan", product="home-100"),
    ]
    refusals = []
    found = await after(*lines, inventory=an_inventory(devices=(two,)), refusals=refusals)
    assert found == [OFFERED, "2026-04-01T00:08 plan_changed home-100 UC-5"]
    assert "nor was a finished month below its cap yet" in refusals[0]


async def test_a_meter_that_is_never_read_again_ends_no_month_for_ever__UC_5():
    silent = [*march(230 * GB), fact("2026-04-20T00:00:00", "clock")]
    assert await after(*silent) == ["2026-04-14T23:00 downgrade_offered home-100 UC-5"]
    long_gone = [reading("2026-03-01T00:00:00", 202 * GB), fact("2026-04-20T00:00:00", "clock")]
    assert await after(*long_gone) == [
        "2026-04-14T23:00 downgrade_unsure UC-5",
        "2026-04-14T23:00 task_opened UC-5",
    ]


async def test_several_months_above_below_above_and_taken_late__UC_5():
    lines = [
        *march(202 * GB + 250 * GB),
        reading("2026-04-01T00:00:00", 452 * GB),
        fact("2026-04-02T00:00:00", "plan", product="home-100"),
        reading("2026-04-30T22:59:00", 532 * GB),
        reading("2026-04-30T23:01:00", 532 * GB),
        reading("2026-05-31T23:00:00", 782 * GB),
        fact("2026-06-02T00:00:00", "plan", product="home-100"),
        fact("2026-06-03T00:00:00", "plan", product="home-300"),
        fact("2026-06-04T00:00:00", "plan", product="home-100"),
    ]
    refusals = []
    assert await after(*lines, refusals=refusals) == [
        "2026-04-30T23:00 downgrade_offered home-100 UC-5",
        "2026-06-02T00:00 plan_changed home-100 UC-5",
        "2026-06-03T00:00 plan_changed home-300 UC-3",
    ]
    assert len(refusals) == 2  # too early; and no way back after a move of their own choice
    assert all("allowed from 2 January 2027" in why for why in refusals)


async def test_a_policy_may_take_the_way_back_by_itself__UC_5():
    automatic = Policy(contract=Contract(downgrade=Downgrade(automatic=True)))
    lines = [*march(281 * GB), reading("2026-04-01T00:05:00", 281 * GB)]
    assert await after(*lines, policy=automatic) == ["2026-03-31T23:00 plan_changed home-100 UC-5"]


async def test_an_upgrade_of_ones_own_in_the_month_of_a_second_breach__UC_4():
    lines = [
        reading("2026-02-20T01:00:00", 202 * GB),
        fact("2026-02-20T02:00:00", "plan", product="home-900"),
        reading("2026-02-27T00:00:00", 700 * GB),
        reading("2026-03-31T22:00:00", 700 * GB),
        reading("2026-03-31T23:00:00", 700 * GB),
    ]
    assert await after(*lines) == ["2026-02-20T02:00 plan_changed home-900 UC-3"]


async def test_a_change_of_product_for_a_later_day_is_dated_then__CT_2():
    lines = [
        BEGUN,
        fact("2026-01-10T00:00:00", "plan", product="home-300", effective_on="2026-04-01"),
        fact("2026-05-01T00:00:00", "clock"),
    ]
    assert told(await played(lines)) == [
        "2026-01-02T10:00 activated CT-1",
        "2026-01-10T00:00 plan_scheduled home-300 UC-3",
        "2026-03-31T23:00 plan_changed home-300 UC-3",
    ]


async def test_only_radios_of_the_inventory_are_activated__CT_11():
    mine = a_device(serial="X1", mac="02:00:00:00:00:01")
    other = a_device("cpe-2", serial="X2", address="10.9.0.3", meters=())
    unknown = a_device("cpe-3", address="10.9.0.4", meters=())
    inventory = an_inventory(devices=(mine, other, unknown))
    tries = [
        {"device": "cpe-9"},
        {"serial": "X9"},
        {"device": "cpe-1", "serial": "X2"},
        {"device": "cpe-1", "mac": "020000000002"},
        {"mac": "wrong"},
        {"device": "cpe-3", "serial": "X9"},  # listed, and its serial is not known
        {"device": "cpe-1", "serial": "X1", "mac": "02-00-00-00-00-01"},
    ]
    lines = [fact(f"2026-01-02T10:0{n}:00", "activated", **radio) for n, radio in enumerate(tries)]
    refusals = []
    records = await played(lines, inventory=inventory, refused=refusals.append)
    assert told(records) == [
        "2026-01-02T10:05 activated CT-1",
        "2026-01-02T10:06 radio_changed CT-1",
    ]
    only = "only radios that the operator supplied may be used (CT-11)"
    assert [why.partition("refused: ")[2] for why in refusals] == [
        f"there is no device 'cpe-9' in the inventory: {only}",
        f"serial X9: no device of the inventory has it; {only}",
        f"serial X2: that is cpe-2, not cpe-1; {only}",
        f"mac 02:00:00:00:00:02: no device of the inventory has it; {only}",
        "mac: wants a MAC address such as 02:00:00:00:00:01, not 'wrong'",
    ]


async def test_what_the_days_of_a_contract_that_never_began_cost_is_taken_back__B_2():
    lines = [
        fact("2026-03-10T12:00:00", "activated", device="cpe-1"),
        fact("2026-03-12T12:00:00", "activation_undone", device="cpe-1"),
        fact("2026-03-12T13:00:00", "activated", device="cpe-1"),
        fact("2026-03-12T14:00:00", "activation_undone", device="cpe-1"),
    ]
    by_days = Policy(proration=Proration(price=True))
    records = await played(lines, policy=by_days)
    amounts = [record["amount"] for record in records if record["kind"] == "charge"]
    assert amounts == ["17.74", "-17.74", "16.13", "-16.13"]
