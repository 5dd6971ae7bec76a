"""When whom is asked, in seconds of a clock that the test turns."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capd.collect.schedule import Change, Schedule, together
from capd.model import Role
from tests.builders import a_device, a_meter


def a_schedule(*devices, now=1000.0, wall=5000.0, interval_s=300.0, silent_after=3, fresh=False):
    schedule = Schedule(
        interval_s=interval_s, silent_after=silent_after, silent_interval_s=4 * interval_s
    )
    schedule.replace(devices or (a_device(),), now=now, wall=wall)
    waiting = {device.id for device in devices or (a_device(),)}
    while waiting and not fresh:  # their first turn comes soon; what follows keeps to the phase
        turn = schedule.take(now=schedule.next_due())
        waiting.discard(turn.device.id)
        schedule.done(turn, unreachable=False, now=turn.due + 0.001)
    return schedule


def ask(schedule, *, unreachable=False, took=0.1):
    """Ask whoever is next, when it falls due; return when that was and what became different."""
    due = schedule.next_due()
    turn = schedule.take(now=due)
    return due, schedule.done(turn, unreachable=unreachable, now=due + took)


def test_a_device_is_asked_once_an_interval_on_its_own_phase():
    schedule = a_schedule()
    first, *later = [ask(schedule)[0] for _ in range(4)]
    assert later == [first + 300, first + 600, first + 900]


def of(device, *subscribers, role=Role.MAIN, **more):
    meters = tuple(a_meter(f"m{n}", who, role=role) for n, who in enumerate(subscribers))
    return a_device(device, meters=meters, **more)


def test_devices_with_a_main_and_a_backup_meter_of_somebody_are_asked_in_the_same_moment__CN_14():
    radio = of("radio", "S-1", "S-2", role=Role.BACKUP)
    routers = [of("cpe-1", "S-1"), of("cpe-2", "S-2"), of("cpe-3", "S-3")]
    schedule = a_schedule(radio, *routers)
    turns = [schedule.take(now=2000.0) for _ in range(4)]
    due = {turn.device.id: turn.due for turn in turns}
    assert due["radio"] == due["cpe-1"] == due["cpe-2"] != due["cpe-3"]


def test_who_is_asked_more_often_gives_the_moment__CN_14():
    radio = of("a-radio", "S-1", role=Role.BACKUP, interval_s=300)
    schedule = a_schedule(radio, of("cpe-1", "S-1", interval_s=60))
    moments = {"a-radio": set(), "cpe-1": set()}
    for _ in range(20):
        turn = schedule.take(now=schedule.next_due())
        moments[turn.device.id].add(round(turn.due, 6))
        schedule.done(turn, unreachable=False, now=turn.due + 0.1)
    assert len(moments["a-radio"]) > 2
    moments["cpe-1"].add(round(schedule.next_due(), 6))  # whoever of the two is left
    assert moments["a-radio"] <= moments["cpe-1"]


def test_a_backup_that_comes_later_moves_the_others_to_its_moment__CN_14():
    main = of("cpe-1", "S-1")
    schedule = a_schedule(main)
    schedule.replace([main, of("a-radio", "S-1", role=Role.BACKUP)], now=1001.0, wall=5001.0)
    ask(schedule)  # the radio's first
    assert ask(schedule)[0] == ask(schedule)[0]


def test_a_mast_that_backs_up_a_whole_town_does_not_make_it_asked_at_once():
    town = [of(f"cpe-{n}", f"S-{n}") for n in range(300)]
    mast = of("mast", *(f"S-{n}" for n in range(300)), role=Role.BACKUP)
    assert together([*town, mast], 300.0) == {}


def test_devices_are_spread_over_the_interval():
    devices = [a_device(f"cpe-{n}") for n in range(3000)]
    schedule = a_schedule(*devices)
    tenths = [0] * 10
    for _ in devices:
        due, _ = ask(schedule)
        tenths[int((due - 1000) % 300 / 30)] += 1
    assert min(tenths) > 240
    assert max(tenths) < 360


def test_the_first_turn_comes_soon_and_not_all_at_once():
    few = a_schedule(*(a_device(f"cpe-{n}") for n in range(20)), fresh=True)
    assert all(1000.0 <= ask(few)[0] <= 1001.0 for _ in range(20))
    many = a_schedule(*(a_device(f"cpe-{n}") for n in range(2000)), fresh=True)
    firsts = [ask(many)[0] for _ in range(2000)]
    assert 1009.0 < firsts[-1] <= 1010.0


def test_a_phase_survives_a_restart():
    """Twenty minutes of wall time later, another process asks at the same second of its hour."""
    before, after = a_schedule(now=1000.0, wall=5000.0), a_schedule(now=7.0, wall=6200.0)
    assert (before.next_due() - 1000 + 5000) % 300 == pytest.approx(
        (after.next_due() - 7 + 6200) % 300
    )


def test_a_device_has_an_interval_of_its_own():
    schedule = a_schedule(a_device(interval_s=60))
    assert ask(schedule)[0] + 60 == ask(schedule)[0]


def test_nobody_is_asked_twice_at_once():
    schedule = a_schedule()
    turn = schedule.take(now=schedule.next_due())
    assert schedule.next_due() is None
    assert schedule.take(now=99_999.0) is None
    schedule.done(turn, unreachable=False, now=99_999.0)
    assert schedule.next_due() > 99_999.0


def test_a_slow_device_skips_the_turns_that_it_missed():
    schedule = a_schedule()
    first, _ = ask(schedule, took=650.0)
    assert schedule.next_due() == first + 900


def test_the_silent_are_asked_less_and_it_is_said_once():
    schedule = a_schedule()
    heard = [ask(schedule, unreachable=True) for _ in range(5)]
    assert [change for _, change in heard] == [
        Change.NONE, Change.NONE, Change.WENT_SILENT, Change.NONE, Change.NONE,
    ]  # fmt: skip
    times = [due - heard[0][0] for due, _ in heard]
    assert times == [0, 300, 600, 1800, 3000]
    assert schedule.silent == 1


def test_one_that_answers_again_is_back_to_normal_at_once():
    schedule = a_schedule()
    for _ in range(4):
        ask(schedule, unreachable=True)
    due, change = ask(schedule)
    assert change is Change.CAME_BACK
    assert schedule.next_due() == due + 300
    assert schedule.silent == 0


def test_one_lost_answer_changes_nothing():
    schedule = a_schedule()
    assert ask(schedule, unreachable=True)[1] is Change.NONE
    assert ask(schedule)[1] is Change.NONE
    assert ask(schedule, unreachable=True)[1] is Change.NONE


def test_a_new_inventory_leaves_phases_and_silence_as_they_are():
    schedule = a_schedule()
    for _ in range(3):
        ask(schedule, unreachable=True)
    due = schedule.next_due()
    gone = schedule.replace([a_device(address="10.9.0.9"), a_device("cpe-2")], now=due, wall=0.0)
    assert gone == []
    assert (len(schedule), schedule.silent) == (2, 1)
    turns = [schedule.take(now=due + 300), schedule.take(now=due + 300)]
    addresses = {turn.device.id: turn.device.address for turn in turns}
    assert addresses["cpe-1"] == "10.9.0.9"


def test_a_device_that_left_is_asked_no_more():
    schedule = a_schedule(a_device("cpe-1"), a_device("cpe-2"))
    running = schedule.take(now=schedule.next_due())
    assert schedule.replace([], now=1000.0, wall=5000.0) == ["cpe-1", "cpe-2"]
    schedule.done(running, unreachable=False, now=1100.0)
    assert schedule.next_due() is None
    assert len(schedule) == 0


def test_a_changed_interval_counts_from_now():
    schedule = a_schedule()
    schedule.replace([a_device(interval_s=10)], now=2000.0, wall=6000.0)
    assert 2000 <= schedule.next_due() <= 2010
    assert ask(schedule)[0] + 10 == schedule.next_due()


def test_somebody_may_be_asked_out_of_turn():
    schedule = a_schedule()
    regular = schedule.next_due()
    assert schedule.ask_now("cpe-1", now=1000.5)
    assert schedule.next_due() == 1000.5
    ask(schedule)
    assert schedule.next_due() == regular  # and its phase is still its phase
    assert not schedule.ask_now("nobody", now=1000.5)


def test_asked_for_while_it_is_being_asked_it_is_asked_again():
    schedule = a_schedule()
    turn = schedule.take(now=schedule.next_due())
    assert schedule.ask_now("cpe-1", now=turn.due + 1)
    schedule.done(turn, unreachable=False, now=turn.due + 2)
    assert schedule.next_due() == turn.due


@given(
    st.floats(0.05, 90_000), st.lists(st.floats(0, 100_000), min_size=1, max_size=20),
    st.floats(0, 1e9), st.floats(0, 2e9),
)  # fmt: skip
def test_the_next_turn_is_always_later_and_within_an_interval(interval, took, now, wall):
    schedule = a_schedule(now=now, wall=wall, interval_s=interval)
    schedule.replace([a_device(interval_s=None)], now=now, wall=wall)
    for seconds in took:
        due = schedule.next_due()
        ended = due + seconds
        schedule.done(schedule.take(now=due), unreachable=False, now=ended)
        assert ended < schedule.next_due() <= ended + 1.001 * interval
