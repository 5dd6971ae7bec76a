"""Hours and days: shared by time, in whole bytes, by the clock on the subscriber's wall."""

import itertools
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capd.account.history import add_hours, added_up, by_day, by_time
from capd.account.usage import share, shared
from capd.model import Part
from capd.units import micros
from tests.builders import LONDON, MARCH

ZONES = [ZoneInfo(name) for name in (
    "Europe/London", "Asia/Kathmandu", "Africa/Cairo", "America/Havana", "Pacific/Chatham",
)]  # fmt: skip
moments = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 1)).map(
    lambda naive: naive.replace(tzinfo=UTC)
)
lengths = st.integers(0, 4 * 86_400 * 10**6).map(lambda us: timedelta(microseconds=us))
bytes_ = st.integers(-(10**6), 10**12)  # a correction may take away


def a_part(start, end, down=0, up=0):
    return Part(
        subscriber="S-1", period=MARCH, started_at=start, ended_at=end, down_bytes=down,
        up_bytes=up, estimated_bytes=0, unknown_us=0,
    )  # fmt: skip


@given(moments, lengths, bytes_, bytes_, st.sampled_from(ZONES))
def test_hours_are_shared_by_time_and_days_are_the_sums_of_their_hours__CN_12(
    start, length, down, up, zone
):
    part = a_part(start, start + length, down, up)
    hours, days = by_time([part], "hour", zone), by_time([part], "day", zone)
    for rows in (hours, days):
        assert (sum(row[2] for row in rows), sum(row[3] for row in rows)) == (down, up)
        assert all(one[1] <= other[0] for one, other in itertools.pairwise(rows))
        assert rows[0][0] <= part.started_at
        assert rows[-1][1] >= part.ended_at
    for row in hours:
        assert row[1] - row[0] == timedelta(hours=1)
        assert row[0].astimezone(zone).minute == 0
    for start_, end, down_, *_ in days:
        assert sum(row[2] for row in hours if start_ <= row[0] < end) == down_
    cuts = [row[0] for row in hours[1:]]
    assert [row[2] for row in hours] == share(down, part.started_at, part.ended_at, cuts)


@pytest.mark.parametrize("zone", ZONES, ids=str)
def test_every_day_of_a_year_begins_at_local_midnight_and_follows_the_one_before(zone):
    start = datetime(2026, 1, 1, tzinfo=zone).astimezone(UTC)
    days = by_time([a_part(start, start + timedelta(days=365), 10**12)], "day", zone)
    assert len(days) == 365
    assert all(one[1] == other[0] for one, other in itertools.pairwise(days))
    assert all((row[1] - row[0]) / timedelta(hours=1) in {23, 24, 25} for row in days)


def test_the_hour_that_a_clock_change_repeats_is_two_hours():
    start = datetime(2026, 10, 25, 0, tzinfo=UTC)
    rows = by_time([a_part(start, start + timedelta(hours=2), 4)], "hour", LONDON)
    assert [(row[0].hour, row[2]) for row in rows] == [(0, 2), (1, 2)]
    assert {row[0].astimezone(LONDON).hour for row in rows} == {1}


def test_a_moment_belongs_to_the_hour_it_is_in():
    at = micros(datetime(2026, 5, 5, 12, 30, tzinfo=UTC))
    sums = {}
    add_hours(sums, at, at, (5, 1, 0, 0), LONDON)
    assert list(sums.values()) == [(5, 1, 0, 0)]
    assert added_up(by_day(sums, LONDON).values()) == (5, 1, 0, 0)
    assert shared(5, at, at, []) == [5]
