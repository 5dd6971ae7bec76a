"""Billing periods: the operator's local months, from any day, over every clock change (UC-1)."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capd.account.periods import next_period, period_named, period_of

LONDON = ZoneInfo("Europe/London")
ZONES = [LONDON, ZoneInfo("UTC"), ZoneInfo("America/Santiago"), ZoneInfo("Pacific/Apia")]


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


def test_a_month_is_the_operators_local_month__UC_1():
    period = period_of(utc(2026, 3, 31, 23, 30), 1, LONDON)  # 00:30 of 1 April in London
    assert (period.name, period.start) == ("2026-04", utc(2026, 3, 31, 23))
    assert period.end == utc(2026, 4, 30, 23)


def test_the_month_of_a_clock_change_is_an_hour_shorter():
    march = period_named("2026-03", 1, LONDON)
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
    period = period_of(at, 31, ZoneInfo("UTC"))
    assert (period.name, period.start, period.end) == (name, start, end)


def test_the_first_moment_belongs_to_the_new_period_and_the_last_to_the_old():
    start = utc(2026, 5, 9, 23)  # local midnight of the 10th
    assert period_of(start, 10, LONDON).start == start
    assert period_of(start - timedelta(microseconds=1), 10, LONDON).end == start


@pytest.mark.parametrize("name", ["2026", "2026-13", "26-3", "march", "2026-3", ""])
def test_a_period_that_is_none_is_refused_with_what_is_wanted(name):
    with pytest.raises(ValueError, match="2026-03"):
        period_named(name, 1, LONDON)


@given(
    st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1)),
    st.integers(1, 31),
    st.sampled_from(ZONES),
)
def test_periods_follow_each_other_without_gap_or_overlap(naive, day, zone):
    at = naive.replace(tzinfo=UTC)
    period = period_of(at, day, zone)
    assert period.start <= at < period.end
    assert next_period(period, day, zone).start == period.end
    assert period_named(period.name, day, zone) == period
    assert timedelta(days=27) < period.end - period.start < timedelta(days=33)
