"""Moves to another address, one subscription an address, and what is said of a contract."""

from datetime import UTC, datetime

import pytest

from capd.decide.contract import ending
from capd.decide.contract.ending import Cause, State
from capd.decide.contract.words import contract_record
from capd.decide.explain import explain
from capd.decide.policy import Policy
from capd.decide.standing import apply
from capd.decide.terms.contract import Contract, Moving
from capd.model import Inventory, Reason
from capd.store.premises import place, taken
from tests.builders import (
    CATALOGUE,
    LONDON,
    NOON,
    a_fact,
    a_product,
    a_standing,
    a_subscriber,
    an_inventory,
)
from tests.unit.test_decide_contract import DAY, active, answer, look, refused, told

NEW_EACH_TIME = Policy(contract=Contract(moving=Moving(as_new=True, clause="C-5")))


def test_a_move_takes_the_contract_along__CT_2():
    (event,) = answer(active(), a_fact("move", address="2 Low Road\nVillage"))
    assert (event.kind, event.clause) == ("moved", "CT-2")
    assert event.text == "Moved to 2 Low Road, Village (CT-2)."
    after = apply(active(), [event], CATALOGUE)
    assert after.subscriber.address == "2 Low Road\nVillage"
    assert after.matters == active().matters
    assert answer(after, a_fact("move", address="2 Low Road\nVillage")) == ()


def test_a_lower_product_goes_with_a_move_only_where_the_present_one_is_not_to_be_had__CT_2():
    assert "inside the minimum term" in refused(active(), "move", address="x", product="home-100")
    fact = a_fact("move", address="x", product="home-100", unavailable="yes")
    _, changed = answer(active(), fact)
    assert (changed.kind, changed.figures["to"], changed.clause) == (
        "plan_changed", "home-100", "CT-2",
    )  # fmt: skip
    higher = answer(active(), a_fact("move", address="x", product="home-900"))
    assert [event.kind for event in higher] == ["moved", "plan_changed"]
    assert "Did you mean" in refused(active(), "move", address="x", product="home-90")


def test_a_move_may_be_a_disconnection_and_a_new_installation__C_5():
    fact = a_fact("move", address="2 Low Road", to="S-2", on="2026-04-15")
    (event,) = answer(active(), fact, policy=NEW_EACH_TIME)
    assert (event.kind, event.clause) == ("cancellation", "C-5")
    assert "the new subscription S-2 begins with its own activation" in event.text
    after = apply(active(), [event], CATALOGUE)
    over = ending.of(after)
    assert (over.cause, over.moved_to, over.ends_at) == (
        Cause.MOVE, "S-2", datetime(2026, 4, 14, 23, tzinfo=UTC),
    )  # fmt: skip
    assert answer(after, fact, policy=NEW_EACH_TIME) == ()
    events = look(after, over.ends_at, policy=NEW_EACH_TIME).events
    assert [event.kind for event in events] == ["terminated", "hold_opened"]  # and no charge
    ended = apply(after, events, CATALOGUE)
    assert ending.of(ended).state is State.TERMINATED
    assert ended.usage == active().usage  # what was used stays with the old one


def test_a_day_and_a_successor_are_for_moves_that_begin_anew__C_5():
    assert "C-5" in refused(active(), "move", address="x", to="S-2")
    over = told(active(), "terminate", cause="spam")
    assert "has ended" in refused(over, "move", address="x")


# ---- CT-13 ---------------------------------------------------------------------------------------

HERE = a_subscriber("S-1", address="1 High Street")


@pytest.mark.parametrize(
    "other",
    [
        a_subscriber("S-2", address="2 High Street"),
        a_subscriber("S-2"),
        a_subscriber("S-2", address="1 High Street", shares_address=True),
        a_subscriber("S-2", address="1 High Street", linked=("S-1",)),
        a_subscriber("S-2", address="1 High Street", product="voice"),
    ],
)
def test_another_place_family_or_an_agreement_is_no_second_subscription__CT_13(other):
    voice = a_product("voice", family="voice")
    new = an_inventory(products=(*an_inventory().products, voice), subscribers=(HERE, other))
    assert taken(Inventory(), new, ()) == []


def test_a_second_subscription_at_an_address_is_refused_and_says_how_it_is_agreed__CT_13():
    second = a_subscriber("S-2", address="1  high street,")
    there = an_inventory(subscribers=(HERE,))
    (problem,) = taken(there, Inventory(subscribers=(second,)), ())
    assert problem == (
        "subscriber S-2: address: S-1 is served there already, and there is one subscription an "
        "address; shares_address says that another is agreed (CT-13)"
    )
    taken_over = an_inventory(subscribers=(HERE, second))
    assert taken(Inventory(), taken_over, ()) == []


def test_a_contract_that_has_ended_leaves_the_address_free__CT_13():
    there = an_inventory(subscribers=(HERE,))
    second = a_subscriber("S-2", address="1 High Street")
    assert taken(there, Inventory(subscribers=(second,)), {"S-1"}) == []


def test_what_is_there_already_does_not_stand_in_the_way_of_other_changes__CT_13():
    second = a_subscriber("S-2", address="1 High Street")
    there = an_inventory(subscribers=(HERE, second))
    renamed = Inventory(subscribers=(a_subscriber("S-2", address="1 High Street", name="B."),))
    assert taken(there, renamed, ()) == []
    assert place(None) == ""


# ---- what is said --------------------------------------------------------------------------------


def ways(standing, now=NOON):
    return look(standing, now).ways


def test_the_contract_is_shown_with_its_dates__CT_3():
    standing = told(active(estimate_down="50Mbps"), "equipment", item="radio", state="out")
    assert contract_record(standing, Policy(), zone=LONDON) == {
        "state": "active",
        "activated_on": "2026-03-10",
        "minimum_term_ends_on": "2027-03-10",
        "cools_off_until": "2026-03-25T00:00:00Z",
        "ends_at": None,
        "cause": None,
        "moved_to": None,
        "radio": {"device": "cpe-1", "serial": "X1", "mac": None},
        "equipment": ["radio"],
        "way_back_to": [],
    }
    unknown = contract_record(a_standing(), Policy(), zone=LONDON)
    assert (unknown["state"], unknown["activated_on"]) == ("active", None)


def test_what_would_change_it_is_said__CT_15():
    standing = told(a_standing(), "activated", on="2026-01-01")
    standing = told(standing, "plan", product="home-300", effective_on="2026-05-01")
    assert ways(standing) == (
        "The product becomes home-300 on 1 May 2026, unless that is called off.",
    )
    going = told(told(standing, "plan", product="home-100"), "cancel")
    assert ways(going) == ("Service ends on 9 April 12:00 BST, unless that is withdrawn (CT-15).",)
    over = told(going, "terminate", at=NOON + DAY, cause="spam")
    assert ways(over, NOON + DAY) == ("A new activation begins a new contract (CT-1).",)


def test_nobody_is_told_to_have_an_end_released__CT_15():
    over = told(active(), "terminate", cause="spam")
    verdict = look(over, NOON)
    record = explain(over, verdict, (), CATALOGUE, Policy(), zone=LONDON)
    assert [hold.reason for hold in over.holds] == [Reason.ENDED]
    assert record["what_would_change"] == ["A new activation begins a new contract (CT-1)."]
    assert record["contract"]["state"] == "terminated"
