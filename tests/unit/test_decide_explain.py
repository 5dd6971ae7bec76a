"""Why somebody has what they have, and what would change it."""

import json
from dataclasses import replace
from datetime import timedelta

from capd.decide.explain import explain
from capd.decide.judge import judge
from capd.decide.policy import Policy
from capd.decide.standing import apply
from capd.model import Delay, Reason
from tests.builders import (
    CATALOGUE,
    ENDLESS,
    GB,
    HOME_900,
    LONDON,
    NOON,
    a_hold,
    a_standing,
    an_applied,
)


def explained(standing, applied=()):
    verdict = judge(standing, CATALOGUE, Policy(), NOON, currency="GBP", zone=LONDON)
    standing = apply(standing, verdict.events, CATALOGUE)
    return explain(standing, verdict, applied, CATALOGUE, Policy(), zone=LONDON)


def changes(standing):
    return explained(standing)["what_would_change"]


def test_the_ways_back_have_exact_figures__UC_3():
    assert changes(a_standing(103 * GB + 1)) == [
        "Buying 4 GB or more, or moving to Home 300, restores service (UC-3).",
        "The new period, from 1 April, restores service (UC-1).",
    ]


def test_a_whole_number_of_gb_over_needs_just_that_many__UC_3():
    assert changes(a_standing(103 * GB))[0].startswith("Buying 3 GB or more")


def test_the_smallest_product_that_covers_is_named__UC_3():
    assert "moving to Home 900," in changes(a_standing(301 * GB))[0]


def test_where_no_product_covers_only_data_helps__UC_3():
    assert changes(a_standing(901 * GB, product=HOME_900))[0] == (
        "Buying 1 GB or more restores service (UC-3)."
    )


def test_each_hold_must_go_its_own_way():
    standing = a_standing(103 * GB, holds=(a_hold(Reason.NON_PAYMENT),))
    assert changes(standing) == [
        "Buying 3 GB or more, or moving to Home 300, closes the hold for the cap (UC-3).",
        "The new period, from 1 April, closes the hold for the cap (UC-1).",
        "The hold for a missed payment stays until someone releases it (CT-4).",
        "Service comes back when all 2 holds are closed.",
    ]


def test_a_hold_with_an_end_says_when():
    until = NOON + timedelta(days=1)
    assert changes(
        a_standing(holds=(a_hold(Reason.OPERATOR, clause="operator", until=until),))
    ) == [
        (
            "The hold for a decision of the operator ends on 11 March 12:00 GMT, "
            "or when released (operator)."
        )
    ]


def test_in_service_it_says_how_much_is_left__UC_10():
    assert changes(a_standing(90 * GB)) == [
        "Using more than another 10 GB goes over the cap (UC-2)."
    ]
    assert changes(a_standing(90 * GB, product=ENDLESS)) == []


def test_a_limit_is_not_a_hold_on_service__NM_4():
    assert changes(a_standing(90 * GB, holds=(a_hold(Reason.RESTRICTED, clause="NM-4"),))) == [
        "The limit for activity that harms others stays until someone releases it (NM-4).",
        "Using more than another 10 GB goes over the cap (UC-2).",
    ]


def test_the_answer_is_whole_and_ready_for_json():
    grace = Delay(until=NOON - timedelta(days=1), author="kim", note="called in")
    standing = replace(a_standing(103 * GB, holds=(a_hold(note="inv-7"),)), delay=grace)
    answer = json.loads(json.dumps(explained(standing, [an_applied()])))
    assert answer["state"] == "suspended"
    assert answer["owed"]["suspended"] is True
    assert answer["applied"][0]["state"] == "assumed"
    assert [hold["reason"] for hold in answer["holds"]] == ["non_payment", "cap"]
    assert answer["holds"][0] == {
        "reason": "non_payment",
        "clause": "CT-4",
        "author": "billing",
        "note": "inv-7",
        "opened_at": "2026-03-10T12:00:00Z",
        "until": None,
        "blocking": True,
        "text": "Service is suspended.",
    }
    figures = answer["figures"]
    assert (figures["counted_bytes"], figures["remaining_bytes"]) == (103 * GB, 0)
    assert figures["breaches"][0]["period"] == "2026-03"
    assert figures["delay"]["author"] == "kim"
