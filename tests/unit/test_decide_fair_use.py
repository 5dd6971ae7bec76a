"""Fair use (FU): told first, acted on only when it goes on; calls by the minute (D-1)."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from capd.decide import facts
from capd.decide.facts import Refused
from capd.decide.judge import judge
from capd.decide.policy import Policy
from capd.decide.standing import apply
from capd.decide.terms.fair import FairUse, Follows
from capd.decide.terms.voice import Calls
from capd.model import Reason, Unit
from tests.builders import (
    APRIL,
    CATALOGUE,
    ENDLESS,
    GB,
    LONDON,
    NOON,
    a_fact,
    a_product,
    a_standing,
)

HOUR = timedelta(hours=1)
TB = 1000 * GB
FAIR = FairUse(fair=TB, grace_h=24, excess=200 * GB)


class User:
    """Somebody without a cap, judged as usage grows."""

    def __init__(self, terms=FAIR):
        self.policy = Policy(fair_use=terms)
        self.standing = a_standing(product=ENDLESS)
        self.events = []

    def uses(self, used, at=NOON):
        usage = replace(self.standing.usage, down_bytes=used)
        self.standing = replace(self.standing, usage=usage)
        verdict = judge(self.standing, CATALOGUE, self.policy, at, currency="GBP", zone=LONDON)
        self.events += verdict.events
        self.standing = apply(self.standing, verdict.events, CATALOGUE)
        return verdict

    def kinds(self):
        return [event.kind for event in self.events]


def test_who_uses_excessively_is_told_what_was_used_and_what_is_fair__FU_1():
    user = User()
    assert user.uses(TB).watch_bytes == TB + 1
    assert user.kinds() == []
    verdict = user.uses(TB + GB)
    assert user.kinds() == ["fair_use_notice"]
    assert user.events[0].text == (
        "1 TB used since 1 March is more than is fair (1 TB): please use less. If it goes on after "
        "11 March 12:00 GMT, service is limited to 2 Mbps down and 1 Mbps up (FU-1)."
    )
    assert (verdict.owed.down_bps, verdict.due_at) == (None, NOON + 24 * HOUR)
    assert verdict.watch_bytes == TB + 201 * GB


def test_if_it_goes_on_after_the_time_given_it_is_restricted_without_further_notice__FU_2():
    user = User()
    user.uses(TB + GB)
    user.uses(TB + 20 * GB, NOON + 23 * HOUR)
    verdict = user.uses(TB + 20 * GB, NOON + 24 * HOUR)
    assert verdict.watch_bytes == TB + 20 * GB + 1
    assert verdict.owed.down_bps is None
    verdict = user.uses(TB + 20 * GB + 1, NOON + 30 * HOUR)
    assert (verdict.owed.down_bps, verdict.owed.suspended) == (2_000_000, False)
    (hold,) = user.standing.holds
    assert (hold.reason, hold.clause, hold.until) == (
        Reason.RESTRICTED,
        "FU-2",
        user.standing.period.end,
    )
    before = user.kinds()
    user.uses(TB + 90 * GB, NOON + 31 * HOUR)
    assert user.kinds() == before


def test_so_much_more_at_once_does_not_wait__FU_2():
    user = User(replace(FAIR, follows=Follows.SUSPEND))
    user.uses(TB + GB)
    assert user.uses(TB + 201 * GB, NOON + HOUR).owed.suspended


def test_the_excess_may_be_charged_instead_each_unit_once__FU_2():
    terms = replace(FAIR, follows=Follows.CHARGE, unit=50 * GB, unit_price=Decimal(2), grace_h=0)
    user = User(terms)
    user.uses(TB + GB)
    user.uses(TB + 60 * GB, NOON + HOUR)
    user.uses(TB + 60 * GB, NOON + HOUR)
    verdict = user.uses(TB + 101 * GB, NOON + 2 * HOUR)
    charged = [(e.figures["amount"], e.figures["units"]) for e in user.events if e.kind == "charge"]
    assert charged == [("4.00", 2), ("2.00", 1)]
    assert verdict.watch_bytes == TB + 150 * GB + 1
    assert not verdict.owed.suspended


def test_a_new_period_starts_afresh__FU_1():
    user = User()
    user.uses(TB + GB)
    user.standing = replace(
        user.standing, period=APRIL, usage=replace(user.standing.usage, period=APRIL)
    )
    verdict = user.uses(0, APRIL.start)
    assert user.standing.matters == ()
    assert verdict.watch_bytes == TB + 1


def test_it_is_only_for_the_families_that_the_policy_names__FU_1():
    user = User(replace(FAIR, families=("voice",)))
    user.uses(2 * TB)
    assert user.kinds() == []


def test_a_call_counts_a_minute_at_least_and_whole_minutes__D_1():
    calls = Calls()
    assert [calls.counted_s(s) for s in (0, 1, 60, 61, 3600)] == [0, 60, 60, 120, 3600]
    assert Calls(minimum_s=30, step_s=6).counted_s(31) == 36


VOICE = a_product("voice-500", unit=Unit.SECONDS, family="voice")


def told(**details):
    standing = a_standing(product=VOICE)
    fact = a_fact("call", **details)
    return facts.accept(standing, fact, CATALOGUE, Policy(), NOON, currency="GBP", zone=LONDON)


def test_a_call_is_told_by_its_record_and_is_of_a_product_that_counts_seconds__D_1():
    (event,) = told(reference="cdr-1", seconds="75")
    assert event.text == "A call of 1.2 min counts 2 min (D-1)."
    assert (event.figures["seconds"], event.figures["counted_seconds"]) == (75, 120)
    assert (
        "yet to come"
        in told(reference="cdr-1", seconds="75", ended_at="2027-01-01T00:00:00Z").sentence
    )
    assert "wants a whole number" in told(reference="cdr-1", seconds="-5").sentence
    of_bytes = facts.accept(
        a_standing(), a_fact("call", reference="c", seconds="9"), CATALOGUE, Policy(), NOON,
        currency="GBP", zone=LONDON,
    )  # fmt: skip
    assert isinstance(of_bytes, Refused)
