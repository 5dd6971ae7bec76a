"""A radio and a router that see the same bytes: the one counts, the other fills (CN-14)."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capd.account.backup import Backup, Gap, Span, best, fill, needed_until
from capd.account.counters import step
from capd.model import MeterKey, Reading

T0 = datetime(2026, 3, 1, tzinfo=UTC)
KEY = MeterKey("radio", "wlan")


def at(seconds):
    return T0 + timedelta(seconds=seconds)


def span(start, end, down, up=0, **more):
    return Span(start=at(start), end=at(end), down=down, up=up, **more)


def a_gap(start=300, end=600, unknown_from=300, unknown_to=400):
    return Gap(
        start=at(start), end=at(end), unknown_from=at(unknown_from), unknown_to=at(unknown_to)
    )


def a_backup(*spans, until=None):
    return Backup(key=KEY, until=until or max((one.end for one in spans), default=T0), spans=spans)


def test_where_both_are_read_together_the_gap_is_filled_to_the_byte():
    found = fill(a_gap(), a_backup(span(300, 600, 300, 30)), [span(300, 600, 200, 20)])
    assert (found.down, found.up, found.whole) == (100, 10, True)
    assert (found.start, found.end) == (at(300), at(600))


def test_a_gap_without_traffic_is_known_to_be_empty():
    found = fill(a_gap(), a_backup(span(300, 600, 200)), [span(300, 600, 200)])
    assert (found.down, found.whole) == (0, True)


def test_what_a_neighbouring_entry_may_have_counted_of_the_window_is_taken_off():
    backup = a_backup(span(290, 610, 320))
    counted = [span(0, 300, 15), span(300, 600, 200), span(600, 900, 5)]
    found = fill(a_gap(), backup, counted)
    assert (found.down, found.whole) == (100, False)
    assert fill(a_gap(), backup, [span(0, 300, 300), span(300, 600, 200)]).down == 0


def test_a_neighbour_takes_off_no_more_than_its_link_can_carry_in_the_time_they_share():
    backup = a_backup(span(0.05, 300.05, 40_000_000), span(300.05, 600.05, 300_000_000))
    fast = {"link_bps": 8_000_000}  # a million bytes a second
    counted = [
        span(0, 300, 40_000_000, **fast),
        span(300, 600, 150_000_000, **fast),
        span(600, 900, 90_000_000, **fast),
    ]
    found = fill(a_gap(), backup, counted)
    # of the later one 50 ms and a second of slack, 5 % grace included
    assert (found.down, found.whole) == (150_000_000 - 1_102_500, False)


def test_neighbours_that_counted_nothing_leave_nothing_unknown():
    counted = [span(0, 300, 0), span(300, 600, 200), span(600, 900, 0)]
    found = fill(a_gap(), a_backup(span(290, 610, 320)), counted)
    assert (found.down, found.whole) == (120, True)


def test_a_backup_that_is_read_more_often_fills_from_within_the_entry():
    backup = a_backup(*(span(n, n + 60, 60) for n in range(270, 630, 60)))
    counted = [span(0, 300, 300), span(300, 600, 200), span(600, 900, 300)]
    found = fill(a_gap(), backup, counted)
    assert (found.start, found.end) == (at(330), at(570))
    assert (found.down, found.whole) == (40, False)


def test_a_backup_that_is_blind_in_the_window_fills_nothing():
    backup = a_backup(span(300, 600, 250, known=False))
    assert fill(a_gap(), backup, [span(300, 600, 200)]) is None


def test_a_backup_with_a_hole_fills_nothing():
    backup = a_backup(span(300, 350, 80), span(380, 600, 220))
    assert fill(a_gap(), backup, [span(300, 600, 200)]) is None


def test_several_main_meters_are_added_before_anything_is_missing__CN_15():
    backup = a_backup(span(300, 600, 500))
    counted = [span(300, 600, 200), span(300, 600, 150)]
    assert fill(a_gap(), backup, counted).down == 150


def test_it_can_only_be_known_once_both_were_read_after_the_gap():
    assert needed_until(a_gap(), a_backup(span(0, 590, 1))) is None
    assert needed_until(a_gap(), a_backup(span(0, 590, 1), span(590, 890, 1))) == at(890)
    assert needed_until(a_gap(), a_backup(until=at(700))) == at(600)


def test_of_several_backups_the_one_that_says_most_fills():
    one = fill(a_gap(), a_backup(span(300, 600, 300)), [span(300, 600, 200)])
    other = fill(a_gap(), a_backup(span(290, 600, 350)), [span(0, 300, 5), span(300, 600, 200)])
    assert best([None, other, one]) is one  # it leaves nothing unknown
    assert best([None]) is None


# ---- the law: with any flow, and any faults on both, counted never exceeds true ------------------


class Port:
    """A counter that sees all bytes, forgets them when its box restarts, and is read at times."""

    def __init__(self, device, *, knows_uptime):
        self.device, self.knows_uptime = device, knows_uptime
        self.down = self.up = self.booted = 0
        self.index, self.state, self.entries = 1, None, []

    def restart(self, now):
        self.down = self.up = 0
        self.booted = now
        if not self.knows_uptime:
            self.index += 1

    def read(self, now, link_bps=None):
        reading = Reading(
            device=self.device, meter="wan", at=at(now), down_bytes=self.down, up_bytes=self.up,
            uptime_s=float(now - self.booted) if self.knows_uptime else None,
            epoch=str(self.index), link_bps=link_bps,
        )  # fmt: skip
        result = step(self.state, reading)
        self.state = result.state
        if result.entry is not None:
            self.entries.append(result.entry)


def lived(dice, mains, backup, steps):
    """Let bytes flow, boxes restart and readings come in; return what truly flowed."""
    true_down = true_up = now = 0
    ports = [*mains, backup]
    together = dice.random() < 0.5  # polled in the same second, or each at its own
    for port in ports:
        port.read(now)
    for _ in range(steps):
        now += dice.choice([1, 7, 30, 60, 300])
        for port in mains:
            down, up = (dice.choice([0, 0, 1, dice.randrange(10**6)]) for _ in range(2))
            true_down, true_up = true_down + down, true_up + up
            for one in (port, backup):
                one.down, one.up = one.down + down, one.up + up
        happened = dice.random()
        if happened < 0.25:
            dice.choice(ports).restart(now)
        elif together and happened < 0.8:
            for port in ports:
                port.read(now)
        elif happened < 0.9:
            dice.choice(ports).read(now, dice.choice([None, None, None, 8]))
    return true_down, true_up


def spans_of(port, link_bps=None):
    return [
        Span(
            start=entry.started_at, end=entry.ended_at, down=entry.down_bytes, up=entry.up_bytes,
            known=entry.unknown_from is None, link_bps=link_bps,
        )
        for entry in port.entries
    ]  # fmt: skip


def filled(mains, backup, order, link_bps=None):
    """Fill every gap that can be; return the fills with the gaps."""
    entries = [entry for port in mains for entry in port.entries if entry.unknown_from]
    gaps = [
        Gap(
            start=entry.started_at, end=entry.ended_at,
            unknown_from=entry.unknown_from, unknown_to=entry.unknown_to,
        )
        for entry in order(entries)
    ]  # fmt: skip
    counted = [one for port in mains for one in spans_of(port, link_bps)]
    seen = Backup(key=KEY, until=backup.state.last.at, spans=tuple(spans_of(backup)))
    done = []
    for gap in gaps:
        until = needed_until(gap, seen)
        if until is None or min(port.state.last.at for port in mains) < until:
            continue
        found = best([fill(gap, seen, counted)])
        if found is not None:
            done.append((gap, found))
            counted.append(Span(start=found.start, end=found.end, down=found.down, up=found.up))
    return done


@given(st.integers(0, 2**32), st.integers(1, 60), st.integers(1, 2), st.booleans())
def test_counted_is_never_more_than_what_flowed_whatever_happens_to_both(
    seed, steps, mains, knows_uptime
):
    dice = random.Random(seed)
    ports = [Port(f"router-{n}", knows_uptime=knows_uptime) for n in range(mains)]
    backup = Port("radio", knows_uptime=dice.random() < 0.5)
    true_down, true_up = lived(dice, ports, backup, steps)
    done = filled(ports, backup, lambda some: dice.sample(some, len(some)))
    entries = [entry for port in ports for entry in port.entries]
    down = sum(entry.down_bytes for entry in entries) + sum(one.down for _, one in done)
    up = sum(entry.up_bytes for entry in entries) + sum(one.up for _, one in done)
    assert down <= true_down
    assert up <= true_up
    for _, one in done:
        shown = [e for e in backup.entries if one.start <= e.started_at and e.ended_at <= one.end]
        assert one.down <= sum(entry.down_bytes for entry in shown)
        assert one.up <= sum(entry.up_bytes for entry in shown)


@pytest.mark.parametrize("seed", range(50))
def test_where_both_are_read_together_and_the_backup_sees_all_nothing_is_missing(seed):
    dice = random.Random(seed)
    main, backup = Port("router", knows_uptime=True), Port("radio", knows_uptime=True)
    true = now = 0
    for _ in range(30):
        now += 300
        down = dice.randrange(10**6)
        true += down if now > 300 else 0
        for port in (main, backup):
            port.down += down
        if dice.random() < 0.3 and now > 300:
            main.restart(now - 10)
            main.down = dice.randrange(down + 1)
        for port in (main, backup):
            port.read(now)
    done = filled([main], backup, lambda some: some)
    assert sum(e.down_bytes for e in main.entries) + sum(one.down for _, one in done) == true
    assert all(one.whole for _, one in done)


LINK_BPS = 80_000  # ten thousand bytes a second


@given(st.integers(0, 2**32), st.integers(2, 40), st.sampled_from([0.0, 0.02, 0.3, 2.0]))
def test_a_link_says_more_of_what_flowed_and_never_too_much(seed, steps, apart_s):
    """One is polled a moment after the other, both of a link whose speed is known."""
    dice = random.Random(seed)
    main, backup = Port("router", knows_uptime=True), Port("radio", knows_uptime=True)
    true = now = 0

    def flow(seconds):
        nonlocal true, now
        some = int(seconds * LINK_BPS / 8 * dice.choice([0, 0.01, 0.5, 1]))
        true, now = true + some, now + seconds
        main.down, backup.down = main.down + some, backup.down + some

    for _ in range(steps):
        flow(dice.choice([10, 60, 300]))
        if dice.random() < 0.4:
            main.restart(now)
            flow(dice.choice([0, 1, 30]))
        first, second = dice.choice([(main, backup), (backup, main)])
        first.read(now, LINK_BPS)
        flow(apart_s)
        second.read(now, LINK_BPS)
    linked = filled([main], backup, lambda some: some, link_bps=LINK_BPS)
    counted = sum(entry.down_bytes for entry in main.entries)
    assert counted + sum(one.down for _, one in linked) <= true
    plain = filled([main], backup, lambda some: some)
    assert sum(one.down for _, one in linked) >= sum(one.down for _, one in plain)
