"""Warnings before the cap: shares of the allowance (UC-11), with the consequence (UC-6)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from capd.decide.judge import judge
from capd.decide.policy import Action, Policy
from capd.decide.standing import apply
from capd.model import Counts
from tests.builders import (
    CATALOGUE,
    GB,
    HOME_100,
    LONDON,
    NOON,
    a_breach,
    a_standing,
    a_usage,
    using,
)


def judged(standing, policy=None, now=NOON):
    return judge(standing, CATALOGUE, policy or Policy(), now, currency="GBP", zone=LONDON)


def told(standing, **more):
    verdict = judged(standing, **more)
    return [e.figures["notice"] for e in verdict.events if e.kind == "notice"]


def after(standing):
    return apply(standing, judged(standing).events, CATALOGUE)


@pytest.mark.parametrize(
    ("used", "notices"),
    [
        (50 * GB - 1, []),
        (50 * GB, ["usage_50"]),
        (80 * GB - 1, ["usage_50"]),
        (80 * GB, ["usage_80"]),
        (100 * GB - 1, ["usage_80"]),
        (100 * GB, ["usage_100"]),
        (140 * GB, ["usage_100"]),
    ],
)
def test_a_share_is_reached_at_and_not_after_it_and_only_the_highest_is_sent__UC_11(used, notices):
    assert told(a_standing(used)) == notices


def test_a_share_of_an_odd_allowance_is_never_early__UC_11():
    odd = replace(HOME_100, cap_bytes=101)
    assert told(a_standing(50, product=odd)) == []  # 49.5 %
    assert told(a_standing(51, product=odd)) == ["usage_50"]


def test_each_share_once_a_period__UC_11():
    standing = after(a_standing(60 * GB))
    assert told(using(standing, 79 * GB)) == []
    assert told(using(standing, 80 * GB)) == ["usage_80"]


def test_a_share_that_was_leapt_over_is_not_sent_later__UC_11():
    assert told(using(after(a_standing(85 * GB)), 86 * GB)) == []


def test_a_share_counts_again_after_the_allowance_grew__UC_11():
    standing = replace(after(a_standing(80 * GB)), topup_bytes=20 * GB)
    assert told(using(standing, 96 * GB - 1)) == ["usage_50"]  # of 120 GB
    assert told(using(standing, 96 * GB)) == ["usage_80"]


def test_a_share_does_not_count_again_after_the_allowance_shrank__UC_11():
    standing = after(a_standing(85 * GB, topup_bytes=1))
    assert told(replace(standing, topup_bytes=0)) == []


def test_a_lower_share_is_not_told_after_a_higher_one__UC_11():
    """A plan that counts less may put usage back under a share that was told long ago."""
    standing = after(replace(a_standing(60 * GB), usage=a_usage(60 * GB, up=45 * GB)))
    download_only = replace(HOME_100, counts=Counts.DOWNLOAD)
    assert told(replace(standing, product=download_only)) == []


def test_what_was_told_in_another_period_does_not_count__UC_11():
    standing = after(a_standing(60 * GB))
    given = tuple(replace(one, period="2026-02") for one in standing.given)
    assert told(replace(standing, given=given)) == ["usage_50"]


def test_a_notice_has_its_figures_and_says_what_comes_next__UC_6():
    (notice,) = judged(a_standing(81_500_000_000)).events
    assert (notice.kind, notice.clause, notice.at) == ("notice", "UC-11", NOON)
    assert notice.figures == {
        "notice": "usage_80",
        "period": "2026-03",
        "allowance_bytes": 100 * GB,
        "counted_bytes": 81_500_000_000,
        "remaining_bytes": 18_500_000_000,
    }
    assert notice.text == (
        "80 % of the allowance is used: 81.5 of 100 GB, 18.5 GB left until 1 April. Beyond it "
        "service is suspended until more data is bought or a higher product is chosen (UC-11)."
    )


def test_who_was_over_before_is_warned_of_the_move__UC_6():
    (notice,) = judged(a_standing(80 * GB, breaches=(a_breach(),))).events
    assert "Beyond it you are moved up to Home 300 at 35.00 GBP a month" in notice.text


def test_who_was_over_before_is_warned_of_the_charge__UC_6():
    standing = a_standing(80 * GB, breaches=(a_breach(),))
    (notice,) = judged(standing, Policy(repeat_action=Action.CHARGE)).events
    assert (
        "Beyond it service goes on, each 1 GB begun costs 1.00 GBP, "
        "and 5.00 GBP is charged once for administration"
    ) in notice.text


def test_a_breach_already_counted_this_month_warns_of_the_same_again__UC_6():
    mine = a_breach("2026-03", NOON - timedelta(days=1))
    (notice,) = judged(a_standing(100 * GB, topup_bytes=10 * GB, breaches=(mine,))).events
    assert "Beyond it service is suspended" in notice.text


@pytest.mark.parametrize(
    ("used", "watch"),
    [
        (0, 50 * GB),
        (50 * GB, 80 * GB),
        (99 * GB, 100 * GB),
        (100 * GB, 100 * GB + 1),
        (101 * GB, None),
    ],
)
def test_the_next_line_to_watch_for(used, watch):
    assert judged(a_standing(used)).watch_bytes == watch


def test_the_policy_sets_the_shares__UC_11():
    policy = Policy(notice_shares=(33, 120))
    assert judged(a_standing(0), policy).watch_bytes == 33 * GB
    assert told(a_standing(120 * GB), policy=policy) == ["usage_120"]
    assert told(a_standing(10**6 * GB), policy=Policy(notice_shares=())) == []


def test_a_leap_a_purchase_and_a_leap_tell_the_highest_share_of_each_allowance__UC_11():
    standing = after(a_standing(99 * GB))  # over 50 and 80 at once
    assert [given.notice for given in standing.given] == ["usage_80"]
    grown = replace(standing, topup_bytes=200 * GB)
    assert told(using(grown, 149 * GB)) == []
    leapt = after(using(grown, 250 * GB))
    assert [given.notice for given in leapt.given] == ["usage_80", "usage_80"]
    assert told(using(leapt, 300 * GB)) == ["usage_100"]
    more = replace(after(using(leapt, 300 * GB)), topup_bytes=201 * GB)
    assert told(more) == ["usage_80"]  # 300 of 301 GB


def test_a_product_without_any_data_is_off_with_its_first_byte_and_warned_of_none__UC_2():
    nothing = replace(HOME_100, cap_bytes=0)
    assert judged(a_standing(0, product=nothing)).events == ()
    verdict = judged(a_standing(1, product=nothing))
    assert [event.kind for event in verdict.events] == ["hold_opened"]
    assert verdict.owed.suspended
    assert judged(a_standing(0, product=nothing)).watch_bytes == 1
    bought = a_standing(5 * GB, product=nothing, topup_bytes=10 * GB)
    assert told(bought) == ["usage_50"]
