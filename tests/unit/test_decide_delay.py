"""The operator may take its time before it acts (UC-8)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from capd.decide.judge import judge
from capd.decide.policy import Action, Policy
from capd.decide.standing import apply
from capd.model import Delay
from tests.builders import (
    APRIL,
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

DAY = Policy(delay_h=24)
TOMORROW = NOON + timedelta(hours=24)


def judged(standing, now=NOON, policy=DAY):
    return judge(standing, CATALOGUE, policy, now, currency="GBP", zone=LONDON)


def delayed(policy=DAY, **more):
    standing = a_standing(101 * GB, **more)
    return apply(standing, judged(standing, policy=policy).events, CATALOGUE)


def test_a_delay_puts_off_the_suspension_and_is_recorded__UC_8():
    verdict = judged(a_standing(101 * GB))
    event = verdict.events[-1]
    assert (event.kind, event.clause, event.at) == ("suspension_delayed", "UC-8", NOON)
    assert event.figures["until"] == "2026-03-11T12:00:00Z"
    assert event.figures["breach"] == "2026-03"
    assert event.text == (
        "Over the cap: 101 of 100 GB used; service goes on until 11 March 12:00 GMT (UC-8)."
    )
    assert not verdict.owed.suspended
    assert verdict.due_at == TOMORROW
    assert verdict.reason == (
        "Over the cap, and in service until 11 March 12:00 GMT all the same (UC-8): "
        "101 of 100 GB used, the new period starts on 1 April."
    )


def test_a_delay_is_recorded_once__UC_8():
    assert judged(delayed(), NOON + timedelta(hours=1)).events == ()


def test_when_the_delay_ends_the_hold_opens_dated_then__UC_8():
    verdict = judged(using(delayed(), 105 * GB), TOMORROW + timedelta(minutes=7))
    (opened,) = verdict.events
    assert (opened.kind, opened.at, opened.clause) == ("hold_opened", TOMORROW, "UC-2")


def test_to_the_second__UC_8():
    assert judged(delayed(), TOMORROW - timedelta(microseconds=1)).events == ()
    assert judged(delayed(), TOMORROW).owed.suspended


def test_data_bought_in_time_and_nothing_follows__UC_8():
    verdict = judged(replace(delayed(), topup_bytes=GB), TOMORROW)
    assert verdict.owed.suspended is False
    assert [e.kind for e in verdict.events if e.kind.startswith("hold")] == []


def test_a_product_may_have_its_own_delay__UC_8():
    none = a_standing(101 * GB, product=replace(HOME_100, delay_h=0))
    assert judged(none).owed.suspended
    longer = judged(a_standing(101 * GB, product=replace(HOME_100, delay_h=48)))
    assert longer.due_at == NOON + timedelta(hours=48)


def test_a_person_may_give_one_subscriber_longer__UC_8():
    grace = Delay(until=NOON + timedelta(days=3), author="sam", note="called in")
    verdict = judged(a_standing(101 * GB, delay=grace), policy=Policy())
    assert verdict.events[-1].figures["until"] == "2026-03-13T12:00:00Z"
    assert verdict.due_at == grace.until


def test_a_delay_granted_while_suspended_brings_service_back__UC_8():
    suspended = delayed(policy=Policy())
    grace = Delay(until=TOMORROW, author="sam", note="called in")
    verdict = judged(replace(suspended, delay=grace), policy=Policy())
    (closed,) = verdict.events
    assert (closed.kind, closed.clause) == ("hold_closed", "UC-8")
    assert closed.text == (
        "The operator has put off the suspension for going over the cap "
        "until 11 March 12:00 GMT (UC-8)."
    )
    after = apply(replace(suspended, delay=grace), verdict.events, CATALOGUE)
    assert judged(after, TOMORROW, Policy()).owed.suspended


def test_a_delay_that_is_over_changes_nothing__UC_8():
    old = Delay(until=NOON - timedelta(days=30), author="sam", note="")
    opened = judged(a_standing(101 * GB, delay=old), policy=Policy()).events[-1]
    assert (opened.kind, opened.at) == ("hold_opened", NOON)


def test_a_move_up_waits_for_the_delay_too__UC_8():
    standing = delayed(breaches=(a_breach(),))
    assert standing.product.id == "home-100"
    assert judged(standing, TOMORROW).owed.product == "home-300"


def test_charges_wait_for_the_delay_and_then_cover_all_of_it__UC_8():
    policy = Policy(delay_h=24, repeat_action=Action.CHARGE)
    standing = using(delayed(policy, breaches=(a_breach(),)), 104 * GB)
    charges = [e.figures["charge"] for e in judged(standing, TOMORROW, policy).events]
    assert charges == ["administration", *["overage"] * 4]


def test_a_delay_does_not_outlive_the_period_s_usage__UC_8():
    late = datetime(2026, 3, 31, 12, tzinfo=UTC)
    standing = a_standing(101 * GB)
    standing = apply(standing, judged(standing, late).events, CATALOGUE)
    fresh = replace(standing, period=APRIL, usage=a_usage(0, period=APRIL))
    assert judged(fresh, late + timedelta(hours=24)).events == ()
