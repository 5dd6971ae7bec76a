"""CT-7: a product is withdrawn; what takes its place, when, and for whom it may not cost more."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from capd.decide import matters
from capd.decide.case import Case
from capd.decide.contract import withdrawal
from capd.decide.policy import Policy
from capd.decide.standing import apply
from capd.model import ProductId
from tests.builders import (
    CATALOGUE,
    HOME_100,
    HOME_300,
    LONDON,
    NOON,
    a_fact,
    a_product,
    a_standing,
)
from tests.unit.test_decide_contract import DAY, answer, look, told

MONTH = NOON + 30 * DAY - timedelta(hours=1)  # the same local time, in summer
GONE = replace(HOME_100, withdrawn_on=date(2026, 4, 1), upgrade_to=None)
CHEAP = a_product("home-120", 120, price=Decimal("24.00"), down_bps=30_000_000, up_bps=5_000_000)
DEAR = a_product("home-150", 150, price=Decimal("30.00"), down_bps=30_000_000, up_bps=5_000_000)
SLOW = a_product("home-slow", 200, price=Decimal("10.00"), down_bps=1_000_000, up_bps=1_000_000)


def sold(*products):
    return {ProductId(product.id): product for product in products}


def seen(standing, at=NOON, *products):
    return look(standing, at, catalogue=sold(*products))


def nearest(standing, *products):
    case = Case(
        standing=standing, catalogue=sold(*products), policy=Policy(), now=NOON, currency="GBP",
        zone=LONDON,
    )  # fmt: skip
    found = withdrawal.nearest(case, standing.product)
    return None if found is None else found.id


def bound():
    return told(a_standing(product=GONE), "activated")


def test_who_has_it_is_told_once_what_takes_its_place_and_by_when_to_choose__CT_7():
    (event,) = seen(a_standing(product=GONE), NOON, GONE, CHEAP, DEAR).events
    assert (event.kind, event.clause, event.figures["to"]) == (
        "product_withdrawn", "CT-7", "home-120",
    )  # fmt: skip
    assert event.text == (
        "Home 100 is withdrawn on 1 April 2026: unless you choose another product by 9 April 2026, "
        "you are moved to Home 120, with a cap of 120 GB, at 24.00 GBP a month (CT-7)."
    )
    standing = apply(a_standing(product=GONE), [event], sold(GONE, CHEAP))
    assert seen(standing, NOON + DAY, GONE, CHEAP).events == ()
    (moved,) = seen(standing, MONTH + DAY, GONE, CHEAP).events
    assert (moved.kind, moved.figures["to"], moved.at) == ("plan_changed", "home-120", MONTH)
    after = apply(standing, [moved], sold(GONE, CHEAP))
    assert seen(after, MONTH + DAY, GONE, CHEAP).events == ()


def test_nobody_is_moved_before_it_is_gone__CT_7():
    far = replace(GONE, withdrawn_on=date(2026, 9, 1))
    (event,) = seen(a_standing(product=far), NOON, far, CHEAP).events
    assert event.figures["due_at"] == "2026-08-31T23:00:00Z"


@pytest.mark.parametrize(
    ("offered", "to"),
    [
        ((CHEAP, DEAR), "home-120"),
        ((SLOW, DEAR), "home-150"),  # a slower one is no equivalent
        ((a_product("small", 99), DEAR), "home-150"),
        ((a_product("other", 500, family="voice"), DEAR), "home-150"),
        ((replace(CHEAP, withdrawn_on=date(2027, 1, 1)), DEAR), "home-150"),
        ((a_product("endless", None, price=Decimal(1)),), "endless"),
        ((SLOW,), None),
    ],
)
def test_the_nearest_is_the_cheapest_with_cap_and_rates_at_or_above__CT_7(offered, to):
    assert nearest(a_standing(product=GONE), GONE, *offered) == to


def test_inside_the_minimum_term_the_price_does_not_go_up__CT_7():
    assert nearest(bound(), GONE, DEAR) is None
    assert nearest(bound(), GONE, DEAR, CHEAP) == "home-120"
    free = told(a_standing(product=GONE), "activated", on="2020-01-01")
    assert nearest(free, GONE, DEAR) == "home-150"


def test_what_the_inventory_says_replaces_it_unless_that_costs_more_inside_the_term__CT_7():
    named = replace(GONE, replaced_by="home-slow")
    assert nearest(a_standing(product=named), named, SLOW, CHEAP) == "home-slow"
    dear = replace(GONE, replaced_by="home-150")
    standing = told(a_standing(product=dear), "activated")
    assert nearest(standing, dear, DEAR, CHEAP) is None


def test_where_nothing_takes_its_place_a_person_is_asked_once__CT_7():
    (event,) = seen(a_standing(product=GONE), NOON, GONE).events
    assert "we will call you" in event.text
    standing = apply(a_standing(product=GONE), [event], sold(GONE))
    (task,) = seen(standing, MONTH, GONE).events
    assert (task.kind, task.at) == ("task_opened", MONTH)
    standing = apply(standing, [task], sold(GONE))
    assert seen(standing, MONTH + DAY, GONE).events == ()


def test_another_may_be_chosen_in_the_meantime_even_a_lower_one_inside_the_term__CT_7():
    catalogue = sold(GONE, CHEAP, SLOW)
    standing = apply(bound(), look(bound(), NOON, catalogue=catalogue).events, catalogue)
    (moved,) = answer(standing, a_fact("plan", product="home-slow"), catalogue=catalogue)
    assert (moved.figures["to"], moved.clause) == ("home-slow", "CT-7")
    after = apply(standing, [moved], catalogue)
    (over,) = look(after, NOON, catalogue=catalogue).events
    assert over.kind == "withdrawal_over"
    assert matters.of_kind(apply(after, [over], catalogue), "withdrawal") == ()


def test_a_withdrawn_product_is_chosen_offered_and_moved_up_to_no_more__CT_7():
    gone = replace(HOME_300, withdrawn_on=date(2026, 3, 10))
    catalogue = {**CATALOGUE, gone.id: gone}
    found = answer(a_standing(), a_fact("plan", product="home-300"), catalogue=catalogue)
    assert found.sentence == (
        "Home 300 is withdrawn since 10 March 2026: it may not be chosen any more"
    )
    day_before = datetime(2026, 3, 9, 23, 59, tzinfo=UTC)
    fact = a_fact("plan", at=day_before, product="home-300")
    assert [e.kind for e in answer(a_standing(), fact, catalogue=catalogue)] == ["plan_changed"]


def test_whose_contract_has_ended_is_moved_nowhere__CT_7():
    over = told(a_standing(product=GONE), "terminate", cause="spam")
    assert seen(over, NOON + DAY, GONE, CHEAP).events == ()


def test_worse_terms_wait_for_the_notice_of_a_calendar_month__CT_6():
    at = datetime(2026, 7, 10, 12, tzinfo=UTC)
    same = seen(a_standing(product=GONE), at, GONE, CHEAP).events[0]
    assert same.figures["due_at"] == "2026-08-09T12:00:00Z"  # thirty days
    worse = seen(a_standing(product=GONE), at, GONE, DEAR).events[0]
    assert worse.figures["due_at"] == "2026-08-10T23:00:00Z"  # a month, to a midnight
    assert withdrawal.is_worse(SLOW, HOME_100)
    assert not withdrawal.is_worse(HOME_100, HOME_100)
