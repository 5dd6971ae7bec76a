"""Bytes of a period that are read after its end (CN-12 meets UC-4)."""

from datetime import timedelta

from capd.decide.late import settle
from capd.decide.policy import Action, Policy
from capd.decide.standing import apply
from tests.builders import CATALOGUE, GB, LONDON, MARCH, a_breach, a_standing, using

SEEN = MARCH.end + timedelta(minutes=2)
CHARGE = Policy(repeat_action=Action.CHARGE)


def settled(standing, policy=None):
    return settle(standing, CATALOGUE, policy or Policy(), SEEN, currency="GBP", zone=LONDON)


def test_a_breach_that_is_read_after_the_month_counts_and_stops_nobody__UC_4():
    standing = a_standing(101 * GB)
    (event,) = settled(standing)
    assert (event.kind, event.at, event.clause) == ("breach", SEEN, "UC-4")
    assert event.text == (
        "Over the cap in March 2026: 101 of 100 GB used, as was seen only after its end; "
        "it counts, and service goes on (UC-4)."
    )
    after = apply(standing, (event,), CATALOGUE)
    assert ([b.period for b in after.breaches], after.holds) == (["2026-03"], ())
    assert settled(after) == ()


def test_exactly_the_allowance_is_not_over_afterwards_either__UC_2():
    assert settled(a_standing(100 * GB)) == ()


def test_a_breach_that_was_seen_in_time_is_not_seen_again__UC_4():
    mine = a_breach("2026-03", MARCH.end - timedelta(seconds=1))
    assert settled(a_standing(101 * GB, breaches=(mine,))) == ()
    suspended = a_standing(101 * GB, breaches=(a_breach(), mine))
    assert settled(suspended, CHARGE) == ()


def test_a_repeated_one_is_charged_for_as_it_would_have_been__UC_4():
    standing = a_standing(101 * GB, breaches=(a_breach(),))
    events = settled(standing, CHARGE)
    assert [e.figures["charge"] for e in events] == ["administration", "overage"]
    after = apply(standing, events, CATALOGUE)
    assert settled(after, CHARGE) == ()
    more = settled(using(after, 103 * GB), CHARGE)
    assert [e.figures["unit"] for e in more] == [2, 3]


def test_nobody_is_moved_up_for_a_month_that_is_over__UC_4():
    assert [e.kind for e in settled(a_standing(101 * GB, breaches=(a_breach(),)))] == ["breach"]
