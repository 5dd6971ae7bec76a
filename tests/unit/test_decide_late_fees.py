"""Late fees, and what billing and capd make of them between them (E-3, C-3)."""

from dataclasses import replace
from decimal import Decimal

import pytest

from capd.decide import matters
from capd.decide.debt import book
from capd.decide.policy import Policy
from capd.decide.terms.debt import Dunning, Fee, Quiet, Reconnection, Since, Step, StepKind
from tests.customers import Customer

FIVE = Step(
    name="late", kind=StepKind.LATE_FEE, days=5, since=Since.DUE, clause="E-3",
    fee=Fee(amount=Decimal(5)),
)  # fmt: skip
OFF = Step(name="off", kind=StepKind.SUSPEND, days=30, since=Since.ISSUED, clause="C-1")
APART = Policy(
    quiet=Quiet(reasons=()),
    dunning=Dunning(clause="C-1", due_days=15, steps=(FIVE, OFF), least=Decimal(1)),
)
JOINED = replace(APART, dunning=replace(APART.dunning, late_fees_join_debt=True))
BACK_AFTER_FEES = Policy(
    quiet=Quiet(reasons=()),
    dunning=Dunning(clause="C-1", steps=(OFF,)),
    reconnection=Reconnection(fee=Decimal(25), late_fee=Decimal(10), paid_first=True, clause="C-3"),
)
FEE = "S-1/late_fee/inv-7/late/1"


def billed(policy, until="04-02T00:00"):
    """Return a customer who was sent invoice inv-7 of 25.00 on 1 March and has not paid."""
    customer = Customer(policy)
    customer.tell("invoice", reference="inv-7", amount="25", issued_on="2026-03-01")
    customer.until(until)
    return customer


def pay(customer, amount, **more):
    reference = f"p-{len(customer.events)}"
    assert customer.tell("payment", reference=reference, amount=amount, **more) is None


def owed(customer):
    return {one.key: str(one.owed) for one in book.invoices(customer.standing)}


def charges(customer):
    return [
        (event.figures["charge_id"], event.figures["amount"])
        for event in customer.events
        if event.kind == "charge"
    ]


def test_a_late_fee_that_billing_bills_by_itself_keeps_nobody_off__E_3():
    customer = billed(APART)
    assert charges(customer) == [(FEE, "5.00")]
    assert owed(customer) == {"inv-7": "25.00"}
    (back,) = customer.look().ways
    assert back == (
        "Paying 25.00 GBP (invoice inv-7) restores service; 5.00 GBP of late fees is billed by "
        "itself, and service does not wait for it (CT-4)."
    )
    pay(customer, "25")
    assert not customer.is_off
    customer.tell("invoice", reference="inv-9", amount="5", issued_on="2026-04-02", charges=FEE)
    assert owed(customer) == {"inv-9": "5.00"}  # once, with a day of its own to be paid by
    customer.until("04-20T00:00")
    assert not customer.is_off


def test_where_the_terms_say_so_service_waits_for_the_late_fee_too__E_3():
    customer = billed(JOINED)
    assert customer.last("charge").text == (
        "Invoice inv-7 is not paid, 25.00 GBP to pay: a late fee of 5.00 GBP is charged and owed "
        "with it (E-3)."
    )
    assert customer.look().ways == (
        "Paying 30.00 GBP (invoice inv-7, 5.00 GBP of it late fees) restores service (CT-4).",
    )
    pay(customer, "25")
    assert customer.is_off
    assert customer.last("fees_left").text == (
        "What was overdue is paid but for 5.00 GBP of fees: service comes back when they are paid "
        "as well (CT-12)."
    )
    customer.until("05-30T00:00")
    assert len(customer.told("fees_left")) == 1
    pay(customer, "5")
    assert not customer.is_off
    assert customer.standing.matters == ()
    assert charges(customer) == [(FEE, "5.00")]


@pytest.mark.parametrize("when", ["before it is paid", "after it is paid"])
def test_an_invoice_that_bills_a_late_fee_owes_it_no_second_time__E_3(when):
    customer = billed(JOINED)
    told = {"reference": "inv-9", "amount": "30", "issued_on": "2026-04-02", "charges": FEE}
    if when == "after it is paid":
        pay(customer, "30")
        assert customer.tell("invoice", **told) is None
        assert owed(customer) == {"inv-9": "25.00"}
        return
    assert customer.tell("invoice", **told) is None
    assert owed(customer) == {"inv-7": "30.00", "inv-9": "25.00"}
    again = customer.tell("invoice", **{**told, "reference": "inv-10"})
    assert again == f"charges: {FEE!r} is billed by invoice 'inv-9' already"
    pay(customer, "30")
    assert not customer.is_off
    pay(customer, "25")
    assert customer.standing.matters == ()


def test_an_invoice_of_a_late_fee_alone_is_paid_with_the_debt__E_3():
    customer = billed(JOINED)
    told = {"reference": "inv-9", "amount": "5", "issued_on": "2026-04-02", "charges": FEE}
    assert customer.tell("invoice", **told) is None
    assert owed(customer) == {"inv-7": "30.00"}
    pay(customer, "25", invoice="inv-7")
    pay(customer, "5", invoice="inv-9")  # as billing's invoices say
    assert not customer.is_off
    assert customer.standing.matters == ()


@pytest.mark.parametrize(
    ("charges", "amount", "wrong"),
    [
        ("S-1/late_fee/inv-7/late/2", "30", "charges: there is no charge {!r}"),
        (f"{FEE}/reversed", "30", "charges: there is no charge {!r}"),
        (FEE, "4", "amount: is less than the late fees that the invoice bills"),
    ],
)
def test_what_an_invoice_says_it_bills_is_looked_up(charges, amount, wrong):
    customer = billed(JOINED)
    told = {"reference": "inv-9", "amount": amount, "issued_on": "2026-04-02", "charges": charges}
    assert customer.tell("invoice", **told) == wrong.format(charges)


def test_a_late_fee_alone_stops_no_service_and_eats_up_no_other_payment__E_3():
    customer = billed(JOINED, until="03-25T00:00")
    pay(customer, "25")
    assert owed(customer) == {"inv-7": "5.00"}
    customer.tell("invoice", reference="inv-8", amount="25", issued_on="2026-03-25")
    pay(customer, "25")  # billing never showed them the late fee
    assert owed(customer) == {"inv-7": "5.00"}
    customer.until("07-30T00:00")
    assert not customer.told("hold_opened")
    assert customer.look().ways == ()
    assert charges(customer) == [(FEE, "5.00")]


def test_paying_what_was_asked_for_restores_service_whatever_else_is_open__CT_4():
    customer = billed(JOINED)
    customer.tell("invoice", reference="inv-8", amount="25", issued_on="2026-04-01")
    pay(customer, "30")
    assert not customer.is_off
    assert owed(customer) == {"inv-8": "25.00"}


def test_no_late_fee_is_charged_upon_a_late_fee__E_3():
    monthly = replace(FIVE, fee=Fee(percent_a_month=Decimal(10), every_month=True))
    customer = Customer(replace(JOINED, dunning=replace(JOINED.dunning, steps=(monthly,))))
    customer.tell("invoice", reference="inv-7", amount="100", issued_on="2026-03-01")
    customer.until("05-30T00:00")
    assert [amount for _, amount in charges(customer)] == ["10.00", "10.00", "10.00"]
    pay(customer, "100")
    customer.until("09-30T00:00")
    assert len(charges(customer)) == 3
    assert owed(customer) == {"inv-7": "30.00"}


@pytest.mark.parametrize("policy", [APART, JOINED])
def test_a_late_fee_of_an_invoice_that_was_wrong_is_taken_back_with_it(policy):
    customer = billed(policy)
    pay(customer, "3")
    assert customer.tell("invoice_cancelled", invoice="inv-7") is None
    assert charges(customer) == [(FEE, "5.00"), (f"{FEE}/reversed", "-5.00")]
    assert not customer.is_off
    assert book.credit(customer.standing) == Decimal(3)
    assert customer.tell("charge_reversed", charge_id=FEE, reason="x") is None
    assert customer.tell("invoice_cancelled", invoice="inv-7") is None
    assert len(charges(customer)) == 2


def test_a_late_fee_that_is_taken_back_is_not_waited_for__E_3():
    customer = billed(JOINED)
    pay(customer, "25")
    assert customer.tell("charge_reversed", charge_id=FEE, reason="goodwill") is None
    assert not customer.is_off
    assert customer.standing.matters == ()
    assert customer.tell("invoice_cancelled", invoice="inv-7") is None
    assert len(charges(customer)) == 2


def test_what_was_paid_of_a_late_fee_that_is_taken_back_is_credit():
    customer = billed(JOINED)
    pay(customer, "30")
    assert customer.tell("charge_reversed", charge_id=FEE, reason="goodwill") is None
    assert book.credit(customer.standing) == Decimal(5)
    told = {"reference": "inv-9", "amount": "30", "issued_on": "2026-04-02", "charges": FEE}
    assert customer.tell("invoice", **told) == f"charges: {FEE!r} was taken back"


def test_a_payment_that_fails_takes_the_late_fee_with_it__CT_4():
    customer = billed(JOINED)
    pay(customer, "30")
    assert customer.tell("payment_failed", invoice="inv-7") is None
    assert owed(customer) == {"inv-7": "30.00"}
    assert customer.is_off


def test_a_late_fee_says_what_it_was_worked_out_from__E_5():
    charge = billed(APART).last("charge")
    assert charge.figures["owed_then"] == "25.00"
    assert charge.figures["overdue_since"] == "2026-03-17T00:00:00Z"
    assert charge.figures["joins_debt"] is False


def test_fees_that_are_paid_first_are_charged_when_service_is_back_and_paid_by_then__C_3():
    customer = billed(BACK_AFTER_FEES)
    assert customer.last("fee_quoted").text == (
        "Before service comes back, a reconnection fee of 25.00 GBP and a late fee of 10.00 GBP "
        "are to be paid as well (C-3)."
    )
    assert customer.look().ways == (
        "Paying 60.00 GBP (invoice inv-7 and 35.00 GBP for coming back) restores service (CT-4).",
    )
    pay(customer, "40")
    assert customer.is_off
    assert customer.last("fees_left").figures["amount"] == "20.00"
    assert not charges(customer)
    pay(customer, "20")
    assert not customer.is_off
    assert [amount for _, amount in charges(customer)] == ["25.00", "10.00"]
    assert customer.standing.matters == ()


@pytest.mark.parametrize(
    ("kind", "details"),
    [
        ("invoice_cancelled", {"invoice": "inv-7"}),
        ("dispute", {"invoice": "inv-7"}),
        ("delay", {"reason": "non_payment", "until": "2026-05-01T00:00:00Z"}),
    ],
)
def test_nobody_waits_to_pay_fees_where_the_debt_itself_is_gone__C_3(kind, details):
    customer = billed(BACK_AFTER_FEES)
    assert customer.tell(kind, **details) is None
    assert not customer.is_off
    assert not charges(customer)
    assert not matters.of_kind(customer.standing, "credit")


def test_what_was_paid_for_coming_back_pays_no_other_invoice_meanwhile__C_3():
    customer = billed(BACK_AFTER_FEES)
    customer.tell("invoice", reference="inv-8", amount="40", issued_on="2026-04-01")
    pay(customer, "30")
    customer.tell("invoice", reference="inv-9", amount="40", issued_on="2026-04-01")
    assert book.credit(customer.standing) == Decimal(5)
    assert customer.look().ways == (
        "Paying 30.00 GBP (30.00 GBP for coming back) restores service (CT-4).",
    )
    pay(customer, "30")
    assert not customer.is_off
    assert owed(customer) == {"inv-8": "40.00", "inv-9": "40.00"}
    assert book.credit(customer.standing) == 0
