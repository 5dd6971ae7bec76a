"""A clock that runs faster than the world's."""

from datetime import UTC, datetime, timedelta

from capd.simulator.pace import FastClock

START = datetime(2026, 6, 1, tzinfo=UTC)


def test_a_clock_of_speed_zero_stands_still():
    clock = FastClock(START, speed=0)

    assert clock() == clock() == START


def test_a_fast_clock_never_goes_back_and_never_jumps_when_its_speed_changes():
    clock = FastClock(START, speed=86_400)
    told = [clock() for _ in range(100)]
    clock.run_at(0)
    stopped = clock()

    assert [START, *told, stopped] == sorted([START, *told, stopped])
    assert stopped - told[-1] < timedelta(days=30)
    assert clock() == stopped
