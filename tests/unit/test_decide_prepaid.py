"""Prepaid products: a balance that usage draws down and purchases fill, without a month (E-1)."""

from dataclasses import replace

import pytest

from capd.decide import matters
from capd.decide.explain import explain
from capd.decide.prepaid.balance import left
from capd.model import Counts
from tests.builders import CATALOGUE, GB, LONDON, PREPAID, a_standing
from tests.customers import Customer


def prepaid(*, bought="10GB", **more):
    customer = Customer(standing=a_standing(product=PREPAID), **more)
    if bought:
        assert customer.tell("topup", size=bought, reference="first") is None
    return customer


def holds(customer):
    return customer.told("hold_opened", "hold_closed")


def test_what_is_bought_is_used_up_and_one_byte_more_stops_service_without_notice__E_1():
    customer = prepaid()
    customer.use(10 * GB)
    assert not customer.is_off
    customer.use(1)
    assert holds(customer) == ["03-01T12:00 hold_opened prepaid E-1"]
    assert customer.last("hold_opened").text == (
        "The balance is used up: 10 GB used, 10 GB bought; service is suspended until more is "
        "bought (E-1)."
    )


def test_a_purchase_restores_at_once_what_it_covers__E_1():
    customer = prepaid()
    customer.use(13 * GB)
    customer.tell("topup", size="2GB", reference="second")
    assert customer.is_off  # 1 GB is still missing
    customer.tell("topup", size="1GB", reference="third")
    assert not customer.is_off
    assert left(customer.standing) == 0
    assert customer.last("topup").text == (
        "1 GB bought (reference third): 0 B of the balance is left (E-1)."
    )


def test_nothing_bought_is_used_up_by_the_first_byte__E_1():
    customer = prepaid(bought=None)
    assert not customer.is_off
    customer.use(1)
    assert customer.is_off


def test_a_new_month_changes_nothing__E_1():
    customer = prepaid()
    customer.use(8 * GB)
    customer.until("05-10T00:00")
    customer.use(2 * GB)
    assert not customer.is_off
    customer.use(1)
    assert holds(customer) == ["05-10T00:00 hold_opened prepaid E-1"]
    customer.until("07-10T00:00")
    assert customer.is_off


def test_shares_of_the_last_purchase_are_told_once_each_and_again_after_another__E_1():
    customer = prepaid()
    for _ in range(4):
        customer.use(2 * GB)
        customer.look()
    assert customer.told("notice") == ["03-01T12:00 notice balance_80 E-1"]
    assert customer.last("notice").text == (
        "80 % of the last purchase is used: 2 GB of the balance is left; when it is used up, "
        "service is suspended until more is bought (E-1)."
    )
    customer.tell("topup", size="10GB", reference="second")  # 12 GB are left
    customer.use(9 * GB)
    assert len(customer.told("notice")) == 1
    customer.use(GB)
    assert len(customer.told("notice")) == 2
    customer.use(2 * GB)
    assert customer.told("notice")[-1] == "03-01T12:00 notice balance_100 E-1"


def test_the_next_line_is_known_so_that_no_reading_passes_it_unseen__E_1():
    customer = prepaid()
    watched = []
    for _ in range(4):
        verdict = customer.look()
        if verdict.watch_bytes is None:
            break
        watched.append(verdict.watch_bytes)
        assert verdict.watch_bytes > verdict.counted_bytes
        customer.use(verdict.watch_bytes - verdict.counted_bytes)
    assert watched == [8 * GB, 10 * GB, 10 * GB + 1]


def test_who_moves_away_finds_the_balance_on_coming_back__E_1():
    customer = prepaid()
    customer.use(4 * GB)
    customer.tell("plan", product="home-100")
    customer.use(50 * GB)
    customer.until("06-01T00:00")
    customer.tell("plan", product="prepaid")
    assert left(customer.standing) == 6 * GB
    customer.use(6 * GB + 1)
    assert customer.is_off


def test_a_move_to_another_product_brings_service_back__E_1():
    customer = prepaid()
    customer.use(11 * GB)
    customer.tell("plan", product="home-100")
    assert not customer.is_off
    customer.tell("plan", product="prepaid")
    assert customer.is_off


def test_a_move_to_prepaid_begins_with_what_is_used_from_then_on__E_1():
    customer = Customer()
    customer.use(70 * GB)
    customer.tell("plan", product="prepaid")
    customer.tell("topup", size="5GB", reference="a")
    customer.use(5 * GB)
    assert not customer.is_off
    customer.tell("plan", product="home-100")
    assert customer.look().allowance_bytes == 100 * GB  # what was bought is for the balance


def test_a_person_may_let_it_go_until_the_next_purchase__E_1():
    customer = prepaid()
    customer.use(11 * GB)
    customer.tell("release", reason="prepaid", note="pays in cash tomorrow")
    customer.use(GB)
    assert not customer.is_off
    customer.tell("topup", size="1GB", reference="b")  # 1 GB short
    assert customer.is_off


def test_a_hold_that_a_person_opened_stays__E_1():
    customer = prepaid()
    customer.tell("hold", reason="prepaid", note="asked for")
    customer.use(11 * GB)
    customer.tell("topup", size="5GB", reference="b")
    assert customer.is_off
    customer.tell("release", reason="prepaid", note="asked for")
    assert not customer.is_off


def test_two_holds_at_once_each_end_by_their_own_way__E_1():
    customer = prepaid()
    customer.use(11 * GB)
    customer.tell("hold", reason="aup", note="spam")
    assert customer.look().ways == ("Buying 1 GB or more closes the hold for the balance (E-1).",)
    customer.tell("topup", size="1GB", reference="b")
    assert [hold.reason.value for hold in customer.standing.holds] == ["aup"]


@pytest.mark.parametrize(("counts", "stops"), [(Counts.BOTH, True), (Counts.UPLOAD, False)])
def test_the_product_says_which_way_draws_on_it__E_1(counts, stops):
    product = replace(PREPAID, counts=counts)
    customer = Customer(standing=a_standing(product=product))
    customer.tell("topup", size="1GB", reference="a")
    customer.use(2 * GB)
    assert customer.is_off is stops


def explained(customer):
    verdict = customer.look()
    return explain(customer.standing, verdict, (), CATALOGUE, customer.policy, zone=LONDON)


def test_the_way_back_and_what_is_left_are_told__E_1():
    customer = prepaid()
    customer.use(3 * GB)
    record = explained(customer)
    assert record["reason"] == "In service: 7 GB of the balance left."
    assert record["what_would_change"] == [
        "Using more than another 7 GB uses up the balance (E-1)."
    ]
    assert record["figures"]["balance_bytes"] == 7 * GB
    customer.use(8 * GB + 1)
    record = explained(customer)
    assert record["what_would_change"] == ["Buying 2 GB or more restores service (E-1)."]
    assert record["figures"]["balance_bytes"] == -GB - 1


def test_nobody_is_moved_up_to_a_prepaid_product__UC_4():
    product = replace(CATALOGUE["home-900"], upgrade_to="prepaid")
    customer = Customer(standing=a_standing(product=product))
    customer.use(901 * GB)
    assert customer.told("plan_changed") == []
    assert matters.of_kind(customer.standing, "prepaid") == ()
