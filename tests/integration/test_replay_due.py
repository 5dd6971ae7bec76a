"""What falls due between two lines of a file, and what late bytes show: each at its own time."""

from dataclasses import replace
from decimal import Decimal

from capd.decide.policy import Action, Overage, Policy
from capd.model import Counts
from tests.builders import ENDLESS, GB, HOME_100, HOME_300, HOME_900, a_subscriber, an_inventory
from tests.replays import fact, played, reading, told, usage

A_DAY_LATER = Policy(delay_h=24)
OVER = [reading("2026-03-01T00:00:00", 0), reading("2026-03-05T00:00:00", 101 * GB)]
DELAYED = "2026-03-05T00:00 suspension_delayed UC-8"
SUSPENDED = "2026-03-06T00:00 hold_opened cap UC-2"


async def later(*lines, **more):
    """Return what is told after going over on 5 March, under a policy that waits for a day."""
    records = await played([*OVER, *lines], **{"policy": A_DAY_LATER, **more})
    return told(records, notices=False)


async def test_a_delay_ends_although_the_file_has_only_readings_after_it__UC_8():
    assert await later(reading("2026-03-07T00:00:00", 101 * GB)) == [DELAYED, SUSPENDED]


async def test_a_delay_ends_before_the_top_up_of_a_later_day__UC_8():
    topped_up = fact("2026-03-10T00:00:00", "topup", size="10GB", reference="1")
    back = "2026-03-10T00:00 hold_closed cap UC-3"
    assert await later(topped_up) == [DELAYED, SUSPENDED, back]


async def test_a_delay_ends_before_the_month_does__UC_8():
    back = "2026-03-31T23:00 hold_closed cap UC-1"
    assert await later(fact("2026-04-02T00:00:00", "clock")) == [DELAYED, SUSPENDED, back]


async def test_a_product_may_have_its_own_delay__UC_8():
    patient = an_inventory(products=(replace(HOME_100, delay_h=2), HOME_300, HOME_900))
    found = await later(
        reading("2026-03-05T06:00:00", 101 * GB), inventory=patient, policy=Policy()
    )
    assert found == [DELAYED, "2026-03-05T02:00 hold_opened cap UC-2"]


async def test_data_bought_within_the_delay_leaves_nothing_to_follow__UC_8():
    topped_up = fact("2026-03-05T10:00:00", "topup", size="10GB", reference="1")
    assert await later(topped_up, fact("2026-03-10T00:00:00", "clock")) == [DELAYED]


LATE = [
    reading("2026-03-01T00:00:00", 0),
    reading("2026-03-31T22:50:00", 99 * GB),
    reading("2026-03-31T23:10:00", 103 * GB),  # half of it is March's, and takes it over
]


async def test_a_breach_shown_only_after_the_month_comes_before_the_next_months__UC_4():
    records = await played([*LATE, reading("2026-04-20T00:00:00", 210 * GB)])
    assert usage(records, "2026-03")["counted_bytes"] == 101 * GB
    assert told(records, notices=False) == ["2026-04-20T00:00 plan_changed home-300 UC-4"]


async def test_a_charge_for_a_month_that_is_over_is_dated_by_the_reading_that_shows_it__UC_4():
    charging = Policy(
        first_action=Action.CHARGE, overage=Overage(unit_price=Decimal("1.50"), fee=Decimal(0))
    )
    records = await played([*LATE, reading("2026-04-09T00:00:00", 104 * GB)], policy=charging)
    assert told(records, notices=False) == ["2026-03-31T23:10 charge overage 1.50 UC-4"]


async def test_a_period_keeps_what_its_product_counted__UC_1():
    downloads = replace(HOME_100, counts=Counts.DOWNLOAD)
    lines = [
        reading("2026-03-01T00:00:00", 0, 0),
        reading("2026-03-31T23:00:00", 5, 70),
        fact("2026-04-02T00:00:00", "plan", product="home-300"),
        reading("2026-04-03T00:00:00", 6, 80),
    ]
    records = await played(lines, inventory=an_inventory(products=(downloads, HOME_300, HOME_900)))
    assert usage(records, "2026-03")["counted_bytes"] == 5
    assert usage(records, "2026-04")["counted_bytes"] == 11


async def test_a_fact_that_is_refused_is_told_with_its_line__AD_7():
    refused = []
    endless = an_inventory(products=(ENDLESS,), subscribers=(a_subscriber(product="endless"),))
    bought = fact("2026-03-02T00:00:00", "topup", size="1GB", reference="1")
    lines = [reading("2026-03-01T00:00:00", 0), bought]
    await played(lines, inventory=endless, refused=refused.append)
    assert refused == [
        "month.jsonl:2: refused: Endless has no cap: there is nothing to add data to"
    ]


async def test_a_reference_is_worth_one_top_up_of_one_person_and_one_size__UC_3():
    two = an_inventory(
        subscribers=(a_subscriber("S-1"), a_subscriber("S-2")),
        devices=(),
    )
    refused = []
    bought = {"size": "10GB", "reference": "inv-9"}
    lines = [
        fact("2026-03-02T00:00:00", "topup", **bought),
        fact("2026-03-02T00:00:00", "topup", **bought),
        fact("2026-03-02T00:00:01", "topup", **bought, subscriber="S-2"),
        fact("2026-03-02T00:00:02", "topup", size="20GB", reference="inv-9"),
    ]
    records = await played(lines, inventory=two, refused=refused.append)
    allowed = [usage(records, "2026-03", who)["allowance_bytes"] for who in ("S-1", "S-2")]
    assert allowed == [110 * GB, 100 * GB]
    assert [why.split(" stands for ")[0] for why in refused] == [
        "month.jsonl:3: refused: reference 'inv-9'",
        "month.jsonl:4: refused: reference 'inv-9'",
    ]


async def test_a_file_may_begin_with_a_byte_order_mark():
    records = await played([b"\xef\xbb\xbf" + OVER[0]])
    assert usage(records, "2026-03")["counted_bytes"] == 0
