"""Caps: allowance, suspension, the ways back, the new period (UC-1 to UC-3)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from capd.decide.judge import judge
from capd.decide.policy import Policy
from capd.decide.standing import apply
from capd.model import Counts, Reason, Usage
from tests.builders import (
    APRIL,
    CATALOGUE,
    ENDLESS,
    GB,
    HOME_100,
    HOME_300,
    LONDON,
    MARCH,
    NOON,
    a_breach,
    a_hold,
    a_standing,
    a_usage,
)


def judged(standing, now=NOON, policy=None):
    return judge(standing, CATALOGUE, policy or Policy(), now, currency="GBP", zone=LONDON)


def kinds(verdict):
    return [event.kind for event in verdict.events]


def over_since_noon(used=101 * GB, **more):
    """Return somebody who went over the cap at noon and was suspended for it."""
    standing = a_standing(used, **more)
    return apply(standing, judged(standing).events, CATALOGUE)


@pytest.mark.parametrize(("counts", "counted"), [("download", 3), ("upload", 5), ("both", 8)])
def test_the_product_says_which_direction_counts__UC_1(counts, counted):
    product = replace(HOME_100, counts=Counts(counts))
    standing = replace(a_standing(product=product), usage=a_usage(3, up=5))
    assert judged(standing).counted_bytes == counted


def test_without_a_cap_nothing_is_ever_too_much__UC_1():
    verdict = judged(a_standing(10**15, product=ENDLESS))
    assert (verdict.allowance_bytes, verdict.events, verdict.watch_bytes) == (None, (), None)
    assert not verdict.owed.suspended
    assert verdict.reason == "In service: 1000 TB used since 1 March, no cap."


@pytest.mark.parametrize(("prorate", "allowance"), [(False, 110 * GB), (True, 87_419_354_838)])
def test_the_cap_of_a_period_cut_short_is_by_days_where_the_policy_says_so__B_2(prorate, allowance):
    standing = a_standing(88 * GB, topup_bytes=10 * GB, days=(24, 31))
    verdict = judged(standing, policy=Policy(prorate=prorate))
    assert verdict.allowance_bytes == allowance  # what was bought is not by days
    assert verdict.owed.suspended is prorate


def test_the_allowance_is_the_cap_and_what_was_bought__UC_1():
    assert judged(a_standing(topup_bytes=10 * GB)).allowance_bytes == 110 * GB


def test_exactly_the_allowance_is_not_over__UC_2():
    verdict = judged(a_standing(100 * GB))
    assert kinds(verdict) == ["notice"]
    assert not verdict.owed.suspended
    assert verdict.watch_bytes == 100 * GB + 1


def test_one_byte_over_suspends_at_the_reading_that_shows_it__UC_2():
    verdict = judged(a_standing(100 * GB + 1))
    opened = verdict.events[-1]
    assert (opened.kind, opened.at, opened.clause) == ("hold_opened", NOON, "UC-2")
    assert opened.figures == {
        "reason": "cap",
        "period": "2026-03",
        "breach": "2026-03",
        "breaches": 1,
        "counted_bytes": 100 * GB + 1,
        "allowance_bytes": 100 * GB,
    }
    assert verdict.owed.suspended


def test_the_reason_could_be_read_to_the_subscriber__UC_6():
    verdict = judged(a_standing(101_240_000_000))
    assert verdict.reason == (
        "Over the cap: 101.2 of 100 GB used; service is suspended until more data is bought, "
        "a higher product is chosen, or the new period starts on 1 April (UC-2)."
    )
    assert verdict.reason == verdict.events[-1].text


def test_rounding_never_hides_by_how_much_somebody_is_over__UC_6():
    verdict = judged(a_standing(100 * GB + 40_000_000))
    assert verdict.reason.startswith("Over the cap: 100 of 100 GB used and 40 MB more;")


def test_a_hold_for_the_cap_opens_once__UC_2():
    assert judged(over_since_noon()).events == ()


def test_data_bought_brings_service_back_once_it_covers__UC_3():
    over = over_since_noon(103 * GB)
    too_little = judged(replace(over, topup_bytes=2 * GB))
    assert too_little.owed.suspended
    enough = judged(replace(over, topup_bytes=3 * GB))
    closed = enough.events[0]
    assert (closed.kind, closed.clause, closed.at) == ("hold_closed", "UC-3", NOON)
    assert closed.text == "Back within the allowance: 103 of 103 GB used (UC-3)."
    assert not enough.owed.suspended


def test_a_higher_product_brings_service_back__UC_3():
    verdict = judged(replace(over_since_noon(), product=HOME_300))
    assert kinds(verdict) == ["hold_closed"]
    assert (verdict.owed.product, verdict.owed.suspended) == ("home-300", False)


def test_a_product_without_a_cap_brings_service_back__UC_3():
    verdict = judged(replace(over_since_noon(), product=ENDLESS))
    assert verdict.events[0].text == "Back within the allowance: 101 GB used, no cap (UC-3)."


def test_only_the_hold_for_the_cap_closes__UC_3():
    over = over_since_noon()
    both = replace(over, holds=(*over.holds, a_hold(Reason.NON_PAYMENT)), topup_bytes=5 * GB)
    verdict = judged(both)
    assert [e.figures["reason"] for e in verdict.events if e.kind == "hold_closed"] == ["cap"]
    assert verdict.owed.suspended
    assert verdict.reason == "Service is suspended for a missed payment (CT-4)."


def test_with_two_holds_open_the_sentence_names_both():
    over = over_since_noon()
    verdict = judged(replace(over, holds=(*over.holds, a_hold(Reason.FRAUD, clause="CT-5"))))
    assert verdict.reason.endswith("on 1 April (UC-2); and also for suspected fraud (CT-5).")


def test_data_bought_in_the_second_of_the_breach_keeps_service__UC_3():
    """The purchase and the reading bear the same time: whichever comes first, service is on."""
    bought_first = judged(a_standing(101 * GB, topup_bytes=10 * GB))
    assert not bought_first.owed.suspended
    read_first = judged(replace(over_since_noon(), topup_bytes=10 * GB))
    assert not read_first.owed.suspended
    assert {event.at for event in read_first.events} == {NOON}


def test_used_up_again_it_opens_again_in_the_same_period__UC_2():
    back = replace(over_since_noon(), topup_bytes=10 * GB)
    back = apply(back, judged(back).events, CATALOGUE)
    again = replace(back, usage=a_usage(111 * GB))
    opened = judged(again).events[-1]
    assert (opened.kind, opened.figures["breaches"]) == ("hold_opened", 1)


def test_a_new_period_closes_the_hold_at_its_first_moment__UC_1():
    over = over_since_noon()
    late = APRIL.start + timedelta(hours=9)  # nobody looked before
    verdict = judged(replace(over, period=APRIL, usage=a_usage(0, period=APRIL)), late)
    closed = verdict.events[0]
    assert (closed.kind, closed.at, closed.clause) == ("hold_closed", APRIL.start, "UC-1")
    assert closed.text == "A new period began on 1 April: the allowance starts afresh (UC-1)."
    assert not verdict.owed.suspended


def test_after_a_long_silence_it_closes_when_its_own_period_ended__UC_1():
    may = datetime(2026, 5, 2, tzinfo=UTC)
    period = replace(
        APRIL, name="2026-05", start=APRIL.end, end=datetime(2026, 5, 31, 23, tzinfo=UTC)
    )
    standing = replace(
        over_since_noon(),
        period=period,
        usage=a_usage(0, period=period),
        previous=(Usage(subscriber="S-1", period=MARCH),),
    )
    assert judged(standing, may).events[0].at == MARCH.end


def test_over_already_in_the_new_period_is_a_breach_of_its_own__UC_4():
    standing = replace(over_since_noon(), period=APRIL, usage=a_usage(150 * GB, period=APRIL))
    verdict = judged(standing, APRIL.start + timedelta(days=3))
    assert kinds(verdict) == ["hold_closed", "notice", "plan_changed", "notice"]
    assert verdict.owed.product == "home-300"


def test_a_breach_in_the_last_second_of_the_month_counts_and_ends_with_it__UC_2():
    last = MARCH.end - timedelta(seconds=1)
    standing = a_standing(101 * GB)
    verdict = judged(standing, last)
    assert verdict.owed.suspended
    assert (verdict.events[-1].at, verdict.due_at) == (last, MARCH.end)
    after = apply(standing, verdict.events, CATALOGUE)
    april = judged(replace(after, period=APRIL, usage=a_usage(0, period=APRIL)), MARCH.end)
    assert [event.at for event in april.events] == [MARCH.end]
    assert not april.owed.suspended


def test_a_hold_with_an_end_closes_then_however_late_it_is_noticed__NM_4():
    end = NOON + timedelta(hours=2)
    standing = a_standing(holds=(a_hold(Reason.MAINTENANCE, clause="NM-5", until=end),))
    assert judged(standing, NOON).due_at == end
    assert judged(standing, end - timedelta(microseconds=1)).owed.suspended
    closed = judged(standing, end + timedelta(hours=5)).events[0]
    assert (closed.at, closed.clause, closed.figures["reason"]) == (end, "NM-5", "maintenance")


def test_holds_close_in_the_order_in_which_they_ended():
    one, two = NOON + timedelta(hours=1), NOON + timedelta(hours=2)
    standing = a_standing(
        holds=(a_hold(Reason.OPERATOR, until=two), a_hold(Reason.SECURITY, until=one))
    )
    assert [event.at for event in judged(standing, two).events] == [one, two]


def test_a_restriction_limits_the_rates_and_keeps_service_on__NM_4():
    hold = a_hold(Reason.RESTRICTED, clause="NM-4", down_bps=1_000_000)
    verdict = judged(a_standing(GB, holds=(hold,)))
    assert (verdict.owed.suspended, verdict.owed.down_bps, verdict.owed.up_bps) == (
        False, 1_000_000, 1_000_000,
    )  # fmt: skip
    assert verdict.reason.startswith(
        "In service, limited to 1 Mbps down and 1 Mbps up for activity that harms others (NM-4):"
    )


def test_a_restriction_never_raises_a_rate__NM_4():
    hold = a_hold(Reason.RESTRICTED, down_bps=10**9, up_bps=10**9)
    owed = judged(a_standing(holds=(hold,))).owed
    assert (owed.down_bps, owed.up_bps) == (HOME_100.down_bps, HOME_100.up_bps)


NOT_ALONE = {Reason.CAP, Reason.ENDED, Reason.LINKED}  # they close by themselves
NOT_BLOCKING = {Reason.RESTRICTED, Reason.CREDENTIALS}


@pytest.mark.parametrize("reason", [r for r in Reason if r not in NOT_ALONE | NOT_BLOCKING])
def test_every_other_hold_keeps_the_subscriber_off(reason):
    assert judged(a_standing(holds=(a_hold(reason),))).owed.suspended


def test_what_is_owed_has_the_rates_of_the_product():
    owed = judged(a_standing()).owed
    assert (owed.down_bps, owed.up_bps) == (30_000_000, 5_000_000)


def test_a_cap_of_nothing_suspends_at_the_first_byte__UC_2():
    nothing = replace(HOME_100, cap_bytes=0)
    idle = judged(a_standing(0, product=nothing))
    assert (idle.events, idle.watch_bytes) == ((), 1)
    assert judged(a_standing(1, product=nothing)).owed.suspended


def test_an_old_breach_does_not_stop_a_first_suspension__UC_4():
    old = a_breach("2025-08", datetime(2025, 8, 1, tzinfo=UTC))
    assert kinds(judged(a_standing(101 * GB, breaches=(old,))))[-1] == "hold_opened"
