"""A product that an import makes worse: who has it is told, and keeps what it was until then."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from capd.answers.why import explain
from capd.decide.policy import Policy
from capd.decide.terms.contract import Changes, Contract
from capd.errors import ConfigError
from capd.hindsight.difference import Difference, Which
from capd.hindsight.known import Span, Terms
from capd.hindsight.run import Question, lives
from capd.house import House
from capd.metrics import Metrics
from capd.model import Counts
from capd.pipeline import accept_turn, account_turn, decide_turn
from capd.store import check
from tests.builders import (
    GB,
    HOME_100,
    HOME_300,
    LONDON,
    a_fact,
    a_reading,
    a_subscriber,
    an_inventory,
)

BEGAN = datetime(2026, 3, 2, tzinfo=UTC)
MARCH_10 = datetime(2026, 3, 10, 12, tzinfo=UTC)
EARLIEST = date(2026, 4, 11)  # a calendar month's notice that is given on 10 March, to a midnight
MAY = datetime(2026, 4, 30, 23, tzinfo=UTC)  # the first billing month after it, in summer time
TICK = timedelta(seconds=1)
WORSE = replace(HOME_100, price=Decimal("30.00"), cap_bytes=80 * GB, down_bps=20_000_000)


async def a_house(store, *, policy=None, **inventory):
    house = House(
        store=store, policy=policy or Policy(), zone=LONDON, currency="GBP", metrics=Metrics()
    )
    told = an_inventory(**inventory)
    await store.people.apply(told, dry_run=False, author="desk", at=BEGAN, notice=house.notice)
    await house.look_round()
    await decide_turn(house, [one.id for one in told.subscribers], now=BEGAN)
    return house


async def changed(house, product, at=MARCH_10, *, dry_run=False, **more):
    """Import *product* again, as `capd import` does."""
    new = an_inventory(products=(product,), subscribers=(), devices=(), **more)
    given = {"dry_run": dry_run, "author": "desk", "at": at, "notice": house.notice}
    changes = await house.store.people.apply(new, **given)
    if changes and not dry_run:
        await decide_turn(house, await house.store.people.ids(), now=at)
    return changes


async def look(house, at, who="S-1"):
    (verdict,) = await decide_turn(house, [who], now=at)
    return verdict


async def events(house, *kinds):
    found = await house.store.trail.events(limit=1000)
    return [event for _, event in found if event.kind in kinds]


async def had(house, at, who="S-1"):
    standing = await house.store.people.standing_of(who, at, LONDON, 6)
    return standing.product


async def test_a_product_made_worse_waits_for_a_months_notice__CT_6(store):
    house = await a_house(store)
    changes = await changed(house, WORSE)
    assert changes.lines == (
        "product home-100: cap_bytes 100000000000 -> 80000000000",
        "product home-100: down_bps 30000000 -> 20000000",
        "product home-100: price 25.00 -> 30.00",
        "product home-100: terms_from nothing -> 2026-04-11",
    )
    (warning,) = changes.warnings
    assert warning == (
        "product home-100: worse for 1 who have it: they are told, and keep what they have until "
        "their first billing month from 2026-04-11 on (CT-6); who takes it from now on has it as "
        "it is in the file"
    )
    (told,) = await events(house, "product_terms")
    assert (told.at, told.author, told.clause) == (MARCH_10, "desk", "CT-6")
    assert told.text == (
        "Home 100 changes for you on 1 May 2026: 30.00 GBP a month instead of 25.00 GBP a month, "
        "a cap of 80 GB instead of a cap of 100 GB, up to 20 Mbps down instead of up to 30 Mbps "
        "down. Until then all stays as it is (CT-6)."
    )
    for at in (MARCH_10, MAY - TICK):
        verdict = await look(house, at)
        assert (verdict.allowance_bytes, verdict.owed.down_bps) == (100 * GB, 30_000_000)
    assert await had(house, MAY - TICK) == replace(HOME_100, terms_from=EARLIEST)
    verdict = await look(house, MAY)
    assert (verdict.allowance_bytes, verdict.owed.down_bps) == (80 * GB, 20_000_000)
    (held,) = await events(house, "product_terms_hold")
    assert (held.at, held.clause) == (MAY, "CT-6")
    assert await check(store) == []


async def test_the_new_terms_hold_from_their_day_also_when_nobody_was_there__CT_6(sqlite_store):
    house = await a_house(sqlite_store)
    await changed(house, WORSE)
    again = House(
        store=sqlite_store, policy=Policy(), zone=LONDON, currency="GBP", metrics=Metrics()
    )
    verdict = await look(again, MAY + timedelta(days=100))  # down for as long
    assert verdict.allowance_bytes == 80 * GB
    found = await events(again, "product_terms", "product_terms_hold", "product_terms_over")
    assert [(event.kind, event.at) for event in found[:2]] == [
        ("product_terms", MARCH_10), ("product_terms_hold", MAY),
    ]  # fmt: skip
    assert [event.kind for event in found[2:]] == ["product_terms_over"]
    assert await check(sqlite_store) == []


async def test_nobody_is_told_twice_and_an_import_again_changes_nothing__CT_6(sqlite_store):
    house = await a_house(sqlite_store)
    dry = await changed(house, WORSE, dry_run=True)
    real = await changed(house, WORSE)
    assert dry == real
    later = MARCH_10 + timedelta(days=3)
    for again in (WORSE, replace(WORSE, terms_from=EARLIEST)):  # as a file, and as an export has it
        assert not await changed(house, again, later)
    assert not await changed(house, WORSE, MAY + timedelta(days=3))
    assert len(await events(house, "product_terms")) == 1
    exported = await sqlite_store.people.inventory()
    assert exported.products[0] == replace(WORSE, terms_from=EARLIEST)


async def test_a_day_that_is_too_near_is_refused_with_the_earliest__CT_6(sqlite_store):
    house = await a_house(sqlite_store)
    near = replace(WORSE, terms_from=EARLIEST - timedelta(days=1))
    for dry_run in (True, False):
        with pytest.raises(ConfigError) as refused:
            await changed(house, near, dry_run=dry_run, sectors=())
        (problem,) = refused.value.problems
        assert problem == (
            "product home-100: from: 2026-04-10 is too near: it is worse for 1 who have it, and "
            "after a notice that is given today it may hold from 2026-04-11 (CT-6)"
        )
    assert (await look(house, MAY)).allowance_bytes == 100 * GB  # nothing of it was done
    assert not await events(house, "product_terms")


async def test_the_day_that_the_file_says_is_taken_where_it_is_far_enough__CT_6(sqlite_store):
    people = (a_subscriber(), a_subscriber("S-2", cycle_day=15))
    house = await a_house(sqlite_store, subscribers=people)
    await changed(house, replace(WORSE, terms_from=date(2026, 6, 1)))
    june, fifteenth = datetime(2026, 5, 31, 23, tzinfo=UTC), datetime(2026, 6, 14, 23, tzinfo=UTC)
    for who, at in (("S-1", june), ("S-2", fifteenth)):  # each with a billing month of their own
        assert (await look(house, at - TICK, who)).allowance_bytes == 100 * GB
        assert (await look(house, at, who)).allowance_bytes == 80 * GB


async def test_what_is_better_holds_at_once_and_needs_no_notice__CT_6(sqlite_store):
    house = await a_house(sqlite_store)
    better = replace(HOME_100, cap_bytes=120 * GB, price=Decimal("20.00"), counts=Counts.DOWNLOAD)
    assert (await changed(house, better)).warnings == ()
    assert (await look(house, MARCH_10)).allowance_bytes == 120 * GB
    assert not await events(house, "product_terms")
    worse = replace(better, counts=Counts.BOTH)  # more of what is used counts
    assert (await changed(house, worse)).warnings
    assert (await had(house, MARCH_10)).counts is Counts.DOWNLOAD


async def test_what_is_better_waits_only_for_a_day_to_come__CT_6(sqlite_store):
    house = await a_house(sqlite_store)
    better = replace(HOME_100, cap_bytes=120 * GB, terms_from=date(2026, 3, 10))  # today
    await changed(house, better)
    assert (await look(house, MARCH_10)).allowance_bytes == 120 * GB
    later = replace(better, cap_bytes=150 * GB, terms_from=date(2026, 3, 20))
    await changed(house, later)
    april = datetime(2026, 3, 31, 23, tzinfo=UTC)
    assert (await look(house, april - TICK)).allowance_bytes == 120 * GB
    assert (await look(house, april)).allowance_bytes == 150 * GB
    (told,) = await events(house, "product_terms")
    assert (
        "changes for you on 1 April 2026: a cap of 150 GB instead of a cap of 120 GB" in told.text
    )


async def test_a_price_that_rises_needs_the_days_that_the_policy_says__B_3(sqlite_store):
    terms = Contract(changes=Changes(notice_months=0, notice_days=30, clause="B-3"))
    house = await a_house(sqlite_store, policy=Policy(contract=terms))
    dear = replace(HOME_100, price=Decimal("30.00"))
    await changed(house, dear)
    (told,) = await events(house, "product_terms")
    assert (told.clause, told.figures["effective_at"]) == ("B-3", "2026-04-30T23:00:00Z")
    assert (await had(house, MARCH_10)).price == Decimal("25.00")
    assert (await sqlite_store.people.inventory()).products[0].terms_from == date(2026, 4, 10)


async def test_who_takes_the_product_later_has_it_as_it_is_listed__CT_6(sqlite_store):
    people = (a_subscriber(), a_subscriber("S-2", product="home-300"))
    house = await a_house(sqlite_store, subscribers=people)
    await changed(house, WORSE)
    await accept_turn(house, a_fact("plan", subscriber="S-2", product="home-100"), now=MARCH_10)
    assert (await look(house, MARCH_10, "S-2")).allowance_bytes == 80 * GB
    assert (await look(house, MARCH_10, "S-1")).allowance_bytes == 100 * GB
    await accept_turn(house, a_fact("plan", product="home-300"), now=MARCH_10)
    back = a_fact("plan", product="home-100")
    await accept_turn(house, back, now=MARCH_10 + timedelta(days=1))  # chosen anew, as it is now
    assert (await look(house, MARCH_10 + timedelta(days=1))).allowance_bytes == 80 * GB
    assert await check(sqlite_store) == []


async def test_a_change_that_is_called_off_is_told_and_nothing_changes__CT_6(sqlite_store):
    house = await a_house(sqlite_store)
    await changed(house, WORSE)
    await changed(house, HOME_100, MARCH_10 + timedelta(days=2))
    (off,) = await events(house, "product_terms_off")
    assert off.text == (
        "The change of Home 100 that was announced is off: it stays as it is (CT-6)."
    )
    assert (await look(house, MAY)).allowance_bytes == 100 * GB
    assert (await sqlite_store.people.inventory()).products[0] == HOME_100


async def test_less_of_what_was_announced_keeps_its_day_and_more_begins_a_new_notice__CT_6(
    sqlite_store,
):
    house = await a_house(sqlite_store)
    await changed(house, WORSE)
    later = MARCH_10 + timedelta(days=20)
    await changed(house, replace(WORSE, cap_bytes=90 * GB), later)
    told = (await events(house, "product_terms"))[-1]
    assert told.figures["effective_at"] == "2026-04-30T23:00:00Z"
    assert "a cap of 90 GB instead of a cap of 100 GB" in told.text
    await changed(house, replace(WORSE, cap_bytes=70 * GB), later)
    told = (await events(house, "product_terms"))[-1]
    assert told.figures["effective_at"] == "2026-04-30T23:00:00Z"  # 1 May is a month later too
    assert (await sqlite_store.people.inventory()).products[0].terms_from == date(2026, 5, 1)
    assert (await look(house, later)).allowance_bytes == 100 * GB
    assert (await look(house, MAY)).allowance_bytes == 70 * GB


async def test_late_bytes_of_the_old_month_count_against_what_it_was__CT_6(sqlite_store):
    house = await a_house(sqlite_store)
    await changed(house, WORSE)
    first = [a_reading(0, at=BEGAN), a_reading(0, at=datetime(2026, 4, 2, tzinfo=UTC))]
    await account_turn(house, first)
    await look(house, MAY + timedelta(hours=1))  # the new month, by the clock, before any reading
    late = a_reading(90 * GB, at=MAY + timedelta(hours=2))
    await account_turn(house, [late])
    assert not await events(house, "breach", "hold_opened")
    april = (await sqlite_store.ledger.periods("S-1"))[1]
    assert 80 * GB < april.down_bytes < 100 * GB


async def test_what_comes_is_explained_beside_what_is__CT_6(sqlite_store):
    house = await a_house(sqlite_store)
    await changed(house, WORSE)
    record = await explain(house, "S-1", MARCH_10)
    assert (record["figures"]["cap_bytes"], record["owed"]["down_bps"]) == (100 * GB, 30_000_000)
    assert (
        "Home 100 changes on 1 May 2026: 30.00 GBP a month instead of 25.00 GBP a month, a cap of "
        "80 GB instead of a cap of 100 GB, up to 20 Mbps down instead of up to 30 Mbps down (CT-6)."
    ) in record["what_would_change"]
    after = await explain(house, "S-1", MAY)
    assert (after["figures"]["cap_bytes"], after["owed"]["down_bps"]) == (80 * GB, 20_000_000)
    assert not any("changes on" in line for line in after["what_would_change"])


async def test_an_upgrade_for_going_over_needs_no_notice_and_leads_to_what_is_listed__CT_6_UC_4(
    sqlite_store,
):
    house = await a_house(sqlite_store)
    dear = replace(HOME_300, price=Decimal("39.00"))
    await changed(house, dear)  # nobody has it
    await account_turn(house, [a_reading(0, at=BEGAN), a_reading(101 * GB, at=MARCH_10)])
    april = datetime(2026, 4, 1, tzinfo=UTC)
    await account_turn(house, [a_reading(101 * GB, at=april)])
    await account_turn(house, [a_reading(202 * GB, at=april + timedelta(days=9))])
    (moved,) = await events(house, "plan_changed")
    assert (moved.clause, moved.figures["price"]) == ("UC-4", "39.00")
    assert moved.at == april + timedelta(days=9)
    assert not await events(house, "product_terms")


async def test_a_life_led_again_over_the_change_is_what_did_happen__CT_6(sqlite_store):
    house = await a_house(sqlite_store)
    await account_turn(house, [a_reading(0, at=BEGAN), a_reading(90 * GB, at=MARCH_10)])
    await changed(house, WORSE)
    may_20 = datetime(2026, 5, 20, tzinfo=UTC)
    await account_turn(house, [a_reading(90 * GB, at=MAY)])
    await look(house, MAY)
    await account_turn(house, [a_reading(175 * GB, at=may_20)])
    assert [event.at for event in await events(house, "hold_opened")] == [may_20]
    terms = Terms(
        policy=Policy(), catalogue=await sqlite_store.people.products(), zone=LONDON, currency="GBP"
    )
    for since in (BEGAN, MARCH_10 + timedelta(days=9)):  # before it was told, and since
        span = Span(since=since, until=may_20 + timedelta(days=1))
        difference = Difference(zone=LONDON, span=span)
        question = Question(would=terms, did=terms, span=span)
        found = [one async for one in lives(sqlite_store, question, difference, lambda *_: None)]
        assert {one.which for one in found} == {Which.BOTH}
        assert difference.different == 0
