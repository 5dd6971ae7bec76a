"""A clock that is set forward must not make anybody pay for a restart that never was."""

from datetime import timedelta

from capd.account.counters import step
from capd.collect.leaps import Leaps
from capd.model import Poll
from tests.builders import NOON, a_reading


class Wall:
    """A clock beside a steady one, that can be set."""

    def __init__(self):
        self.steady_s, self.ahead_s = 1000.0, 0.0

    def __call__(self):
        return NOON + timedelta(seconds=self.steady_s + self.ahead_s)

    def poll(self, down=0, device="cpe-1", **more):
        at = self()
        reading = a_reading(down, at=at, device=device, **more)
        return Poll(device=device, protocol="snmp", at=at, readings=(reading,))


def a_wall():
    wall = Wall()
    return wall, Leaps(wall, lambda: wall.steady_s)


def proves(poll):
    return poll.readings[0].uptime_s is not None


def test_polls_pass_as_they_are_while_the_clock_is_only_slewed():
    wall, leaps = a_wall()
    for _ in range(5):
        wall.steady_s += 300
        wall.ahead_s += 1.5
        poll = wall.poll(uptime_s=60.0)
        assert leaps.cautious(poll) is poll


def test_after_a_leap_the_next_readings_of_each_device_prove_no_restart__CN_4():
    wall, leaps = a_wall()
    leaps.cautious(wall.poll(uptime_s=600.0))
    wall.ahead_s = 3600
    seen = {"cpe-1": [], "cpe-2": []}
    for _ in range(4):
        wall.steady_s += 300
        for device, proofs in seen.items():
            proofs.append(proves(leaps.cautious(wall.poll(device=device, uptime_s=900.0))))
    assert seen == {device: [False] * 3 + [True] for device in seen}


def test_each_meter_is_taken_with_caution_by_itself__CN_4():
    wall, leaps = a_wall()
    for meter in ("wan", "lte"):
        leaps.cautious(wall.poll(uptime_s=600.0, meter=meter))
    wall.ahead_s = 3600
    for _ in range(4):
        wall.steady_s += 60
        leaps.cautious(wall.poll(uptime_s=900.0, meter="wan"))
    assert not proves(leaps.cautious(wall.poll(uptime_s=900.0, meter="lte")))


def test_a_leap_forward_misleads_still_when_the_clock_is_set_back_a_little__CN_4():
    wall, leaps = a_wall()
    leaps.cautious(wall.poll(uptime_s=600.0))
    wall.ahead_s = 3600
    wall.steady_s += 60
    leaps.cautious(wall.poll(uptime_s=660.0))
    wall.ahead_s = 3500
    wall.steady_s += 300
    assert not proves(leaps.cautious(wall.poll(uptime_s=960.0)))


def test_a_poll_that_was_on_its_way_when_the_clock_leapt_does_not_use_caution_up():
    wall, leaps = a_wall()
    before = wall.poll(uptime_s=600.0)
    wall.ahead_s = 3600
    assert not proves(leaps.cautious(before))
    wall.steady_s += 300
    assert not proves(leaps.cautious(wall.poll(uptime_s=900.0)))


def test_after_a_clock_was_set_back_no_wrap_is_believed_until_time_has_caught_up__CN_7():
    wall, leaps = a_wall()
    leaps.cautious(wall.poll(5, uptime_s=600.0, counter_bits=32))
    wall.ahead_s = -1000
    seen = []
    for _ in range(7):
        wall.steady_s += 300
        (reading,) = leaps.cautious(wall.poll(9, uptime_s=700.0, counter_bits=32)).readings
        seen.append((reading.counter_bits, reading.uptime_s))
    assert seen == [(64, 700.0)] * 6 + [(32, 700.0)]  # three are dropped (CN-2), three are new


def test_a_young_box_is_not_charged_from_zero_because_the_clock_was_set__CN_4():
    wall, leaps = a_wall()
    first = leaps.cautious(wall.poll(5_000, uptime_s=600.0)).readings[0]
    wall.steady_s += 300
    wall.ahead_s = 3600
    leapt = wall.poll(5_400, uptime_s=900.0)
    state = step(None, first).state
    assert step(state, leapt.readings[0]).entry.down_bytes == 5_400  # the rule cannot know better
    assert step(state, leaps.cautious(leapt).readings[0]).entry.down_bytes == 400
