"""Suspensions for the cap that wait for a working hour, where the policy says so (UC-8)."""

from dataclasses import replace

from capd.decide.policy import Action, Policy
from capd.decide.terms.debt import Quiet
from capd.model import Reason
from tests.builders import GB, a_breach
from tests.customers import Customer

WAITING = Policy(quiet=Quiet(reasons=(Reason.CAP,)), notice_shares=())


def over(at, policy=WAITING, **more):
    """Return somebody who goes over the cap then."""
    customer = Customer(policy, **more)
    customer.until(at)
    customer.use(101 * GB)
    return customer


def test_by_default_the_cap_waits_for_no_hour__UC_8():
    assert over("03-07T12:00", Policy(notice_shares=())).told() == [
        "03-07T12:00 hold_opened cap UC-2"
    ]


def test_over_the_cap_on_a_saturday_stops_service_on_monday_morning__UC_8():
    customer = over("03-07T12:00")
    assert not customer.is_off
    assert customer.look().reason.startswith(
        "Over the cap, and in service until 9 March 09:00 GMT all the same (UC-8)"
    )
    customer.until("03-12T00:00")
    assert customer.told() == [
        "03-07T12:00 suspension_delayed UC-8", "03-09T09:00 hold_opened cap UC-2",
    ]  # fmt: skip


def test_over_the_cap_in_a_working_hour_stops_it_at_once__UC_8():
    assert over("03-09T12:00").told() == ["03-09T12:00 hold_opened cap UC-2"]


def test_data_bought_meanwhile_is_enough_and_over_again_at_night_waits_again__UC_8():
    customer = over("03-07T12:00")
    customer.tell("topup", size="5GB", reference="a")
    customer.until("03-10T20:00")
    assert not customer.is_off
    customer.use(5 * GB)
    customer.until("03-12T00:00")
    assert customer.told("hold_opened") == ["03-11T09:00 hold_opened cap UC-2"]


def test_a_charge_or_a_higher_product_waits_for_no_hour__UC_8():
    for action, kind in ((Action.CHARGE, "charge"), (Action.UPGRADE, "plan_changed")):
        policy = replace(WAITING, repeat_action=action)
        customer = Customer(policy)
        customer.standing = replace(customer.standing, breaches=(a_breach(),))
        customer.until("03-07T12:00")
        customer.use(101 * GB)
        assert customer.events[-1].kind == kind


def test_a_weekend_that_ends_with_the_month_ends_in_a_new_allowance__UC_1():
    customer = Customer(WAITING)
    customer.until("05-30T12:00")
    customer.use(101 * GB)
    customer.until("06-05T00:00")
    assert not customer.told("hold_opened")
