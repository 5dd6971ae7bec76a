"""One life led again, step by step, and what is made of the difference; no store."""

from datetime import UTC, date, datetime, timedelta

from capd.account.course import AsKept, ByDay, Course, Day, Kept, counted
from capd.hindsight.difference import Difference, Which, days
from capd.hindsight.known import Span, Told, recalled
from capd.model import Counts
from capd.units import micros
from tests.builders import GB, LONDON, MARCH, an_event

HOUR = 3_600_000_000
START = micros(MARCH.start)
DAY = 24 * HOUR


def rows(*several):
    """Return readings (or hours) as (start, end, down, reading) in hours of the period."""
    return [Kept(START + a * HOUR, START + b * HOUR, (n, 0, 0, 0), r) for a, b, n, r in several]


def asked(generator, kept):
    """Answer what a course asks from *kept*; return what it found, and how often it asked."""
    answer, asks = None, []
    try:
        while True:
            ask = generator.send(answer)
            asks.append(ask)
            answer = _answer(ask, kept)
    except StopIteration as stop:
        return stop.value, asks


def _answer(ask, kept):
    if isinstance(ask, AsKept):
        return [row for row in kept if ask.since <= row.start < ask.until]
    assert isinstance(ask, ByDay)
    found = []
    for since in range(ask.since, ask.until, DAY):
        those = [row for row in kept if since <= row.start < since + DAY]
        if those:
            sums = tuple(map(sum, zip(*(row.figures for row in those), strict=True)))
            found.append(Day(since, since + DAY, max(row.end for row in those), sums))
    return found


def a_course(kept):
    sums = tuple(map(sum, zip(*(row.figures for row in kept), strict=True)))
    return Course("S-1", MARCH, sums)


def reached(kept, line, *, after=0):
    found, _ = asked(a_course(kept).reaches(line, Counts.BOTH, after=START + after * HOUR), kept)
    return None if found is None else (found - START) / HOUR


def test_a_line_is_met_by_the_reading_that_shows_it():
    kept = rows((0, 1, 10, True), (30, 31, 10, True), (31, 40, 10, True))
    assert [reached(kept, line) for line in (1, 10, 11, 20, 21, 30)] == [1, 1, 31, 31, 40, 40]
    assert reached(kept, 31) is None


def test_an_hour_that_is_left_of_readings_is_spread_evenly():
    kept = rows((0, 1, 10, False), (1, 2, 10, False))
    assert [reached(kept, line) for line in (5, 10, 15)] == [0.5, 1, 1.5]


def test_what_a_long_silence_hid_counts_when_it_shows():
    kept = rows((0, 1, 5, True), (1, 70, 100, True), (60, 61, 5, True), (71, 72, 1, True))
    assert [reached(kept, line) for line in (6, 10, 11, 110, 111)] == [61, 61, 70, 70, 72]


def test_a_line_that_a_long_silence_hid_is_met_when_it_ends_and_not_with_the_next_reading():
    kept = rows((0, 1, 5, True), (1, 72, 100, True), (72, 200, 0, True))
    assert [reached(kept, line) for line in (6, 105)] == [72, 72]


def test_a_line_is_not_met_twice():
    kept = rows((0, 1, 10, True), (25, 26, -8, True), (50, 51, 10, True))
    assert reached(kept, 9) == 1
    assert reached(kept, 9, after=1) == 51  # a correction had taken it back


def test_nothing_is_asked_where_nothing_can_be_met():
    course = a_course(rows((0, 1, 10, True)))
    assert asked(course.reaches(11, Counts.BOTH, after=START), ()) == (None, [])
    assert asked(course.until(START), ()) == ((0, 0, 0, 0), [])
    assert asked(course.until(micros(MARCH.end)), ()) == ((10, 0, 0, 0), [])


def test_usage_by_a_moment_is_what_was_seen_by_then():
    kept = rows((0, 1, 10, True), (1, 40, 7, True), (48, 49, 10, False))
    seen = {0.5: 0, 1: 10, 39: 10, 40: 17, 48.5: 22, 49: 27}
    for at, count in seen.items():
        figures, _ = asked(a_course(kept).until(START + int(at * HOUR)), kept)
        assert counted(figures, Counts.DOWNLOAD) == count


SPAN = Span(since=MARCH.start, until=MARCH.end)


def at(day, hour=12):
    return datetime(2026, 3, day, hour, tzinfo=UTC)


def test_the_same_on_another_day_is_not_the_same():
    difference = Difference(zone=LONDON, span=SPAN)
    would = Told(
        events=[an_event("notice", at=at(3), notice="usage_50", clause="UC-11"), _opened(at(5))]
    )
    did = Told(
        events=[an_event("notice", at=at(3, 23), notice="usage_50", clause="UC-11"), _opened(at(6))]
    )
    found = difference.add(would, did)
    assert [(one.which, one.day.day) for one in found] == [
        (Which.BOTH, 3), (Which.WOULD, 5), (Which.DID, 6),
    ]  # fmt: skip
    assert (difference.subscribers, difference.different) == (1, 1)


def _opened(moment):
    return an_event("hold_opened", at=moment, reason="cap", clause="UC-2")


def test_what_people_told_is_on_no_side():
    difference = Difference(zone=LONDON, span=SPAN)
    told = Told(events=[an_event("topup", size_bytes=GB, author="desk")])
    assert difference.add(told, Told(events=[an_event("leak")])) == []
    assert difference.different == 0


def test_time_off_is_added_up_and_what_nobody_can_know_is_said():
    difference = Difference(zone=LONDON, span=SPAN)
    would = Told(off=[(at(2), True), (at(4), False), (at(30), True)])
    did = Told(off=[(at(3), True), (at(6), False)])
    difference.add(would, did)
    assert difference.did.suspended_days == 3
    assert difference.would.suspended_days == round(2 + (MARCH.end - at(30)) / timedelta(days=1), 3)
    assert difference.unseen_days == 2  # from the 4th to the 6th
    assert difference.would.suspensions == {date(2026, 3, 2): 1, date(2026, 3, 30): 1}
    assert len(list(days(SPAN, LONDON))) == 31


def test_what_is_over_is_recalled_with_the_newest_word_on_it():
    charge = an_event("charge", charge_id="c-1", amount="5.00")
    told = [an_event(matter="invoice", key="inv-7", paid=paid) for paid in ("0", "5")]
    wanted = {"charge": ("charge", "c-1"), "invoice": ("invoice", "inv-7"), "x": ("charge", "c-2")}
    assert recalled(wanted, [charge, told[0]], [told[1]]) == {"charge": charge, "invoice": told[1]}
