"""Facts told again from the audit trail: the same difference, or what other terms make of it."""

from hypothesis import given
from hypothesis import strategies as st

from capd.decide import facts, retell
from capd.decide.policy import Policy
from capd.decide.standing import turned
from capd.model import Reason
from tests.builders import (
    APRIL,
    CATALOGUE,
    GB,
    LONDON,
    NOON,
    a_fact,
    a_hold,
    a_standing,
    an_event,
)

TOLD = [
    ("topup", {"size": "10GB", "reference": "inv-9"}),
    ("plan", {"product": "home-300"}),
    ("plan", {"product": "home-300", "note": "asked on the phone"}),
    ("hold", {"reason": "aup", "note": "case 7", "until": "2026-03-20T09:00:00Z"}),
    ("hold", {"reason": "restricted", "down": "1Mbps"}),
    ("release", {"reason": "non_payment", "note": "paid"}),
    ("release", {"reason": "cap"}),
    ("delay", {"until": "2026-03-20T09:00:00Z", "note": "by kindness"}),
]


@given(st.sampled_from(TOLD), st.integers(0, 120 * GB))
def test_told_again_it_is_the_same_fact(fact, used):
    name, details = fact
    standing = a_standing(used, holds=(a_hold(), a_hold(Reason.CAP, period="2026-03")))
    events = accepted(standing, a_fact(name, **details))
    first, *more = retell.steps(events)
    assert accepted(standing, first) == events
    assert [step.fact for step in more] == ["delay"] * (len(events) - 1)


def accepted(standing, fact):
    return facts.accept(standing, fact, CATALOGUE, Policy(), NOON, currency="GBP", zone=LONDON)


def test_what_is_no_known_fact_is_told_again_as_one():
    telling = [an_event("addon_ended", author="billing"), an_event("topup", author="billing")]
    assert list(retell.steps(telling)) == [tuple(telling)]


def test_what_came_of_a_fact_is_for_the_fact_to_bring_about():
    told = an_event("topup", size_bytes=GB, reference="inv-9", author="desk")
    charged = an_event("charge", charge="data", amount="5.00", author="desk")
    [fact] = retell.steps([told, charged])
    assert (fact.fact, fact.details) == ("topup", {"size": str(GB), "reference": "inv-9"})


def test_a_telling_ends_where_somebody_else_speaks_or_capd_concludes():
    trail = [
        an_event("addon_ended", author="billing"),
        an_event("topup", author="billing"),
        an_event("hold_closed"),
        an_event("topup", author="billing"),
        an_event("delay", author="desk"),
    ]
    assert retell.tellings(trail) == [tuple(trail[:2]), (trail[3],), (trail[4],)]


def test_what_an_import_changed_is_as_it_was():
    event = an_event("plan_changed", author="cli", **{"from": "home-100", "to": "home-300"})
    assert retell.fact_of(event) is None
    assert list(retell.steps([event])) == [(event,)]


def test_only_what_somebody_else_than_capd_wrote_was_told():
    assert retell.was_told(an_event("topup", author="api:billing"))
    assert not retell.was_told(an_event("plan_changed"))


def test_a_new_period_leaves_behind_what_belongs_to_the_old_one():
    standing = a_standing(
        5 * GB, topup_bytes=GB, holds=(a_hold(), a_hold(Reason.CAP, period="2026-03"))
    )
    there = turned(standing, APRIL)
    assert (there.usage.down_bytes, there.topup_bytes, there.period) == (0, 0, APRIL)
    assert there.previous == (standing.usage,)
    assert there.holds == standing.holds


def test_a_counter_charge_is_told_again_as_one_and_not_as_money():
    """What it takes back may never have been charged under other terms."""
    figures = {"charge": "late_fee", "charge_id": "S-1/late_fee/inv-7/late/1/reversed"}
    figures |= {"reverses": "S-1/late_fee/inv-7/late/1", "why": "goodwill", "amount": "-5.00"}
    [fact] = retell.steps([an_event("charge", author="desk", **figures)])
    assert fact.fact == "charge_reversed"
    assert fact.details == {"charge_id": "S-1/late_fee/inv-7/late/1", "reason": "goodwill"}


def test_what_an_invoice_bills_is_told_again_with_it():
    details = {"reference": "inv-9", "amount": "30", "issued_on": "2026-03-01"}
    figures = {**details, "matter": "invoice", "key": "inv-9", "open": True, "bills": "a, b"}
    [fact] = retell.steps([an_event("invoice", author="billing", **figures)])
    assert (fact.fact, fact.details) == ("invoice", {**details, "charges": "a, b"})


def test_a_mail_that_could_not_be_delivered_is_no_conclusion():
    assert retell.was_told(an_event("delivery_failed"))
