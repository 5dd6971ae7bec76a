"""What is written after the fact: the bytes of a reading put aside, a person's own figures."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from capd.account.adjusting import accepted, corrected, figures, over, vouched
from capd.account.counters import step
from capd.account.usage import parts
from capd.model import Part, Quality
from tests.builders import APRIL, LONDON, MARCH, NOON, a_reading, a_usage

SLOW = {"link_bps": 8_000_000}  # a million bytes a second


def put_aside(before, after):
    """Return the evidence and the entry of *after*, which its link could not carry."""
    result = step(step(None, before).state, after)
    assert result.quality is Quality.IMPLAUSIBLE
    return result.implausible, result.entry


def a_part(down=0, up=0, period=MARCH):
    return Part(
        subscriber="S-1", period=period, started_at=NOON, ended_at=NOON,
        down_bytes=down, up_bytes=up, estimated_bytes=0, unknown_us=0,
    )  # fmt: skip


def test_what_is_accepted_counts_and_takes_the_unknown_time_back_out__CN_10():
    evidence, entry = put_aside(a_reading(0, **SLOW), a_reading(10**9, 7, at=100, **SLOW))
    (was,) = parts(entry, "S-1", 1, LONDON)
    (part,) = accepted(evidence, "S-1", [MARCH], counts=True)
    assert figures(part) == (10**9, 7, 0, -100_000_000)
    assert was.unknown_us + part.unknown_us == 0


def test_after_a_restart_the_time_before_it_stays_unknown__CN_4():
    evidence, _ = put_aside(
        a_reading(5, uptime_s=9000.0, **SLOW), a_reading(10**9, at=100, uptime_s=40.0, **SLOW)
    )
    assert vouched(evidence).flowed_from == NOON + timedelta(seconds=60)
    (part,) = accepted(evidence, "S-1", [MARCH], counts=True)
    assert figures(part) == (10**9, 0, 0, -40_000_000)
    assert part.started_at == NOON + timedelta(seconds=60)


def test_what_is_accepted_is_shared_over_the_periods_of_its_gap__CN_12():
    start = MARCH.end - timedelta(seconds=30)
    evidence, _ = put_aside(
        a_reading(0, at=start, **SLOW),
        a_reading(10**9 + 1, at=start + timedelta(seconds=120), **SLOW),
    )
    one, other = accepted(evidence, "S-1", [MARCH, APRIL], counts=True)
    assert figures(one) == (250_000_000, 0, 0, -30_000_000)
    assert figures(other) == (750_000_001, 0, 0, -90_000_000)


@given(st.integers(0, 10**6), st.integers(1, 10**6), st.integers(0, 10**13), st.booleans())
def test_accepted_is_what_was_put_aside_and_never_more_time_than_was_unknown(
    before_end_s, after_end_s, size, restarted
):
    start, end = (MARCH.end + timedelta(seconds=s) for s in (-before_end_s, after_end_s))
    gap_s = before_end_s + after_end_s
    uptimes = (1e7, gap_s / 2) if restarted else (None, None)
    state = step(None, a_reading(0, at=start, uptime_s=uptimes[0], link_bps=8)).state
    result = step(state, a_reading(size, at=end, uptime_s=uptimes[1], link_bps=8))
    if result.implausible is None:
        return
    was = parts(result.entry, "S-1", 1, LONDON)
    now = accepted(result.implausible, "S-1", [part.period for part in was], counts=True)
    assert sum(part.down_bytes for part in now) == size
    left = {part.period: part.unknown_us for part in was}
    for part in now:
        left[part.period] += part.unknown_us
    assert min(left.values()) >= 0
    assert sum(left.values()) == (gap_s * 500_000 if restarted else 0)


def test_shares_over_several_periods_add_up_to_the_whole():
    evidence, _ = put_aside(
        a_reading(0, at=MARCH.end - timedelta(seconds=1), **SLOW),
        a_reading(10**9 + 7, at=MARCH.end + timedelta(seconds=2), **SLOW),
    )
    shares = over(vouched(evidence), "S-1", [MARCH, APRIL], counts=True)
    assert [part.down_bytes for part in shares] == [333_333_335, 666_666_672]


def test_a_correction_never_leaves_less_than_nothing():
    used = a_usage(100, up=10)
    assert corrected(used, a_part(-100, -10)) is not None
    assert corrected(used, a_part(-101)) is None
    assert corrected(used, a_part(500, -11)) is None


def test_what_was_inferred_is_never_more_than_what_is_left():
    used = a_usage(100)
    inferred = type(used)(
        subscriber="S-1", period=MARCH, down_bytes=100, up_bytes=0, estimated_bytes=80
    )
    assert figures(corrected(inferred, a_part(-50)))[2] == -30
    assert figures(corrected(inferred, a_part(-10)))[2] == 0
