"""Over the cap more than once in six months: moved up, charged, or suspended (UC-4 to UC-6)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from capd.decide.breaches import months_after
from capd.decide.judge import judge
from capd.decide.policy import Action, Overage, Policy
from capd.decide.standing import apply
from capd.model import Charged
from tests.builders import (
    CATALOGUE,
    GB,
    HOME_100,
    HOME_300,
    HOME_900,
    LONDON,
    NOON,
    a_breach,
    a_product,
    a_standing,
    a_usage,
    using,
)

CHARGE = Policy(repeat_action=Action.CHARGE)
SUSPEND = Policy(repeat_action=Action.SUSPEND)
TWICE = Policy(second_breach_in_same_period=True)


def judged(standing, now=NOON, policy=None, catalogue=CATALOGUE):
    return judge(standing, catalogue, policy or Policy(), now, currency="GBP", zone=LONDON)


def again(used=101 * GB, **more):
    """Return somebody over the cap who was over it in January, too."""
    return a_standing(used, breaches=(a_breach(),), **more)


def actions(verdict):
    return [event for event in verdict.events if event.kind != "notice"]


# ---- the window --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (datetime(2025, 8, 31, 12), datetime(2026, 2, 28, 12)),
        (datetime(2027, 8, 31, 12), datetime(2028, 2, 29, 12)),  # a leap year
        (datetime(2025, 12, 31, 12), datetime(2026, 6, 30, 12)),
        (datetime(2025, 9, 10, 12), datetime(2026, 3, 10, 12)),
    ],
)
def test_six_months_end_on_the_same_day_or_the_months_last__UC_4(start, end):
    start, end = start.replace(tzinfo=LONDON), end.replace(tzinfo=LONDON)
    assert months_after(start.astimezone(UTC), 6, LONDON) == end


def test_six_months_are_counted_in_local_time__UC_4():
    """00:30 on 1 September in London is still August in UTC."""
    start = datetime(2025, 8, 31, 23, 30, tzinfo=UTC)
    assert months_after(start, 6, LONDON) == datetime(2026, 3, 1, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(("early", "kind"), [(1, "plan_changed"), (0, "hold_opened")])
def test_the_window_ends_six_months_to_the_second_after_a_breach__UC_4(early, kind):
    before = datetime(2025, 9, 10, 11, tzinfo=UTC)  # noon in London's summer
    standing = a_standing(101 * GB, breaches=(a_breach("2025-09", before),))
    verdict = judged(standing, NOON - timedelta(seconds=early))
    assert actions(verdict)[0].kind == kind


def test_the_window_is_the_policys__UC_4():
    verdict = judged(again(), policy=Policy(window_months=1))
    assert actions(verdict)[0].kind == "hold_opened"


def test_one_period_counts_once_however_often_a_topup_is_used_up__UC_4():
    mine = a_breach("2026-03", NOON - timedelta(days=2))
    standing = a_standing(121 * GB, topup_bytes=20 * GB, breaches=(mine,))
    opened = actions(judged(standing))[0]
    assert (opened.kind, opened.figures["breaches"]) == ("hold_opened", 1)


def test_a_second_one_in_the_same_period_counts_where_the_policy_says_so__UC_4():
    mine = a_breach("2026-03", NOON - timedelta(days=2))
    standing = a_standing(121 * GB, topup_bytes=20 * GB, breaches=(mine,))
    moved = actions(judged(standing, policy=TWICE))[0]
    assert (moved.kind, moved.figures["breach"], moved.figures["breaches"]) == (
        "plan_changed", "2026-03/2", 2,
    )  # fmt: skip


def test_a_move_up_that_is_not_enough_is_still_the_same_breach__UC_4():
    mine = a_breach("2026-03", NOON - timedelta(days=2))
    standing = a_standing(1000 * GB, topup_bytes=20 * GB, breaches=(mine,))
    names = [event.figures["breach"] for event in actions(judged(standing, policy=TWICE))]
    assert names == ["2026-03/2", "2026-03/2"]


# ---- (a) upgrade -------------------------------------------------------------------------------


def test_the_second_breach_moves_the_subscriber_up_and_opens_no_hold__UC_4():
    verdict = judged(again())
    (moved,) = actions(verdict)
    assert (moved.kind, moved.clause, moved.at) == ("plan_changed", "UC-4", NOON)
    assert moved.figures == {
        "matter": "downgrade",
        "key": "home-100",
        "open": True,
        "on": "home-300",
        "first_cap_bytes": 100 * GB,
        "from": "home-100",
        "to": "home-300",
        "price": "35.00",
        "currency": "GBP",
        "period": "2026-03",
        "breach": "2026-03",
        "breaches": 2,
        "counted_bytes": 101 * GB,
        "allowance_bytes": 100 * GB,
        "new_allowance_bytes": 300 * GB,
    }
    assert (verdict.owed.product, verdict.owed.suspended) == ("home-300", False)
    assert verdict.owed.down_bps == HOME_300.down_bps


def test_the_notice_of_a_move_says_all_that_matters__UC_6():
    assert actions(judged(again()))[0].text == (
        "Over the cap 2 times in 6 months: 101 of 100 GB used; moved from Home 100 to Home 300, "
        "with a cap of 300 GB, at 35.00 GBP a month (UC-4). You may go back to Home 100 without "
        "charge once a month's usage is below 100 GB (UC-5)."
    )


def test_the_first_product_that_covers_is_taken__UC_4():
    assert actions(judged(again(350 * GB)))[0].figures["to"] == "home-900"


def test_data_bought_counts_towards_what_covers__UC_4():
    verdict = judged(again(350 * GB, topup_bytes=50 * GB))
    assert actions(verdict)[0].figures["to"] == "home-300"


def test_if_even_the_last_is_not_enough_they_move_there_and_are_suspended__UC_4():
    verdict = judged(again(1000 * GB))
    assert [event.kind for event in actions(verdict)] == ["plan_changed", "hold_opened"]
    assert (verdict.owed.product, verdict.owed.suspended) == ("home-900", True)


def test_who_has_the_highest_product_is_suspended__UC_4():
    verdict = judged(again(1000 * GB, product=HOME_900))
    assert [event.kind for event in actions(verdict)] == ["hold_opened"]


@pytest.mark.parametrize(
    "above",
    [
        HOME_100,  # itself
        a_product("lower", 50, upgrade_to="home-100"),
        a_product("same", 100, upgrade_to="lower"),
    ],
)
def test_a_chain_that_leads_round_or_down_moves_nobody__UC_4(above):
    product = replace(HOME_100, upgrade_to=above.id)
    catalogue = {p.id: p for p in (above, a_product("lower", 50), product)}
    verdict = judged(again(product=product), catalogue=catalogue)
    assert [event.kind for event in actions(verdict)] == ["hold_opened"]


def test_a_chain_that_leads_to_nowhere_suspends__UC_4():
    verdict = judged(again(product=replace(HOME_100, upgrade_to="gone")))
    assert [event.kind for event in actions(verdict)] == ["hold_opened"]


def test_over_the_new_cap_in_the_same_month_moves_up_further__UC_4():
    first = again()
    standing = apply(first, judged(first).events, CATALOGUE)
    moved = actions(judged(using(standing, 301 * GB), NOON + timedelta(days=1)))
    assert [(e.figures["from"], e.figures["to"]) for e in moved] == [("home-300", "home-900")]


# ---- (b) charge --------------------------------------------------------------------------------


def test_a_charge_for_each_unit_begun_and_one_for_administration__UC_4():
    verdict = judged(again(102 * GB + 1), policy=CHARGE)
    charges = [(e.figures["charge"], e.figures["amount"]) for e in actions(verdict)]
    assert charges == [("administration", "5.00")] + [("overage", "1.00")] * 3
    assert {event.clause for event in verdict.events if event.kind == "charge"} == {"UC-4"}
    assert not verdict.owed.suspended
    assert actions(verdict)[1].text == (
        "Over the cap: 102 of 100 GB used; service goes on, "
        "and unit 1 of 1 GB costs 1.00 GBP (UC-4)."
    )


def test_a_unit_is_charged_once_as_usage_grows__UC_4():
    standing = again(100 * GB + 1)
    first = judged(standing, policy=CHARGE)
    assert len(actions(first)) == 2
    standing = apply(standing, first.events, CATALOGUE)
    assert first.watch_bytes == 101 * GB + 1
    assert judged(using(standing, 101 * GB), policy=CHARGE).events == ()
    second = judged(using(standing, 101 * GB + 1), policy=CHARGE)
    assert [(e.figures["charge"], e.figures["unit"]) for e in second.events] == [("overage", 2)]


def test_units_that_were_charged_are_paid_for_when_more_is_bought__UC_4():
    paid = (Charged(charge="overage", breach="2026-03", units=3),)
    breaches = (a_breach(), a_breach("2026-03", NOON - timedelta(days=1)))
    standing = a_standing(111 * GB, topup_bytes=10 * GB, breaches=breaches, charged=paid)
    assert [e for e in judged(standing, policy=CHARGE).events if e.kind == "charge"] == []
    more = judged(using(standing, 113 * GB + 1), policy=CHARGE)
    assert [e.figures.get("unit") for e in actions(more)] == [None, 4]


def test_a_leap_over_very_many_units_ends_in_one_charge_for_the_rest__UC_4():
    policy = replace(CHARGE, overage=Overage(unit_bytes=1000, fee=Decimal(0)))
    charges = actions(judged(again(101 * GB), policy=policy))
    assert len(charges) == 100
    assert sum(Decimal(e.figures["amount"]) for e in charges) == 1_000_000
    assert sum(e.figures["units"] for e in charges) == 1_000_000


def test_the_first_breach_is_never_charged__UC_4():
    assert actions(judged(a_standing(101 * GB), policy=CHARGE))[0].kind == "hold_opened"


def test_who_is_charged_is_told_so_where_they_look__UC_10():
    assert judged(again(), policy=CHARGE).reason == (
        "Over the cap, and in service: the excess is charged (UC-4): "
        "101 of 100 GB used, the new period starts on 1 April."
    )


# ---- suspend -----------------------------------------------------------------------------------


def test_the_policy_may_just_suspend_again__UC_4():
    (opened,) = actions(judged(again(), policy=SUSPEND))
    assert (opened.kind, opened.figures["breaches"]) == ("hold_opened", 2)


def test_a_breach_is_recorded_with_its_first_event_only__UC_4():
    standing = again(102 * GB)
    after = apply(standing, judged(standing, policy=CHARGE).events, CATALOGUE)
    assert [breach.period for breach in after.breaches] == ["2026-01", "2026-03"]
    assert after.breaches[1].allowance_bytes == 100 * GB


def test_upload_counts_towards_the_move_where_the_higher_product_says_so__UC_4():
    both = replace(HOME_300, cap_bytes=300 * GB)
    standing = replace(again(), usage=a_usage(101 * GB, up=250 * GB))
    catalogue = {**CATALOGUE, "home-300": both}
    assert actions(judged(standing, catalogue=catalogue))[0].figures["to"] == "home-900"
