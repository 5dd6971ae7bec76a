"""Each rule of counting by its id, and the two laws over random true flows with faults."""

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from capd.account.counters import step
from capd.model import MeterState, Quality, Reading

T0 = datetime(2026, 3, 1, tzinfo=UTC)
WRAP = 1 << 32


def read(at_s, down=0, up=0, **more):
    """What meter wan of cpe-1 showed *at_s* seconds after the test began."""
    at = T0 + timedelta(seconds=at_s)
    return Reading(device="cpe-1", meter="wan", at=at, down_bytes=down, up_bytes=up, **more)


def after(*readings):
    """Step through *readings*; return the last step and the entries on the way."""
    state, entries, last = None, [], None
    for reading in readings:
        last = step(state, reading)
        state = last.state
        if last.entry is not None:
            entries.append(last.entry)
    return last, entries


def sums(entries):
    return sum(e.down_bytes for e in entries), sum(e.up_bytes for e in entries)


def unknown_s(entries):
    spans = [(e.unknown_to - e.unknown_from) for e in entries if e.unknown_from]
    return sum(span.total_seconds() for span in spans)


def test_the_first_reading_is_a_baseline_and_counts_nothing__CN_1():
    last, entries = after(read(0, 9_000, 500))
    assert last.quality is Quality.BASELINE
    assert entries == []


def test_another_box_in_its_place_is_a_baseline__CN_1():
    last, entries = after(read(0, 9_000, identity="A"), read(300, 50_000, identity="B"))
    assert last.quality is Quality.BASELINE
    assert sums(entries) == (0, 0)
    assert unknown_s(entries) == 300


def test_a_reading_that_is_not_newer_changes_nothing__CN_2():
    first, second = read(0, 100), read(300, 200)
    for stale in (read(300, 900), read(299, 900), read(0, 5, uptime_s=1.0)):
        state = step(step(None, first).state, second).state
        result = step(state, stale)
        assert result.quality is Quality.STALE
        assert result.state is state
        assert result.entry is None


def test_a_retained_message_is_a_baseline_at_most__CN_2():
    assert step(None, read(0, 5, retained=True)).quality is Quality.BASELINE
    last, entries = after(read(0, 5), read(300, 900, retained=True))
    assert (last.quality, entries) == (Quality.STALE, [])


def test_a_counter_that_grew_counts_the_difference_and_one_that_stayed_counts_zero__CN_3():
    _, entries = after(read(0, 100, 10), read(300, 350, 10), read(600, 350, 10))
    assert [(e.down_bytes, e.up_bytes) for e in entries] == [(250, 0), (0, 0)]
    assert unknown_s(entries) == 0


def test_a_box_that_restarted_counts_from_zero__CN_4():
    last, entries = after(read(0, 9_000, 90, uptime_s=600), read(300, 70, 7, uptime_s=12))
    assert last.quality is Quality.RESTARTED
    assert sums(entries) == (70, 7)
    assert unknown_s(entries) == 288


def test_a_box_that_restarted_counts_from_zero_also_when_it_is_already_higher__CN_4():
    _, entries = after(read(0, 1_000, uptime_s=600), read(300, 5_000, uptime_s=200))
    assert sums(entries) == (5_000, 0)
    assert unknown_s(entries) == 100


def test_a_restart_right_after_the_last_reading_is_still_seen__CN_4():
    _, entries = after(read(0, 1_000, uptime_s=600), read(300, 5_000, uptime_s=297))
    assert sums(entries) == (5_000, 0)
    assert unknown_s(entries) == 3


def test_a_box_that_booted_just_before_the_last_reading_did_not_restart__CN_4():
    _, entries = after(read(0, 40, uptime_s=3), read(300, 140, uptime_s=303))
    assert sums(entries) == (100, 0)


def test_an_uptime_that_is_imprecise_is_no_restart__CN_4():
    _, entries = after(read(0, 1_000, uptime_s=86_400), read(300, 1_500, uptime_s=86_691))
    assert sums(entries) == (500, 0)


def test_a_new_epoch_counts_from_zero_with_the_whole_gap_unknown__CN_5():
    last, entries = after(read(0, 9_000, epoch="3"), read(300, 12_000, epoch="5"))
    assert last.quality is Quality.REBORN
    assert sums(entries) == (12_000, 0)
    assert unknown_s(entries) == 300


def test_an_epoch_that_is_not_known_proves_nothing__CN_5():
    _, entries = after(read(0, 10, epoch="3"), read(300, 30), read(600, 60, epoch="5"))
    assert sums(entries) == (50, 0)


def test_an_agent_that_restarted_does_not_zero_the_kernels_counters__CN_6():
    _, entries = after(read(0, 1_000, agent_uptime_s=900), read(300, 1_400, agent_uptime_s=5))
    assert sums(entries) == (400, 0)
    assert unknown_s(entries) == 0


def test_an_agent_that_restarted_and_a_counter_that_fell_count_from_zero__CN_6():
    _, entries = after(read(0, 1_000, 7, agent_uptime_s=900), read(300, 40, 9, agent_uptime_s=5))
    assert sums(entries) == (40, 9)
    assert unknown_s(entries) == 295


def test_a_32_bit_counter_that_fell_has_wrapped_once__CN_7():
    last, entries = after(
        read(0, WRAP - 100, 5, counter_bits=32, uptime_s=1e6),
        read(300, 50, 6, counter_bits=32, uptime_s=1e6 + 300),
    )
    assert last.quality is Quality.WRAPPED
    assert sums(entries) == (150, 1)
    assert entries[0].estimated_bytes == 0


def test_where_more_than_one_wrap_was_possible_one_is_counted_and_marked__CN_7():
    fast = {"counter_bits": 32, "link_bps": 1_000_000_000}
    _, entries = after(read(0, WRAP - 100, **fast), read(300, 50, **fast))
    assert sums(entries) == (150, 0)
    assert entries[0].estimated_bytes == 150


def test_a_32_bit_fall_that_no_wrap_explains_is_only_a_candidate__CN_7():
    slow = {"counter_bits": 32, "link_bps": 10_000_000}
    last, entries = after(read(0, 3_000_000_000, **slow), read(60, 50, **slow))
    assert (last.quality, entries) == (Quality.CANDIDATE, [])


def test_a_64_bit_fall_that_was_a_glitch_is_dropped__CN_8():
    last, entries = after(read(0, 9_000, 9), read(300, 0, 0), read(600, 9_700, 10))
    assert last.quality is Quality.GLITCH
    assert sums(entries) == (700, 1)
    assert unknown_s(entries) == 0


def test_a_64_bit_fall_that_stays_becomes_the_baseline__CN_8():
    last, entries = after(read(0, 9_000), read(300, 10), read(600, 60))
    assert last.quality is Quality.REBASED
    assert sums(entries) == (50, 0)
    assert unknown_s(entries) == 300


def test_a_pair_is_judged_together__CN_8():
    _, entries = after(read(0, 9_000, 9_000), read(300, 9_500, 10), read(600, 9_900, 40))
    assert sums(entries) == (400, 30)
    _, entries = after(read(0, 1_000, 1_000), read(300, 400, 400), read(600, 1_500, 500))
    assert sums(entries) == (1_100, 100)
    assert unknown_s(entries) == 300


def test_of_a_pair_one_may_have_gone_on_where_the_other_may_have_wrapped__CN_8():
    _, entries = after(read(0, 1_000, WRAP - 50), read(300, 400, 0), read(600, 1_500, 500))
    assert sums(entries) == (500, 500)
    wide = 10**9, 10 * WRAP  # no wrap at 32 bits
    _, entries = after(read(0, *wide), read(300, 400, 0), read(600, 2 * 10**9, 500))
    assert sums(entries) == (2 * 10**9 - 400, 500)


def test_any_fall_of_32_bits_may_be_a_wrap_where_no_link_says_otherwise__CN_8():
    """A garbage zero while down went through most of its range, and up went on."""
    before, now = (2_900_094_974, 225_537_329), (1_980_499_553, 900_611_704)
    _, entries = after(
        read(0, *before, counter_bits=32), read(3600, counter_bits=32),
        read(7200, *now, counter_bits=32),
    )  # fmt: skip
    assert sums(entries) == (now[0], now[1] - before[1])


def test_a_pair_falls_together_where_the_link_cannot_carry_a_wrap__CN_8():
    far, slow = 3 * 10**9, 10**6  # 1.3 GB to the wrap, of which the link carries 79 MB
    readings = [read(0, 1_000, far), read(300, 400, 0), read(600, 1_500, 500)]
    assert sums(after(*readings)[1]) == (500, 500)
    _, entries = after(*[replace(reading, link_bps=slow) for reading in readings])
    assert sums(entries) == (1_100, 500)


def test_two_falls_in_a_row_leave_both_gaps_unknown__CN_8():
    _, entries = after(read(0, 9_000), read(300, 500), read(600, 20), read(900, 30))
    assert sums(entries) == (10, 0)
    assert unknown_s(entries) == 600


def test_a_reading_not_newer_than_the_candidate_is_dropped_too__CN_8():
    state = step(step(None, read(0, 9_000)).state, read(300, 0)).state
    assert step(state, read(300, 9_100)).quality is Quality.STALE


def test_a_32_bit_value_too_wide_for_32_bits_does_not_wrap__CN_9():
    last, _ = after(read(0, WRAP + 5, counter_bits=32), read(300, 50, counter_bits=32))
    assert last.quality is Quality.CANDIDATE


def test_more_than_the_link_can_carry_is_put_aside_with_its_evidence__CN_10():
    link = {"link_bps": 8_000_000}  # a million bytes a second
    last, entries = after(read(0, 0, **link), read(100, 105_000_001, **link))
    assert last.quality is Quality.IMPLAUSIBLE
    assert last.implausible.down_bytes == 105_000_001
    assert last.implausible.most_bytes == 105_000_000
    assert sums(entries) == (0, 0)
    assert unknown_s(entries) == 100
    exact, entries = after(read(0, 0, **link), read(100, 105_000_000, **link))
    assert exact.quality is Quality.COUNTED
    assert sums(entries) == (105_000_000, 0)


def test_a_jump_that_no_link_carries_is_put_aside_though_the_link_is_not_known__CN_10():
    last, entries = after(read(0, 5), read(300, 2**63 + 9))
    assert last.quality is Quality.IMPLAUSIBLE
    assert sums(entries) == (0, 0)


def test_after_an_implausible_reading_counting_goes_on_from_it__CN_10():
    link = {"link_bps": 8_000_000}
    _, entries = after(
        read(0, 0, **link), read(100, 10**12, **link), read(200, 10**12 + 500, **link)
    )
    assert sums(entries) == (500, 0)


def test_an_uptime_that_wrapped_is_no_restart__CN_11():
    before = read(0, 1_000, uptime_s=WRAP / 100 - 100)
    _, entries = after(before, read(300, 1_900, uptime_s=200.0))
    assert sums(entries) == (900, 0)
    assert unknown_s(entries) == 0


def test_missed_polls_cost_resolution_not_bytes__CN_13():
    _, entries = after(read(0, 100), read(86_400, 5_000_100))
    assert sums(entries) == (5_000_000, 0)


def test_a_state_remembers_all_that_the_next_step_needs():
    state = step(None, read(0, 5)).state
    assert state == MeterState(last=read(0, 5))
    fallen = step(state, read(300, 0)).state
    assert fallen == MeterState(last=read(0, 5), candidate=read(300, 0))


# ---- the two laws: counted <= true always; counted == true where nothing was hidden --------------

FLOW = st.integers(0, 400_000_000)
HAPPENINGS = st.lists(
    st.tuples(
        st.sampled_from(["read"] * 6 + ["lose", "twice", "late", "boot", "agent", "recreate"]),
        st.integers(20, 900),
        FLOW,
        FLOW,
    ),
    min_size=1,
    max_size=40,
)


class Box:
    """A router whose true flow is known, and what its agent says of it."""

    def __init__(self, bits, knows_uptime):
        self.bits, self.knows_uptime = bits, knows_uptime
        self.now = self.booted = self.agent = 0
        self.index, self.down, self.up = 2, 0, 0

    def flow(self, seconds, down, up):
        self.now += seconds
        self.down += down
        self.up += up

    def boot(self):
        self.booted = self.agent = self.now
        self.down = self.up = 0

    def recreate(self):
        self.index += 1
        self.down = self.up = 0

    def read(self):
        mask = (1 << self.bits) - 1
        return read(
            self.now,
            self.down & mask,
            self.up & mask,
            uptime_s=float(self.now - self.booted) if self.knows_uptime else None,
            agent_uptime_s=float(self.now - self.agent),
            epoch=str(self.index),
            counter_bits=self.bits,
            link_bps=200_000_000,
        )


def _live(box, happenings):
    """Return what arrived at capd, in order, and what truly flowed since the first reading."""
    arrived = [box.read()]
    true_down = true_up = 0
    hidden = False
    for what, seconds, down, up in happenings:
        most = seconds * 25_000_000
        box.flow(seconds, min(down, most), min(up, most))
        true_down += min(down, most)
        true_up += min(up, most)
        if what == "boot":
            box.boot()
            hidden = True
        elif what == "agent":
            box.agent = box.now
        elif what == "recreate":
            box.recreate()
            hidden = True
        elif what == "twice":
            arrived += [box.read()] * 2
        elif what == "late" and len(arrived) > 1:
            arrived += [box.read(), arrived[-1]]
        elif what == "read":
            arrived.append(box.read())
    box.flow(60, 0, 0)
    arrived.append(box.read())
    return arrived, true_down, true_up, hidden


@given(HAPPENINGS, st.sampled_from([32, 64]), st.booleans())
def test_counted_is_never_more_than_true_and_equal_where_nothing_was_hidden(
    happenings, bits, knows_uptime
):
    arrived, true_down, true_up, hidden = _live(Box(bits, knows_uptime), happenings)
    _, entries = after(*arrived)
    down, up = sums(entries)
    assert down <= true_down
    assert up <= true_up
    wrapped_unseen = bits == 32 and _may_have_wrapped_unseen(arrived)
    if not hidden and not wrapped_unseen:
        assert (down, up) == (true_down, true_up)
    assert all(e.unknown_from is None or hidden or wrapped_unseen for e in entries)


def _may_have_wrapped_unseen(arrived):
    """Over so long a gap 32 bits may wrap more than once, or the agent restarts with the wrap."""
    gaps = itertools.pairwise(arrived)
    return any(
        (b.at - a.at).total_seconds() * 25_000_000 * 1.05 >= WRAP
        or b.agent_uptime_s < (b.at - a.at).total_seconds()
        for a, b in gaps
    )


@given(HAPPENINGS, st.sampled_from([32, 64]))
def test_posting_everything_twice_counts_nothing_twice(happenings, bits):
    arrived, *_ = _live(Box(bits, knows_uptime=True), happenings)
    _, once = after(*arrived)
    _, twice = after(*[reading for reading in arrived for _ in range(2)])
    assert once == twice


@given(HAPPENINGS)
def test_entries_join_up_without_a_gap_or_an_overlap(happenings):
    arrived, *_ = _live(Box(64, knows_uptime=True), happenings)
    _, entries = after(*arrived)
    for one, other in itertools.pairwise(entries):
        assert one.ended_at <= other.started_at
        assert other.started_at <= other.flowed_from <= other.ended_at
