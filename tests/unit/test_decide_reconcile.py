"""Owed against applied: which orders there must be, and which are superseded."""

from dataclasses import replace

import pytest

from capd.decide.reconcile import Changes, orders
from capd.model import OrderState
from tests.builders import NOON, a_service, a_verdict, an_applied, an_order

OFF = {"suspended": True}
NOTHING = Changes()


def changes(verdict, applied, *open_orders):
    return orders([verdict], [applied], open_orders, NOON)


@pytest.mark.parametrize("state", ["assumed", "applied"])
def test_what_is_as_it_should_be_needs_no_order(state):
    assert changes(a_verdict(), an_applied(state=state)) == NOTHING


def test_a_suspension_is_one_order_with_its_reason__UC_2():
    (order,) = changes(a_verdict(**OFF), an_applied()).add
    assert (order.before, order.after) == (a_service(), a_service(suspended=True))
    assert (order.id, order.device, order.meter, order.reason, order.clause, order.state) == (
        0, "cpe-1", "wan", "Because.", "UC-2", OrderState.OPEN,
    )  # fmt: skip
    assert order.created_at == NOON


def test_coming_back_is_the_same_comparison__UC_3():
    (order,) = changes(a_verdict(), an_applied(state="applied", **OFF)).add
    assert (order.before.suspended, order.after.suspended) == (True, False)


def test_other_rates_are_an_order_even_where_nothing_was_ever_pushed():
    (order,) = changes(a_verdict(down_bps=60_000_000), an_applied()).add
    assert (order.before.down_bps, order.after.down_bps) == (30_000_000, 60_000_000)


def test_another_product_with_the_same_rates_is_none_of_the_devices_business():
    assert changes(a_verdict(product="home-300"), an_applied()) == NOTHING


def test_rates_do_not_matter_while_nothing_flows():
    applied = an_applied(state="applied", **OFF)
    assert changes(a_verdict(down_bps=1, **OFF), applied) == NOTHING


def test_a_suspension_that_nobody_ever_saw_is_ordered():
    (order,) = changes(a_verdict(**OFF), an_applied(state="assumed", **OFF)).add
    assert (order.before.suspended, order.after.suspended) == (False, True)


@pytest.mark.parametrize("suspended", [True, False])
def test_what_is_not_known_is_made_so(suspended):
    applied = an_applied(state="unknown", suspended=suspended)
    (order,) = changes(a_verdict(suspended=suspended), applied).add
    assert (order.before.suspended, order.after.suspended) == (not suspended, suspended)
    assert order.before.down_bps is None  # so that the rates are typed as well
    assert order.after.down_bps == 30_000_000


@pytest.mark.parametrize("state", ["open", "held", "unknown", "failed"])
def test_an_order_that_leads_there_is_not_made_twice(state):
    waiting = an_order(state=OrderState(state))
    assert changes(a_verdict(**OFF), an_applied(), waiting) == NOTHING


@pytest.mark.parametrize("state", ["open", "held", "failed"])
def test_an_order_that_leads_elsewhere_is_superseded(state):
    waiting = an_order(state=OrderState(state))
    assert changes(a_verdict(), an_applied(), waiting) == Changes(supersede=(waiting,))


def test_a_lost_session_on_the_way_elsewhere_is_superseded_and_put_right():
    lost = an_order(state=OrderState.UNKNOWN)
    found = changes(a_verdict(), an_applied(), lost)
    assert found.supersede == (lost,)
    assert [order.after.suspended for order in found.add] == [False]


def test_an_order_to_suspend_gives_way_to_one_to_restore():
    waiting = an_order()
    found = changes(a_verdict(), an_applied(state="applied", **OFF), waiting)
    assert found.supersede == (waiting,)
    assert [order.after.suspended for order in found.add] == [False]


def test_of_two_that_lead_there_one_is_kept_rather_one_that_moves():
    failed, moving = an_order(number=1, state=OrderState.FAILED), an_order(number=2)
    assert changes(a_verdict(**OFF), an_applied(), failed, moving).supersede == (failed,)


def test_a_failed_order_is_made_again_once_something_else_was_owed_between():
    failed = an_order(state=OrderState.FAILED)
    between = changes(a_verdict(), an_applied(), failed)
    assert between.supersede == (failed,)
    assert len(changes(a_verdict(**OFF), an_applied()).add) == 1


def test_each_enforcing_device_has_its_own_order():
    rows = [an_applied(), an_applied(device="ap-1", state="applied", **OFF)]
    found = orders([a_verdict(**OFF)], rows, [], NOON)
    assert [order.device for order in found.add] == ["cpe-1"]


def test_an_order_for_a_device_that_no_longer_enforces_is_superseded():
    waiting = an_order(device="gone")
    found = orders([a_verdict(**OFF)], [an_applied()], [waiting], NOON)
    assert found.supersede == (waiting,)
    assert [order.device for order in found.add] == ["cpe-1"]


def test_who_was_not_judged_is_left_alone():
    waiting = an_order(subscriber="S-2")
    rows = [an_applied(), an_applied(subscriber="S-2", state="unknown")]
    assert orders([a_verdict()], rows, [waiting], NOON) == NOTHING


def test_the_second_time_there_is_nothing_to_do():
    verdict, applied = a_verdict(**OFF), an_applied()
    first = changes(verdict, applied)
    with_ids = [replace(order, id=n) for n, order in enumerate(first.add, 1)]
    assert changes(verdict, applied, *with_ids) == NOTHING


def test_what_was_changed_by_hand_is_left_to_a_person_until_something_else_is_owed():
    row = an_applied(state="drifted", suspended=True)
    assert orders([a_verdict(suspended=True)], [row], [], NOON).add == ()
    (back,) = orders([a_verdict()], [row], [], NOON).add
    assert back.before.suspended  # every line is typed: nobody knows what is left of it
    assert not back.after.suspended
