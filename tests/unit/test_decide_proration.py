"""Prices by days, of what is begun or changed in mid-month (B-2)."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from capd.decide import charges
from capd.decide.policy import Policy
from capd.decide.proration import days_left, share
from capd.decide.terms.proration import Proration
from tests.builders import GB, LONDON, MARCH, a_breach
from tests.customers import Customer

BY_DAYS = Policy(proration=Proration(price=True), notice_shares=())


def charged(customer):
    return [
        (f"{event.at:%m-%d}", event.figures["amount"], event.figures["days"], event.clause)
        for event in customer.events
        if event.kind == "charge"
    ]


@pytest.mark.parametrize(("day", "left"), [(1, 31), (20, 12), (31, 1)])
def test_days_are_the_operators_own_also_over_a_clock_change__B_2(day, left):
    assert days_left(MARCH, date(2026, 3, day), LONDON) == (left, 31)


def test_a_share_is_rounded_to_the_cent__B_2():
    assert share(Decimal("25.00"), 12, 31) == Decimal("9.68")
    assert share(Decimal("-25.00"), 12, 31) == Decimal("-9.68")


def test_a_higher_product_in_mid_month_costs_the_difference_for_the_days_left__B_2():
    customer = Customer(BY_DAYS)
    customer.until("03-20T12:00")
    customer.tell("plan", product="home-300")
    assert charged(customer) == [("03-20", "3.87", 12, "B-2")]
    assert customer.last("charge").text == (
        "Home 300 comes instead on 20 March: 3.87 GBP is charged for 12 of 31 days (B-2)."
    )


def test_a_lower_one_gives_the_difference_back__B_2():
    customer = Customer(BY_DAYS)
    customer.until("03-10T12:00")
    customer.tell("plan", product="home-300")
    customer.until("03-20T12:00")
    customer.tell("plan", product="home-100")
    assert [amount for _, amount, *_ in charged(customer)] == ["7.10", "-3.87"]


def test_who_is_moved_up_pays_the_new_price_by_days__B_2():
    customer = Customer(BY_DAYS)
    customer.standing = replace(customer.standing, breaches=(a_breach(),))
    customer.until("03-20T12:00")
    customer.use(101 * GB)
    assert customer.told("plan_changed") == ["03-20T12:00 plan_changed UC-4"]
    assert charged(customer) == [("03-20", "3.87", 12, "B-2")]
    customer.look()
    assert len(charged(customer)) == 1


def test_on_the_first_day_of_a_month_nothing_is_by_days__B_2():
    customer = Customer(BY_DAYS)
    customer.tell("plan", product="home-300")
    assert charged(customer) == []


def test_by_default_prices_are_billings_business__B_2():
    customer = Customer()
    customer.until("03-20T12:00")
    customer.tell("plan", product="home-300")
    assert charged(customer) == []


def test_a_service_that_is_added_in_mid_month_costs_its_days__B_2():
    customer = Customer(BY_DAYS)
    customer.until("03-20T12:00")
    assert customer.tell("activated", device="cpe-1") is None
    assert charged(customer) == [("03-20", "9.68", 12, "B-2")]


@pytest.mark.parametrize(("on", "days"), [("2026-03-15", [17]), ("2024-05-20", [])])
def test_one_that_was_added_before_costs_the_days_since_then_if_any__B_2(on, days):
    customer = Customer(BY_DAYS)
    customer.until("03-20T12:00")
    customer.tell("activated", device="cpe-1", on=on)
    assert [charge[2] for charge in charged(customer)] == days


def test_the_last_hour_of_a_day_is_of_that_day_by_the_clocks_here__B_2():
    customer = Customer(BY_DAYS)
    customer.until("03-29T23:30")  # half past midnight on the 30th, in summer time
    customer.tell("plan", product="home-300")
    assert [charge[2] for charge in charged(customer)] == [2]


def test_a_price_of_more_than_two_places_is_in_the_figures_as_it_is__E_5():
    assert charges.exact(Decimal("25.0050")) == "25.0050"
    assert charges.exact(Decimal(25)) == "25.00"
    assert str(charges.rounded(Decimal("-0.125"))) == "-0.13"


def test_what_never_began_costs_nothing_and_its_charge_is_taken_back__B_2():
    customer = Customer(BY_DAYS)
    customer.until("03-10T12:00")
    customer.tell("activated", device="cpe-1")
    customer.until("03-12T12:00")
    for _ in range(2):
        assert customer.tell("activation_undone", device="cpe-1") is None
    amounts = [event.figures["amount"] for event in customer.events if event.kind == "charge"]
    assert amounts == ["17.74", "-17.74"]
    customer.tell("activated", device="cpe-1", on="2026-03-01")  # a whole month: billing's
    customer.tell("activation_undone", device="cpe-1")
    assert len(customer.told("charge")) == 2
