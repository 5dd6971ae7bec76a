"""Whether counters were born again between two readings, and what that proves (CN-4 to CN-6).

A clock may be set and an agent may restart; only a box that restarted begins its uptime again, but
for the one that wraps (CN-11). What rests on less counts no more than holds in either case.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from capd.model import Quality, Reading
from capd.quick import quick

NARROW = 32
"""The width, in bits, of counters that are expected to wrap (CN-7)."""

WRAP = 1 << NARROW
"""Where such a counter begins again."""

_UPTIME_WRAP_S = (1 << 32) / 100  # TimeTicks are hundredths in 32 bits: 497.1 days (CN-11)
_LEAST_TOLERANCE_S = 10.0
_UPTIME_GRAIN_S = 2.0  # some agents know their uptime in whole seconds only


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """What two readings say, before it is checked against what the link can carry."""

    quality: Quality
    rule: str
    down: int
    up: int
    flowed_from: datetime
    unknown: tuple[datetime, datetime] | None = None
    estimated: int = 0
    slack_s: float = 0.0  # how imprecise *flowed_from* is


@dataclass(frozen=True, slots=True, kw_only=True)
class _Start:
    """The box, or its agent, started between two readings."""

    at: datetime | None  # None: not known when
    sure: bool = True  # False: only a fall of the counters tells it from an imprecise uptime


def fell(last: Reading, reading: Reading) -> bool:
    """Say whether one of the two counters is lower than it was."""
    return reading.down_bytes < last.down_bytes or reading.up_bytes < last.up_bytes


def fell_to_zero(last: Reading, reading: Reading) -> bool:
    """Say whether a counter fell to nothing at all: agents say so when they do not know."""
    return (reading.down_bytes == 0 < last.down_bytes) or (reading.up_bytes == 0 < last.up_bytes)


def fits(reading: Reading) -> bool:
    """Say whether both values can have come from 32 bits."""
    return max(reading.down_bytes, reading.up_bytes) < WRAP


def reborn(last: Reading, reading: Reading) -> Count | None:
    """Return a count from zero where the counters were born again (CN-4, CN-5, CN-6).

    A fall to zero proves nothing together with an agent's restart: CN-8 waits for the next reading.
    """
    falls = fell(last, reading) and not fell_to_zero(last, reading)
    narrow = last.counter_bits == reading.counter_bits == NARROW
    # where the box's uptime was not known, a wide counter's fall says nothing of it: it may be a
    # value to be put aside, or put aside before, and CN-8 knows more by the next reading
    telling = falls and (narrow or last.uptime_s is not None)
    start = _start(last, reading, last.uptime_s, reading.uptime_s, falls=telling)
    again = None not in (last.epoch, reading.epoch) and last.epoch != reading.epoch
    if start is not None:
        count = _from_zero(last, reading, start, Quality.RESTARTED, "CN-4")
        # where both are told, the counter may have been born again long after the boot
        return replace(count, unknown=(last.at, reading.at)) if again else count
    if again:
        return _from_zero(last, reading, _Start(at=None), Quality.REBORN, "CN-5")
    told = last.agent_uptime_s is not None or last.counter_bits == NARROW
    if not (falls and told):  # of a wide counter that fell, CN-8 knows more by the next reading
        return None
    start = _start(last, reading, last.agent_uptime_s, reading.agent_uptime_s, falls=True)
    if start is None:
        return None
    return _from_zero(last, reading, _Start(at=start.at, sure=False), Quality.RESTARTED, "CN-6")


def _from_zero(
    last: Reading, reading: Reading, start: _Start, quality: Quality, rule: str
) -> Count:
    down, up = reading.down_bytes, reading.up_bytes
    if not start.sure and _may_be_narrow(last, reading, rule):
        # It may be a wrap of one of the two: what did not fall may have gone on, and only the
        # difference is proven.
        down -= last.down_bytes if down >= last.down_bytes else 0
        up -= last.up_bytes if up >= last.up_bytes else 0
    return Count(
        quality=quality,
        rule=rule,
        down=down,
        up=up,
        flowed_from=start.at or last.at,
        unknown=(last.at, start.at or reading.at),
        slack_s=_LEAST_TOLERANCE_S if start.at else 0.0,
    )


def _may_be_narrow(last: Reading, reading: Reading, rule: str) -> bool:
    """Say whether a fall may be a wrap at 32 bits, also of a counter said to be wider (CN-9).

    Of that one an agent's restart is proof enough (CN-6), a box that may have booted just before
    the last reading is not.
    """
    if NARROW in (last.counter_bits, reading.counter_bits):
        return True
    return rule == "CN-4" and fits(last) and fits(reading)


def _start(
    last: Reading,
    reading: Reading,
    uptime_before_s: float | None,
    uptime_s: float | None,
    *,
    falls: bool,
) -> _Start | None:
    """Return when the box (or agent) started, if that was after *last*; else None."""
    if uptime_s is None:
        return None
    gap_s = (reading.at - last.at).total_seconds()
    tolerance_s = max(_LEAST_TOLERANCE_S, gap_s / 100)
    lost_s = short_s = 0.0  # by how much it fell; and by how much it is less than it ought to be
    if uptime_before_s is not None:
        lost_s = uptime_before_s - uptime_s
        short_s = lost_s + gap_s
        wrapped = lost_s > 0 and abs(short_s - _UPTIME_WRAP_S) <= tolerance_s  # CN-11
        if wrapped or abs(short_s) <= _UPTIME_GRAIN_S:
            return None
    late_s = gap_s - uptime_s  # how long after the last reading it started
    if late_s < -tolerance_s:  # before it: unless the clock was set back since
        return _Start(at=None) if lost_s > tolerance_s else None
    boot = last.at + timedelta(seconds=min(max(late_s, 0.0), gap_s))
    sure = late_s > tolerance_s or lost_s > 0 or short_s > tolerance_s
    return _Start(at=boot, sure=sure) if sure or falls else None
