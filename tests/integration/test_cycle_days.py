"""A changed cycle day: the running period ends early, and the books hold."""

from datetime import UTC, date, datetime, time, timedelta

import pytest

from capd.account.periods import next_period, period_of
from capd.decide.contract import cycle_days
from capd.decide.policy import Policy
from capd.house import House
from capd.metrics import Metrics
from capd.model import Cycle
from capd.pipeline import accept_turn, account_turn, decide_turn
from capd.store import check
from tests.builders import GB, LONDON, a_fact, a_reading, a_subscriber, an_event, an_inventory

MARCH_10 = datetime(2026, 3, 10, 12, tzinfo=UTC)
MARCH_20 = datetime(2026, 3, 20, 9, tzinfo=UTC)


async def changed(store, day, at, *, email=None):
    subscriber = a_subscriber(cycle_day=day, email=email)
    inventory = an_inventory(subscribers=(subscriber,))
    return await store.people.apply(inventory, dry_run=False, author="desk", at=at)


async def a_house(store, **policy):
    await changed(store, 1, MARCH_10)
    house = House(
        store=store, policy=Policy(**policy), zone=LONDON, currency="GBP", metrics=Metrics()
    )
    await house.look_round()
    return house


async def told(house, day, at):
    fact = a_fact("cycle_day", at=at, day=str(day), author="billing")
    return await accept_turn(house, fact, now=at)


async def used(store):
    return {one.period.name: one.down_bytes for one in await store.ledger.periods("S-1")}


async def test_bytes_go_to_the_period_that_began_on_the_new_day(store):
    house = await a_house(store)
    await account_turn(house, [a_reading(0, at=MARCH_10), a_reading(7 * GB, at=MARCH_20)])
    changes = await changed(store, 25, MARCH_20)
    assert changes.lines == ("subscriber S-1: cycle_day 1 -> 25",)
    await house.look_round()
    turn = datetime(2026, 3, 25, tzinfo=UTC)
    around = [turn - timedelta(hours=1), turn + timedelta(hours=1)]
    await account_turn(house, [a_reading(8 * GB, at=around[0]), a_reading(10 * GB, at=around[1])])
    assert await used(store) == {"2026-03": 9 * GB, "2026-03-25": 1 * GB}
    march, then = await store.ledger.periods("S-1")
    assert (march.period.end, then.period.start) == (turn, turn)
    assert await check(store) == []


async def test_an_import_of_the_same_keeps_the_history_and_a_second_change_adds_to_it(store):
    await a_house(store)
    await changed(store, 25, MARCH_20)
    assert not await changed(store, 25, MARCH_20 + timedelta(days=1))
    lines = (await changed(store, 25, MARCH_20 + timedelta(days=2), email="a@example.net")).lines
    assert lines == ("subscriber S-1: email nothing -> a@example.net",)
    await changed(store, 5, datetime(2026, 5, 1, tzinfo=UTC))
    one = await store.people.subscriber("S-1")
    may = datetime(2026, 5, 1, tzinfo=UTC)
    assert one.cycle == Cycle(5, ((MARCH_20, 1), (may, 25)))
    homes = await store.people.meter_homes()
    assert {home.cycle for home in homes.values()} == {one.cycle}
    assert (await store.people.inventory()).subscribers == (one,)


@pytest.mark.parametrize(("prorate", "allowance"), [(False, 100), (True, 77.419354838)])
async def test_the_short_period_has_a_cap_by_days_and_what_was_bought_stays_in_it__B_2(
    store, prorate, allowance
):
    house = await a_house(store, prorate=prorate)
    await accept_turn(house, a_fact(at=MARCH_10, size="10GB", reference="R-1"), now=MARCH_10)
    await changed(store, 25, MARCH_20)
    await house.look_round()
    (verdict,) = await decide_turn(house, ["S-1"], now=MARCH_20)
    assert verdict.allowance_bytes == round((allowance + 10) * GB)
    assert verdict.due_at == datetime(2026, 3, 25, tzinfo=UTC)
    (verdict,) = await decide_turn(house, ["S-1"], now=verdict.due_at)
    assert verdict.allowance_bytes == 100 * GB  # a whole one, and nothing bought in it yet


async def test_who_is_suspended_comes_back_when_the_period_is_ended_early__UC_1(store):
    house = await a_house(store)
    over = [a_reading(0, at=MARCH_10), a_reading(101 * GB, at=MARCH_20)]
    await account_turn(house, over)
    assert (await decide_turn(house, ["S-1"], now=MARCH_20))[0].owed.suspended
    await changed(store, 25, MARCH_20 + timedelta(hours=1))
    await house.look_round()
    ended = datetime(2026, 3, 25, tzinfo=UTC)
    before, then = ended - timedelta(seconds=1), ended
    assert (await decide_turn(house, ["S-1"], now=before))[0].owed.suspended
    assert not (await decide_turn(house, ["S-1"], now=then))[0].owed.suspended


async def test_the_first_period_is_by_days_from_the_activation__B_2_CT_1(store):
    house = await a_house(store, prorate=True)
    figures = {
        "matter": "contract",
        "key": "contract",
        "open": True,
        "activated_on": "2026-03-17",
        "term_months": 12,
    }
    async with store.judging() as desk:
        await desk.record([an_event("activated", at=MARCH_20, **figures)])
    (verdict,) = await decide_turn(house, ["S-1"], now=MARCH_20)
    assert verdict.allowance_bytes == 100 * GB * 15 // 31
    april = datetime(2026, 4, 2, tzinfo=UTC)
    assert (await decide_turn(house, ["S-1"], now=april))[0].allowance_bytes == 100 * GB


async def test_a_fact_changes_the_day_as_an_import_does__UC_1_B_2(store):
    house = await a_house(store, prorate=True)
    await account_turn(house, [a_reading(0, at=MARCH_10), a_reading(7 * GB, at=MARCH_20)])
    assert await told(house, 25, MARCH_20) is None
    assert await told(house, 25, MARCH_20) is None  # told twice, it is so already
    [event] = [event for _, event in await store.trail.events() if event.kind == "cycle_day"]
    assert event.text == (
        "Billing months begin on day 25 instead of 1, first on 25 March 2026; the one before is a "
        "short one, with a cap by days (UC-1)."
    )
    assert (await store.people.subscriber("S-1")).cycle == Cycle(25, ((MARCH_20, 1),))
    [verdict] = await decide_turn(house, ["S-1"], now=MARCH_20)
    assert (verdict.allowance_bytes, verdict.due_at) == (
        100 * GB * 24 // 31, datetime(2026, 3, 25, tzinfo=UTC),
    )  # fmt: skip
    turn = datetime(2026, 3, 25, tzinfo=UTC)
    around = [turn - timedelta(hours=1), turn + timedelta(hours=1)]  # without any import between
    await account_turn(house, [a_reading(8 * GB, at=around[0]), a_reading(10 * GB, at=around[1])])
    assert await used(store) == {"2026-03": 9 * GB, "2026-03-25": 1 * GB}
    assert not await changed(store, 25, turn)  # an import that says the same
    assert await check(store) == []


async def test_a_day_of_no_month_or_of_no_contract_is_refused__UC_1(sqlite_store):
    house = await a_house(sqlite_store)
    for day in ("0", "32"):
        assert await told(house, day, MARCH_20) == (
            f"day: wants a day of the month, 1 to 31, not {day}"
        )
    assert "whole number" in await told(house, "last", MARCH_20)
    await accept_turn(house, a_fact("terminate", cause="spam"), now=MARCH_20)
    assert "contract has ended" in await told(house, 25, MARCH_20)


@pytest.mark.parametrize(
    ("today", "day", "first"),
    [
        (date(2026, 3, 20), 25, date(2026, 3, 25)),
        (date(2026, 3, 25), 25, date(2026, 4, 25)),
        (date(2026, 12, 31), 1, date(2027, 1, 1)),
        (date(2027, 2, 10), 31, date(2027, 2, 28)),  # a month's last day
        (date(2027, 2, 28), 31, date(2027, 3, 31)),
    ],
)
def test_the_first_month_of_the_new_day_is_the_one_that_the_books_begin__UC_1(today, day, first):
    assert cycle_days.next_day(today, day) == first
    at = datetime.combine(today, time(12), LONDON)
    before = 1 if day != 1 else 15
    cycle = Cycle(before).changed(day, at.astimezone(UTC))
    period = period_of(at, cycle, LONDON)
    while period.start.astimezone(LONDON).date() <= today or period.start < _turn(first):
        period = next_period(period, cycle, LONDON)
    assert period.start == _turn(first)


def _turn(day):
    return datetime.combine(day, time(), LONDON).astimezone(UTC)
