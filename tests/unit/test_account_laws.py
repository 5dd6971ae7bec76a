"""The laws of counting over random true flows, with every fault at once.

Counted is never more than true. Counted is true wherever nothing was hidden. Parts add up to
entries to the byte. A prefix and then the rest is the same as all. Twice is the same as once. Time
in which bytes were hidden is shown as unknown.

What nobody can know from two readings, so that these laws do not claim it (each has a test below):

* a garbage value once, if the link could have carried it: a higher one, and on 32 bits a lower one
  that is not zero (a fall is a wrap by CN-7), or one in the very poll that tells of a restarted
  agent (CN-6);
* a counter of 32 bits that a profile takes for 64, if it wraps as its agent restarts (CN-6, CN-9);
* such a counter that runs through half its range around a garbage value of the other, on a link
  that is not told (CN-8);
* garbage twice in a row, as it is the second that makes a fall the new start (CN-8);
* a restart that nothing tells of: overtaken, it is growth; on 32 bits its fall is a wrap (CN-7);
* an uptime that wrapped while it was not told, or while the clock was set back (CN-11), and a
  restart at the very moment at which it would have wrapped;
* a clock that was set while capd was not running, or that leapt in the gap in which it was killed,
  if the box is younger than the leap (CN-4).
"""

from datetime import timedelta
from zoneinfo import ZoneInfo, available_timezones

from hypothesis import example, given, settings
from hypothesis import strategies as st

from capd.account.counters import step
from capd.account.periods import next_period, period_of
from capd.account.usage import parts
from capd.model import Quality
from capd.store.batch import _state_row
from capd.store.rows import meter_state
from capd.store.tables import meter_states
from tests.truth import FAULTS, T0, UPTIME_WRAP_S, WRAP, Box
from tests.unit.test_account_counters import after, read, sums, unknown_s

SHARES = st.sampled_from([0.0, 0.0001, 0.01, 0.3, 0.99])
LIVES = st.lists(
    st.tuples(
        st.sampled_from([*["read"] * len(FAULTS), *FAULTS]),
        st.integers(1, 3600) | st.integers(1, 300),
        SHARES,
        SHARES,
        st.integers(0, 10**9),
    ),
    max_size=40,
)
TELLS = st.sets(
    st.sampled_from(["uptime_s", "agent_uptime_s", "epoch", "link_bps", "identity"]), min_size=2
).map(frozenset)
BOXES = st.builds(
    lambda bits, tells, uptime_s: Box(
        real_bits=bits[0], told_bits=bits[1], tells=tells, uptime_s=uptime_s
    ),
    st.sampled_from([(64, 64), (32, 32), (32, 64)]),
    st.just(Box.tells) | TELLS,
    st.integers(0, 10**6) | st.integers(0, 10**4).map(lambda s: UPTIME_WRAP_S - s),
)
ZONES = st.sampled_from(sorted(available_timezones() - {"localtime"})).map(ZoneInfo)


def lived(box, life):
    """Let *box* live *life*; return all that arrived, in order."""
    arrived = box.deliver(box.befall("read"))
    for what, seconds, down, up, n in life:
        box.flow(seconds, down, up)
        arrived = arrived + box.deliver(box.befall(what, n))
    box.end()
    return arrived


ZERO_AND_WRAP = [
    ("read", 10, 0.0001, 0.99, 0),
    ("zero", 306, 0.0, 0.3, 1),
    ("read", 1972, 0.0, 0.3, 0),
    ("read", 97, 0.0, 0.99, 0),
]


@settings(max_examples=400, deadline=None)
@example(Box(real_bits=32, told_bits=64, uptime_s=0), ZERO_AND_WRAP)
@given(BOXES, LIVES)
def test_counted_is_never_more_than_true_and_true_where_nothing_was_hidden(box, life):
    lived(box, life)  # counted <= true, and unknown time, are held at every step: see Box.after
    shadow = box.shadow
    if box.clean and box.told_bits == box.real_bits:
        assert shadow.down == box.flowed[0] - shadow.base[0]
        assert shadow.up == box.flowed[1] - shadow.base[1]
        assert all(e.unknown_from is None for e in shadow.entries)


@settings(max_examples=150, deadline=None)
@given(BOXES, LIVES, st.integers(1, 31), ZONES, st.integers(0, 300_000_000))
def test_parts_add_up_to_entries_to_the_byte_in_any_zone__CN_12(box, life, day, zone, start_s):
    box.began = T0 + timedelta(seconds=start_s)
    lived(box, life)
    for entry in box.shadow.entries:
        shares = parts(entry, "S-1", day, zone)
        assert sum(part.down_bytes for part in shares) == entry.down_bytes
        assert sum(part.up_bytes for part in shares) == entry.up_bytes
        assert sum(part.estimated_bytes for part in shares) == entry.estimated_bytes
        assert min(min(p.down_bytes, p.up_bytes, p.unknown_us) for p in shares) >= 0
        unknown = timedelta(microseconds=sum(part.unknown_us for part in shares))
        gap = (entry.unknown_to - entry.unknown_from) if entry.unknown_from else timedelta(0)
        assert unknown == gap
        assert all(p.period == period_of(p.started_at, day, zone) for p in shares)


@settings(max_examples=100, deadline=None)
@given(BOXES, LIVES, st.integers(0, 40))
def test_a_prefix_and_then_the_rest_is_the_same_as_all(box, life, cut):
    readings = [reading for reading, *_ in lived(box, life)]
    state, entries = None, []
    for n, reading in enumerate(readings):
        if n == cut and state is not None:  # capd ends here, and reads its books again
            columns = [column.name for column in meter_states.columns]
            assert meter_state(dict(zip(columns, _state_row(state), strict=True))) == state
            state = meter_state(dict(zip(columns, _state_row(state), strict=True)))
        result = step(state, reading)
        state = result.state
        entries += [result.entry] if result.entry is not None else []
    assert tuple(entries) == box.shadow.entries[: len(entries)]
    assert after(*readings)[1] == entries


@settings(max_examples=100, deadline=None)
@given(BOXES, LIVES)
def test_everything_twice_is_the_same_as_once__CN_2(box, life):
    readings = [reading for reading, *_ in lived(box, life)]
    _, once = after(*readings)
    assert after(*[reading for reading in readings for _ in range(2)])[1] == once
    assert after(*readings, *readings)[1] == once


@given(
    st.datetimes(T0.replace(tzinfo=None, year=1990), T0.replace(tzinfo=None, year=2037)),
    st.integers(1, 31),
    ZONES,
)
def test_every_moment_is_in_one_period_and_periods_join__CN_12(naive, day, zone):
    at = naive.replace(tzinfo=T0.tzinfo)
    period = period_of(at, day, zone)
    assert period.start <= at < period.end
    following = next_period(period, day, zone)
    assert following.start == period.end
    assert following.name > period.name
    assert period_of(period.start, day, zone) == period


# ---- mixtures that once counted too much ---------------------------------------------------------

FAST = {"counter_bits": 32, "link_bps": 100_000_000}


def test_a_zero_with_an_agents_restart_is_only_a_candidate__CN_6_CN_8():
    _, entries = after(
        read(0, 9_000, agent_uptime_s=900),
        read(300, 0, agent_uptime_s=5),
        read(600, 9_500, agent_uptime_s=305),
    )
    assert sums(entries) == (500, 0)


def test_a_zero_is_no_wrap__CN_7_CN_8():
    _, entries = after(
        read(0, 3_000_000_000, **FAST), read(300, 0, **FAST), read(600, 3_000_000_700, **FAST)
    )
    assert sums(entries) == (700, 0)


def test_a_fall_from_what_was_put_aside_is_no_wrap__CN_7_CN_10():
    _, entries = after(
        read(0, 1_000, **FAST),
        read(300, WRAP - 1, **FAST),
        read(600, 1_500, **FAST),
        read(900, 1_700, **FAST),
    )
    assert sums(entries) == (200, 0)
    assert unknown_s(entries) == 600


def test_a_fall_from_what_was_put_aside_is_no_restart_of_an_agent__CN_6_CN_10():
    _, entries = after(
        read(0, 1_000, agent_uptime_s=900),
        read(300, 1 << 63, agent_uptime_s=1_200),
        read(600, 1_500, agent_uptime_s=60),
        read(900, 1_700, agent_uptime_s=360),
    )
    assert sums(entries) == (200, 0)
    assert unknown_s(entries) == 600


def test_one_of_a_pair_that_went_on_counts_no_more_than_it_did__CN_7_CN_8():
    _, entries = after(
        read(0, WRAP - 9, 300, **FAST), read(300, 0, 0, **FAST), read(600, 70, 625, **FAST)
    )
    assert sums(entries) == (70, 325)


def test_a_zero_of_one_is_not_where_it_begins_again_though_the_other_fell_twice__CN_8():
    _, entries = after(
        read(0, 2_500, 24_750_000),
        read(300, 0, 598_500_000),
        read(600, 2_500, 1_032_704),
        read(900, 2_600, 601_220_204),
    )
    assert sums(entries) == (100, 2_720_204)
    assert unknown_s(entries) == 300


def test_a_box_that_may_have_booted_just_before_proves_no_more_than_the_difference__CN_4_CN_9():
    last = read(0, 3_889_000_000, 222_000_000, uptime_s=3)
    _, entries = after(last, read(300, 157_000_000, 222_000_400, uptime_s=298))
    assert sums(entries) == (157_000_000, 400)


def test_a_fall_is_no_boot_where_no_uptime_was_known_before__CN_4_CN_8():
    _, entries = after(
        read(0, 1 << 61, link_bps=None),
        read(300, 30_000, uptime_s=295),
        read(600, 30_500, uptime_s=595),
    )
    assert sums(entries) == (500, 0)
    assert unknown_s(entries) == 300


def test_a_wider_counter_is_another_one__CN_1():
    last, entries = after(read(0, 1_000, counter_bits=32), read(300, 5 * WRAP))
    assert (last.quality, sums(entries), unknown_s(entries)) == (Quality.BASELINE, (0, 0), 300)


def test_a_serial_once_told_holds_until_another_is__CN_1():
    _, entries = after(
        read(0, 9_000, identity="A"), read(300, 9_100), read(600, 50_000, identity="B")
    )
    assert sums(entries) == (100, 0)
    assert unknown_s(entries) == 300


def test_an_uptime_that_began_again_proves_a_restart_though_the_clock_was_set_back__CN_4():
    _, entries = after(
        read(0, 3_000_000_000, uptime_s=86_400, **FAST), read(300, 50, uptime_s=2_100, **FAST)
    )
    assert sums(entries) == (50, 0)
    assert unknown_s(entries) == 300


def test_the_box_knows_how_long_it_was_where_the_clock_was_set_back__CN_10():
    link = {"link_bps": 8_000_000}
    _, entries = after(
        read(0, 0, uptime_s=100, **link), read(300, 3_000_000_000, uptime_s=4_000, **link)
    )
    assert sums(entries) == (3_000_000_000, 0)


def test_a_counter_born_again_after_a_boot_leaves_all_of_the_gap_unknown__CN_4_CN_5():
    _, entries = after(
        read(0, 9_000, uptime_s=900, epoch="2"), read(300, 40, uptime_s=200, epoch="3")
    )
    assert sums(entries) == (40, 0)
    assert unknown_s(entries) == 300


# ---- what cannot be known ------------------------------------------------------------------------


def test_nobody_can_tell_garbage_from_traffic_that_the_link_could_carry__CN_3():
    _, entries = after(read(0, 1_000), read(300, 5_000), read(600, 1_100), read(900, 1_200))
    assert sums(entries) == (4_100, 0)  # true: 200


def test_nobody_can_tell_two_zeros_in_a_row_from_a_counter_that_began_again__CN_8():
    _, entries = after(read(0, 1_000), read(300, 0), read(600, 0), read(900, 1_100))
    assert sums(entries) == (1_100, 0)  # true: 100, if both were garbage
    assert unknown_s(entries) == 300


def test_nobody_can_tell_a_lower_value_once_from_a_wrap_of_32_bits__CN_7():
    _, entries = after(read(0, 3_000_000_000, **FAST), read(300, 5, **FAST))
    assert sums(entries) == (WRAP - 3_000_000_000 + 5, 0)


def test_nobody_can_see_a_restart_that_nothing_tells_of_and_that_was_overtaken__CN_3():
    _, entries = after(read(0, 1_000), read(300, 5_000))  # true: restarted, at least 5,000
    assert sums(entries) == (4_000, 0)
    assert unknown_s(entries) == 0


def test_nobody_can_tell_an_uptime_that_wrapped_while_it_was_not_told_from_a_restart__CN_11():
    last, entries = after(read(0, 1_000), read(300, 1_900, uptime_s=200.0))
    assert last.quality is Quality.RESTARTED
    assert sums(entries) == (1_900, 0)
