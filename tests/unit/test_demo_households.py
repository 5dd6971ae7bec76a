"""The people of the demo: who they are, and what they do when they are cut off."""

from datetime import UTC, datetime, timedelta

from capd.demo.customers import Customers
from capd.demo.households import CAPS, Character, Home, neighbourhood
from capd.model import Event

AT = datetime(2026, 6, 3, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def an_event(kind, who, at=AT, **figures):
    return Event(at=at, kind=kind, text=".", subscriber=who, figures=figures)


def one_who(character):
    return next(home for home in neighbourhood(60) if home.character is character)


def cut_off(customers, home, at=AT):
    customers.hear(an_event("hold_opened", home.id, at, reason="cap"))


def test_the_neighbourhood_is_the_same_each_time_and_grows_at_its_end():
    assert neighbourhood(40) == neighbourhood(40)
    assert neighbourhood(60)[:3] == neighbourhood(3)
    assert len({home.id for home in neighbourhood(300)}) == 300
    assert len({home.name for home in neighbourhood(300)}) == 300


def test_a_story_is_there_for_the_smallest_audience():
    first = neighbourhood(3)

    assert [home.character for home in first] == list(Character)
    for home in first:
        per_day = home.habit.down_bytes_a_day + home.habit.up_bytes_a_day
        assert CAPS[home.product] / per_day < 4


def test_every_way_to_be_metered_is_there():
    assert {home.home for home in neighbourhood(40)} == set(Home)


def test_nobody_does_anything_before_they_notice():
    home = one_who(Character.BUYS)
    customers = Customers([home])
    cut_off(customers, home)

    assert customers.act(AT + timedelta(hours=1)) == []
    (fact,) = customers.act(AT + DAY)
    assert (fact.fact, fact.subscriber) == ("topup", home.id)
    assert customers.act(AT + 2 * DAY) == []


def test_who_buys_again_and_again_moves_to_a_larger_product_in_the_end():
    home = neighbourhood(1)[0]
    customers = Customers([home])
    told = []
    for day in range(3):
        cut_off(customers, home, AT + day * DAY)
        told += customers.act(AT + (day + 1) * DAY)
        customers.hear(an_event("hold_closed", home.id, reason="cap"))

    assert [fact.fact for fact in told] == ["topup", "topup", "plan"]
    assert told[0].details["reference"] != told[1].details["reference"]
    assert told[2].details == {"product": "home-150"}


def test_an_upgrade_starts_from_the_product_that_they_have_by_now():
    home = one_who(Character.UPGRADES)
    customers = Customers([home])
    customers.hear(an_event("plan_changed", home.id, to="home-400"))
    cut_off(customers, home)

    (fact,) = customers.act(AT + DAY)
    assert fact.details == {"product": "home-max"}


def test_who_waits_does_nothing():
    home = one_who(Character.WAITS)
    customers = Customers([home])
    cut_off(customers, home)

    assert customers.act(AT + 30 * DAY) == []


def test_who_is_back_already_does_nothing():
    home = one_who(Character.BUYS)
    customers = Customers([home])
    cut_off(customers, home)
    customers.hear(an_event("hold_closed", home.id, reason="cap"))

    assert customers.act(AT + DAY) == []
