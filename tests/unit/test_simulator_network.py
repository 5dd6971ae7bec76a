"""The pretend households and what flows through their lines."""

from datetime import UTC, datetime, timedelta
from statistics import median
from zoneinfo import ZoneInfo

import pytest

from capd.model import Down
from capd.simulator.box import Port
from capd.simulator.habits import Habit, households
from capd.simulator.network import Line, Network

LONDON = ZoneInfo("Europe/London")
MONDAY = datetime(2026, 6, 1, tzinfo=LONDON)
DAY = timedelta(days=1)


class Watch:
    def __init__(self):
        self.now = MONDAY.astimezone(UTC)

    def __call__(self):
        return self.now


def a_habit(**changes):
    return Habit(**{"seed": 3, "down_bytes_a_day": 10**9, "up_bytes_a_day": 10**8} | changes)


def a_line(**changes):
    port = Port(name="wan0", index=3)
    line = {"subscriber": "S-1", "habit": a_habit(), "ports": [(port, Down.IN)]}
    return Line(**line | changes)


def through(line, *, days=1, steps=24):
    watch = Watch()
    network = Network(watch, LONDON)
    network.lines["S-1"] = line
    network.open()
    for _ in range(steps):
        watch.now += timedelta(days=days) / steps
        network.advance()
    return network, watch


def test_a_household_takes_about_what_it_takes_each_day():
    down, up = a_habit().wish(MONDAY, MONDAY + 28 * DAY)

    assert down == pytest.approx(28 * 10**9, rel=0.05)
    assert up == pytest.approx(down / 10)


def test_evenings_are_busier_than_nights():
    evening, _ = a_habit().wish(MONDAY.replace(hour=19), MONDAY.replace(hour=22))
    night, _ = a_habit().wish(MONDAY.replace(hour=2), MONDAY.replace(hour=5))

    assert evening > 4 * night


def test_a_wish_is_the_same_in_one_piece_or_in_many():
    whole, _ = a_habit().wish(MONDAY, MONDAY + DAY)
    step = DAY / 7
    pieces = sum(a_habit().wish(MONDAY + n * step, MONDAY + (n + 1) * step)[0] for n in range(7))

    assert pieces == pytest.approx(whole)


def test_most_households_are_modest_and_a_few_are_not():
    shares = households(1000, seed=7)

    assert 0.3 < median(shares) < 0.6
    assert 150 < sum(share > 1 for share in shares) < 300
    assert shares == households(1000, seed=7)


@pytest.mark.parametrize(("way", "seen"), [(Down.IN, "in_bytes"), (Down.OUT, "out_bytes")])
def test_a_port_counts_exactly_what_flowed(way, seen):
    port = Port(name="wan0", index=3, in_bytes=7, out_bytes=7)
    line = a_line(ports=[(port, way)])

    through(line)

    assert line.down_bytes > 10 * line.up_bytes - 100
    assert getattr(port, seen) == 7 + line.down_bytes
    assert port.in_bytes + port.out_bytes == 14 + line.down_bytes + line.up_bytes


def test_fractions_of_a_byte_are_not_lost():
    coarse, fine = a_line(), a_line()
    through(coarse, steps=1)
    through(fine, steps=5000)

    assert abs(coarse.down_bytes - fine.down_bytes) <= 1


def test_a_router_that_says_no_lets_nothing_through_until_it_says_yes():
    says = iter([True, False, False, True])
    line = a_line(passes=lambda: next(says))
    network, watch = through(line, steps=1)
    after_one = line.down_bytes
    for _ in range(2):
        watch.now += DAY
        network.advance()
    stopped = line.down_bytes
    watch.now += DAY
    network.advance()

    assert after_one == stopped < line.down_bytes
    assert line.refused_bytes > 10**9


def test_a_shaped_line_carries_no_more_than_its_rate():
    line = a_line(limits=lambda: (8_000, None))  # a kilobyte a second, down only

    through(line)

    assert line.down_bytes <= 86_400 * 1000
    assert line.up_bytes > 10**7


def test_nothing_flows_before_the_network_opens_and_after_it_shuts():
    line = a_line()
    network, watch = through(line)
    network.shut()
    at_the_end = line.down_bytes
    watch.now += DAY
    network.advance()

    assert line.down_bytes == at_the_end
