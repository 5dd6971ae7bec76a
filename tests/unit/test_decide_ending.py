"""How a contract ends: by notice, cooling off, for a cause; what comes back, what is charged."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from capd.decide import matters
from capd.decide.contract import early, ending, equipment
from capd.decide.contract.days import start_of
from capd.decide.contract.ending import State
from capd.decide.facts import Refused
from capd.decide.policy import Policy
from capd.decide.standing import apply
from capd.decide.terms.contract import Contract, EndingTerms
from capd.model import Reason
from capd.told import is_told
from tests.builders import (
    APRIL,
    CATALOGUE,
    GB,
    HOME_300,
    LONDON,
    NOON,
    a_fact,
    a_hold,
    a_standing,
    a_usage,
)
from tests.unit.test_decide_contract import DAY, active, answer, look, refused, told

END = NOON + 30 * DAY - timedelta(hours=1)  # the same local time, in summer


def kinds(events):
    return [
        (event.kind, event.figures.get("reason") or event.figures.get("charge")) for event in events
    ]


def lived(standing, at, *, policy=None):
    """Return *standing* after what falls due at *at*, and the events of that."""
    events = look(standing, at, policy=policy).events
    return apply(standing, events, CATALOGUE), events


def past_cooling_off(product=HOME_300):
    return told(a_standing(product=product), "activated", on="2026-02-01")


def cancelled(standing=None, **details):
    return told(past_cooling_off() if standing is None else standing, "cancel", **details)


# ---- CT-15: by notice ----------------------------------------------------------------------------


def test_a_notice_lets_service_run_for_its_days_and_says_what_follows__CT_15():
    standing = told(past_cooling_off(), "equipment", item="radio", state="out", serial="X1")
    (event,) = answer(standing, a_fact("cancel", reason="moving abroad"))
    assert (event.kind, event.clause, event.figures["state"]) == (
        "cancellation", "CT-15", "cancelling",
    )  # fmt: skip
    assert event.text == (
        "Cancelled with 30 days' notice; service ends on 9 April 12:00 BST; 340.97 GBP for what is "
        "left of the minimum term until 1 February 2027 will be charged; radio must come back "
        "(CT-15)."
    )
    after = apply(standing, [event], CATALOGUE)
    assert not look(after, END - timedelta(seconds=1)).owed.suspended
    assert look(after, NOON).due_at == min(END, after.period.end)


def test_when_the_notice_is_over_service_stops_and_never_goes_on_silently__CT_15():
    standing, events = lived(cancelled(), END + DAY)
    assert kinds(events) == [
        ("terminated", None), ("hold_opened", "ended"), ("charge", "early_termination"),
    ]  # fmt: skip
    assert {event.at for event in events} == {END}
    verdict = look(standing, END + 2 * DAY)
    assert (verdict.owed.suspended, verdict.clause, verdict.events) == (True, "CT-15", ())
    assert ending.of(standing).state is State.TERMINATED


def test_the_contract_waits_for_the_equipment__CT_15():
    standing = told(past_cooling_off(), "equipment", item="radio", state="out")
    standing = told(standing, "equipment", item="router", state="out")
    standing, events = lived(cancelled(standing), END)
    assert kinds(events)[:2] == [("service_ended", None), ("hold_opened", "ended")]
    assert ending.of(standing).state is State.AWAITING_EQUIPMENT
    standing = told(standing, "equipment", at=END + DAY, item="radio", state="returned")
    assert ending.of(standing).state is State.AWAITING_EQUIPMENT
    back = answer(standing, a_fact("equipment", at=END + DAY, item="router", state="returned"))
    standing, events = lived(apply(standing, back, CATALOGUE), END + DAY)
    assert kinds(events) == [("terminated", None)]
    assert events[0].at == END + DAY
    assert look(standing, END + DAY).owed.suspended


def test_what_is_lost_holds_nothing_up_and_may_be_charged_once__IN_5():
    standing = told(past_cooling_off(), "equipment", item="radio", state="out", serial="X1")
    events = answer(standing, a_fact("equipment", item="radio", state="lost", amount="80"))
    assert kinds(events) == [("equipment", None), ("charge", "equipment")]
    assert (events[1].figures["amount"], events[0].clause) == ("80.00", "IN-5")
    gone = apply(standing, events, CATALOGUE)
    assert equipment.out(gone) == ()
    assert "is out with this subscriber" in refused(gone, "equipment", item="radio", state="lost")


def test_equipment_told_twice_is_there_once__IN_5():
    standing = told(past_cooling_off(), "equipment", item="radio", state="out", serial="X1")
    assert answer(standing, a_fact("equipment", item="radio", state="out", serial="X1")) == ()
    near = refused(standing, "equipment", item="radoi", state="returned")
    assert near.endswith("Did you mean 'radio'?")


def test_a_day_may_be_chosen_and_must_lie_behind_the_notice__CT_15():
    assert refused(past_cooling_off(), "cancel", on="2026-04-08") == (
        "on: 2026-04-08 is too early: 30 days' notice ends on 9 April 12:00 BST (CT-15)"
    )
    assert ending.of(cancelled(on="2026-04-09")).ends_at == END
    later = ending.of(cancelled(on="2026-06-01")).ends_at
    assert later == datetime(2026, 5, 31, 23, tzinfo=UTC)


def test_the_same_notice_twice_is_one_and_another_day_is_refused__CT_15():
    standing = cancelled()
    assert answer(standing, a_fact("cancel", at=NOON + DAY)) == ()
    assert "cancelled already, for 9 April" in refused(standing, "cancel", on="2026-06-01")


def test_a_notice_may_be_withdrawn_while_it_runs__CT_15():
    standing = told(cancelled(), "cancel_withdrawn", at=NOON + DAY)
    assert ending.of(standing) is None
    assert not look(standing, END + DAY).owed.suspended
    over, _ = lived(cancelled(), END)
    assert "an activation begins a new one" in refused(over, "cancel_withdrawn", at=END)
    assert refused(past_cooling_off(), "cancel_withdrawn") == (
        "there is no cancellation to withdraw"
    )


@pytest.mark.parametrize("days", [0, 14, 90])
def test_the_days_of_notice_are_the_policys__CT_15_C_6(days):
    policy = Policy(contract=Contract(ending=EndingTerms(notice_days=days)))
    standing = told(past_cooling_off(), "cancel", policy=policy)
    assert ending.of(standing).ends_at.astimezone(LONDON).replace(tzinfo=None) == (
        datetime(2026, 3, 10, 12) + timedelta(days=days)
    )


# ---- CT-3: cooling off ---------------------------------------------------------------------------


def test_within_the_days_to_cool_off_it_ends_at_once_and_costs_nothing__CT_3():
    standing = active()
    (event,) = answer(standing, a_fact("cancel", at=NOON + 14 * DAY))
    assert (event.clause, event.figures["cause"]) == ("CT-3", "cooling_off")
    assert event.text == (
        "Cancelled within the days to cool off; service ends on 24 March 12:00 GMT (CT-3)."
    )
    _, events = lived(apply(standing, [event], CATALOGUE), NOON + 14 * DAY)
    assert kinds(events) == [("terminated", None), ("hold_opened", "ended")]


def test_on_the_day_after_them_it_is_a_notice_like_any_other__CT_3():
    (event,) = answer(active(), a_fact("cancel", at=NOON + 15 * DAY))
    assert (event.clause, event.figures["cause"]) == ("CT-15", "notice")


# ---- what is left of the term --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ends", "until", "months", "days", "of_days"),
    [
        (date(2026, 4, 10), date(2027, 4, 10), 12, 0, 30),
        (date(2026, 4, 10), date(2026, 6, 1), 1, 22, 31),
        (date(2026, 1, 31), date(2026, 3, 1), 1, 1, 31),  # 28 February, and a day
        (date(2026, 3, 1), date(2026, 3, 2), 0, 1, 31),
        (date(2026, 3, 20), date(2026, 4, 1), 0, 12, 31),  # over the clock change
    ],
)
def test_what_is_left_is_counted_in_calendar_months_and_days__CT_2(
    ends, until, months, days, of_days
):
    found = early.left(start_of(ends, LONDON), start_of(until, LONDON), LONDON)
    assert found == (months, days, of_days)


def test_ending_inside_the_term_is_charged_once_with_its_figures__CT_2():
    _, events = lived(cancelled(), END)
    charge = events[-1]
    assert charge.figures == {
        "charge": "early_termination",
        "charge_id": "S-1/early_termination/2026-02-01",
        "amount": "340.97",
        "currency": "GBP",
        "months_left": 9,
        "days_left": 23,
        "of_days": 31,
        "term_until": "2027-02-01",
        "price": "35.00",
        "share_percent": 100,
    }
    assert Decimal(charge.figures["amount"]) == ((9 + Decimal(23) / 31) * 35).quantize(
        Decimal("0.01")
    )


def test_after_the_term_or_without_a_share_nothing_is_charged__CT_2():
    free = told(a_standing(product=HOME_300), "activated", on="2025-01-01")
    _, events = lived(cancelled(free), END)
    assert ("charge", "early_termination") not in kinds(events)
    policy = Policy(contract=Contract(ending=EndingTerms(early_share=0)))
    _, events = lived(cancelled(), END, policy=policy)
    assert ("charge", "early_termination") not in kinds(events)
    _, events = lived(told(a_standing(), "cancel"), END)  # nobody told when it began
    assert ("charge", "early_termination") not in kinds(events)


# ---- AU-3, C-6: at once --------------------------------------------------------------------------


def test_a_contract_is_ended_at_once_and_its_records_are_kept__AU_3():
    fact = a_fact("terminate", cause="spam", authorities="yes", author="kim")
    events = answer(past_cooling_off(), fact)
    assert [event.kind for event in events] == [
        "terminated", "hold_opened", "task_opened", "legal_hold_opened",
    ]  # fmt: skip
    assert {(event.at, event.author, event.clause) for event in events} == {(NOON, "kim", "AU-3")}
    assert events[0].text == "The contract has ended: spam; service is off (AU-3)."
    assert events[2].figures["what"] == "tell the authorities: spam"
    after = apply(past_cooling_off(), events, CATALOGUE)
    assert (ending.of(after).state, look(after, NOON).owed.suspended) == (State.TERMINATED, True)
    assert "has ended" in refused(after, "terminate", cause="again")
    assert "has ended" in refused(after, "cancel")


def test_what_it_costs_for_a_cause_is_the_policys_to_say__AU_3():
    policy = Policy(
        contract=Contract(ending=EndingTerms(early_for_cause=True, keep_evidence=False))
    )
    events = answer(past_cooling_off(), a_fact("terminate", cause="spam"), policy=policy)
    assert kinds(events) == [
        ("terminated", None), ("hold_opened", "ended"), ("charge", "early_termination"),
    ]  # fmt: skip


def test_equipment_still_out_is_told_and_stays_on_the_list__AU_3():
    standing = told(past_cooling_off(), "equipment", item="radio", state="out")
    events = answer(standing, a_fact("terminate", cause="spam"))
    assert "radio must come back" in events[0].text
    assert equipment.out(apply(standing, events, CATALOGUE)) == ("radio",)


def test_an_ending_and_a_new_beginning_are_told_in_one_mail_each__CT_15():
    standing, events = lived(cancelled(), END + DAY)
    mailed = [event.kind for event in events if is_told(event, "email")]
    assert mailed == ["terminated", "charge"]
    assert events[0].text == "The contract has ended; service is off (CT-15)."
    assert all(is_told(event, "webhook") for event in events)
    again = answer(standing, a_fact("activated", at=END + 2 * DAY, device="cpe-1"))
    _, closed = lived(apply(standing, again, CATALOGUE), END + 2 * DAY)
    assert kinds(closed) == [("hold_closed", "ended")]
    assert [event.kind for event in (*again, *closed) if is_told(event, "email")] == ["activated"]


# ---- with other holds ----------------------------------------------------------------------------


def test_a_cancellation_with_a_hold_for_the_cap_open_ends_all_the_same__CT_15():
    standing = past_cooling_off()
    standing = replace(standing, usage=a_usage(301 * GB))
    standing, _ = lived(standing, NOON)
    assert [hold.reason for hold in standing.holds] == [Reason.CAP]
    standing = told(standing, "cancel", at=NOON + timedelta(hours=1))
    assert look(standing, NOON + DAY).owed.suspended
    over, events = lived(standing, END + timedelta(hours=1))
    assert ("hold_opened", "ended") in kinds(events)
    after = NOON + 31 * DAY
    assert look(over, after).owed.suspended
    assert "nothing to add data to" in refused(over, "topup", at=after, size="9GB", reference="r")
    new_month = replace(over, period=APRIL, usage=a_usage(0, period=APRIL))
    closed, _ = lived(new_month, after)
    assert [hold.reason for hold in closed.holds] == [Reason.ENDED]
    assert look(closed, after).owed.suspended


def test_no_release_brings_back_what_nobody_has_a_contract_for__CT_15():
    over, _ = lived(cancelled(), END)
    assert refused(over, "release", at=END, reason="ended", note="please") == (
        "the contract has ended: an activation begins a new one"
    )
    assert "follows from `cancel` or `terminate`" in refused(active(), "hold", reason="ended")
    held = told(over, "hold", at=END, reason="operator", note="seen")
    back = told(held, "release", at=END, reason="operator", note="done")
    assert look(back, END).owed.suspended


def test_an_ended_contract_changes_no_product__CT_15():
    waiting = told(past_cooling_off(), "plan", product="home-900", effective_on="2026-06-01")
    over, _ = lived(cancelled(waiting), END)
    assert "has ended" in refused(over, "plan", at=END, product="home-900")
    assert look(over, datetime(2026, 6, 2, tzinfo=UTC)).events == ()


def test_a_new_activation_follows_an_ended_contract__CT_1():
    over, _ = lived(cancelled(), END)
    events = answer(over, a_fact("activated", at=END + 10 * DAY, serial="X9"))
    assert [event.kind for event in events] == ["contract_followed", "activated"]
    standing, closed = lived(apply(over, events, CATALOGUE), END + 10 * DAY)
    assert kinds(closed) == [("hold_closed", "ended")]
    assert "19 April 2026" in events[1].text
    assert not look(standing, END + 10 * DAY).owed.suspended


# ---- CT-9: static addresses ----------------------------------------------------------------------


def addressed(*holds):
    return told(a_standing(holds=holds), "static_address", address="203.0.113.7")


def test_a_static_address_goes_after_thirty_days_without_service__CT_9():
    standing = addressed(a_hold(opened_at=NOON))
    assert look(standing, NOON).due_at == min(END, standing.period.end)
    assert look(standing, END - timedelta(seconds=1)).events == ()
    standing, (event,) = lived(standing, END + DAY)
    assert (event.kind, event.at, event.clause) == ("address_released", END, "CT-9")
    assert event.figures["address"] == "203.0.113.7"
    assert "coming back does not bring it back" in event.text
    assert look(standing, END + DAY).events == ()


def test_a_limit_or_a_flag_keeps_the_address__CT_9():
    for reason in (Reason.RESTRICTED, Reason.CREDENTIALS):
        assert look(addressed(a_hold(reason)), END + DAY).events == ()


def test_who_comes_back_in_time_keeps_it__CT_9():
    assert look(addressed(), END + DAY).events == ()
    assert answer(addressed(), a_fact("static_address", address="203.0.113.7")) == ()
    assert "IPv4 or IPv6" in refused(a_standing(), "static_address", address="seven")


# ---- AU-1, AU-2, AU-4, AU-5 ----------------------------------------------------------------------


def test_a_hold_may_be_kept_from_the_subscriber_while_it_is_investigated__AU_1():
    (event,) = answer(a_standing(), a_fact("hold", reason="aup", note="spam", notify="no"))
    assert event.figures["notify"] == "no"
    (event,) = answer(a_standing(), a_fact("hold", reason="aup", note="spam"))
    assert "notify" not in event.figures
    assert "notify" in refused(a_standing(), "hold", reason="aup", notify="perhaps")


@pytest.mark.parametrize("reason", ["aup", "security"])
def test_it_stays_until_a_named_person_says_why_it_may_end__AU_2_AU_4(reason):
    held = told(a_standing(), "hold", reason=reason, note="seen")
    assert look(held, NOON + 400 * DAY).owed.suspended
    assert "say why the hold may be released" in refused(held, "release", reason=reason)
    fact = a_fact("release", reason=reason, note="cleaned", author="kim")
    (event,) = answer(held, fact)
    assert (event.author, event.figures["note"]) == ("kim", "cleaned")


def test_an_insecure_machine_is_off_whatever_is_bought_paid_or_passes__AU_4():
    held = told(a_standing(101 * GB), "hold", reason="security", note="infected")
    events = answer(a_standing(), a_fact("hold", reason="security", note="infected"))
    assert [(event.kind, event.clause) for event in events] == [("hold_opened", "AU-4")]
    for kind, details in (
        ("topup", {"size": "50GB", "reference": "r"}),
        ("plan", {"product": "home-900"}),
        ("payment", {"invoice": "i-1", "amount": "5", "reference": "p"}),
        ("delay", {"until": "2026-03-20T00:00:00Z"}),
    ):
        events = answer(held, a_fact(kind, **details))
        after = held if isinstance(events, Refused) else apply(held, events, CATALOGUE)
        verdict = look(after, NOON)
        assert (verdict.owed.suspended, Reason.SECURITY in reasons(after)) == (True, True), kind
    late = replace(held, period=APRIL, usage=a_usage(period=APRIL))
    assert look(late, APRIL.start + 20 * DAY).owed.suspended  # in a new month as well
    safe = told(replace(held, usage=a_usage()), "release", reason="security", note="cleaned")
    assert not look(safe, NOON).owed.suspended


def reasons(standing):
    return {hold.reason for hold in standing.holds}


def test_known_log_ins_are_off_and_the_connection_is_not_touched__AU_5():
    (event,) = answer(a_standing(), a_fact("hold", reason="credentials", note="leaked"))
    assert (
        event.text == "Log-ins are off for a log-in that others know; the connection stays (AU-5)."
    )
    held = apply(a_standing(), [event], CATALOGUE)
    verdict = look(held, NOON)
    assert (verdict.owed, verdict.clause) == (look(a_standing(), NOON).owed, None)
    assert "it has no rates" in refused(a_standing(), "hold", reason="credentials", down="1Mbps")


def test_every_answer_is_an_answer_and_no_crash_for_each_new_fact():
    for kind in ("cancel", "terminate", "equipment", "static_address", "cancel_withdrawn"):
        assert isinstance(answer(a_standing(), a_fact(kind, wrong="x")), Refused)
    assert matters.of_kind(a_standing(), "ending") == ()


def test_what_was_bought_on_top_ends_with_the_contract_and_renews_no_more__AD_3():
    standing = told(a_standing(product=HOME_300), "activated", on="2026-02-01")
    standing = told(standing, "addon", addon="unlimited")
    standing = told(standing, "addon_paid", addon="unlimited")
    over, events = lived(cancelled(standing), END)
    assert ("addon_ended", None) in kinds(events)
    assert look(over, END + 90 * DAY).events == ()
