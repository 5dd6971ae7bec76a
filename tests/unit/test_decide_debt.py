"""Money owed: what an unpaid invoice leads to, by the policy's own days."""

from dataclasses import replace
from datetime import date, time
from decimal import Decimal

import pytest

from capd.decide import matters
from capd.decide.debt import book
from capd.decide.policy import Policy
from capd.decide.terms.calendar import Calendar
from capd.decide.terms.debt import Dunning, Fee, Quiet, Reconnection, Since, Step, StepKind
from capd.model import Reason
from tests.builders import a_standing, a_subscriber, an_event
from tests.customers import Customer

ALWAYS = Quiet(reasons=())
SUSPENSION = Step(
    name="suspension", kind=StepKind.SUSPEND, days=30, since=Since.ISSUED, clause="B-1"
)
REMINDER = Step(name="reminder", kind=StepKind.NOTICE, days=1, since=Since.DUE, clause="B-1")


def dunning(*steps, **more):
    """Return a policy with these steps, taken at ten, whatever day it is."""
    terms = Dunning(clause="B-1", due_days=15, steps=steps or (REMINDER, SUSPENSION), **more)
    return Policy(dunning=terms, quiet=ALWAYS)


def billed(policy=None, *, amount="25.00", issued_on="2026-03-01", **more):
    """Return a customer who was sent invoice inv-7 on 1 March."""
    customer = Customer(policy or dunning(), **more)
    assert customer.tell("invoice", reference="inv-7", amount=amount, issued_on=issued_on) is None
    return customer


STOPPED = "03-31T09:00 hold_opened non_payment B-1"


def test_unpaid_30_days_after_its_date_service_stops__B_1():
    customer = billed()
    customer.until("04-10T00:00")
    assert customer.told()[1:] == ["03-17T10:00 notice reminder B-1", STOPPED]
    assert customer.last("notice").text == (
        "Invoice inv-7 was due on 16 March and is not paid: 25.00 GBP to pay; unless that is paid "
        "before, service is suspended on 31 March (B-1)."
    )
    assert customer.last("hold_opened").text == (
        "Service is suspended: invoice inv-7 is not paid, 25.00 GBP is overdue; it comes back when "
        "that is paid (B-1)."
    )


def test_a_payment_an_hour_before_prevents_it():
    customer = billed()
    customer.until("03-31T08:00")
    customer.tell("payment", reference="p-1", amount="25")
    customer.until("04-20T00:00")
    assert not customer.told("hold_opened", "suspension_dropped")
    assert matters.of_kind(customer.standing, "invoice") == ()


def test_a_payment_after_it_brings_service_back_at_once__CT_4():
    customer = billed()
    customer.until("04-02T11:30")
    assert customer.tell("payment", reference="p-1", amount="25.00", invoice="inv-7") is None
    assert customer.told("hold_closed") == ["04-02T11:30 hold_closed non_payment B-1"]
    assert customer.standing.matters == ()
    customer.until("06-20T00:00")
    assert len(customer.told("hold_opened")) == 1


def test_a_part_leaves_the_rest_owed_and_service_off():
    customer = billed()
    customer.until("04-02T00:00")
    customer.tell("payment", reference="p-1", amount="20")
    assert customer.is_off
    assert customer.last("invoice_part_paid").text == (
        "Invoice inv-7 is paid in part, 5.00 GBP is left (B-1)."
    )
    customer.tell("payment", reference="p-2", amount="5")
    assert not customer.is_off


def test_the_oldest_is_paid_first_and_the_rest_stays_as_credit():
    customer = billed()
    customer.tell("invoice", reference="inv-6", amount="10", issued_on="2026-02-01")
    customer.tell("payment", reference="p-1", amount="50")
    assert [e.figures["invoice"] for e in customer.events if e.kind == "invoice_paid"] == [
        "inv-6", "inv-7",
    ]  # fmt: skip
    customer.tell("invoice", reference="inv-8", amount="20", issued_on="2026-03-01")
    (open_one,) = matters.of_kind(customer.standing, "invoice")
    assert matters.text(open_one, "owed") == "5.00"
    assert matters.of_kind(customer.standing, "credit") == ()


def test_the_invoice_that_is_named_comes_before_older_ones():
    customer = billed()
    customer.tell("invoice", reference="inv-6", amount="10", issued_on="2026-02-01")
    customer.tell("payment", reference="p-1", amount="25", invoice="inv-7")
    (left,) = matters.of_kind(customer.standing, "invoice")
    assert left.key == "inv-6"


def test_money_before_its_invoice_is_not_lost():
    customer = Customer(dunning())
    customer.tell("payment", reference="p-1", amount="25", invoice="inv-7")
    customer.tell("invoice", reference="inv-7", amount="25", issued_on="2026-03-01")
    customer.until("05-20T00:00")
    assert not customer.told("notice", "hold_opened")
    assert customer.standing.matters == ()


def test_credit_can_be_paid_back_and_not_more():
    customer = Customer(dunning())
    customer.tell("payment", reference="p-1", amount="25")
    assert customer.tell("refund", reference="r-1", amount="25.01") == (
        "only 25.00 GBP is kept as credit"
    )
    assert customer.tell("refund", reference="r-1", amount="25") is None
    assert customer.standing.matters == ()


def test_it_comes_back_only_when_all_that_is_overdue_is_paid__CT_4():
    customer = billed()
    customer.tell("invoice", reference="inv-8", amount="7", issued_on="2026-03-10")
    customer.until("04-01T00:00")
    customer.tell("payment", reference="p-1", amount="25", invoice="inv-7")
    assert customer.is_off  # inv-8 was due on 25 March
    customer.tell("payment", reference="p-2", amount="7")
    assert not customer.is_off


def test_an_invoice_that_is_not_due_yet_keeps_nobody_off__CT_4():
    customer = billed()
    customer.tell("invoice", reference="inv-8", amount="7", issued_on="2026-03-28")
    customer.until("04-01T00:00")
    customer.tell("payment", reference="p-1", amount="25")
    assert not customer.is_off
    customer.until("04-27T09:00")
    assert customer.told("hold_opened") == [STOPPED, "04-27T09:00 hold_opened non_payment B-1"]


def test_nobody_is_suspended_for_less_than_the_least():
    customer = billed(dunning(least=Decimal(30)))
    customer.until("04-20T00:00")
    assert not customer.is_off
    customer.tell("invoice", reference="inv-8", amount="5", issued_on="2026-04-01")
    customer.until("04-30T00:00")
    assert customer.told("hold_opened") == ["04-20T00:00 hold_opened non_payment B-1"]
    customer.tell("payment", reference="p-1", amount="0.01")
    assert not customer.is_off


def test_a_hold_that_a_person_opened_stays_until_it_is_released():
    customer = billed()
    customer.tell("hold", reason="non_payment", note="asked by the owner")
    customer.until("04-02T00:00")
    customer.tell("payment", reference="p-1", amount="25")
    assert customer.is_off
    customer.tell("release", reason="non_payment", note="he says so")
    assert not customer.is_off


def test_a_hold_that_billing_opened_for_an_invoice_goes_with_it():
    customer = billed()
    customer.tell("hold", reason="non_payment", note="inv-7")
    customer.tell("payment", reference="p-1", amount="25")
    assert not customer.is_off


def test_what_a_person_let_go_stays_let_go_and_a_later_invoice_stops_service_again():
    customer = billed()
    customer.until("04-01T00:00")
    customer.tell("invoice", reference="inv-8", amount="7", issued_on="2026-04-01")
    customer.tell("release", reason="non_payment", note="pays next week")
    customer.until("04-30T00:00")
    assert not customer.is_off
    customer.until("05-02T00:00")
    assert customer.told("hold_opened")[1:] == ["05-01T09:00 hold_opened non_payment B-1"]
    customer.tell("payment", reference="p-1", amount="7", invoice="inv-8")
    assert not customer.is_off
    customer.tell("payment", reference="p-2", amount="25")
    assert customer.standing.matters == ()


def test_two_holds_at_once_close_each_by_its_own_way():
    standing = a_standing(101 * 10**9)
    customer = billed(standing=standing)
    customer.until("03-31T10:00")
    assert {hold.reason for hold in customer.standing.holds} == {Reason.CAP, Reason.NON_PAYMENT}
    customer.tell("topup", size="10GB", reference="t")
    assert {hold.reason for hold in customer.standing.holds} == {Reason.NON_PAYMENT}
    customer.tell("payment", reference="p", amount="25")
    assert not customer.is_off


def test_a_disputed_invoice_waits_and_its_days_do_not_count():
    customer = billed()
    customer.until("03-20T09:00")
    customer.tell("dispute", invoice="inv-7", note="never used it")
    customer.until("04-05T09:00")
    assert not customer.told("hold_opened")
    customer.tell("dispute_settled", invoice="inv-7")
    customer.until("05-01T00:00")
    assert customer.told("hold_opened") == ["04-16T09:00 hold_opened non_payment B-1"]


def test_a_dispute_after_the_suspension_brings_service_back_until_it_is_settled():
    customer = billed()
    customer.until("04-01T09:00")
    customer.tell("dispute", invoice="inv-7")
    assert not customer.is_off
    customer.tell("payment", reference="p-1", amount="5")
    assert matters.find(customer.standing, "credit", "credit") is not None
    customer.tell("dispute_settled", invoice="inv-7")
    assert customer.last("dispute_settled").text.endswith("20.00 GBP to pay (B-1).")
    customer.until("04-02T11:00")
    assert customer.is_off


def test_where_the_policy_says_so_a_dispute_changes_nothing():
    customer = billed(dunning(disputes_wait=False))
    customer.tell("dispute", invoice="inv-7")
    customer.until("04-02T00:00")
    assert customer.is_off


def test_of_several_notices_that_fell_due_only_the_latest_is_given():
    steps = [
        Step(name=f"n{days}", kind=StepKind.NOTICE, days=days, since=Since.ISSUED, clause="B-1")
        for days in (1, 2, 3)
    ]
    customer = Customer(dunning(*steps))
    customer.until("03-03T12:00")
    customer.tell("invoice", reference="inv-7", amount="1", issued_on="2026-03-01")
    assert customer.told("notice") == ["03-03T12:00 notice n2 B-1"]
    customer.until("03-10T00:00")
    assert customer.told("notice")[1:] == ["03-04T10:00 notice n3 B-1"]


def test_a_late_fee_is_the_lesser_of_the_rate_and_the_law_ten_days_after_the_notice__E_3():
    fee = {"percent_a_month": Decimal(1), "legal_percent_a_month": Decimal("0.8")}
    late = Step(
        name="late_fee", kind=StepKind.LATE_FEE, days=10, since=Since.NOTICE, clause="E-3",
        fee=Fee(**fee),
    )  # fmt: skip
    customer = billed(dunning(REMINDER, late), amount="100")
    customer.until("05-20T00:00")
    assert customer.told("charge") == ["03-27T10:00 charge late_fee E-3"]
    charge = customer.last("charge")
    assert charge.figures["amount"] == "0.80"
    assert charge.figures["charge_id"] == "S-1/late_fee/inv-7/late_fee/1"


def test_a_late_fee_each_month_is_charged_each_month_and_once__E_3():
    late = Step(
        name="late", kind=StepKind.LATE_FEE, days=1, since=Since.DUE, clause="E-3",
        fee=Fee(percent_a_month=Decimal(1), every_month=True),
    )  # fmt: skip
    customer = billed(dunning(late), amount="33.33")
    customer.until("05-20T00:00")
    charged = [event for event in customer.events if event.kind == "charge"]
    assert [(f"{event.at:%m-%d}", event.figures["amount"]) for event in charged] == [
        ("03-17", "0.33"), ("04-17", "0.33"), ("05-17", "0.33"),
    ]  # fmt: skip
    customer.tell("payment", reference="p", amount="33.33")
    customer.until("08-20T00:00")
    assert len(customer.told("charge")) == 3


TERMS_C = Policy(
    quiet=ALWAYS,
    dunning=Dunning(
        clause="C-1",
        steps=(
            Step(
                name="suspension", kind=StepKind.SUSPEND, days=20, since=Since.ISSUED, clause="C-1"
            ),
        ),
        attempts=("email", "phone"),
    ),
)


def test_without_both_attempts_nobody_is_suspended_and_a_person_is_asked_to_call__C_2():
    customer = billed(TERMS_C)
    customer.until("03-10T12:00")
    customer.tell("attempt", channel="email")
    customer.until("06-30T00:00")
    assert customer.told("suspension_refused", "task_opened", "hold_opened") == [
        "03-21T10:00 suspension_refused non_payment C-2",
        "03-21T10:00 task_opened C-2",
    ]
    assert customer.last("task_opened").text == (
        "To do: Call A. Customer about invoice inv-7: 25.00 GBP to pay (C-2)."
    )


def test_the_call_that_was_asked_for_lets_the_suspension_happen__C_2():
    customer = billed(TERMS_C)
    customer.tell("attempt", channel="email")
    customer.until("03-25T11:00")
    customer.tell("task_done", task="phone/inv-7", outcome="no answer")
    assert customer.told("hold_opened") == ["03-25T11:00 hold_opened non_payment C-1"]
    assert customer.told("task_done", "attempt")[1:] == [
        "03-25T11:00 task_done None", "03-25T11:00 attempt C-2",
    ]  # fmt: skip


def test_with_both_attempts_the_day_alone_decides__C_1():
    customer = billed(TERMS_C)
    customer.until("03-02T12:00")
    customer.tell("attempt", channel="email")
    customer.tell("attempt", channel="phone", outcome="spoke")
    customer.until("03-25T00:00")
    assert customer.told("hold_opened") == ["03-21T10:00 hold_opened non_payment C-1"]


def test_attempts_of_an_earlier_debt_count_for_no_later_one__C_2():
    customer = billed(TERMS_C)
    customer.tell("attempt", channel="email")
    customer.tell("attempt", channel="phone")
    customer.tell("payment", reference="p", amount="25")
    customer.until("05-01T00:00")
    customer.tell("invoice", reference="inv-9", amount="25", issued_on="2026-04-30")
    customer.until("07-01T00:00")
    assert not customer.is_off


def test_a_written_notice_to_the_address_on_file_is_the_attempt_by_e_mail__C_2():
    notice = Step(name="reminder", kind=StepKind.NOTICE, days=10, since=Since.ISSUED, clause="C-1")
    steps = (notice, *TERMS_C.dunning.steps)
    policy = replace(TERMS_C, dunning=replace(TERMS_C.dunning, steps=steps))
    reachable = replace(a_standing(), subscriber=a_subscriber(email="a@example.net"))
    for standing, missing in ((reachable, "phone"), (a_standing(), "email, phone")):
        customer = billed(policy, standing=standing)
        customer.until("03-25T00:00")
        assert customer.last("suspension_refused").figures["missing"] == missing


def test_a_task_of_the_schedule_asks_for_the_call_before_the_day__C_2():
    call = Step(name="call", kind=StepKind.TASK, days=15, since=Since.ISSUED, clause="C-2")
    policy = replace(
        TERMS_C, dunning=replace(TERMS_C.dunning, steps=(call, *TERMS_C.dunning.steps))
    )
    customer = billed(policy)
    customer.until("03-17T00:00")
    (task,) = matters.of_kind(customer.standing, "task")
    assert (task.key, f"{task.due_at:%m-%d}") == ("phone/inv-7", "03-21")
    customer.tell("payment", reference="p", amount="25")
    assert customer.told("task_closed") == ["03-17T00:00 task_closed C-1"]
    assert not matters.of_kind(customer.standing, "task")


def test_a_task_that_nobody_opened_cannot_be_done():
    assert billed(TERMS_C).tell("task_done", task="phone/inv-7") == (
        "there is no open task 'phone/inv-7'."
    )


def test_a_fee_is_told_when_service_stops_and_charged_when_it_is_back__C_3():
    policy = replace(
        dunning(), reconnection=Reconnection(fee=Decimal(25), late_fee=Decimal(5), clause="C-3")
    )
    customer = billed(policy)
    customer.until("04-02T00:00")
    assert customer.told("fee_quoted", "charge") == ["03-31T09:00 fee_quoted C-3"]
    assert customer.last("fee_quoted").text == (
        "When service comes back, a reconnection fee of 25.00 GBP and a late fee of 5.00 GBP are "
        "charged (C-3)."
    )
    customer.tell("payment", reference="p", amount="25")
    assert customer.told("charge") == [
        "04-02T00:00 charge reconnection C-3",
        "04-02T00:00 charge late_fee C-3",
    ]
    customer.until("05-02T00:00")
    assert len(customer.told("charge")) == 2
    assert customer.standing.matters == ()


def test_a_fee_waits_until_no_other_hold_is_left__C_3():
    policy = replace(dunning(), reconnection=Reconnection(fee=Decimal(25), clause="C-3"))
    customer = billed(policy)
    customer.until("04-02T00:00")
    customer.tell("hold", reason="aup", note="spam")
    customer.tell("payment", reference="p", amount="25")
    assert not customer.told("charge")
    customer.until("04-03T00:00")
    customer.tell("release", reason="aup", note="stopped")
    assert customer.told("charge") == ["04-03T00:00 charge reconnection C-3"]


@pytest.mark.parametrize("ending", ["dispute", "release", "delay"])
def test_no_fee_is_charged_where_nobody_paid__C_3(ending):
    policy = replace(dunning(), reconnection=Reconnection(fee=Decimal(25)))
    customer = billed(policy)
    customer.until("04-02T00:00")
    told = {
        "dispute": {"invoice": "inv-7"},
        "release": {"reason": "non_payment", "note": "mistake"},
        "delay": {"reason": "non_payment", "until": "2026-05-01T00:00:00Z"},
    }
    assert customer.tell(ending, **told[ending]) is None
    assert not customer.is_off
    assert not customer.told("charge")


WORKING = Policy(
    dunning=dunning().dunning,
    quiet=Quiet(opens=time(9), closes=time(17)),
    calendar=Calendar(holidays=(date(2026, 4, 6),)),
)


def test_a_suspension_on_a_weekend_or_a_holiday_waits_for_the_next_working_hour__UC_8():
    customer = billed(WORKING, issued_on="2026-03-05")  # day 30 is Saturday, 4 April
    customer.until("04-10T00:00")
    assert customer.told("suspension_delayed", "hold_opened") == [
        "04-04T09:00 suspension_delayed non_payment UC-8",
        "04-07T08:00 hold_opened non_payment B-1",
    ]
    assert customer.last("suspension_delayed").text == (
        "The suspension because of invoice inv-7 waits until 7 April 09:00 BST: nobody is "
        "suspended for a debt outside working hours (UC-8)."
    )


def test_a_suspension_that_waits_is_dropped_when_it_is_paid_meanwhile__UC_8():
    customer = billed(WORKING, issued_on="2026-03-05")
    customer.until("04-05T00:00")
    customer.tell("payment", reference="p", amount="25")
    assert customer.last("suspension_dropped").text == (
        "Service is not suspended after all: nothing is overdue any more (B-1)."
    )
    customer.until("05-05T00:00")
    assert not customer.told("hold_opened")


def test_time_that_a_person_gives_to_pay_puts_it_off_and_service_comes_back_for_it__UC_8():
    customer = billed()
    customer.until("04-02T00:00")
    customer.tell("delay", reason="non_payment", until="2026-04-20T12:00:00Z", note="new job")
    assert not customer.is_off
    customer.until("04-25T00:00")
    assert customer.told("hold_opened")[1:] == ["04-20T12:00 hold_opened non_payment B-1"]
    customer.tell("payment", reference="p", amount="25")
    assert customer.standing.matters == ()


def test_time_to_pay_says_nothing_of_the_cap__UC_8():
    customer = billed(standing=a_standing(101 * 10**9))
    customer.tell("delay", reason="non_payment", until="2026-03-20T12:00:00Z")
    assert [hold.reason for hold in customer.standing.holds] == [Reason.CAP]
    assert customer.tell("delay", reason="aup", until="2026-03-20T12:00:00Z") == (
        "reason: only what follows from the cap or non_payment can be put off"
    )


def test_by_default_a_missed_payment_stops_service_on_the_next_working_morning__CT_4():
    customer = billed(Policy(), issued_on="2026-03-02")  # due on Monday, 16 March
    customer.until("04-01T00:00")
    assert customer.told("hold_opened") == ["03-17T10:00 hold_opened non_payment CT-4"]


def test_an_invoice_is_due_no_earlier_than_it_was_issued():
    customer = Customer()
    refused = customer.tell(
        "invoice", reference="a", amount="1", issued_on="2026-03-02", due_on="2026-03-01"
    )
    assert refused == "due_on: 2026-03-01 is before 2026-03-02, when it was issued"


@pytest.mark.parametrize(
    ("details", "wrong"),
    [
        ({"amount": "0"}, "amount: wants more than nothing"),
        ({"amount": "-1"}, "amount: wants an amount of 0 or more, not '-1'"),
        ({"issued_on": "yesterday"}, "issued_on: wants a day such as 2026-03-01, not 'yesterday'"),
    ],
)
def test_what_an_invoice_says_is_checked(details, wrong):
    good = {"reference": "a", "amount": "1", "issued_on": "2026-03-02"}
    assert Customer().tell("invoice", **{**good, **details}) == wrong


def ways(customer):
    return customer.look().ways


def test_the_way_back_is_told_with_what_it_costs__CT_4():
    policy = replace(dunning(), reconnection=Reconnection(fee=Decimal(30)))
    customer = billed(policy)
    (ahead,) = ways(customer)
    assert ahead == (
        "Unless 25.00 GBP (invoice inv-7) is paid before, service is suspended on 31 March "
        "10:00 BST (CT-4)."
    )
    customer.until("04-02T00:00")
    (back,) = ways(customer)
    assert back == (
        "Paying 25.00 GBP (invoice inv-7) restores service; 30.00 GBP is charged for it then "
        "(CT-4)."
    )
    customer.tell("hold", reason="aup", note="spam")
    assert ways(customer)[0].startswith(
        "Paying 25.00 GBP (invoice inv-7) closes the hold for a missed payment;"
    )


def test_a_call_that_was_never_made_is_what_keeps_service_on__C_2():
    customer = billed(TERMS_C)
    sentence = "Service is not suspended for invoice inv-7 before an e-mail and a call was tried"
    assert ways(customer) == (f"{sentence} (C-2).",)
    customer.until("05-01T00:00")
    assert ways(customer) == (f"{sentence} (C-2).",)


def test_who_owes_nothing_is_told_nothing_of_money():
    assert ways(Customer()) == ()


def test_a_person_may_not_suspend_either_before_both_attempts_are_on_record__C_2():
    customer = billed(TERMS_C)
    by_hand = {"reason": "non_payment", "note": "owes us"}
    assert customer.tell("hold", **by_hand) == "email and phone: must have been tried before (C-2)"
    customer.tell("attempt", channel="email")
    assert customer.tell("hold", **by_hand) == "phone: must have been tried before (C-2)"
    customer.tell("attempt", channel="phone")
    assert customer.tell("hold", **by_hand) is None
    assert Customer(TERMS_C).tell("hold", **by_hand).endswith("(C-2)")
    assert Customer(TERMS_C).tell("hold", reason="aup", note="spam") is None


def attempts_on(customer):
    """Return by which channels somebody was tried about each open invoice."""
    known = (book.invoice_of(matter) for matter in matters.of_kind(customer.standing, "invoice"))
    return {one.key: sorted(one.tried) for one in known}


def test_a_call_about_one_invoice_is_no_call_about_another__C_2():
    customer = billed(TERMS_C)
    customer.tell("invoice", reference="inv-8", amount="30", issued_on="2026-03-02")
    customer.tell("attempt", channel="email", invoice="inv-7")
    customer.tell("attempt", channel="phone", invoice="inv-7")
    assert attempts_on(customer) == {"inv-7": ["email", "phone"], "inv-8": []}
    customer.tell("payment", reference="p", amount="25", invoice="inv-7")
    customer.until("06-30T00:00")
    assert not customer.told("hold_opened")
    assert "task_opened" in customer.told("task_opened")[0]


def test_a_call_that_names_no_invoice_is_about_what_is_overdue_then__C_2():
    customer = billed(TERMS_C)
    customer.tell("invoice", reference="inv-8", amount="30", issued_on="2026-03-18")
    customer.until("03-20T12:00")
    customer.tell("attempt", channel="phone", outcome="nobody answered")
    assert attempts_on(customer) == {"inv-7": ["phone"], "inv-8": []}
    assert customer.last("attempt").text == (
        "Tried by phone about invoice inv-7: nobody answered (C-2)."
    )


def test_a_call_while_last_years_invoice_is_in_dispute_is_none_about_this_years__C_2():
    customer = billed(TERMS_C, issued_on="2025-03-01")
    customer.tell("dispute", invoice="inv-7", note="never ordered")
    customer.tell("invoice", reference="inv-8", amount="30", issued_on="2026-03-01")
    customer.tell("attempt", channel="email", invoice="inv-7")
    customer.tell("attempt", channel="phone", invoice="inv-7")
    customer.until("06-30T00:00")
    assert not customer.told("hold_opened")


def test_what_was_tried_before_capd_knew_of_the_invoice_counts_by_its_name__C_2():
    customer = Customer(TERMS_C)
    customer.tell("attempt", channel="email", invoice="inv-7")
    customer.tell("attempt", channel="phone", invoice="inv-6")
    customer.tell("invoice", reference="inv-7", amount="25", issued_on="2026-03-01")
    customer.until("06-30T00:00")
    assert customer.last("suspension_refused").figures["missing"] == "phone"


def test_a_suspension_by_hand_without_invoices_wants_attempts_of_its_own_each_time__C_2():
    customer = Customer(TERMS_C)
    told = {"reason": "non_payment", "note": "inv-7"}
    customer.tell("attempt", channel="email")
    customer.tell("attempt", channel="phone", invoice="inv-7")
    assert customer.tell("hold", **told) is None
    assert customer.tell("release", reason="non_payment", note="paid") is None
    assert customer.standing.matters == ()
    assert customer.tell("hold", **told) == "email and phone: must have been tried before (C-2)"


def test_an_attempt_about_nothing_in_particular_is_too_old_some_day__C_2():
    customer = Customer(TERMS_C)
    customer.tell("attempt", channel="email")
    customer.tell("attempt", channel="phone")
    customer.until("05-30T12:00")
    refused = customer.tell("hold", reason="non_payment", note="inv-70")
    assert refused == "email and phone: must have been tried before (C-2)"


def test_a_notice_is_an_attempt_only_where_there_was_an_address_then__C_2():
    policy = replace(
        TERMS_C, dunning=replace(TERMS_C.dunning, steps=(REMINDER, *TERMS_C.dunning.steps))
    )
    nobody = a_standing()
    nobody = replace(nobody, subscriber=replace(nobody.subscriber, email=None))
    customer = billed(policy, standing=nobody)
    customer.until("03-19T12:00")
    assert customer.told("notice")
    there = replace(customer.standing.subscriber, email="a@example.net")
    customer.standing = replace(customer.standing, subscriber=there)
    customer.tell("attempt", channel="phone")
    customer.until("05-30T12:00")
    assert customer.last("suspension_refused").figures["missing"] == "email"


@pytest.mark.parametrize("sent", [True, False])
def test_a_mail_that_never_left_is_no_attempt_and_one_that_came_back_is__C_2(sent):
    policy = replace(
        TERMS_C, dunning=replace(TERMS_C.dunning, steps=(REMINDER, *TERMS_C.dunning.steps))
    )
    reached = replace(a_standing(), subscriber=a_subscriber(email="a@example.net"))
    customer = billed(policy, standing=reached)
    customer.until("03-19T12:00")
    customer.tell("attempt", channel="phone")
    if not sent:
        at = customer.last("notice").at
        figures = matters.change("unsent", "inv-7", noticed_at=at)
        customer.write([an_event("delivery_failed", **figures)])
    customer.until("04-10T12:00")
    assert customer.is_off is sent
    if not sent:
        assert customer.last("task_opened").figures["channel"] == "email"
        customer.tell("task_done", task="email/inv-7", outcome="sent by hand")
        assert customer.is_off
        customer.tell("payment", reference="p", amount="25")
        assert customer.standing.matters == ()


def test_an_attempt_about_an_invoice_that_is_paid_is_on_record_and_kept_for_nothing__C_2():
    customer = billed(TERMS_C)
    customer.tell("payment", reference="p", amount="25")
    assert customer.tell("attempt", channel="phone", invoice="inv-7") is None
    assert customer.told("attempt") == ["03-01T12:00 attempt C-2"]
    assert customer.standing.matters == ()
