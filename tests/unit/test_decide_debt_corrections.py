"""What was wrong is set right: invoices, payments, charges; breaches, radios and fraud."""

from dataclasses import replace
from decimal import Decimal

import pytest

from capd.decide import matters
from capd.decide.debt import book
from capd.decide.policy import Policy
from capd.decide.terms.debt import Dunning, Quiet, Reconnection, Since, Step, StepKind
from capd.model import Reason
from tests.customers import Customer

POLICY = Policy(
    quiet=Quiet(reasons=()),
    reconnection=Reconnection(fee=Decimal(25), clause="C-3"),
    dunning=Dunning(
        steps=(Step(name="off", kind=StepKind.SUSPEND, days=20, since=Since.ISSUED, clause="C-1"),)
    ),
)


def billed(policy=POLICY):
    customer = Customer(policy)
    customer.tell("invoice", reference="inv-7", amount="25", issued_on="2026-03-01")
    return customer


def owed(customer):
    return [(invoice.key, str(invoice.owed)) for invoice in book.invoices(customer.standing)]


def reasons(customer):
    return {hold.reason for hold in customer.standing.holds}


def test_an_invoice_that_is_cancelled_stops_nobody_and_nothing_is_charged_for_it():
    customer = billed()
    customer.until("03-22T00:00")
    assert customer.is_off
    assert customer.tell("invoice_cancelled", invoice="inv-7", note="sent twice") is None
    assert not customer.is_off
    assert customer.told("charge") == []
    assert customer.last("fee_withdrawn").clause == "C-3"
    assert customer.standing.matters == ()
    assert customer.tell("invoice_cancelled", invoice="inv-7") is None
    assert len(customer.told("invoice_cancelled")) == 1


def test_what_was_paid_of_a_cancelled_invoice_pays_others():
    customer = billed()
    customer.tell("invoice", reference="inv-8", amount="10", issued_on="2026-03-01")
    customer.tell("payment", reference="p", amount="25", invoice="inv-7")
    customer.tell("invoice_cancelled", invoice="inv-7")
    assert owed(customer) == []
    assert book.credit(customer.standing) == Decimal(15)


def test_an_invoice_nobody_told_of_cannot_be_cancelled():
    assert billed().tell("invoice_cancelled", invoice="inv-8") == (
        "there is no invoice 'inv-8'. Did you mean 'inv-7'?"
    )


def test_a_payment_that_is_taken_back_is_owed_again_and_overdue_at_once__CT_4():
    customer = Customer()
    customer.tell("invoice", reference="inv-7", amount="25", issued_on="2026-03-01")
    customer.tell("payment", reference="p", amount="30")
    customer.until("03-03T11:00")
    customer.tell("payment_failed", invoice="inv-7", amount="30", note="chargeback")
    assert owed(customer) == [("inv-7", "25.00")]
    assert book.credit(customer.standing) == 0
    assert customer.told("payment_failed", "hold_opened") == [
        "03-03T11:00 payment_failed CT-4", "03-03T11:00 hold_opened non_payment CT-4",
    ]  # fmt: skip


def test_a_collection_that_failed_is_a_missed_payment__CT_4():
    customer = Customer()
    customer.tell("invoice", reference="inv-7", amount="25", issued_on="2026-03-02")
    customer.until("03-03T11:00")
    customer.tell("payment_failed", invoice="inv-7")
    assert reasons(customer) == {Reason.NON_PAYMENT}
    customer.tell("payment_failed", invoice="inv-7")
    assert len(customer.told("payment_failed")) == 1


def test_a_payment_that_fails_after_service_came_back_stops_it_again__CT_4():
    customer = billed()
    customer.until("03-22T00:00")
    customer.tell("payment", reference="p", amount="25")
    assert not customer.is_off
    customer.until("03-25T00:00")
    customer.tell("payment_failed", invoice="inv-7")
    assert [event[:11] for event in customer.told("hold_opened")] == ["03-21T10:00", "03-25T00:00"]


def test_payment_details_that_nobody_authorised_stop_service_without_notice__CT_5():
    customer = billed()
    customer.tell("payment_failed", invoice="inv-7", unauthorised="yes")
    assert customer.told("hold_opened") == ["03-01T12:00 hold_opened fraud CT-5"]
    customer.tell("payment", reference="p", amount="25")
    assert reasons(customer) == {Reason.FRAUD}


def test_suspected_fraud_stops_service_without_notice__CT_5():
    customer = Customer()
    customer.tell("hold", reason="fraud", note="stolen card")
    assert customer.told() == ["03-01T12:00 hold_opened fraud CT-5"]


def test_a_charge_is_reversed_once_by_a_counter_charge():
    customer = billed()
    customer.until("03-22T00:00")
    customer.tell("payment", reference="p", amount="25")
    charge_id = customer.last("charge").figures["charge_id"]
    for _ in range(2):
        assert customer.tell("charge_reversed", charge_id=charge_id, reason="our mistake") is None
    first, counter = (event for event in customer.events if event.kind == "charge")
    assert (first.figures["amount"], counter.figures["amount"]) == ("25.00", "-25.00")
    assert counter.figures["reverses"] == charge_id
    assert counter.figures["charge_id"] == f"{charge_id}/reversed"
    assert (
        counter.text == "The charge of 25.00 GBP (reconnection) is taken back: our mistake (C-3)."
    )


@pytest.mark.parametrize("charge_id", ["S-1/late_fee/inv-7", "reversed"])
def test_a_charge_that_was_never_made_is_not_reversed(charge_id):
    customer = billed()
    customer.until("03-22T00:00")
    customer.tell("payment", reference="p", amount="25")
    made = customer.last("charge").figures["charge_id"]
    customer.tell("charge_reversed", charge_id=made, reason="x")
    unknown = charge_id.replace("reversed", f"{made}/reversed")
    assert customer.tell("charge_reversed", charge_id=unknown, reason="x") == (
        f"there is no charge {unknown!r}"
    )


def test_a_serious_breach_stops_service_at_once__CT_4():
    customer = Customer()
    customer.tell("breach", serious="yes", note="resold the service")
    assert customer.told() == [
        "03-01T12:00 contract_breach CT-4", "03-01T12:00 hold_opened breach CT-4",
    ]  # fmt: skip
    assert customer.tell("breach", serious="no", note="x") == (
        "a breach is on record already: tell `breach_ended` when it has stopped"
    )
    customer.tell("breach_ended", note="stopped")
    assert not customer.is_off
    assert customer.standing.matters == ()


def test_a_lesser_breach_has_three_days_first_also_over_a_clock_change__CT_4():
    customer = Customer()
    customer.until("03-27T12:00")
    customer.tell("breach", serious="no", note="a mast of his own")
    assert customer.last("contract_breach").text == (
        "The contract was not kept: a mast of his own; service is suspended on 30 March 12:00 BST "
        "unless it has stopped by then (CT-4)."
    )
    customer.until("04-02T00:00")
    assert customer.told("hold_opened") == ["03-30T11:00 hold_opened breach CT-4"]


def test_a_breach_that_ends_within_its_notice_stops_nothing__CT_4():
    customer = Customer()
    customer.tell("breach", serious="no", note="x")
    customer.until("03-03T00:00")
    customer.tell("breach_ended")
    customer.until("03-20T00:00")
    assert customer.told("hold_opened") == []
    assert customer.tell("breach_ended") == "no breach of the contract is on record"


def test_a_breach_hold_of_a_person_stays_and_one_let_go_stays_let_go__CT_4():
    customer = Customer()
    customer.tell("hold", reason="breach", note="by hand")
    customer.tell("breach", serious="yes", note="x")
    customer.tell("breach_ended")
    assert customer.is_off
    customer.tell("release", reason="breach", note="fine")
    customer.tell("breach", serious="yes", note="y")
    customer.tell("release", reason="breach", note="we talked")
    customer.until("03-20T00:00")
    assert not customer.is_off


def test_a_disconnected_radio_is_charged_on_and_the_fee_told_before_it_is_charged__CT_12():
    policy = replace(POLICY, reconnection=Reconnection(fee=Decimal(40)))
    customer = Customer(policy)
    customer.tell("disconnected", cause="customer", note="moved the mast")
    assert customer.told() == ["03-01T12:00 disconnected CT-12", "03-01T12:00 fee_quoted CT-12"]
    assert not customer.is_off
    assert "the product is charged on" in customer.last("disconnected").text
    customer.policy = replace(POLICY, reconnection=Reconnection(fee=Decimal(99)))
    customer.tell("reconnected")
    assert customer.last("charge").figures["amount"] == "40.00"  # as it was told
    assert customer.tell("reconnected") == "the radio is not disconnected"


@pytest.mark.parametrize("cause", ["operator", "fault"])
def test_nobody_pays_for_what_the_operator_disconnected__CT_12(cause):
    customer = Customer(POLICY)
    customer.tell("disconnected", cause=cause)
    customer.tell("disconnected", cause=cause)
    customer.tell("reconnected")
    assert [event.kind for event in customer.events] == ["disconnected", "reconnected"]
    assert matters.of_kind(customer.standing, "disconnection") == ()
