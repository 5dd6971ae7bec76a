"""What people and billing tell: top-ups, plans, holds, releases, delays."""

from dataclasses import replace
from datetime import timedelta

import pytest

from capd.decide.facts import FACTS, Refused, accept, check
from capd.decide.judge import judge
from capd.decide.policy import Policy
from capd.decide.standing import apply
from capd.model import Reason
from tests.builders import (
    CATALOGUE,
    ENDLESS,
    GB,
    HOME_300,
    LONDON,
    MARCH,
    NOON,
    a_fact,
    a_hold,
    a_standing,
)


def accepted(standing, fact, now=NOON):
    return accept(standing, fact, CATALOGUE, Policy(), now, currency="GBP", zone=LONDON)


def judged(standing, now=NOON):
    return judge(standing, CATALOGUE, Policy(), now, currency="GBP", zone=LONDON)


def suspended():
    standing = a_standing(103 * GB)
    return apply(standing, judged(standing).events, CATALOGUE)


def after(standing, fact, now=NOON):
    """Return the standing after *fact* and the judgement that follows it."""
    standing = apply(standing, accepted(standing, fact, now), CATALOGUE)
    return apply(standing, judged(standing, now).events, CATALOGUE)


def test_a_topup_adds_to_the_running_period__UC_3():
    (event,) = accepted(suspended(), a_fact(size="10GB", reference="inv-9"))
    assert (event.kind, event.clause, event.author, event.at) == ("topup", "UC-3", "desk", NOON)
    assert event.figures == {
        "size_bytes": 10 * GB,
        "reference": "inv-9",
        "period": "2026-03",
        "allowance_bytes": 110 * GB,
    }
    assert event.text == "10 GB added (reference inv-9): 110 GB in all until 1 April (UC-3)."
    assert after(suspended(), a_fact(size="10GB", reference="inv-9")).holds == ()


def test_there_is_nothing_to_add_data_to_without_a_cap__UC_3():
    answer = accepted(a_standing(product=ENDLESS), a_fact(size="1GB", reference="r"))
    assert answer == Refused("Endless has no cap: there is nothing to add data to")


def test_a_plan_moves_the_subscriber__UC_3():
    (event,) = accepted(suspended(), a_fact("plan", product="home-300"))
    assert (event.kind, event.clause) == ("plan_changed", "UC-3")
    assert (event.figures["from"], event.figures["to"]) == ("home-100", "home-300")
    assert event.text == "Moved from Home 100 to Home 300, with a cap of 300 GB (UC-3)."
    moved = after(suspended(), a_fact("plan", product="home-300"))
    assert (moved.product, moved.subscriber.product, moved.holds) == (HOME_300, "home-300", ())


def test_a_lower_plan_is_taken_without_that_clause():
    (event,) = accepted(a_standing(product=HOME_300), a_fact("plan", product="home-100"))
    assert event.clause is None


def test_the_same_plan_makes_nothing_different():
    assert accepted(a_standing(), a_fact("plan", product="home-100")) == ()


def test_an_unknown_plan_is_refused_with_a_guess():
    answer = accepted(a_standing(), a_fact("plan", product="home-301"))
    assert answer == Refused("there is no product 'home-301'. Did you mean 'home-300'?")


def test_a_hold_stops_service_and_says_by_whom__CT_4():
    fact = a_fact("hold", reason="non_payment", note="inv-7", author="billing")
    (event,) = accepted(a_standing(), fact)
    assert (event.kind, event.clause, event.author) == ("hold_opened", "CT-4", "billing")
    assert event.text == "Service is suspended for a missed payment (CT-4)."
    held = after(a_standing(), fact)
    assert (held.holds[0].note, held.holds[0].author) == ("inv-7", "billing")
    assert judged(held).owed.suspended


def test_a_restriction_may_bring_its_rates_and_its_end__NM_4():
    end = "2026-03-12T09:00:00Z"
    (event,) = accepted(
        a_standing(), a_fact("hold", reason="restricted", down="512kbps", until=end)
    )
    assert event.text == (
        "Service is limited to 512 kbps down and 1 Mbps up until 12 March 09:00 GMT "
        "for activity that harms others (NM-4)."
    )
    verdict = judged(apply(a_standing(), (event,), CATALOGUE))
    assert (verdict.owed.down_bps, verdict.owed.up_bps) == (512_000, 1_000_000)
    assert not verdict.owed.suspended


@pytest.mark.parametrize(
    ("details", "sentence"),
    [
        ({"reason": "fraud", "down": "1Mbps"}, "a hold for fraud stops service: it has no rates"),
        (
            {"reason": "cap"},
            "a hold for the cap follows from usage alone; use the reason 'operator'",
        ),
        (
            {"reason": "aup", "until": "2026-03-10T11:00:00Z"},
            "until: 2026-03-10T11:00:00Z is over already",
        ),
    ],
)
def test_a_hold_that_makes_no_sense_is_refused(details, sentence):
    assert accepted(a_standing(), a_fact("hold", **details)) == Refused(sentence)


def test_the_same_hold_again_makes_nothing_different():
    standing = a_standing(holds=(a_hold(note="inv-7"),))
    assert accepted(standing, a_fact("hold", reason="non_payment", note="inv-7")) == ()


def test_another_hold_for_the_same_reason_is_refused():
    standing = a_standing(holds=(a_hold(note="inv-7"),))
    assert accepted(standing, a_fact("hold", reason="non_payment", note="inv-8")) == Refused(
        "a hold for non_payment is open since 10 March 12:00 GMT; release it first to change it"
    )


def test_a_release_closes_that_hold_alone_and_says_by_whom__AU_2():
    standing = a_standing(holds=(a_hold(), a_hold(Reason.AUP, clause="AU-2")))
    (event,) = accepted(standing, a_fact("release", reason="aup", note="cleaned", author="kim"))
    assert (event.kind, event.clause, event.author) == ("hold_closed", "AU-2", "kim")
    assert event.text == (
        "The hold for a breach of the acceptable use policy was released: cleaned (AU-2)."
    )
    left = apply(standing, (event,), CATALOGUE)
    assert [hold.reason for hold in left.holds] == [Reason.NON_PAYMENT]
    assert judged(left).owed.suspended


def test_what_is_not_held_cannot_be_released():
    answer = accepted(a_standing(), a_fact("release", reason="aup"))
    assert answer == Refused("no hold for aup is open")


def test_a_released_hold_for_the_cap_stays_closed_until_the_period_ends__UC_8():
    fact = a_fact("release", reason="cap", note="goodwill", author="kim")
    closed, delay = accepted(suspended(), fact)
    assert (closed.kind, closed.figures["period"]) == ("hold_closed", "2026-03")
    assert (delay.kind, delay.figures["until"], delay.author) == (
        "delay", "2026-03-31T23:00:00Z", "kim",
    )  # fmt: skip
    released = after(suspended(), fact)
    assert released.holds == ()
    later = judged(released, MARCH.end - timedelta(seconds=1))
    assert (later.events, later.owed.suspended) == ((), False)


def test_a_delay_puts_off_what_would_follow__UC_8():
    fact = a_fact("delay", until="2026-03-12T09:00:00Z", note="called in")
    (event,) = accepted(a_standing(), fact)
    assert (event.kind, event.clause) == ("delay", "UC-8")
    assert event.text == (
        "Nothing follows from going over the cap until 12 March 09:00 GMT: called in (UC-8)."
    )
    standing = after(a_standing(), fact)
    assert accepted(standing, fact) == ()
    assert not judged(replace(standing, usage=suspended().usage)).owed.suspended


def test_a_delay_into_the_past_is_refused__UC_8():
    answer = accepted(a_standing(), a_fact("delay", until="2026-03-10T12:00:00Z"))
    assert answer == Refused("until: 2026-03-10T12:00:00Z is over already")


def test_the_clock_only_lets_time_pass():
    assert accepted(a_standing(), a_fact("clock", subscriber=None)) == ()
    assert check(a_fact("clock", subscriber=None)) == []


@pytest.mark.parametrize(
    ("fact", "mistakes"),
    [
        (a_fact("topupp"), ["fact: unknown 'topupp'. Did you mean 'topup'?"]),
        (
            a_fact("topup", subscriber=None),
            ["subscriber: is missing", "size: is missing", "reference: is missing"],
        ),
        (a_fact("topup", size="0GB", reference="r"), ["size: wants more than nothing"]),
        (
            a_fact("topup", size="10 apples", reference="r"),
            [
                (
                    'size: wants a size such as "100GB", "500MB", "2GiB" or a number of bytes, '
                    "not '10 apples'"
                )
            ],
        ),
        (
            a_fact("topup", size="1GB", referense="r"),
            [
                "reference: is missing",
                "referense: unknown key for 'topup'. Did you mean 'reference'?",
            ],
        ),
        (
            a_fact("hold", reason="nonpayment"),
            [
                (
                    "reason: unknown 'nonpayment', wants one of cap, non_payment, breach, aup, "
                    "security, fraud, restricted, maintenance, prepaid, spike, operator, "
                    "credentials, linked, ended. "
                    "Did you mean 'non_payment'?"
                )
            ],
        ),
        (
            a_fact("delay", until="tomorrow"),
            ["until: wants a time such as 2026-03-01T00:05:00Z, not 'tomorrow'"],
        ),
        (a_fact("hold", reason="restricted", down="0"), ["down: wants more than nothing"]),
    ],
)
def test_every_mistake_in_a_fact_is_named(fact, mistakes):
    assert check(fact) == mistakes
    assert accepted(a_standing(), fact) == Refused("; ".join(mistakes))


def test_every_kind_of_fact_says_what_it_is_for():
    assert all(kind.help and not kind.help.endswith(".") for kind in FACTS.values())


@pytest.mark.parametrize("text", ["a\nb", "a\x1b[2J", "a\u202eb", "\r"])
def test_what_is_told_is_one_line_that_hides_nothing(text):
    assert check(a_fact(size="1GB", reference=text)) == [
        "reference: wants one line of text, without control characters"
    ]
    assert check(a_fact("hold", reason="aup", note='He said "no"; it\'s Ælfwine, $(x)')) == []


def test_a_note_may_have_several_lines_and_is_said_in_one():
    fact = a_fact("hold", reason="aup", note="Mail sent by mistake:\n  open relay\n")
    (event,) = accepted(a_standing(), fact)
    assert event.figures["note"] == "Mail sent by mistake: open relay"
    assert "\n" not in event.text
    assert check(a_fact("hold", reason="aup", note="a\rb\x1b[2J")) == [
        "note: wants lines of text, without control characters"
    ]


def test_a_text_that_no_index_has_room_for_is_a_mistake():
    assert check(a_fact(size="1GB", reference="r" * 500)) == []
    assert check(a_fact(size="1GB", reference="r" * 501)) == [
        "reference: wants at most 500 characters, not 501"
    ]
