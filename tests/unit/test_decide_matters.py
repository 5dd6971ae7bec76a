"""Matters: opened, changed and closed by events, which say all that is known of them."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from capd.decide import charges, matters
from capd.decide.judge import judge
from capd.decide.policy import Policy
from capd.decide.standing import apply
from tests.builders import CATALOGUE, LONDON, NOON, a_standing, an_event

DAY = timedelta(days=1)


def told(standing, *, at=NOON, **change):
    event = an_event("errand", at=at, **matters.change("errand", "e-7", **change))
    return apply(standing, [event], CATALOGUE)


def test_an_event_opens_a_matter_and_says_all_that_is_known_of_it():
    standing = told(a_standing(), due_at=NOON + DAY, amount=Decimal("25.00"), issued_at=NOON)
    (errand,) = matters.of_kind(standing, "errand")
    assert (errand.key, errand.opened_at, errand.due_at) == ("e-7", NOON, NOON + DAY)
    assert matters.money(errand, "amount") == Decimal("25.00")
    assert matters.moment(errand, "issued_at") == NOON
    assert matters.text(errand, "unsaid") is None
    assert not matters.flag(errand, "unsaid")


def test_a_later_event_changes_it_and_it_stays_open_since_then():
    standing = told(told(a_standing(), amount=25), at=NOON + DAY, amount=20, paid=True)
    (errand,) = standing.matters
    assert (errand.opened_at, matters.number(errand, "amount")) == (NOON, 20)
    assert matters.flag(errand, "paid")


def test_one_that_is_closed_is_gone():
    standing = told(told(a_standing(), amount=25), is_open=False)
    assert standing.matters == ()
    assert matters.find(standing, "errand", "e-7") is None


def test_a_matter_is_judged_again_when_it_falls_due():
    standing = told(a_standing(), due_at=NOON + DAY)
    verdict = judge(standing, CATALOGUE, Policy(), NOON, currency="GBP", zone=LONDON)
    assert verdict.due_at == NOON + DAY
    unpressing = replace(standing, matters=())
    later = judge(unpressing, CATALOGUE, Policy(), NOON, currency="GBP", zone=LONDON)
    assert later.due_at == standing.period.end


def test_what_an_event_has_of_its_own_is_no_figure():
    with pytest.raises(ValueError, match="its own text"):
        matters.change("task", "t", text="call")


def test_a_charge_is_known_by_whom_and_what_it_is_for():
    figures = charges.figures(
        "S-1", "late_fee", "inv-7", Decimal(5), currency="GBP", behind={"overdue_days": 10}
    )
    assert figures == {
        "charge": "late_fee",
        "charge_id": "S-1/late_fee/inv-7",
        "amount": "5.00",
        "currency": "GBP",
        "overdue_days": 10,
    }
