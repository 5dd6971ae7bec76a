"""Two readings of a meter: the bytes between them, and how far to trust them (CN-1 to CN-11).

Two principles decide whatever the rules do not: every byte that the counters prove is counted
exactly once; what they do not prove is never counted as used, but shown as unknown.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from capd.model import Entry, Implausible, MeterState, Quality, Reading, Step
from capd.units import rate_text, size_text

_WRAP = 1 << 32
_UPTIME_WRAP_S = _WRAP / 100  # TimeTicks are hundredths in 32 bits: 497.1 days (CN-11)
_LEAST_TOLERANCE_S = 10.0
_UPTIME_GRAIN_S = 2.0  # some agents know their uptime in whole seconds only
_FASTEST_BPS = 10 * 10**12  # no port here is faster: what is beyond it is no count, on any link
_LARGEST = 1 << 62  # what two of may still be added up in a BIGINT
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Count:
    """What two readings say, before it is checked against what the link can carry."""

    quality: Quality
    rule: str
    down: int
    up: int
    flowed_from: datetime
    unknown: tuple[datetime, datetime] | None = None
    estimated: int = 0
    slack_s: float = 0.0  # how imprecise *flowed_from* is


def step(before: MeterState | None, reading: Reading) -> Step:
    """Return what *reading* does to a meter that was last in the state *before*.

    The state that comes back is to be saved together with the entry, or neither.
    """
    if before is None:
        return Step(quality=Quality.BASELINE, state=MeterState(last=reading))
    newest = before.candidate or before.last
    if reading.at <= newest.at or reading.retained:
        return Step(quality=Quality.STALE, state=before)  # CN-2, before every other rule
    if _is_another_box(before.last, reading):
        return _unknown_gap(before.last, reading, Quality.BASELINE, "CN-1")
    if before.candidate is not None:
        return _after_a_fall(before.last, before.candidate, reading)
    return _between(before.last, reading)


def _between(last: Reading, reading: Reading) -> Step:
    count = _reborn(last, reading) or _grown(last, reading) or _wrapped(last, reading)
    if count is None:  # CN-8: a fall that proves nothing yet
        state = MeterState(last=last, candidate=reading)
        return Step(quality=Quality.CANDIDATE, state=state)
    return _checked(last, reading, count)


def _after_a_fall(last: Reading, fallen: Reading, reading: Reading) -> Step:
    """Judge a fall by the reading that came after it (CN-8)."""
    count = _reborn(last, reading)
    if count is not None:
        return _checked(last, reading, count)
    if reading.down_bytes >= last.down_bytes and reading.up_bytes >= last.up_bytes:
        count = _Count(
            quality=Quality.GLITCH,
            rule="CN-8",
            down=reading.down_bytes - last.down_bytes,
            up=reading.up_bytes - last.up_bytes,
            flowed_from=last.at,
        )
        return _checked(last, reading, count)
    return _rebased(last, fallen, _between(fallen, reading))


def _rebased(last: Reading, fallen: Reading, after: Step) -> Step:
    """Return *after*, counted from the fallen reading, with the gap before that unknown."""
    entry = after.entry
    if entry is None:  # it fell once more: the gap up to the first fall is unknown all the same
        return Step(
            quality=after.quality,
            state=after.state,
            entry=_silent(last.at, fallen, Quality.REBASED, "CN-8"),
        )
    whole = Entry(
        device=entry.device,
        meter=entry.meter,
        started_at=last.at,
        ended_at=entry.ended_at,
        flowed_from=entry.flowed_from,
        down_bytes=entry.down_bytes,
        up_bytes=entry.up_bytes,
        estimated_bytes=entry.estimated_bytes,
        unknown_from=last.at,
        unknown_to=entry.unknown_to or fallen.at,
        quality=Quality.REBASED if entry.quality is Quality.COUNTED else entry.quality,
        rule="CN-8",
    )
    return Step(
        quality=whole.quality, state=after.state, entry=whole, implausible=after.implausible
    )


def _is_another_box(last: Reading, reading: Reading) -> bool:
    return None not in (last.identity, reading.identity) and last.identity != reading.identity


def _fell(last: Reading, reading: Reading) -> bool:
    return reading.down_bytes < last.down_bytes or reading.up_bytes < last.up_bytes


def _reborn(last: Reading, reading: Reading) -> _Count | None:
    """Return a count from zero where the counters were born again (CN-4, CN-5, CN-6)."""
    fell = _fell(last, reading)
    boot = _start(last, reading, last.uptime_s, reading.uptime_s, fell=fell)
    if boot is not None:
        return _from_zero(last, reading, boot, Quality.RESTARTED, "CN-4")
    if None not in (last.epoch, reading.epoch) and last.epoch != reading.epoch:
        return _from_zero(last, reading, None, Quality.REBORN, "CN-5")
    if not fell:
        return None
    start = _start(last, reading, last.agent_uptime_s, reading.agent_uptime_s, fell=True)
    if start is None:
        return None
    return _from_zero(last, reading, start, Quality.RESTARTED, "CN-6")


def _from_zero(
    last: Reading, reading: Reading, born: datetime | None, quality: Quality, rule: str
) -> _Count:
    down, up = reading.down_bytes, reading.up_bytes
    if rule == "CN-6" and reading.counter_bits == 32:  # noqa: PLR2004 - a width, not a magic number
        # The agent's restart does not tell a rebirth from a wrap of one of the two: what did not
        # fall may have gone on, and only the difference is proven.
        down -= last.down_bytes if down >= last.down_bytes else 0
        up -= last.up_bytes if up >= last.up_bytes else 0
    return _Count(
        quality=quality,
        rule=rule,
        down=down,
        up=up,
        flowed_from=born or last.at,
        unknown=(last.at, born or reading.at),
        slack_s=_LEAST_TOLERANCE_S if born else 0.0,
    )


def _start(
    last: Reading,
    reading: Reading,
    uptime_before_s: float | None,
    uptime_s: float | None,
    *,
    fell: bool,
) -> datetime | None:
    """Return when the box (or agent) started, if that was after *last*; else None."""
    if uptime_s is None:
        return None
    gap_s = (reading.at - last.at).total_seconds()
    tolerance_s = max(_LEAST_TOLERANCE_S, gap_s / 100)
    uptime_fell = False
    if uptime_before_s is not None:
        due_s = uptime_before_s + gap_s  # what it says if it never restarted
        if abs(due_s - uptime_s) <= _UPTIME_GRAIN_S:
            return None
        uptime_fell = uptime_s < uptime_before_s
        if uptime_fell and abs(due_s - _UPTIME_WRAP_S - uptime_s) <= tolerance_s:
            return None  # CN-11: the uptime wrapped, the box did not restart
    late_s = gap_s - uptime_s  # how long after the last reading it started
    if late_s > tolerance_s or (late_s >= -tolerance_s and (uptime_fell or fell)):
        return last.at + timedelta(seconds=min(max(late_s, 0.0), gap_s))
    return None


def _grown(last: Reading, reading: Reading) -> _Count | None:
    if _fell(last, reading):
        return None
    return _Count(
        quality=Quality.COUNTED,
        rule="CN-3",
        down=reading.down_bytes - last.down_bytes,
        up=reading.up_bytes - last.up_bytes,
        flowed_from=last.at,
    )


def _wrapped(last: Reading, reading: Reading) -> _Count | None:
    """Return the bytes of 32-bit counters that wrapped once, if the link could carry them."""
    if reading.counter_bits != 32 or _too_wide(last, reading):  # noqa: PLR2004 - a width
        return None
    most = _most_bytes(last, reading)
    estimated = 0
    counted = []
    for old, new in (
        (last.down_bytes, reading.down_bytes),
        (last.up_bytes, reading.up_bytes),
    ):
        fell = new < old
        bytes_ = new - old + (_WRAP if fell else 0)
        if most is not None and fell:
            if bytes_ > most:
                return None  # no wrap explains this fall: CN-8 judges it
            if bytes_ + _WRAP <= most:
                estimated += bytes_  # it may have wrapped more than once
        counted.append(bytes_)
    return _Count(
        quality=Quality.WRAPPED,
        rule="CN-7",
        down=counted[0],
        up=counted[1],
        flowed_from=last.at,
        estimated=estimated,
    )


def _too_wide(last: Reading, reading: Reading) -> bool:
    """Say whether a value cannot have come from 32 bits: then a fall is no wrap (CN-9)."""
    return max(last.down_bytes, last.up_bytes, reading.down_bytes, reading.up_bytes) >= _WRAP


def _most_bytes(last: Reading, reading: Reading) -> int | None:
    """Return what the link can carry one way in the gap, 5 % grace included; None: not known."""
    link_bps = max(last.link_bps or 0, reading.link_bps or 0)
    return _carried(link_bps, reading, last.at) if link_bps else None


def _carried(link_bps: int, reading: Reading, flowed_from: datetime, slack_s: float = 0.0) -> int:
    """Return what *link_bps* can carry one way since *flowed_from*, 5 % grace included (CN-10)."""
    micros = (reading.at - flowed_from) // _MICROSECOND + int(slack_s * 1_000_000)
    return min(link_bps * micros * 105 // (8 * 100 * 1_000_000), _LARGEST)


def _checked(last: Reading, reading: Reading, count: _Count) -> Step:
    """Return the step, unless it is more than the link can carry (CN-10)."""
    link_bps = max(last.link_bps or 0, reading.link_bps or 0) or _FASTEST_BPS
    most = _carried(link_bps, reading, count.flowed_from, count.slack_s)
    if max(count.down, count.up) > most:
        aside = _unknown_gap(last, reading, Quality.IMPLAUSIBLE, "CN-10")
        evidence = _evidence(last, reading, count, most, link_bps)
        return Step(
            quality=aside.quality, state=aside.state, entry=aside.entry, implausible=evidence
        )
    unknown_from, unknown_to = count.unknown or (None, None)
    entry = Entry(
        device=reading.device,
        meter=reading.meter,
        started_at=last.at,
        ended_at=reading.at,
        flowed_from=count.flowed_from,
        down_bytes=count.down,
        up_bytes=count.up,
        estimated_bytes=count.estimated,
        unknown_from=unknown_from,
        unknown_to=unknown_to,
        quality=count.quality,
        rule=count.rule,
    )
    return Step(quality=count.quality, state=MeterState(last=reading), entry=entry)


def _evidence(
    last: Reading, reading: Reading, count: _Count, most: int, link_bps: int
) -> Implausible:
    gap_s = (reading.at - last.at).total_seconds()
    return Implausible(
        before=last,
        after=reading,
        down_bytes=count.down,
        up_bytes=count.up,
        most_bytes=most,
        text=(
            f"{reading.device}/{reading.meter}: {size_text(max(count.down, count.up))} one way in "
            f"{gap_s:.0f} s is more than a link of {rate_text(link_bps)} can carry "
            f"({size_text(most)})"
        ),
    )


def _unknown_gap(last: Reading, reading: Reading, quality: Quality, rule: str) -> Step:
    """Return a new baseline: nothing is counted, all of the gap is unknown."""
    entry = _silent(last.at, reading, quality, rule)
    return Step(quality=quality, state=MeterState(last=reading), entry=entry)


def _silent(since: datetime, reading: Reading, quality: Quality, rule: str) -> Entry:
    return Entry(
        device=reading.device,
        meter=reading.meter,
        started_at=since,
        ended_at=reading.at,
        flowed_from=reading.at,
        down_bytes=0,
        up_bytes=0,
        unknown_from=since,
        unknown_to=reading.at,
        quality=quality,
        rule=rule,
    )
