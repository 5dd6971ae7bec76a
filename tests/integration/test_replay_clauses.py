"""The clauses of the terms, each by a file of readings and facts, worked out by hand."""

import pytest

from capd.decide.policy import Action, Policy
from capd.model import Role
from tests.builders import (
    GB,
    HOME_100,
    HOME_300,
    HOME_900,
    a_device,
    a_meter,
    a_product,
    a_subscriber,
    an_inventory,
)
from tests.replays import fact, played, reading, told, usage

MARCH = "2026-03-"
ENDLESS = a_product("endless", None)


async def events_of(lines, *, notices=False, **more):
    return told(await played(lines, **more), notices=notices)


def used(*readings):
    """Return readings of S-1: (day and time in March, GB) each, from zero on the first."""
    begun = [reading(f"{MARCH}01T00:00:00", 0)]
    return begun + [reading(f"{MARCH}{at}", int(gb * GB)) for at, gb in readings]


async def test_exactly_the_cap_is_not_over_it__UC_2():
    lines = used(("05T00:00:00", 100))
    assert await events_of(lines) == []
    lines.append(reading(f"{MARCH}06T00:00:00", 100 * GB + 1))
    assert await events_of(lines) == ["2026-03-06T00:00 hold_opened cap UC-2"]


@pytest.mark.parametrize(
    ("counts", "fits", "over"),
    [
        ("download", (100, 500), (100, 500, 1, 0)),
        ("upload", (500, 100), (500, 100, 0, 1)),
        ("both", (60, 40), (60, 40, 0, 1)),
    ],
)
async def test_a_product_says_which_way_counts__UC_1(counts, fits, over):
    inventory = an_inventory(products=(a_product(counts=counts),))
    down, up, more_down, more_up = over
    lines = [
        reading(f"{MARCH}01T00:00:00", 0),
        reading(f"{MARCH}02T00:00:00", fits[0] * GB, fits[1] * GB),
        reading(f"{MARCH}03T00:00:00", down * GB + more_down, up * GB + more_up),
    ]
    records = await played(lines, inventory=inventory)
    assert told(records, notices=False) == ["2026-03-03T00:00 hold_opened cap UC-2"]
    assert usage(records, "2026-03")["counted_bytes"] == 100 * GB + 1


async def test_no_cap_is_never_reached__UC_1():
    endless = an_inventory(products=(ENDLESS,), subscribers=(a_subscriber(product="endless"),))
    records = await played(used(("05T00:00:00", 9_000)), inventory=endless)
    assert told(records) == []
    assert usage(records, "2026-03")["allowance_bytes"] is None


async def test_data_bought_in_the_second_of_the_breach_brings_service_back__UC_3():
    bought = fact(f"{MARCH}02T00:00:00", "topup", size="10GB", reference="a")
    lines = [*used(("02T00:00:00", 101)), bought, bought]
    lines += [
        reading(f"{MARCH}03T00:00:00", 110 * GB),
        reading(f"{MARCH}03T00:01:00", 110 * GB + 1),
    ]
    assert await events_of(lines) == [
        "2026-03-02T00:00 hold_opened cap UC-2",
        "2026-03-02T00:00 hold_closed cap UC-3",
        "2026-03-03T00:01 hold_opened cap UC-2",
    ]


async def test_a_top_up_that_just_covers_is_enough_and_less_is_not__UC_3():
    lines = [
        *used(("02T00:00:00", 101)),
        fact(f"{MARCH}02T00:10:00", "topup", size="999MB", reference="a"),
        fact(f"{MARCH}02T00:20:00", "topup", size="1MB", reference="b"),
    ]
    assert (await events_of(lines))[1:] == ["2026-03-02T00:20 hold_closed cap UC-3"]


async def test_data_bought_is_of_its_month_alone__UC_3():
    lines = [
        reading(f"{MARCH}01T00:00:00", 0),
        fact(f"{MARCH}02T00:00:00", "topup", size="50GB", reference="a"),
        reading(f"{MARCH}31T23:00:00", 120 * GB),
        reading("2026-04-02T00:00:00", 220 * GB),
        reading("2026-04-02T00:01:00", 220 * GB + 1),
    ]
    records = await played(lines)
    assert told(records, notices=False) == ["2026-04-02T00:01 hold_opened cap UC-2"]
    allowed = [usage(records, month)["allowance_bytes"] for month in ("2026-03", "2026-04")]
    assert allowed == [150 * GB, 100 * GB]


async def test_a_higher_cap_closes_that_hold_and_no_other__UC_3():
    lines = [
        reading(f"{MARCH}01T00:00:00", 0),
        fact(f"{MARCH}01T01:00:00", "hold", reason="non_payment", note="inv-7"),
        reading(f"{MARCH}02T00:00:00", 101 * GB),
        fact(f"{MARCH}02T01:00:00", "plan", product="home-300"),
        fact(f"{MARCH}05T01:00:00", "release", reason="non_payment", note="paid"),
    ]
    assert await events_of(lines) == [
        "2026-03-01T01:00 hold_opened non_payment CT-4",
        "2026-03-02T00:00 hold_opened cap UC-2",
        "2026-03-02T01:00 plan_changed home-300 UC-3",
        "2026-03-02T01:00 hold_closed cap UC-3",
        "2026-03-05T01:00 hold_closed non_payment CT-4",
    ]


@pytest.mark.parametrize(
    ("reason", "clause"),
    [
        ("non_payment", "CT-4"), ("breach", "CT-4"), ("aup", "AU-2"), ("security", "AU-4"),
        ("fraud", "CT-5"), ("restricted", "NM-4"), ("maintenance", "NM-5"), ("prepaid", "E-1"),
        ("spike", "E-2"), ("operator", "operator"),
    ],
)  # fmt: skip
async def test_every_hold_opens_once_and_ends_by_a_person_or_by_its_end__AU_2(reason, clause):
    opened = fact(f"{MARCH}01T01:00:00", "hold", reason=reason, note="seen")
    end = f"{MARCH}04T00:00:00Z"
    lines = [
        opened,
        opened,
        fact(f"{MARCH}01T02:00:00", "release", reason=reason, note="mended"),
        fact(f"{MARCH}03T01:00:00", "hold", reason=reason, note="again", until=end),
        reading(f"{MARCH}10T00:00:00", 0),
    ]
    assert await events_of(lines) == [
        f"2026-03-01T01:00 hold_opened {reason} {clause}",
        f"2026-03-01T02:00 hold_closed {reason} {clause}",
        f"2026-03-03T01:00 hold_opened {reason} {clause}",
        f"2026-03-04T00:00 hold_closed {reason} {clause}",
    ]


JANUARY = [
    reading("2026-01-10T00:00:00", 0),
    reading("2026-01-15T12:00:00", 101 * GB),
]
FIRST = [
    "2026-01-15T12:00 hold_opened cap UC-2",
    "2026-02-01T00:00 hold_closed cap UC-1",
]


@pytest.mark.parametrize(
    ("in_february", "to", "and_then"),
    [
        (101, "home-300", []),
        (300, "home-300", []),  # it just covers
        (301, "home-900", []),  # the first that covers, over the one that does not
        (901, "home-900", ["2026-02-20T00:00 hold_opened cap UC-2"]),  # the last, and not enough
    ],
)
async def test_who_goes_over_again_moves_up_to_what_covers__UC_4(in_february, to, and_then):
    lines = [
        *JANUARY,
        reading("2026-02-01T00:00:00", 101 * GB),
        reading("2026-02-20T00:00:00", (101 + in_february) * GB),
    ]
    moved = f"2026-02-20T00:00 plan_changed {to} UC-4"
    assert await events_of(lines) == [*FIRST, moved, *and_then]


@pytest.mark.parametrize(
    ("second", "event"),
    [
        ("2026-07-15T10:59:59", "2026-07-15T10:59:59 plan_changed home-300 UC-4"),
        ("2026-07-15T11:00:00", "2026-07-15T11:00 hold_opened cap UC-2"),  # noon, in summer time
    ],
)
async def test_six_months_end_at_the_same_local_time__UC_4(second, event):
    lines = [*JANUARY, reading("2026-07-01T00:00:00", 101 * GB), reading(second, 202 * GB)]
    assert await events_of(lines) == [*FIRST, event]


@pytest.mark.parametrize("again", [False, True])
async def test_a_top_up_used_up_is_the_same_breach_unless_the_policy_says_so__UC_4(again):
    lines = [
        *used(("05T00:00:00", 101)),
        fact(f"{MARCH}05T01:00:00", "topup", size="10GB", reference="1"),
        reading(f"{MARCH}06T00:00:00", 111 * GB),
    ]
    what = "plan_changed home-300 UC-4" if again else "hold_opened cap UC-2"
    policy = Policy(second_breach_in_same_period=again)
    assert (await events_of(lines, policy=policy))[2:] == [f"2026-03-06T00:00 {what}"]


async def test_each_unit_begun_is_charged_once_and_the_fee_once__UC_4():
    lines = [
        *JANUARY,
        reading("2026-02-01T00:00:00", 101 * GB),
        reading("2026-02-20T00:00:00", 201 * GB + 1),
        reading("2026-02-21T00:00:00", 202 * GB),  # still the first unit
        reading("2026-02-22T00:00:00", 202 * GB + 1),
        reading("2026-02-23T00:00:00", 204 * GB),
    ]
    unit = "charge overage 1.00 UC-4"
    assert await events_of(lines, policy=Policy(repeat_action=Action.CHARGE)) == [
        *FIRST,
        "2026-02-20T00:00 charge administration 5.00 UC-4",
        f"2026-02-20T00:00 {unit}",
        f"2026-02-22T00:00 {unit}",
        f"2026-02-23T00:00 {unit}",
    ]


async def test_a_leap_tells_the_highest_share_and_data_bought_tells_again__UC_11():
    lines = [
        *used(("05T00:00:00", 85), ("05T01:00:00", 86)),
        fact(f"{MARCH}05T02:00:00", "topup", size="100GB", reference="1"),
        reading(f"{MARCH}06T00:00:00", 100 * GB),
        reading(f"{MARCH}07T00:00:00", 160 * GB),
    ]
    assert await events_of(lines, notices=True) == [
        "2026-03-05T00:00 notice usage_80 UC-11",
        "2026-03-06T00:00 notice usage_50 UC-11",
        "2026-03-07T00:00 notice usage_80 UC-11",
    ]


async def test_the_same_file_tells_the_same_and_a_cut_one_its_beginning():
    products = (HOME_100, HOME_300, HOME_900)
    lines = [
        *used(("05T00:00:00", 101)),
        fact(f"{MARCH}05T01:00:00", "topup", size="10GB", reference="1"),
        reading("2026-04-20T00:00:00", 300 * GB),
        reading("2026-05-20T00:00:00", 900 * GB),
    ]
    whole = await played(lines, inventory=an_inventory(products=products))
    assert await played(lines, inventory=an_inventory(products=products)) == whole
    for cut in range(1, len(lines)):
        beginning = told(await played(lines[:cut]))
        assert told(whole)[: len(beginning)] == beginning


def two_boxes(**more):
    """Return S-1 with a radio and a router; *more* is said of the router's meter."""
    radio = a_device("radio", meters=(a_meter("wlan"),))
    router = a_device("router", address="10.9.0.3", meters=(a_meter("wan", **more),))
    return an_inventory(devices=(radio, router))


async def test_all_meters_of_a_connection_are_summed_whoever_used_it__UC_9():
    lines = [
        reading("2026-03-01T00:00:00", 0, device="radio", meter="wlan"),
        reading("2026-03-01T00:00:00", 0, device="router"),
        reading("2026-03-10T00:00:00", 60 * GB, device="radio", meter="wlan"),
        reading("2026-03-11T00:00:00", 40 * GB, device="router"),
        reading("2026-03-12T00:00:00", 60 * GB + 1, device="radio", meter="wlan"),
    ]
    records = await played(lines, inventory=two_boxes())
    assert told(records, notices=False) == ["2026-03-12T00:00 hold_opened cap UC-2"]
    assert usage(records, "2026-03")["counted_bytes"] == 100 * GB + 1


async def test_what_radio_and_router_both_see_counts_once__UC_9():
    lines = [
        line
        for at, down in (("2026-03-01T00:00:00", 0), ("2026-03-10T00:00:00", 60 * GB),
                         ("2026-03-20T00:00:00", 99 * GB))
        for line in (
            reading(at, down, device="radio", meter="wlan"),
            reading(at, down + 5, device="router"),
        )
    ]  # fmt: skip
    records = await played(lines, inventory=two_boxes(role=Role.BACKUP))
    assert told(records, notices=False) == []
    month = usage(records, "2026-03")
    assert (month["counted_bytes"], month["estimated_bytes"]) == (99 * GB, 0)


async def test_bytes_are_the_connections_whose_meter_it_was_when_they_flowed__UC_9():
    both = an_inventory(
        subscribers=(a_subscriber(), a_subscriber("S-2")),
        devices=(a_device(meters=(a_meter("one"), a_meter("two", "S-2", if_name="wan1"))),),
    )
    lines = [
        line
        for at, down in (("2026-03-01T00:00:00", 0), ("2026-03-10T00:00:00", 60 * GB))
        for line in (reading(at, down, meter="one"), reading(at, 2 * down, meter="two"))
    ]
    records = await played(lines, inventory=both)
    found = [usage(records, "2026-03", who)["counted_bytes"] for who in ("S-1", "S-2")]
    assert found == [60 * GB, 120 * GB]
    assert told(records, notices=False) == ["2026-03-10T00:00 hold_opened cap UC-2"]
