"""Working hours in local time, also when the clocks change (UC-8)."""

from datetime import UTC, date, datetime, time

import pytest

from capd.decide import quiet
from capd.decide.policy import Policy
from capd.decide.terms.calendar import Calendar
from capd.decide.terms.debt import Quiet
from capd.model import Reason
from tests.builders import LONDON

POLICY = Policy(calendar=Calendar(holidays=(date(2026, 4, 6),)))


def allowed(at, policy=POLICY, reason=Reason.NON_PAYMENT):
    moment = datetime.fromisoformat(f"2026-{at}").replace(tzinfo=UTC)
    return f"{quiet.allowed(moment, reason, policy, LONDON):%m-%dT%H:%M}"


@pytest.mark.parametrize(
    ("at", "then"),
    [
        ("03-25T09:00", "03-25T09:00"),  # Wednesday, at the first moment
        ("03-25T08:59", "03-25T09:00"),
        ("03-25T16:59", "03-25T16:59"),
        ("03-25T17:00", "03-26T09:00"),
        ("03-27T20:00", "03-30T08:00"),  # Friday night; summer time began on Sunday
        ("04-03T16:00", "04-07T08:00"),  # a weekend and a holiday after it
        ("10-23T16:30", "10-26T09:00"),  # Friday; winter time began on Sunday
    ],
)
def test_what_falls_into_quiet_hours_waits_for_the_next_working_hour__UC_8(at, then):
    assert allowed(at) == then


def test_only_the_reasons_of_the_policy_wait__UC_8():
    assert allowed("03-28T12:00", reason=Reason.CAP) == "03-28T12:00"


def test_each_kind_of_quiet_can_be_left_out__UC_8():
    any_day = Policy(quiet=Quiet(weekends=False, holidays=False))
    assert allowed("03-28T12:00", any_day) == "03-28T12:00"
    any_hour = Policy(quiet=Quiet(opens=time(), closes=None))
    assert allowed("03-27T23:30", any_hour) == "03-27T23:30"
    assert allowed("03-28T00:00", any_hour) == "03-29T23:00"


def test_an_hour_that_a_clock_change_skips_is_as_much_later():
    early = Policy(quiet=Quiet(opens=time(1, 30), weekends=False))
    assert allowed("03-28T23:00", early) == "03-29T01:30"  # 02:30 by the new clock
