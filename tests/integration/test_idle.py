"""Accounts that are idle: who is listed, from which day on, and who is not (FU-3)."""

from datetime import UTC, datetime, timedelta

import pytest

from capd.answers.idle import idle
from capd.decide.book import book_of
from capd.decide.breaches import months_after
from capd.decide.policy import Policy
from capd.decide.terms.fair import FairUse
from capd.house import House
from capd.metrics import Metrics
from capd.pipeline import accept_turn, account_turn, decide_turn
from tests.builders import (
    GB,
    LONDON,
    a_device,
    a_fact,
    a_meter,
    a_product,
    a_reading,
    a_subscriber,
    an_inventory,
)

BEGAN = datetime(2026, 1, 5, tzinfo=UTC)
LAST = datetime(2026, 1, 12, 9, tzinfo=UTC)
VOICE = a_product("voice", family="voice")


@pytest.fixture
async def house(store):
    """S-1 reads on after the last use; S-2 has no meter; V-1's family is idle after two months."""
    people = (a_subscriber(), a_subscriber("S-2"), a_subscriber("V-1", product="voice"))
    devices = (a_device(), a_device("cpe-2", address="10.9.0.3", meters=(a_meter("v", "V-1"),)))
    told = an_inventory(products=(a_product(), VOICE), subscribers=people, devices=devices)
    await store.people.apply(told, dry_run=False, author="desk", at=BEGAN)
    voice = Policy(name="voice", families=("voice",), fair_use=FairUse(idle_months=2))
    book = book_of([Policy(), voice])
    house = House(
        store=store, policy=book.newest, book=book, zone=LONDON, currency="GBP", metrics=Metrics()
    )
    await house.look_round()
    used = [(BEGAN, 0), (LAST, GB), *((LAST + timedelta(days=n), GB) for n in range(7, 240, 7))]
    for device, meter in (("cpe-1", "wan"), ("cpe-2", "v")):
        readings = [a_reading(down, at=at, device=device, meter=meter) for at, down in used]
        await account_turn(house, readings)
    return house


async def listed(house, now):
    return [one["id"] for one in await idle(house, now)]


async def test_an_account_is_idle_six_calendar_months_after_the_day_of_its_last_use__FU_3(house):
    day_after = datetime(2026, 1, 13, tzinfo=UTC)  # what is idle is known by the day
    idle_from = months_after(day_after, 6, LONDON)
    before = idle_from - timedelta(seconds=1)
    assert await listed(house, before) == ["V-1"]
    assert await listed(house, idle_from) == ["S-1", "V-1"]
    s_1, _ = await idle(house, idle_from)
    assert s_1 == {
        "id": "S-1",
        "name": "A. Customer",
        "idle_months": 6,
        "used_until": "2026-01-13T00:00:00Z",
        "read_until": "2026-09-07T09:00:00Z",
    }


async def test_each_product_is_idle_by_the_policy_of_its_family__FU_3(house):
    assert await listed(house, months_after(LAST, 2, LONDON)) == []
    assert await listed(house, months_after(LAST, 3, LONDON)) == ["V-1"]


async def test_a_single_byte_ends_it_and_nobody_is_removed_by_it__FU_3(house):
    september = datetime(2026, 9, 20, tzinfo=UTC)
    assert await listed(house, september) == ["S-1", "V-1"]
    everybody = await house.store.people.ids()
    await decide_turn(house, everybody, now=september)
    assert await house.store.people.ids() == everybody == ["S-1", "S-2", "V-1"]
    assert await house.store.people.hold_counts() == dict.fromkeys(
        await house.store.people.hold_counts(), 0
    )
    await account_turn(house, [a_reading(GB + 1, at=september)])
    assert await listed(house, september + timedelta(hours=1)) == ["V-1"]


async def test_who_was_never_read_is_idle_since_the_contract_began__FU_3(house):
    now = datetime(2026, 9, 20, tzinfo=UTC)
    assert "S-2" not in await listed(house, now)  # nobody knows since when they are there
    began = a_fact("activated", subscriber="S-2", on="2026-02-01", device="cpe-2", at=now)
    assert await accept_turn(house, began, now=now) is None
    (s_2,) = [one for one in await idle(house, now) if one["id"] == "S-2"]
    assert (s_2["used_until"], s_2["read_until"]) == (None, None)
    assert "S-2" not in await listed(house, datetime(2026, 7, 20, tzinfo=UTC))
    await accept_turn(house, a_fact("terminate", subscriber="S-2", cause="gone"), now=now)
    assert "S-2" not in await listed(house, now)  # an end has been made already
