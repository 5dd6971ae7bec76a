"""The contract: begun by an activation, changed under its terms, the way back after an upgrade."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from capd.decide import matters
from capd.decide.contract import agreement
from capd.decide.contract.days import after_days, after_months, day_of, start_of
from capd.decide.facts import Refused, accept
from capd.decide.judge import judge
from capd.decide.policy import Policy
from capd.decide.standing import apply
from capd.decide.terms.contract import Contract, Downgrade, Term
from tests.builders import (
    APRIL,
    CATALOGUE,
    GB,
    HOME_100,
    HOME_300,
    HOME_900,
    LONDON,
    MARCH,
    NOON,
    a_breach,
    a_fact,
    a_product,
    a_standing,
    a_usage,
)

DAY = timedelta(days=1)


def answer(standing, fact, *, now=None, policy=None, catalogue=CATALOGUE):
    now = fact.at if now is None else now
    policy = policy or Policy()
    return accept(standing, fact, catalogue, policy, now, currency="GBP", zone=LONDON)


def look(standing, now, *, policy=None, catalogue=CATALOGUE):
    return judge(standing, catalogue, policy or Policy(), now, currency="GBP", zone=LONDON)


def told(standing, kind, *, at=NOON, policy=None, **details):
    """Return the standing after a fact that is taken, and after the judgement that follows it."""
    events = answer(standing, a_fact(kind, at=at, **details), policy=policy)
    assert not isinstance(events, Refused), events
    standing = apply(standing, events, CATALOGUE)
    return apply(standing, look(standing, at, policy=policy).events, CATALOGUE)


def refused(standing, kind, **details):
    at = details.pop("at", NOON)
    found = answer(standing, a_fact(kind, at=at, **details))
    assert isinstance(found, Refused), found
    return found.sentence


def active(product=HOME_300, **more):
    return told(a_standing(product=product), "activated", device="cpe-1", serial="X1", **more)


# ---- CT-1, CT-3: the activation ------------------------------------------------------------------


def test_the_first_activation_begins_the_term_and_the_charges__CT_1():
    (event,) = answer(a_standing(), a_fact("activated", device="cpe-1", serial="X1", signal="-61"))
    assert (event.kind, event.clause, event.at) == ("activated", "CT-1", NOON)
    assert event.text == (
        "The radio was activated on 10 March 2026: charges begin with that day, its minimum term "
        "ends on 10 March 2027 (CT-1), and until 25 March it may be cancelled at once (CT-3)."
    )
    known = agreement.of(apply(a_standing(), [event], CATALOGUE))
    assert (known.activated_on, known.term_months) == (date(2026, 3, 10), 12)
    assert (known.device, known.serial, known.signal) == ("cpe-1", "X1", "-61")


def test_a_replacement_radio_does_not_move_the_activation__CT_1():
    later = NOON + 100 * DAY
    (event,) = answer(active(), a_fact("activated", at=later, serial="X2"))
    assert event.kind == "radio_changed"
    assert "runs since 10 March 2026 as before (CT-1)" in event.text
    known = agreement.of(apply(active(), [event], CATALOGUE))
    assert (known.activated_on, known.serial, known.device) == (date(2026, 3, 10), "X2", "cpe-1")


def test_an_activation_taken_back_never_began_and_may_begin_another_day__CT_1():
    active = told(a_standing(), "activated", device="cpe-1", serial="X1")
    (event,) = answer(active, a_fact("activation_undone", device="cpe-1", note="next door"))
    assert event.kind == "activation_undone"
    assert event.text == (
        "The activation of cpe-1 was taken back (next door): the contract that began on 10 March "
        "2026 never began, and nothing is charged by it (CT-1)."
    )
    free = apply(active, (event,), CATALOGUE)
    assert agreement.of(free) is None
    later = told(free, "activated", at=NOON + 3 * DAY, device="cpe-2")
    assert agreement.of(later).activated_on == date(2026, 3, 13)
    again = answer(free, a_fact("activation_undone", device="cpe-1"))
    assert [one.kind for one in again] == ["radio_put_back"]  # nothing more follows


def test_a_replacement_taken_back_leaves_the_former_radio_and_the_date__CT_1():
    first = told(a_standing(), "activated", device="cpe-1", serial="X1", signal="-60 dBm")
    second = told(first, "activated", at=NOON + DAY, device="cpe-2", serial="X2")
    former = {"device": "cpe-1", "serial": "X1", "signal": "-60 dBm"}
    details = {"keeps_term": "yes", **{f"former_{key}": each for key, each in former.items()}}
    back = told(second, "activation_undone", at=NOON + 2 * DAY, device="cpe-2", **details)
    assert agreement.of(back) == agreement.of(first)
    assert "over cpe-1, not over cpe-2" in refused(back, "activation_undone", device="cpe-2")


def test_the_same_activation_told_again_makes_nothing_different__CT_1():
    assert answer(active(), a_fact("activated", device="cpe-1", serial="X1")) == ()


def test_an_activation_may_be_told_later_but_not_ahead_nor_moved__CT_1():
    since = agreement.of(told(a_standing(), "activated", on="2025-11-05"))
    assert since.activated_on == date(2025, 11, 5)
    assert "has not come yet" in refused(a_standing(), "activated", on="2026-03-11")
    assert "activated on 2026-03-10 already" in refused(active(), "activated", on="2026-03-09")


def test_the_term_is_the_policys_unless_the_product_has_its_own__CT_1():
    policy = Policy(contract=Contract(term=Term(months=24)))
    known = agreement.of(told(a_standing(), "activated", policy=policy))
    assert known.bound_until(LONDON) == date(2028, 3, 10)
    free = a_product("free", term_months=0)
    standing = a_standing(product=free)
    (event,) = answer(standing, a_fact("activated"), catalogue={"free": free})
    assert agreement.of(apply(standing, [event], {})).bound_until(LONDON) == date(2026, 3, 10)


def test_a_term_that_begins_on_the_31st_ends_on_the_last_day__CT_1():
    assert after_months(date(2026, 3, 31), 6, LONDON) == date(2026, 9, 30)
    assert after_months(date(2028, 2, 29), 12, LONDON) == date(2029, 2, 28)


def test_the_days_to_cool_off_are_whole_local_days__CT_3():
    known = agreement.of(active())
    over = known.cools_off_until(Policy(), LONDON)
    assert over == datetime(2026, 3, 25, tzinfo=UTC)
    in_summer = replace(known, activated_on=date(2026, 3, 20)).cools_off_until(Policy(), LONDON)
    assert in_summer == datetime(2026, 4, 3, 23, tzinfo=UTC)


def test_days_are_the_operators_own():
    assert day_of(datetime(2026, 6, 30, 23, 30, tzinfo=UTC), LONDON) == date(2026, 7, 1)
    assert start_of(date(2026, 7, 1), LONDON) == datetime(2026, 6, 30, 23, tzinfo=UTC)
    assert after_days(datetime(2026, 3, 28, 12, tzinfo=UTC), 1, LONDON) == datetime(
        2026, 3, 29, 11, tzinfo=UTC
    )


# ---- CT-2: no way down inside the minimum term ---------------------------------------------------


def test_no_lower_product_inside_the_minimum_term__CT_2():
    assert refused(active(), "plan", product="home-100") == (
        "no move down to Home 100 inside the minimum term: it is allowed from 10 March 2027 (CT-2)"
    )


def test_on_the_day_after_the_term_one_may_go_down__CT_2():
    last = datetime(2027, 3, 9, 23, 59, 59, tzinfo=UTC)
    assert "inside the minimum term" in refused(active(), "plan", at=last, product="home-100")
    moved = answer(active(), a_fact("plan", at=last + timedelta(seconds=1), product="home-100"))
    assert [(event.kind, event.clause) for event in moved] == [("plan_changed", "CT-2")]


def test_an_upgrade_stays_free_inside_the_term__CT_2():
    (event,) = answer(active(), a_fact("plan", product="home-900"))
    assert (event.kind, event.figures["to"], event.clause) == ("plan_changed", "home-900", "UC-3")


def test_without_a_known_activation_nothing_is_refused__CT_2():
    (event,) = answer(a_standing(product=HOME_300), a_fact("plan", product="home-100"))
    assert (event.figures["to"], event.clause) == ("home-100", None)


def test_what_the_desk_agrees_to_goes_down_all_the_same__CT_2():
    (event,) = answer(active(), a_fact("plan", product="home-100", agreed="yes", note="goodwill"))
    assert (event.figures["to"], event.figures["note"]) == ("home-100", "goodwill")


def test_of_two_products_the_cheaper_is_the_lower_one__CT_2():
    sold = a_product("sold", 300, price=HOME_300.price - 1, down_bps=90_000_000)
    found = answer(active(), a_fact("plan", product="sold"), catalogue={**CATALOGUE, "sold": sold})
    assert isinstance(found, Refused)
    slower = replace(HOME_300, id="slower", down_bps=1_000_000)
    found = answer(
        active(), a_fact("plan", product="slower"), catalogue={**CATALOGUE, "slower": slower}
    )
    assert isinstance(found, Refused)


# ---- a change that takes effect later ------------------------------------------------------------


def test_a_change_may_be_chosen_for_a_later_day_and_is_made_then__CT_2():
    waiting = told(active(), "plan", product="home-100", effective_on="2027-03-10")
    assert waiting.product == HOME_300
    (pending,) = matters.of_kind(waiting, "plan_change")
    assert pending.due_at == datetime(2027, 3, 10, tzinfo=UTC)
    assert look(waiting, pending.due_at - DAY).events == ()
    (event,) = look(waiting, pending.due_at + timedelta(hours=3)).events
    assert (event.kind, event.at, event.clause) == ("plan_changed", pending.due_at, "CT-2")
    done = apply(waiting, [event], CATALOGUE)
    assert (done.product, matters.of_kind(done, "plan_change")) == (HOME_100, ())


def test_a_later_day_inside_the_term_is_refused_too__CT_2():
    sentence = refused(active(), "plan", product="home-100", effective_on="2027-03-09")
    assert "allowed from 10 March 2027" in sentence


def test_the_present_product_calls_a_change_off():
    waiting = told(active(), "plan", product="home-900", effective_on="2026-05-01")
    assert told(waiting, "plan", product="home-300").matters == active().matters


def test_another_product_at_once_takes_the_place_of_the_change_chosen_for_later():
    waiting = told(active(HOME_100), "plan", product="home-300", effective_on="2026-05-01")
    moved = told(waiting, "plan", product="home-900")
    assert (moved.product, matters.of_kind(moved, "plan_change")) == (HOME_900, ())


def test_a_change_to_what_is_there_by_then_changes_nothing():
    waiting = told(active(HOME_100), "plan", product="home-300", effective_on="2026-05-01")
    waiting = replace(waiting, product=HOME_300)
    (event,) = look(waiting, datetime(2026, 5, 2, tzinfo=UTC)).events
    assert event.kind == "plan_change_called_off"


# ---- UC-5: the way back --------------------------------------------------------------------------


def upgraded(used=101, *, product=HOME_100, policy=None):
    """Return who was moved up in March for going over again, under contract since 2026."""
    standing = told(a_standing(product=product, breaches=(a_breach(),)), "activated")
    standing = replace(standing, usage=a_usage(used * GB))
    return apply(standing, look(standing, NOON, policy=policy).events, CATALOGUE)


def month_later(standing, used, *, read_to=None, ended=APRIL, usage=0):
    """Return *standing* after the month *ended*, in which *used* GB were used."""
    after = replace(ended, name="after", start=ended.end, end=ended.end + 30 * DAY)
    return replace(
        standing,
        period=after,
        usage=a_usage(usage * GB, period=after),
        last=a_usage(round(used * GB), period=ended),
        read_to=ended.end if read_to is None else read_to,
    )


def test_an_upgrade_remembers_the_first_product_and_binds_nobody_to_the_higher_one__UC_5():
    standing = upgraded()
    assert standing.product == HOME_300
    (way,) = matters.of_kind(standing, "downgrade")
    assert (way.key, way.data["first_cap_bytes"]) == ("home-100", 100 * GB)
    assert refused(standing, "plan", product="home-100") == (
        "no move down to Home 100 inside the minimum term: it is allowed from 10 March 2027, "
        "nor was a finished month below its cap yet (CT-2)"
    )


def test_a_month_below_the_first_cap_opens_the_way_back__UC_5():
    later = month_later(upgraded(), 80)
    (event,) = look(later, later.period.start + timedelta(minutes=5)).events
    assert (event.kind, event.clause, event.figures["to"]) == (
        "downgrade_offered", "UC-5", "home-100",
    )  # fmt: skip
    assert event.at == APRIL.end
    assert event.text == (
        "80 of 100 GB used in April 2026: you may go back to Home 100, at 25.00 GBP a month, "
        "without charge (UC-5)."
    )


def test_below_means_below__UC_5():
    assert look(month_later(upgraded(), 100), APRIL.end).events == ()
    below = month_later(upgraded(), 100 - 1e-9)
    assert [event.kind for event in look(below, APRIL.end).events] == ["downgrade_offered"]


def test_nothing_is_offered_while_bytes_of_the_month_may_be_missing__UC_5():
    unread = month_later(upgraded(), 80, read_to=APRIL.end - timedelta(microseconds=1))
    verdict = look(unread, APRIL.end + DAY)
    assert (verdict.events, verdict.awaits_at) == ((), APRIL.end)
    verdict = look(replace(unread, read_to=None), APRIL.end + DAY)
    assert (verdict.events, verdict.awaits_at) == ((), APRIL.end)
    (event,) = look(replace(unread, read_to=APRIL.end), APRIL.end + DAY).events
    assert event.at == APRIL.end


WAITED = APRIL.end + 14 * DAY
APRIL_20 = APRIL.start + 20 * DAY


def test_a_month_is_over_by_the_clock_where_a_meter_stays_silent__UC_5():
    silent = month_later(upgraded(), 50, read_to=APRIL_20)  # 75 GB, had all of it been like that
    before = look(silent, WAITED - timedelta(seconds=1))
    assert (before.events, before.due_at) == ((), WAITED)
    (event,) = look(silent, WAITED + DAY).events
    assert (event.kind, event.at, event.figures["to"]) == ("downgrade_offered", WAITED, "home-100")
    assert event.text == (
        "50 of 100 GB used in April 2026, as far as is known: a meter was not read since 21 April "
        "00:00 BST: you may go back to Home 100, at 25.00 GBP a month, without charge (UC-5)."
    )
    assert event.figures["known_to"] == "2026-04-20T23:00:00Z"
    after = apply(silent, [event], CATALOGUE)
    assert look(after, WAITED + DAY).events == ()
    assert look(replace(after, read_to=APRIL.end), WAITED + 2 * DAY).events == ()


def test_an_automatic_way_back_is_not_taken_on_usage_that_nobody_knows__UC_5():
    policy = Policy(contract=Contract(downgrade=Downgrade(automatic=True, wait_days=3)))
    silent = month_later(upgraded(), 50, read_to=APRIL_20)
    (event,) = look(silent, APRIL.end + 3 * DAY, policy=policy).events
    assert event.kind == "downgrade_offered"


@pytest.mark.parametrize(
    ("used", "read_to", "why"),
    [
        (70, APRIL_20, "70 GB of April 2026 are known, and a meter was not read since 21 April"),
        (0, APRIL.start, "0 B of April 2026 are known, and a meter was not read since 1 April"),
        (5, None, "5 GB of April 2026 are known, and a meter was never read"),
    ],
)
def test_what_nobody_knows_is_for_a_person_to_decide_once__UC_5(used, read_to, why):
    silent = replace(month_later(upgraded(), used), read_to=read_to)
    assert look(silent, WAITED - DAY).events == ()
    unsure, task = look(silent, WAITED + DAY).events
    assert (unsure.kind, task.kind, task.at) == ("downgrade_unsure", "task_opened", WAITED)
    assert why in task.text
    asked = apply(silent, [unsure, task], CATALOGUE)
    assert look(asked, WAITED + 2 * DAY).events == ()
    assert "nor was a finished month" in refused(asked, "plan", product="home-100")
    done = told(asked, "task_done", at=WAITED + 2 * DAY, task=task.figures["task"], outcome="no")
    assert look(done, WAITED + 3 * DAY).events == ()  # not asked again
    read = replace(asked, read_to=APRIL.end)
    offered, closed = look(read, WAITED + 2 * DAY).events  # it came back after all
    assert (offered.kind, closed.kind) == ("downgrade_offered", "task_closed")


def test_a_month_known_to_be_above_is_nobodys_question__UC_5():
    silent = month_later(upgraded(), 100, read_to=APRIL_20)
    assert look(silent, WAITED + DAY).events == ()


def test_the_month_of_the_upgrade_opens_nothing_though_it_were_low__UC_5():
    standing = apply(upgraded(), [], CATALOGUE)
    april = month_later(standing, 101, ended=MARCH)
    assert look(april, MARCH.end).events == ()


def test_each_further_month_below_says_so_again_and_one_above_does_not__UC_5():
    standing, kinds = upgraded(), []
    month = APRIL
    for used in (150, 80, 250, 90):
        standing = month_later(standing, used, ended=month)
        events = look(standing, month.end).events
        kinds.append([event.kind for event in events])
        standing = apply(standing, events, CATALOGUE)
        month = replace(standing.period, name=f"after {used}")
    assert kinds == [[], ["downgrade_offered"], [], ["downgrade_offered"]]


def test_the_way_back_is_taken_on_request_even_inside_the_term_and_whatever_came_since__UC_5():
    offered = month_later(upgraded(), 80)
    offered = apply(offered, look(offered, APRIL.end).events, CATALOGUE)
    above = month_later(offered, 250, ended=offered.period)
    (event,) = answer(above, a_fact("plan", at=above.period.start, product="home-100"))
    assert (event.kind, event.clause) == ("plan_changed", "UC-5")
    assert event.text == (
        "Moved from Home 300 back to Home 100, with a cap of 100 GB, without charge (UC-5)."
    )
    back = told(above, "plan", at=above.period.start, product="home-100")
    assert matters.of_kind(back, "downgrade") == ()


def test_a_policy_may_take_the_way_back_by_itself__UC_5():
    policy = Policy(contract=Contract(downgrade=Downgrade(automatic=True)))
    later = month_later(upgraded(), 80)
    (event,) = look(later, APRIL.end + DAY, policy=policy).events
    assert (event.kind, event.clause, event.at) == ("plan_changed", "UC-5", APRIL.end)
    assert "April 2026 stayed below 100 GB (UC-5)" in event.text
    too_much_since = month_later(upgraded(), 80, usage=101)
    (event,) = look(too_much_since, APRIL.end + DAY, policy=policy).events
    assert event.kind == "downgrade_offered"


def test_the_way_back_is_over_when_another_product_is_chosen__UC_5():
    moved = told(upgraded(), "plan", product="home-900")
    assert matters.of_kind(moved, "downgrade") == ()


def test_after_two_upgrades_each_left_product_has_its_way_back__UC_5():
    standing = upgraded()
    standing = replace(standing, usage=a_usage(301 * GB))
    standing = apply(standing, look(standing, NOON).events, CATALOGUE)
    again = replace(standing, breaches=(*standing.breaches, a_breach("2026-02")))
    if again.product != HOME_900:  # one breach a period: the second comes in April
        later = replace(again, period=APRIL, usage=a_usage(301 * GB, period=APRIL), holds=())
        again = apply(later, look(later, APRIL.start + DAY).events, CATALOGUE)
    assert again.product == HOME_900
    may = month_later(again, 250, ended=replace(APRIL, name="2026-05", start=APRIL.end,
                                                end=APRIL.end + 31 * DAY))  # fmt: skip
    (event,) = look(may, may.period.start).events
    assert event.figures["to"] == "home-300"
    low = replace(may, last=a_usage(80 * GB, period=may.last.period))
    (event,) = look(low, low.period.start).events
    assert event.figures["to"] == "home-100"
    both = apply(low, [event], CATALOGUE)
    for product in ("home-300", "home-100"):
        (moved,) = answer(both, a_fact("plan", at=low.period.start, product=product))
        assert moved.clause == "UC-5"
    taken = told(both, "plan", at=low.period.start, product="home-300")
    assert [way.key for way in matters.of_kind(taken, "downgrade")] == ["home-100"]
    assert not matters.of_kind(
        told(both, "plan", at=low.period.start, product="home-100"), "downgrade"
    )


# ---- CT-8: what is measured ----------------------------------------------------------------------


def surveyed():
    return active(estimate_down="50Mbps", estimate_up="10Mbps")


def test_a_line_well_under_the_estimate_is_flagged_and_may_choose_a_slower_product__CT_8():
    standing = surveyed()
    (event,) = answer(standing, a_fact("measured", down="29Mbps", up="9Mbps"))
    assert (event.kind, event.clause) == ("speed_flagged", "CT-8")
    assert "29 Mbps down of the 50 Mbps estimated" in event.text
    flagged = apply(standing, [event], CATALOGUE)
    (moved,) = answer(flagged, a_fact("plan", product="home-100"))
    assert (moved.figures["to"], moved.clause) == ("home-100", "CT-8")


def test_near_the_estimate_nothing_is_flagged_and_a_flag_is_taken_back__CT_8():
    assert answer(surveyed(), a_fact("measured", down="30Mbps")) == ()
    flagged = told(surveyed(), "measured", down="10Mbps")
    (event,) = answer(flagged, a_fact("measured", down="45Mbps"))
    assert event.kind == "speed_cleared"
    assert "inside the minimum term" in refused(
        apply(flagged, [event], CATALOGUE), "plan", product="home-100"
    )


def test_without_an_estimate_there_is_nothing_to_compare_with__CT_8():
    assert "no estimate" in refused(active(), "measured", down="10Mbps")
    assert "no estimate" in refused(a_standing(), "measured", down="10Mbps")


@pytest.mark.parametrize("kind", ["activated", "measured"])
def test_facts_of_the_contract_check_their_shapes(kind):
    wrong = {"down": "fast"} if kind == "measured" else {"on": "soon", "estimate_down": "fast"}
    found = answer(a_standing(), a_fact(kind, **wrong))
    assert isinstance(found, Refused)
    assert all(key in found.sentence for key in wrong)
