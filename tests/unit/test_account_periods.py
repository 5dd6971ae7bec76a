"""Billing periods: the operator's local months, from any day, over every clock change (UC-1)."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capd.account.periods import (
    days_served,
    is_name,
    next_period,
    period_before,
    period_named,
    period_of,
)
from capd.model import Cycle

LONDON = ZoneInfo("Europe/London")
ZONES = [LONDON, ZoneInfo("UTC"), ZoneInfo("America/Santiago"), ZoneInfo("Pacific/Apia")]


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


def test_a_month_is_the_operators_local_month__UC_1():
    period = period_of(utc(2026, 3, 31, 23, 30), Cycle(1), LONDON)  # 00:30 of 1 April in London
    assert (period.name, period.start) == ("2026-04", utc(2026, 3, 31, 23))
    assert period.end == utc(2026, 4, 30, 23)


def test_the_month_of_a_clock_change_is_an_hour_shorter():
    march = period_named("2026-03", Cycle(1), LONDON)
    assert march.end - march.start == timedelta(days=31, hours=-1)


@pytest.mark.parametrize(
    ("at", "name", "start", "end"),
    [
        (utc(2026, 2, 15), "2026-01", utc(2026, 1, 31), utc(2026, 2, 28)),
        (utc(2026, 2, 28), "2026-02", utc(2026, 2, 28), utc(2026, 3, 31)),
        (utc(2028, 2, 29), "2028-02", utc(2028, 2, 29), utc(2028, 3, 31)),
        (utc(2026, 4, 29), "2026-03", utc(2026, 3, 31), utc(2026, 4, 30)),
    ],
)
def test_day_31_is_the_last_day_where_a_month_is_shorter(at, name, start, end):
    period = period_of(at, Cycle(31), ZoneInfo("UTC"))
    assert (period.name, period.start, period.end) == (name, start, end)


def test_the_first_moment_belongs_to_the_new_period_and_the_last_to_the_old():
    start = utc(2026, 5, 9, 23)  # local midnight of the 10th
    assert period_of(start, Cycle(10), LONDON).start == start
    assert period_of(start - timedelta(microseconds=1), Cycle(10), LONDON).end == start


@pytest.mark.parametrize("name", ["2026", "2026-13", "26-3", "march", "2026-3", ""])
def test_a_period_that_is_none_is_refused_with_what_is_wanted(name):
    with pytest.raises(ValueError, match="2026-03"):
        period_named(name, Cycle(1), LONDON)


@given(
    st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1)),
    st.integers(1, 31),
    st.sampled_from(ZONES),
)
def test_periods_follow_each_other_without_gap_or_overlap(naive, day, zone):
    at = naive.replace(tzinfo=UTC)
    period = period_of(at, Cycle(day), zone)
    assert period.start <= at < period.end
    assert next_period(period, Cycle(day), zone).start == period.end
    assert period_named(period.name, Cycle(day), zone) == period
    assert timedelta(days=27) < period.end - period.start < timedelta(days=33)


# ---- a changed cycle day -------------------------------------------------------------------------


def names_from(at, cycle, several):
    """Return several periods as "name: first day to last"."""
    period, found = period_of(at, cycle, LONDON), []
    for _ in range(several):
        days = [f"{day.astimezone(LONDON):%d %b}" for day in (period.start, period.end)]
        found.append(f"{period.name}: {days[0]} - {days[1]}")
        period = next_period(period, cycle, LONDON)
    return found


def test_a_changed_cycle_day_ends_the_running_period_early():
    cycle = Cycle(25, ((utc(2026, 3, 20, 9), 1),))
    assert names_from(utc(2026, 2, 10), cycle, 4) == [
        "2026-02: 01 Feb - 01 Mar",
        "2026-03: 01 Mar - 25 Mar",
        "2026-03-25: 25 Mar - 25 Apr",
        "2026-04: 25 Apr - 25 May",
    ]


def test_where_the_running_period_ends_first_a_short_one_follows_it():
    cycle = Cycle(10, ((utc(2026, 3, 20, 9), 1),))
    assert names_from(utc(2026, 3, 10), cycle, 4) == [
        "2026-03: 01 Mar - 01 Apr",
        "2026-04: 01 Apr - 10 Apr",
        "2026-04-10: 10 Apr - 10 May",
        "2026-05: 10 May - 10 Jun",
    ]


def test_a_change_that_is_taken_back_in_time_changes_nothing():
    cycle = Cycle(1, ((utc(2026, 3, 10), 1), (utc(2026, 3, 12), 25)))
    assert names_from(utc(2026, 3, 1), cycle, 2) == names_from(utc(2026, 3, 1), Cycle(1), 2)


def test_days_are_those_of_the_short_period_and_of_the_whole_that_it_is_part_of__B_2():
    early = Cycle(25, ((utc(2026, 3, 20, 9), 1),))
    late = Cycle(10, ((utc(2026, 3, 20, 9), 1),))
    assert days_served(period_of(utc(2026, 3, 21), early, LONDON), early, LONDON) == (24, 31)
    assert days_served(period_of(utc(2026, 3, 26), early, LONDON), early, LONDON) is None
    assert days_served(period_of(utc(2026, 4, 2), late, LONDON), late, LONDON) == (9, 31)


def test_the_first_period_has_the_days_from_the_start_of_service__B_2():
    april = period_of(utc(2026, 4, 20), Cycle(1), LONDON)
    served = {day: days_served(april, Cycle(1), LONDON, since=day) for day in DAYS}
    assert served == {
        date(2026, 3, 31): None,
        date(2026, 4, 1): None,
        date(2026, 4, 16): (15, 30),
        date(2026, 4, 30): (1, 30),
        date(2026, 5, 1): None,  # it has not begun: nothing is said of it
    }


DAYS = [date(2026, 3, 31), date(2026, 4, 1), date(2026, 4, 16), date(2026, 4, 30), date(2026, 5, 1)]


@pytest.mark.parametrize(
    ("name", "there"),
    [("2026-03", True), ("2026-03-25", True), ("2026-13", False), ("2026-3", False), ("x", False)],
)
def test_a_period_is_named_by_its_month_or_by_its_first_day(name, there):
    assert is_name(name) is there


@given(
    st.datetimes(datetime(2025, 1, 1), datetime(2027, 12, 31)),
    st.lists(
        st.tuples(st.datetimes(datetime(2025, 6, 1), datetime(2026, 6, 1)), st.integers(1, 31)),
        max_size=5,
    ),
    st.integers(1, 31),
    st.sampled_from(ZONES),
)
def test_however_often_the_day_is_changed_periods_join_and_have_names_of_their_own(
    naive, changes, day, zone
):
    earlier = sorted((at.replace(tzinfo=UTC), was) for at, was in changes)
    cycle = Cycle(day, tuple(earlier))
    at = naive.replace(tzinfo=UTC)
    period = period_of(at, cycle, zone)
    assert period.start <= at < period.end
    following = next_period(period, cycle, zone)
    assert following.start == period.end
    assert following.name > period.name
    assert period_before(following, cycle, zone) == period
    assert period_named(period.name, cycle, zone) == period
    assert timedelta(hours=22) < period.end - period.start < timedelta(days=33)
    for changed_at, _ in earlier:  # what was before the change is as it was
        if period.end <= changed_at:
            before = Cycle(
                next((d for until, d in earlier if until >= changed_at), day),
                tuple(one for one in earlier if one[0] < changed_at),
            )
            assert period_of(at, before, zone) == period
