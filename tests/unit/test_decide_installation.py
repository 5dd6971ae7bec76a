"""Installations (IN): booked, priced on the day, done, called off, nobody at home."""

from datetime import UTC, date, datetime

import pytest

from capd.decide import facts, matters
from capd.decide.calendar import working_days_after
from capd.decide.facts import Refused
from capd.decide.policy import Policy
from capd.decide.standing import apply
from capd.decide.terms.calendar import Calendar
from tests.builders import CATALOGUE, LONDON, NOON, a_fact, a_standing, an_event

GOOD_FRIDAY, EASTER_MONDAY = date(2026, 4, 3), date(2026, 4, 6)
EASTER = Policy(calendar=Calendar(holidays=(GOOD_FRIDAY, EASTER_MONDAY)))


class Site:
    """A subscriber for whom an installation is told of."""

    def __init__(self, policy=None):
        self.standing = a_standing()
        self.policy = policy or Policy()
        self.now = NOON
        self.events = []

    def tell(self, kind, **details):
        found = facts.accept(
            self.standing, a_fact(kind, **details), CATALOGUE, self.policy, self.now,
            currency="GBP", zone=LONDON,
        )  # fmt: skip
        if isinstance(found, Refused):
            return found.sentence
        self.keep(found)
        return [event.kind for event in found]

    def keep(self, events):
        self.events += events
        self.standing = apply(self.standing, events, CATALOGUE)

    def booked(self, on="2026-03-20", **more):
        assert self.tell("job", reference="j-1", on=on, **more) == ["job"]
        return self

    def activated(self):
        self.keep([an_event("activated", **matters.change("contract", "contract"))])
        return self

    def charged(self):
        return [
            (e.figures["charge"], e.figures["amount"], e.clause)
            for e in self.events
            if e.kind == "charge"
        ]


def test_a_booking_has_a_day_a_person_and_what_is_connected__IN_1():
    site = Site().booked(tech="ann", connects="one laptop")
    (job,) = matters.of_kind(site.standing, "job")
    assert job.data["on"] == "2026-03-20"
    assert (job.data["tech"], job.data["connects"]) == ("ann", "one laptop")
    assert site.events[0].text == "An engineer comes on 20 March (IN-1)."
    assert "over already" in site.tell("job", reference="j-2", on="2026-03-09")


def test_done_is_activated_and_proven__IN_1():
    site = Site().booked()
    assert site.tell("job_done", job="j-1") == "no radio is activated yet: activate it first (IN-1)"
    assert site.activated().tell("job_done", job="j-1") == ["job_done"]
    assert matters.of_kind(site.standing, "job") == ()
    assert site.tell("job_done", job="j-1") == "there is no open job 'j-1'."


def test_the_charge_is_indicative_until_it_is_confirmed_before_the_work__IN_2():
    site = Site().booked(quote="120").activated()
    assert "about 120.00 GBP" in site.events[0].text
    assert site.events[0].figures["quote"] == "120.00"
    assert "the price is not confirmed" in site.tell("job_done", job="j-1")
    assert site.charged() == []
    assert site.tell("job_confirmed", job="j-1", amount="110") == ["job_confirmed"]
    assert site.tell("job_confirmed", job="j-1", amount="110.00") == []
    assert site.tell("job_done", job="j-1") == ["job_done", "charge"]
    assert site.charged() == [("installation", "110.00", "IN-2")]


def test_what_was_confirmed_for_one_day_is_indicative_again_on_another__IN_2():
    site = Site().booked(quote="120").activated()
    site.tell("job_confirmed", job="j-1", amount="110")
    assert site.tell("job_moved", job="j-1", on="2026-03-25") == ["job_moved"]
    assert "the price is not confirmed" in site.tell("job_done", job="j-1")
    site.tell("job_confirmed", job="j-1", amount="130")
    site.tell("job_confirmed", job="j-1", amount="125")  # the last word before the work
    assert "quoted at 120.00" in site.events[-1].text
    assert site.tell("job_done", job="j-1") == ["job_done", "charge"]
    assert site.charged() == [("installation", "125.00", "IN-2")]
    assert "no open job" in site.tell("job_confirmed", job="j-1", amount="10")  # too late


def test_what_was_only_quoted_is_never_charged__IN_2():
    for over in ("job_cancelled", "job_missed"):
        site = Site().booked(quote="120")
        site.tell(over, job="j-1")
        assert "installation" not in [charge for charge, *_ in site.charged()]
    free = Site().booked(quote="120").activated()
    free.tell("job_confirmed", job="j-1", amount="0")
    assert free.tell("job_done", job="j-1") == ["job_done"]


def test_what_is_not_standard_is_done_at_an_agreed_extra_charge__IN_3():
    site = Site().booked().activated()
    told = {"job": "j-1", "extra": "80", "agreed": "yes", "note": "a mast"}
    assert site.tell("job_not_standard", **told) == ["job_not_standard"]
    assert site.tell("job_done", job="j-1") == ["job_done", "charge"]
    assert site.charged() == [("extra_work", "80.00", "IN-3")]


def test_what_is_not_standard_and_not_agreed_is_cancelled_and_refunded__IN_3():
    site = Site().booked(quote="120")
    told = {"job": "j-1", "extra": "80", "agreed": "no", "note": "a mast"}
    assert site.tell("job_not_standard", **told) == ["job_cancelled"]
    assert site.events[-1].figures["outcome"] == "refunded"
    assert site.charged() == []


@pytest.mark.parametrize(
    ("today", "charged"),
    [
        (datetime(2026, 4, 2, 22, 59, tzinfo=UTC), []),  # a minute before midnight
        (datetime(2026, 4, 2, 23, 0, tzinfo=UTC), [("engineer_visit", "50.00", "IN-4")]),
        (datetime(2026, 4, 7, 9, 0, tzinfo=UTC), [("engineer_visit", "50.00", "IN-4")]),
    ],
)
def test_it_is_free_until_two_working_days_before__IN_4(today, charged):
    site = Site(EASTER).booked(on="2026-04-08")  # Wednesday after Easter
    site.now = today
    site.tell("job_cancelled", job="j-1")
    assert site.charged() == charged


def test_nobody_at_home_costs_the_visit_and_the_operators_own_cancellation_nothing__IN_4():
    site = Site().booked()
    assert site.tell("job_missed", job="j-1") == ["job_missed", "charge"]
    assert site.events[-1].text == (
        "The engineer's visit on 20 March costs 50.00 GBP, as nobody was at home (IN-4)."
    )
    other = Site().booked(on="2026-03-11")
    assert other.tell("job_cancelled", job="j-1", by="operator") == ["job_cancelled"]


def test_a_day_moved_late_by_the_customer_costs_the_visit_too__IN_4():
    site = Site().booked(on="2026-03-11")
    assert site.tell("job_moved", job="j-1", on="2026-03-25") == ["job_moved", "charge"]
    assert site.tell("job_moved", job="j-1", on="2026-03-26") == ["job_moved"]
    assert site.charged() == [("engineer_visit", "50.00", "IN-4")]


def test_a_day_that_was_paid_for_is_not_paid_for_again__IN_4():
    site = Site().booked(on="2026-03-11")
    site.tell("job_moved", job="j-1", on="2026-03-12")
    site.tell("job_moved", job="j-1", on="2026-03-11")
    site.tell("job_cancelled", job="j-1")
    ids = [event.figures["charge_id"] for event in site.events if event.kind == "charge"]
    assert ids == ["S-1/engineer_visit/j-1/2026-03-11"]


def test_working_days_leave_out_weekends_and_holidays():
    assert working_days_after(date(2026, 4, 2), 1, EASTER.calendar) == date(2026, 4, 7)
    assert working_days_after(date(2026, 4, 2), 0, EASTER.calendar) == date(2026, 4, 2)
