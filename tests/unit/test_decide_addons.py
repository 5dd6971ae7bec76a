"""Add-ons (AD): ordered, active, renewed on the same day, cancelled in time, ended."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from capd.decide import facts, matters
from capd.decide.facts import Refused
from capd.decide.judge import judge
from capd.decide.policy import Policy
from capd.decide.standing import apply
from capd.decide.terms.addons import Addons, Every, Offer
from capd.model import Reason
from tests.builders import APRIL, CATALOGUE, ENDLESS, GB, LONDON, NOON, a_fact, a_standing, using

HOUR = timedelta(hours=1)
PAID_FIRST = Policy(addons=Addons(wait_for_payment=True))
MORE = Policy(
    addons=Addons(
        offers={
            "more": Offer(name="50 GB more", prices={Every.MONTH: Decimal(5)}, adds_bytes=50 * GB)
        }
    )
)


class Customer:
    """Somebody who is told facts and judged, as the books would keep them."""

    def __init__(self, used=0, *, policy=None, now=NOON, **more):
        self.standing = a_standing(used, **more)
        self.policy = policy or Policy()
        self.now = now
        self.events = []

    def tell(self, kind, **details):
        fact = a_fact(kind, **details)
        found = facts.accept(
            self.standing, fact, CATALOGUE, self.policy, self.now, currency="GBP", zone=LONDON
        )
        if isinstance(found, Refused):
            return found.sentence
        self.keep(found)
        self.look()
        return None

    def look(self):
        verdict = judge(
            self.standing, CATALOGUE, self.policy, self.now, currency="GBP", zone=LONDON
        )
        self.keep(verdict.events)
        return verdict

    def keep(self, events):
        self.events += events
        self.standing = apply(self.standing, events, CATALOGUE)

    def at(self, now, used=None, period=None):
        self.now = now
        if period is not None:
            self.standing = replace(
                self.standing, period=period, topup_bytes=0, given=(), charged=(),
                usage=replace(self.standing.usage, period=period, down_bytes=0),
            )  # fmt: skip
        if used is not None:
            self.standing = using(self.standing, used)
        return self.look()

    def kinds(self):
        return [event.kind for event in self.events]

    def last(self, kind):
        return [event for event in self.events if event.kind == kind][-1]

    def addon(self):
        return matters.find(self.standing, "addon", "unlimited")


def bought(used=0, **more):
    customer = Customer(used, **more)
    assert customer.tell("addon", addon="unlimited") is None
    return customer


def test_it_is_active_at_once_and_charged_for__AD_1():
    customer = bought()
    assert customer.kinds() == ["addon", "addon_activated", "charge"]
    charge = customer.last("charge")
    assert charge.figures["charge_id"] == "S-1/addon/unlimited/2026-03-10T12:00:00Z/0"
    assert (charge.figures["amount"], charge.clause) == ("10.00", "AD-2")
    assert customer.look().allowance_bytes is None
    assert "active: there is no cap while it lasts" in customer.last("addon_activated").text


def test_one_that_waits_for_its_payment_is_active_when_that_is_told__AD_1():
    customer = bought(policy=PAID_FIRST)
    assert customer.kinds() == ["addon"]
    assert customer.look().allowance_bytes == 100 * GB
    customer.tell("addon_paid", addon="unlimited")
    assert customer.look().allowance_bytes is None
    assert customer.tell("addon_paid", addon="unlimited") is None
    assert customer.kinds().count("addon_activated") == 1


def test_one_that_is_not_active_after_48_hours_alarms_once__AD_1():
    customer = bought(policy=PAID_FIRST)
    assert customer.look().due_at == NOON + 48 * HOUR
    customer.at(NOON + 49 * HOUR)
    customer.at(NOON + 50 * HOUR)
    assert customer.kinds() == ["addon", "addon_late"]
    assert customer.last("addon_late").at == NOON + 48 * HOUR


def test_it_brings_back_who_is_suspended__AD_1():
    customer = Customer(120 * GB)
    assert customer.look().owed.suspended
    customer.tell("addon", addon="unlimited")
    assert customer.kinds()[-1] == "hold_closed"
    assert not customer.look().owed.suspended


def test_a_month_renews_on_the_same_day_and_on_the_last_where_there_is_none__AD_2():
    customer = bought(now=datetime(2026, 1, 31, 12, tzinfo=UTC))
    days = []
    for month in (2, 3, 4):
        customer.at(datetime(2026, month, 28, 11, tzinfo=UTC))
        due = customer.look().due_at
        customer.at(matters.moment(customer.addon(), "renews_at"))
        days.append((customer.last("addon_renewed").at.day, due is not None))
    assert [day for day, _ in days] == [28, 31, 30]
    assert [e.figures["amount"] for e in customer.events if e.kind == "charge"] == ["10.00"] * 4


def test_a_year_renews_on_the_28th_when_it_began_on_a_29_february__AD_2():
    customer = Customer(now=datetime(2028, 2, 29, 9, tzinfo=UTC))
    customer.tell("addon", addon="unlimited", every="year")
    customer.at(datetime(2032, 3, 1, tzinfo=UTC))
    renewed = [e.at.date().isoformat() for e in customer.events if e.kind == "addon_renewed"]
    assert renewed == ["2029-02-28", "2030-02-28", "2031-02-28", "2032-02-29"]


def test_a_year_paid_up_front_is_not_refunded__AD_8():
    customer = Customer()
    customer.tell("addon", addon="unlimited", every="year")
    charge = customer.last("charge")
    assert (charge.figures["refundable"], charge.figures["amount"]) == (False, "100.00")
    assert charge.clause == "AD-8"
    assert "not refunded once active" in charge.text


def test_a_second_is_refused__AD_4():
    sentence = bought().tell("addon", addon="unlimited")
    assert sentence == "Unlimited downloads is there already: one a connection (AD-4)"


def test_a_second_is_refused_also_of_another_kind_or_while_the_first_waits_or_ends__AD_4():
    offers = {
        name: Offer(name=name, prices={Every.MONTH: Decimal(5)}, adds_bytes=GB)
        for name in ("more", "much more")
    }
    two = Policy(addons=Addons(offers=offers, wait_for_payment=True))
    customer = Customer(policy=two)
    assert customer.tell("addon", addon="more") is None
    refused = "more is there already: one a connection (AD-4)"
    assert customer.tell("addon", addon="more") == refused  # it waits for its payment
    assert customer.tell("addon", addon="much more") == refused
    customer.tell("addon_paid", addon="more")
    assert customer.tell("addon", addon="much more") == refused
    customer.tell("addon_cancel", addon="more")
    assert customer.tell("addon", addon="much more") == refused  # usable until its renewal
    customer.at(APRIL.start + timedelta(days=9, hours=12), period=APRIL)
    assert "addon_ended" in customer.kinds()
    assert customer.tell("addon", addon="much more") is None
    assert customer.tell("addon_payment_failed", addon="much more") is None
    assert customer.tell("addon", addon="more") is None


def test_where_there_is_no_cap_there_is_nothing_to_add_to__AD_7():
    customer = Customer(product=ENDLESS)
    assert customer.tell("addon", addon="unlimited") == (
        "Endless has no cap: nothing to add to (AD-7)"
    )


def test_a_move_to_a_product_without_a_cap_ends_it_at_its_renewal__AD_7():
    customer = bought()
    customer.tell("plan", product="endless")
    assert customer.last("addon_cancelled").clause == "AD-7"
    customer.at(datetime(2026, 4, 10, 12, tzinfo=UTC))
    assert customer.addon() is None
    assert "addon_renewed" not in customer.kinds()


@pytest.mark.parametrize(
    ("told", "ends"),
    [
        (datetime(2026, 4, 8, 11, tzinfo=UTC), datetime(2026, 4, 10, 11, tzinfo=UTC)),
        (datetime(2026, 4, 8, 11, 0, 1, tzinfo=UTC), datetime(2026, 5, 10, 11, tzinfo=UTC)),
    ],
)
def test_a_cancellation_wants_48_hours_before_the_renewal__AD_6(told, ends):
    customer = bought()  # at noon of 10 March, which is 11 o'clock UTC in April
    customer.at(told, period=APRIL)
    customer.tell("addon_cancel", addon="unlimited")
    assert matters.moment(customer.addon(), "ends_at") == ends
    assert ("after one more renewal" in customer.last("addon_cancelled").text) is (ends.month == 5)
    assert customer.tell("addon_cancel", addon="unlimited") is None
    assert customer.kinds().count("addon_cancelled") == 1
    customer.at(ends - HOUR)
    assert customer.look().allowance_bytes is None
    customer.at(ends)
    assert customer.last("addon_ended").at == ends
    assert customer.kinds().count("addon_renewed") == (ends.month == 5)


def test_a_failed_payment_ends_it_at_once__AD_3():
    customer = bought(10 * GB)
    customer.at(NOON + HOUR, 150 * GB)
    customer.tell("addon_payment_failed", addon="unlimited")
    assert customer.last("addon_ended").clause == "AD-3"
    assert customer.addon() is None


def test_what_was_used_under_it_does_not_count_afterwards_and_the_rest_does__AD_5():
    customer = bought(10 * GB)
    customer.at(NOON + HOUR, 150 * GB)
    customer.tell("addon_payment_failed", addon="unlimited")
    verdict = customer.look()
    assert (verdict.allowance_bytes, verdict.owed.suspended) == (240 * GB, False)
    assert customer.last("topup").figures["size_bytes"] == 140 * GB
    assert customer.at(NOON + 2 * HOUR, 240 * GB + 1).owed.suspended
    assert customer.last("hold_opened").figures["reason"] == Reason.CAP.value


def test_nothing_of_it_is_carried_over_into_a_new_period__AD_5():
    customer = bought(10 * GB)
    customer.tell("addon_payment_failed", addon="unlimited")
    assert matters.of_kind(customer.standing, "addon_past")
    customer.at(APRIL.start, period=APRIL)
    assert customer.standing.matters == ()
    assert customer.look().allowance_bytes == 100 * GB


def test_late_bytes_of_a_month_that_it_covered_to_the_end_go_over_nothing__AD_5():
    customer = bought()
    march = customer.standing
    customer.at(APRIL.start + HOUR, period=APRIL)
    customer.tell("addon_payment_failed", addon="unlimited")
    of_march = replace(march, matters=customer.standing.matters)
    late = judge(using(of_march, 400 * GB), CATALOGUE, Policy(), NOON, currency="GBP", zone=LONDON)
    assert (late.allowance_bytes, late.events) == (None, ())


def test_one_that_adds_data_adds_it_in_each_period_while_it_lasts():
    customer = Customer(policy=MORE)
    customer.tell("addon", addon="more")
    assert customer.look().allowance_bytes == 150 * GB
    assert customer.at(APRIL.start, period=APRIL).allowance_bytes == 150 * GB


def test_what_is_not_on_offer_is_refused_with_a_guess():
    assert Customer().tell("addon", addon="unlimitd") == (
        "there is no add-on 'unlimitd'. Did you mean 'unlimited'?"
    )
    assert "is sold by the month, not by the year" in str(
        Customer(policy=MORE).tell("addon", addon="more", every="year")
    )
    assert Customer().tell("addon_cancel", addon="unlimited") == "there is no add-on 'unlimited'."
