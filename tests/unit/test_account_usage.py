"""Entries shared out over periods, hours and days, always adding up to the whole (CN-12)."""

import itertools
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from capd.account.history import by_time
from capd.account.usage import parts, share
from capd.model import Entry

LONDON = ZoneInfo("Europe/London")
APRIL = datetime(2026, 3, 31, 23, tzinfo=UTC)  # local midnight of 1 April


def an_entry(start, end, *, down=0, up=0, flowed_from=None, unknown=(None, None), estimated=0):
    return Entry(
        device="cpe-1",
        meter="wan",
        started_at=start,
        ended_at=end,
        flowed_from=flowed_from or start,
        down_bytes=down,
        up_bytes=up,
        estimated_bytes=estimated,
        unknown_from=unknown[0],
        unknown_to=unknown[1],
    )


def of(entry, cycle_day=1):
    return parts(entry, "S-1", cycle_day, LONDON)


def minutes(n):
    return timedelta(minutes=n)


def test_a_gap_over_the_end_of_a_period_is_shared_by_time__CN_12():
    entry = an_entry(APRIL - minutes(2), APRIL + minutes(3), down=101, up=7)
    march, april = of(entry)
    assert (march.period.name, april.period.name) == ("2026-03", "2026-04")
    assert (march.down_bytes, april.down_bytes) == (40, 61)  # the floor, then the rest
    assert (march.up_bytes, april.up_bytes) == (2, 5)
    assert march.ended_at == april.started_at == APRIL


def test_a_gap_that_ends_with_the_period_belongs_to_it__CN_12():
    (only,) = of(an_entry(APRIL - minutes(5), APRIL, down=9))
    assert (only.period.name, only.down_bytes) == ("2026-03", 9)


def test_bytes_that_flowed_after_a_restart_belong_to_the_time_after_it__CN_4():
    entry = an_entry(
        APRIL - minutes(4),
        APRIL + minutes(4),
        down=80,
        flowed_from=APRIL + minutes(1),
        unknown=(APRIL - minutes(4), APRIL + minutes(1)),
    )
    march, april = of(entry)
    assert (march.down_bytes, april.down_bytes) == (0, 80)
    assert (march.unknown_us, april.unknown_us) == (240_000_000, 60_000_000)


def test_a_gap_of_several_months_is_shared_over_all_of_them__CN_12():
    start = datetime(2026, 1, 15, tzinfo=UTC)
    shares = of(an_entry(start, start + timedelta(days=70), down=7_000_001))
    assert [part.period.name for part in shares] == ["2026-01", "2026-02", "2026-03"]
    assert sum(part.down_bytes for part in shares) == 7_000_001


def test_two_main_meters_are_added_and_a_backup_is_kept_apart__CN_15():
    entry = an_entry(APRIL, APRIL + minutes(5), down=5)
    (main,), (backup,) = of(entry), parts(entry, "S-1", 1, LONDON, counts=False)
    assert (main.counts, backup.counts) == (True, False)


moments = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 1)).map(
    lambda naive: naive.replace(tzinfo=UTC)
)
lengths = st.integers(1, 80 * 24 * 3600 * 10**6).map(lambda us: timedelta(microseconds=us))


@given(moments, lengths, st.integers(0, 10**15), st.integers(0, 10**6), st.integers(1, 31))
def test_parts_always_add_up_to_the_whole__CN_12(start, length, down, up, cycle_day):
    entry = an_entry(
        start, start + length, down=down, up=up, estimated=up, unknown=(start, start + length)
    )
    shares = of(entry, cycle_day)
    assert sum(part.down_bytes for part in shares) == down
    assert sum(part.up_bytes for part in shares) == up
    assert sum(part.estimated_bytes for part in shares) == up
    assert sum(part.unknown_us for part in shares) == length // timedelta(microseconds=1)
    assert all(part.down_bytes >= 0 and part.unknown_us >= 0 for part in shares)
    assert shares[0].started_at == start
    assert shares[-1].ended_at == start + length


@given(moments, st.integers(1, 5 * 86400), st.integers(0, 10**12), st.sampled_from(["hour", "day"]))
def test_hours_and_days_add_up_to_the_part_they_came_from(start, seconds, down, by):
    shares = of(an_entry(start, start + timedelta(seconds=seconds), down=down))
    rows = by_time(shares, by, LONDON)
    assert sum(row[2] for row in rows) == down
    assert all(one[1] <= other[0] for one, other in itertools.pairwise(rows))


def test_a_day_of_a_clock_change_has_23_or_25_hours():
    for day, hours in ((datetime(2026, 3, 29), 23), (datetime(2026, 10, 25), 25)):
        noon = (day + timedelta(hours=12)).replace(tzinfo=UTC)
        ((start, end, *_),) = by_time(of(an_entry(noon, noon + minutes(5), down=1)), "day", LONDON)
        assert end - start == timedelta(hours=hours)


@given(st.integers(0, 10**12), st.lists(st.integers(1, 10**9), min_size=1, max_size=6))
def test_shares_are_whole_and_add_up(count, spans):
    start = datetime(2026, 1, 1, tzinfo=UTC)
    edges = [start]
    for span in spans:
        edges.append(edges[-1] + timedelta(microseconds=span))
    shares = share(count, start, edges[-1], edges[1:-1])
    assert sum(shares) == count
    whole = sum(spans)
    assert shares[:-1] == [count * span // whole for span in spans[:-1]]
