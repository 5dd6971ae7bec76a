"""What is said of the ledger after the fact, over real books: entries of their own, once."""

import asyncio
from datetime import timedelta

import pytest

from capd.amend import Correction, correct_turn, drawer_turn
from capd.errors import CannotBeDone, StoreError
from capd.model import DrawerState, Quality
from capd.pipeline import account_turn, decide_turn
from capd.store import check
from tests.builders import (
    APRIL,
    GB,
    LONDON,
    MARCH,
    NOON,
    a_device,
    a_meter,
    a_reading,
    an_inventory,
)
from tests.integration.test_ledger import sql
from tests.integration.test_pipeline import a_house, kinds

SLOW = {"link_bps": 8_000_000}  # a million bytes a second
LATER = NOON + timedelta(hours=1)
SAID = {"author": "cli:anna", "note": "seen on site"}


async def with_a_reading_aside(store, size=60 * GB, **more):
    house = await a_house(store, **more)
    await account_turn(house, [a_reading(0, **SLOW), a_reading(size, 5, at=300, **SLOW)])
    (one,) = await store.ledger.drawer()
    return house, one


async def usage(store, period=MARCH):
    found = await store.ledger.usage("S-1", period)
    return (found.down_bytes, found.up_bytes, found.estimated_bytes, found.unknown_us)


async def test_a_reading_put_aside_waits_with_whose_it_is_and_its_evidence__CN_10(store):
    _, one = await with_a_reading_aside(store)
    assert (one.id, one.subscriber, one.state) == (1, "S-1", DrawerState.OPEN)
    assert one.evidence.after.down_bytes == 60 * GB
    assert await store.ledger.drawer_open() == 1
    assert await store.ledger.aside(1) == one
    assert await store.ledger.aside(2) is None
    assert await usage(store) == (0, 0, 0, 300_000_000)


async def test_accepted_it_counts_in_an_entry_of_its_own_and_nothing_is_unknown__CN_10(store):
    house, one = await with_a_reading_aside(store)
    before = await store.ledger.entries("S-1", MARCH.start, MARCH.end)
    event = await drawer_turn(house, one.id, accept=True, now=LATER, **SAID)
    assert (event.kind, event.subscriber, event.author) == (
        "implausible_accepted",
        "S-1",
        "cli:anna",
    )
    assert "60 GB down and 5 B up" in event.text
    assert await usage(store) == (60 * GB, 5, 0, 0)
    assert (await store.ledger.entries("S-1", MARCH.start, MARCH.end))[:1] == before
    (closed,) = await store.ledger.drawer(closed=True)
    assert (closed.state, closed.decided_by, closed.note) == (
        "accepted",
        "cli:anna",
        "seen on site",
    )
    assert closed.decided_at == LATER
    assert await store.ledger.drawer() == []
    assert await check(store) == []


async def test_whoever_is_over_the_cap_by_what_was_accepted_is_judged_at_once__UC_2(store):
    house, one = await with_a_reading_aside(store, 101 * GB)
    assert await kinds(store, "hold_opened") == []
    await drawer_turn(house, one.id, accept=True, now=LATER, **SAID)
    assert await kinds(store, "hold_opened") == ["hold_opened"]
    assert house.memory.lines["S-1"].counted == 101 * GB + 5


async def test_refused_it_is_closed_and_counts_nothing(store):
    house, one = await with_a_reading_aside(store)
    event = await drawer_turn(house, one.id, accept=False, now=LATER, **SAID)
    assert event.kind == "implausible_refused"
    assert await usage(store) == (0, 0, 0, 300_000_000)
    assert await store.ledger.drawer_open() == 0
    assert await check(store) == []


async def test_it_is_decided_once_though_several_say_so_at_once(store):
    house, one = await with_a_reading_aside(store)
    answers = await asyncio.gather(
        *(drawer_turn(house, one.id, accept=True, now=LATER, **SAID) for _ in range(4)),
        return_exceptions=True,
    )
    assert [type(answer).__name__ for answer in answers].count("Event") == 1
    assert await usage(store) == (60 * GB, 5, 0, 0)
    with pytest.raises(CannotBeDone, match="was accepted already, by cli:anna"):
        await drawer_turn(house, one.id, accept=False, now=LATER, **SAID)
    assert await kinds(store, "implausible_accepted", "implausible_refused") == [
        "implausible_accepted"
    ]
    assert await check(store) == []


async def test_what_is_not_there_or_has_no_reason_changes_nothing(store):
    house, one = await with_a_reading_aside(store)
    with pytest.raises(CannotBeDone, match="number 7"):
        await drawer_turn(house, 7, accept=True, now=LATER, **SAID)
    with pytest.raises(CannotBeDone, match="must say why"):
        await drawer_turn(house, one.id, accept=True, now=LATER, author="cli:anna", note=" ")
    assert await store.ledger.drawer_open() == 1


async def test_more_than_the_ledger_holds_can_only_be_refused(store):
    house, one = await with_a_reading_aside(store, 2**63)
    with pytest.raises(CannotBeDone, match="can only be refused"):
        await drawer_turn(house, one.id, accept=True, now=LATER, **SAID)
    await drawer_turn(house, one.id, accept=False, now=LATER, **SAID)
    assert await check(store) == []


async def test_accepted_across_the_end_of_a_month_it_counts_in_both_and_late__CN_12(store):
    house = await a_house(store)
    start = MARCH.end - timedelta(seconds=200)
    await account_turn(
        house,
        [
            a_reading(0, at=start, **SLOW),
            a_reading(202 * GB, at=MARCH.end + timedelta(seconds=200), **SLOW),
        ],
    )
    now = MARCH.end + timedelta(days=1)
    await decide_turn(house, ["S-1"], now=now)
    await drawer_turn(house, 1, accept=True, now=now, **SAID)
    assert (await usage(store))[0] == (await usage(store, APRIL))[0] == 101 * GB
    assert (await usage(store))[3] == (await usage(store, APRIL))[3] == 0
    standing = await store.people.standing_of("S-1", now, LONDON, 6)
    assert [breach.period for breach in standing.breaches] == ["2026-03", "2026-04"]
    assert await check(store) == []


async def test_a_backup_meters_reading_counts_nothing_though_accepted__CN_14(store):
    meters = (a_meter(role="backup"),)
    inventory = an_inventory(devices=(a_device(meters=meters),))
    house, one = await with_a_reading_aside(store, inventory=inventory)
    await drawer_turn(house, one.id, accept=True, now=LATER, **SAID)
    assert await usage(store) == (0, 0, 0, 0)
    assert await check(store) == []


async def test_after_a_fall_only_the_gap_of_the_reading_itself_is_known_again__CN_8(store):
    house = await a_house(store)
    readings = [
        a_reading(9 * GB, **SLOW), a_reading(10, at=300, **SLOW), a_reading(5 * GB, at=600, **SLOW)
    ]  # fmt: skip
    await account_turn(house, readings)
    (one,) = await store.ledger.drawer()
    assert await usage(store) == (0, 0, 0, 600_000_000)
    await drawer_turn(house, one.id, accept=True, now=LATER, **SAID)
    assert await usage(store) == (5 * GB - 10, 0, 0, 300_000_000)
    assert await check(store) == []


def a_correction(down=0, up=0, **more):
    return Correction(
        subscriber="S-1",
        down_bytes=down,
        up_bytes=up,
        **{"note": "wrong port", "author": "anna", **more},
    )


async def used(store, down):
    house = await a_house(store)
    await account_turn(house, [a_reading(0), a_reading(down, 1000, at=300)])
    return house


async def test_a_correction_is_an_entry_of_its_own_and_in_the_trail(store):
    house = await used(store, 40 * GB)
    event = await correct_turn(house, a_correction(-15 * GB, 24), now=LATER)
    assert event.text == "Usage in 2026-03 was corrected by -15 GB down and +24 B up (wrong port)."
    assert (event.kind, event.author, event.figures["down_bytes"]) == (
        "correction",
        "anna",
        -15 * GB,
    )
    assert (await usage(store))[:2] == (25 * GB, 1024)
    parts = await store.ledger.entries("S-1", MARCH.start, MARCH.end)
    assert [part.down_bytes for part in parts] == [40 * GB, -15 * GB]
    assert await store.ledger.since({"S-1": NOON + timedelta(seconds=301)}) == {"S-1": 0}
    assert await check(store) == []


async def test_a_correction_brings_service_back_or_ends_it__UC_3(store):
    house = await used(store, 101 * GB)
    assert (await store.people.standing_of("S-1", LATER, LONDON, 6)).holds
    await correct_turn(house, a_correction(-50 * GB), now=LATER)
    assert not (await store.people.standing_of("S-1", LATER, LONDON, 6)).holds
    await correct_turn(house, a_correction(60 * GB), now=LATER)
    assert (await store.people.standing_of("S-1", LATER, LONDON, 6)).holds


async def test_a_correction_never_leaves_less_than_nothing_also_of_two_at_once(store):
    house = await used(store, 40 * GB)
    with pytest.raises(CannotBeDone, match="less than nothing"):
        await correct_turn(house, a_correction(-40 * GB - 1), now=LATER)
    answers = await asyncio.gather(
        *(correct_turn(house, a_correction(-30 * GB), now=LATER) for _ in range(2)),
        return_exceptions=True,
    )
    assert sorted(type(answer).__name__ for answer in answers) == ["CannotBeDone", "Event"]
    assert (await usage(store))[0] == 10 * GB
    assert await check(store) == []


async def test_a_correction_of_a_month_that_is_over_counts_as_its_breach_and_stops_nobody(store):
    house = await used(store, 40 * GB)
    now = MARCH.end + timedelta(days=3)
    await correct_turn(house, a_correction(70 * GB, period="2026-03"), now=now)
    standing = await store.people.standing_of("S-1", now, LONDON, 6)
    assert [breach.period for breach in standing.breaches] == ["2026-03"]
    assert standing.holds == ()
    assert await check(store) == []


async def test_a_correction_may_be_dated(store):
    house = await used(store, 40 * GB)
    now = MARCH.end + timedelta(days=3)
    await correct_turn(house, a_correction(1, at=NOON), now=now)
    assert (await usage(store))[0] == 40 * GB + 1
    parts = await store.ledger.entries("S-1", NOON, NOON + timedelta(seconds=1))
    assert [part.down_bytes for part in parts] == [40 * GB, 1]


@pytest.mark.parametrize(
    ("correction", "why"),
    [
        (a_correction(), "of nothing"),
        (a_correction(1, note=""), "must say why"),
        (a_correction(1, period="2026-05"), "yet to come"),
        (a_correction(1, at=LATER + timedelta(seconds=1)), "yet to come"),
        (a_correction(1, period="March"), "wants a period"),
        (a_correction(1, period="2026-02", at=NOON), "is not in the period"),
        (Correction(subscriber="S-9", down_bytes=1, note="x", author="anna"), "no subscriber"),
    ],
)
async def test_a_correction_that_makes_no_sense_is_refused(sqlite_store, correction, why):
    house = await used(sqlite_store, 40 * GB)
    with pytest.raises(CannotBeDone, match=why):
        await correct_turn(house, correction, now=LATER)
    assert (await usage(sqlite_store))[0] == 40 * GB


async def test_who_wrote_an_entry_is_never_changed_and_its_absence_is_found(store):
    house = await used(store, 40 * GB)
    await correct_turn(house, a_correction(1), now=LATER)
    with pytest.raises(StoreError, match="only ever appended to"):
        await sql(store, "UPDATE adjustments SET author = 'nobody'")
    await sql(store, "UPDATE entries SET quality = 'accepted' WHERE quality = 'corrected'")
    (mistake,) = await check(store)
    assert mistake.endswith("is accepted, and nothing says by whom")


async def test_an_implausible_reading_is_still_one_of_its_own_quality(store):
    house, one = await with_a_reading_aside(store)
    await drawer_turn(house, one.id, accept=True, now=LATER, **SAID)
    async with store._database.read() as conn:
        found = await conn.exec_driver_sql("SELECT quality, rule FROM entries ORDER BY id")
        assert [tuple(row) for row in found] == [
            (Quality.IMPLAUSIBLE, "CN-10"), ("accepted", "CN-10")
        ]  # fmt: skip
