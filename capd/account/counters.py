"""Two readings of a meter: the bytes between them, and how far to trust them (CN-1 to CN-11).

Two principles decide whatever the rules do not: every byte that the counters prove is counted
exactly once; what they do not prove is never counted as used, but shown as unknown.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from capd.account.rebirth import NARROW, WRAP, Count, fell, fell_to_zero, fits, reborn
from capd.model import Entry, Implausible, MeterState, Quality, Reading, Step
from capd.units import rate_text, size_text

_FASTEST_BPS = 10 * 10**12  # no port here is faster: what is beyond it is no count, on any link
_LARGEST = 1 << 62  # what two of may still be added up in a BIGINT
_MICROSECOND = timedelta(microseconds=1)


def step(before: MeterState | None, reading: Reading) -> Step:
    """Return what *reading* does to a meter that was last in the state *before*.

    The state that comes back is to be saved together with the entry, or neither.
    """
    if before is None:
        return Step(quality=Quality.BASELINE, state=MeterState(last=reading))
    newest = before.candidate or before.last
    if reading.identity is None and before.last.identity is not None:
        reading = replace(reading, identity=before.last.identity)  # the same box until it says so
    if reading.at <= newest.at or reading.retained:
        return Step(quality=Quality.STALE, state=before)  # CN-2, before every other rule
    if _is_another_box(before.last, reading) or _is_another_counter(before.last, reading):
        return _unknown_gap(before.last, reading, Quality.BASELINE, "CN-1")
    if before.candidate is not None:
        return _after_a_fall(before.last, before.candidate, reading)
    return _between(before.last, reading)


def _between(last: Reading, reading: Reading) -> Step:
    count = reborn(last, reading) or _grown(last, reading) or _wrapped(last, reading)
    if count is None:  # CN-8: a fall that proves nothing yet
        state = MeterState(last=last, candidate=reading)
        return Step(quality=Quality.CANDIDATE, state=state)
    return _checked(last, reading, count)


def _after_a_fall(last: Reading, fallen: Reading, reading: Reading) -> Step:
    """Judge a fall by the reading that came after it (CN-8)."""
    count = reborn(last, reading)
    if count is not None:
        return _checked(last, reading, count)
    if reading.down_bytes >= last.down_bytes and reading.up_bytes >= last.up_bytes:
        count = Count(
            quality=Quality.GLITCH,
            rule="CN-8",
            down=reading.down_bytes - last.down_bytes,
            up=reading.up_bytes - last.up_bytes,
            flowed_from=last.at,
        )
        return _checked(last, reading, count)
    return _rebased(last, fallen, reading, _between(fallen, reading))


def _rebased(last: Reading, fallen: Reading, reading: Reading, after: Step) -> Step:
    """Return *after*, counted from the fallen reading, with the gap before that unknown.

    A pair is judged together. But where the one that is still lower may have wrapped, the fallen
    value may have been a glitch, and the other may have gone on: no more is proven then than that.
    """
    entry = after.entry
    if entry is None:  # it fell once more: the gap up to the first fall is unknown all the same
        baseline = _not_below(last, fallen, reading)
        return Step(
            quality=after.quality,
            state=MeterState(last=baseline, candidate=reading),
            entry=_silent(last.at, fallen, Quality.REBASED, "CN-8"),
        )
    down, up = entry.down_bytes, entry.up_bytes
    if _may_have_wrapped(last, reading):
        down = _proven(down, last.down_bytes, reading.down_bytes)
        up = _proven(up, last.up_bytes, reading.up_bytes)
    whole = Entry(
        device=entry.device,
        meter=entry.meter,
        started_at=last.at,
        ended_at=entry.ended_at,
        flowed_from=entry.flowed_from,
        down_bytes=down,
        up_bytes=up,
        estimated_bytes=entry.estimated_bytes,
        unknown_from=last.at,
        unknown_to=entry.unknown_to or fallen.at,
        quality=Quality.REBASED if entry.quality is Quality.COUNTED else entry.quality,
        rule="CN-8",
    )
    return Step(
        quality=whole.quality, state=after.state, entry=whole, implausible=after.implausible
    )


def _proven(counted: int, before: int, now: int) -> int:
    return min(counted, now - before) if now >= before else counted


def _may_have_wrapped(last: Reading, reading: Reading) -> bool:
    """Say whether what fell may be a wrap at 32 bits, also of counters said to be wider (CN-9).

    Where no link says what could be carried, any fall of a counter of 32 bits may be one; of a
    counter that is said to be wider, a fall by less than half the range is none.
    """
    if not (fits(last) and fits(reading)):
        return False
    most = _most_bytes(last, reading)
    if most is None:
        most = WRAP if NARROW in (last.counter_bits, reading.counter_bits) else WRAP // 2
    falls = (last.down_bytes - reading.down_bytes, last.up_bytes - reading.up_bytes)
    return any(fall > 0 and WRAP - fall <= most for fall in falls)


def _not_below(last: Reading, fallen: Reading, reading: Reading) -> Reading:
    """Return *fallen* as the baseline, but for one of the pair that may have gone on all the time.

    It is back where it was before the fall: what lies below that is counted already.
    """

    def value(before: int, low: int, now: int) -> int:
        return max(before, low) if now >= before else low

    return replace(
        fallen,
        down_bytes=value(last.down_bytes, fallen.down_bytes, reading.down_bytes),
        up_bytes=value(last.up_bytes, fallen.up_bytes, reading.up_bytes),
    )


def _is_another_box(last: Reading, reading: Reading) -> bool:
    return None not in (last.identity, reading.identity) and last.identity != reading.identity


def _is_another_counter(last: Reading, reading: Reading) -> bool:
    """Say whether a wider counter is read now: how often the narrow one wrapped is not known."""
    return last.counter_bits < reading.counter_bits and not fits(reading)


def _grown(last: Reading, reading: Reading) -> Count | None:
    if fell(last, reading):
        return None
    return Count(
        quality=Quality.COUNTED,
        rule="CN-3",
        down=reading.down_bytes - last.down_bytes,
        up=reading.up_bytes - last.up_bytes,
        flowed_from=last.at,
    )


def _wrapped(last: Reading, reading: Reading) -> Count | None:
    """Return the bytes of 32-bit counters that wrapped once, if the link could carry them.

    Not from a baseline that is not believed, nor to a zero: those are for CN-8 to judge.
    """
    if not last.counter_bits == reading.counter_bits == NARROW or fell_to_zero(last, reading):
        return None
    if not (fits(last) and fits(reading)):
        return None  # CN-9: not a value of 32 bits
    most = _most_bytes(last, reading)
    estimated = 0
    counted = []
    for old, new in (
        (last.down_bytes, reading.down_bytes),
        (last.up_bytes, reading.up_bytes),
    ):
        wraps = new < old
        bytes_ = new - old + (WRAP if wraps else 0)
        if most is not None and wraps:
            if bytes_ > most:
                return None  # no wrap explains this fall: CN-8 judges it
            if bytes_ + WRAP <= most:
                estimated += bytes_  # it may have wrapped more than once
        counted.append(bytes_)
    return Count(
        quality=Quality.WRAPPED,
        rule="CN-7",
        down=counted[0],
        up=counted[1],
        flowed_from=last.at,
        estimated=estimated,
    )


def _most_bytes(last: Reading, reading: Reading) -> int | None:
    """Return what the link can carry one way in the gap, 5 % grace included; None: not known."""
    link_bps = max(last.link_bps or 0, reading.link_bps or 0)
    return carried(link_bps, _elapsed_us(last, reading)) if link_bps else None


def _elapsed_us(last: Reading, reading: Reading) -> int:
    """Return how long the gap took: the box knows better where capd's own clock was set back."""
    by_clock = (reading.at - last.at) // _MICROSECOND
    if last.uptime_s is None or reading.uptime_s is None:
        return by_clock
    return max(by_clock, int((reading.uptime_s - last.uptime_s) * 1_000_000))


def carried(link_bps: int, micros: int) -> int:
    """Return what *link_bps* can carry one way in *micros*, 5 % grace included (CN-10)."""
    return min(link_bps * micros * 105 // (8 * 100 * 1_000_000), _LARGEST)


def _checked(last: Reading, reading: Reading, count: Count) -> Step:
    """Return the step, unless it is more than the link can carry (CN-10)."""
    link_bps = max(last.link_bps or 0, reading.link_bps or 0) or _FASTEST_BPS
    before_us = (count.flowed_from - last.at) // _MICROSECOND
    most = carried(
        link_bps, _elapsed_us(last, reading) - before_us + int(count.slack_s * 1_000_000)
    )
    if max(count.down, count.up) > most:
        aside = _unknown_gap(last, reading, Quality.IMPLAUSIBLE, "CN-10")
        return Step(
            quality=aside.quality,
            state=MeterState(last=_disbelieved(reading)),
            entry=aside.entry,
            implausible=_evidence(last, reading, count, most, link_bps),
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


def _disbelieved(reading: Reading) -> Reading:
    """Return *reading* as a baseline that may have been garbage: a fall from it proves nothing."""
    return replace(reading, counter_bits=64, agent_uptime_s=None)


def _evidence(
    last: Reading, reading: Reading, count: Count, most: int, link_bps: int
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
