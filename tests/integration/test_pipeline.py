"""The turns over real books: what is read is posted, judged, ordered; nothing twice."""

import asyncio
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from capd.decide.guard import Limits
from capd.decide.policy import Policy
from capd.errors import CannotBeDone
from capd.house import House
from capd.metrics import Metrics
from capd.model import OrderState, Reason
from capd.pipeline import accept_turn, account_turn, decide_turn
from capd.store import Store, check
from tests.builders import (
    GB,
    HOME_100,
    NOON,
    a_device,
    a_fact,
    a_meter,
    a_reading,
    a_subscriber,
    an_event,
    an_inventory,
)

LONDON = ZoneInfo("Europe/London")


async def a_house(store, *, inventory=None, most_suspensions=20):
    """The turns over *store*, with one subscriber on a router that capd can configure."""
    inventory = inventory or an_inventory()
    await store.people.apply(
        inventory,
        dry_run=False,
        author="test",
        at=NOON,
        enforcing={device.id for device in inventory.devices},
    )
    house = House(
        store=store,
        policy=Policy(),
        zone=LONDON,
        currency="GBP",
        metrics=Metrics(),
        limits=Limits(most_suspensions=most_suspensions),
    )
    await house.look_round()
    await decide_turn(house, [one.id for one in inventory.subscribers], now=NOON)
    return house


async def kinds(store, *wanted):
    return [event.kind for _, event in await store.trail.events() if event.kind in wanted]


async def counted(house, subscriber="S-1"):
    return (await house.store.ledger.totals(NOON, [subscriber], LONDON))[subscriber].down_bytes


async def test_a_decision_is_dated_by_the_reading_that_shows_it__UC_2(store):
    house = await a_house(store)
    readings = [a_reading(n * 30 * GB, at=300 * n) for n in range(6)]  # 150 GB in one batch
    await account_turn(house, readings)
    events = [event for _, event in await store.trail.events() if event.kind == "hold_opened"]
    assert [(e.at, e.clause) for e in events] == [(NOON + timedelta(seconds=1200), "UC-2")]
    assert await counted(house) == 150 * GB
    assert await kinds(store, "notice") == ["notice"] * 3


async def test_over_the_cap_is_an_order_and_a_topup_takes_it_back__UC_3(store):
    house = await a_house(store)
    await account_turn(house, [a_reading(0, at=0), a_reading(101 * GB, at=300)])
    (order,) = await store.orders.due(NOON + timedelta(hours=1))
    assert (order.after.suspended, order.state, order.clause) == (True, OrderState.OPEN, "UC-2")
    fact = a_fact(size="5GB", reference="inv-9")
    assert await accept_turn(house, fact, now=NOON + timedelta(seconds=600)) is None
    assert await store.orders.due(NOON + timedelta(hours=1)) == []
    assert await kinds(store, "hold_closed") == ["hold_closed"]


async def test_the_same_reference_twice_adds_once(store):
    house = await a_house(store)
    for _ in range(2):
        await accept_turn(house, a_fact(size="5GB", reference="inv-9"), now=NOON)
    assert await kinds(store, "topup") == ["topup"]


async def test_a_fact_about_nobody_known_cannot_be_done(store):
    house = await a_house(store)
    with pytest.raises(CannotBeDone, match="S-9"):
        await accept_turn(house, a_fact(subscriber="S-9", size="5GB", reference="x"), now=NOON)


async def test_what_is_refused_says_why_and_changes_nothing(store):
    house = await a_house(store)
    before = await store.trail.last_id()
    fact = a_fact("release", reason="non_payment", note="paid")
    assert "no hold" in await accept_turn(house, fact, now=NOON)
    assert await store.trail.last_id() == before


async def test_two_houses_that_post_the_same_batch_count_it_once(store_url):
    one = await Store.open(store_url, upgrade=True)
    other = await Store.open(store_url)
    try:
        houses = [await a_house(one), await a_house(other)]
        readings = [a_reading(n * GB, at=60 * n) for n in range(50)]
        await asyncio.gather(*(account_turn(house, readings) for house in houses))
        await account_turn(houses[0], readings)
        assert await counted(houses[0]) == 49 * GB
        assert await check(one) == []
    finally:
        await one.close()
        await other.close()


async def test_a_house_that_forgot_everything_counts_on_from_the_books(store):
    house = await a_house(store)
    await account_turn(house, [a_reading(0, at=0), a_reading(40 * GB, at=300)])
    again = await a_house(store)
    await account_turn(again, [a_reading(40 * GB, at=300), a_reading(60 * GB, at=600)])
    assert await counted(again) == 60 * GB


async def test_a_change_that_a_command_made_moves_the_line(store):
    house = await a_house(store)
    await account_turn(house, [a_reading(0, at=0), a_reading(90 * GB, at=300)])
    command = House(store=store, policy=Policy(), zone=LONDON, currency="GBP", metrics=Metrics())
    await accept_turn(command, a_fact(size="50GB", reference="r"), now=NOON)
    await decide_turn(house, ["S-1"], now=NOON)  # as the daemon does when it sees the event
    await account_turn(house, [a_reading(120 * GB, at=600)])
    assert await kinds(store, "hold_opened") == []
    await account_turn(house, [a_reading(151 * GB, at=900)])
    assert await kinds(store, "hold_opened") == ["hold_opened"]


async def test_too_many_suspensions_in_an_hour_wait_for_a_person(store):
    people = [a_subscriber(f"S-{n}") for n in range(5)]
    devices = [a_device(f"cpe-{n}", meters=(a_meter(subscriber=f"S-{n}"),)) for n in range(5)]
    inventory = an_inventory(subscribers=tuple(people), devices=tuple(devices))
    house = await a_house(store, inventory=inventory, most_suspensions=3)
    for at, used in ((0, 0), (300, 101 * GB)):
        await account_turn(house, [a_reading(used, at=at, device=f"cpe-{n}") for n in range(5)])
    counts = await store.orders.counts()
    assert (counts[OrderState.OPEN], counts[OrderState.HELD]) == (3, 2)
    assert (await store.people.hold_counts())[Reason.CAP] == 5
    assert await store.orders.decide(None, approve=True, author="noc", note="seen", at=NOON) == 2
    assert (await store.orders.counts())[OrderState.OPEN] == 5


async def test_a_month_that_turns_closes_the_hold_at_its_first_moment__UC_1(store):
    house = await a_house(store)
    await account_turn(house, [a_reading(0, at=0), a_reading(101 * GB, at=300)])
    due = house.memory.due["S-1"]
    await decide_turn(house, ["S-1"], now=due + timedelta(hours=3))
    closed = [event for _, event in await store.trail.events() if event.kind == "hold_closed"]
    assert [event.at for event in closed] == [due]


async def test_two_meters_of_a_subscriber_are_added__CN_15(store):
    meters = (a_meter("wan"), a_meter("lte", if_name="wwan0"))
    house = await a_house(store, inventory=an_inventory(devices=(a_device(meters=meters),)))
    for at, used in ((0, 0), (300, 30 * GB)):
        await account_turn(house, [a_reading(used, at=at, meter=name) for name in ("wan", "lte")])
    assert await counted(house) == 60 * GB


async def test_a_reading_of_a_meter_that_nobody_knows_is_left_out(store):
    house = await a_house(store)
    await account_turn(house, [a_reading(5, meter="no such"), a_reading(7)])
    assert await counted(house) == 0


def test_the_product_that_these_tests_speak_of_has_a_cap_of_100_gb():
    assert HOME_100.cap_bytes == 100 * GB


async def test_late_bytes_of_a_month_that_is_over_count_as_its_breach__UC_4(store):
    house = await a_house(store)
    end = house.memory.lines["S-1"].period.end
    late = [
        a_reading(0, at=end - timedelta(days=2)),
        a_reading(99 * GB, at=end - timedelta(minutes=5)),
        a_reading(103 * GB, at=end + timedelta(minutes=5)),
    ]
    await account_turn(house, late[:2])
    await decide_turn(house, ["S-1"], now=end)  # the month turns before the last poll comes in
    await account_turn(house, late[2:])
    standing = await store.people.standing_of("S-1", end + timedelta(hours=1), LONDON, 6)
    assert [breach.period for breach in standing.breaches] == ["2026-03"]
    assert standing.holds == ()


async def test_suspensions_do_not_pile_up_behind_the_brake(store):
    people = [a_subscriber(f"S-{n}") for n in range(4)]
    devices = [a_device(f"cpe-{n}", meters=(a_meter(subscriber=f"S-{n}"),)) for n in range(4)]
    inventory = an_inventory(subscribers=tuple(people), devices=tuple(devices))
    house = await a_house(store, inventory=inventory, most_suspensions=3)
    async with store.judging() as desk:
        await desk.record([an_event("paused", subscriber=None, by="command")])
    for n in range(4):  # two hours apart: within every hour's limit, but nothing is carried out
        at = n * 7200
        await account_turn(
            house, [a_reading(v, at=at + s, device=f"cpe-{n}") for v, s in ((0, 0), (101 * GB, 9))]
        )
    counts = await store.orders.counts()
    assert (counts[OrderState.OPEN], counts[OrderState.HELD]) == (3, 1)
