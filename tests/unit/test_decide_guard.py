"""The brake: what may go, and what waits for a person."""

from datetime import time

import pytest

from capd.decide.guard import Limits, Seen, is_quiet, jump, surge, waits
from capd.decide.guard import release as guarded
from capd.decide.surge import is_surge
from capd.model import OrderState
from tests.builders import GB, a_service, an_order


def release(
    orders, *, most_suspensions, suspensions_last_hour, paused=False, suspensions_waiting=0
):
    seen = Seen(last_hour=suspensions_last_hour, waiting=suspensions_waiting, paused=paused)
    return guarded(orders, Limits(most_suspensions=most_suspensions), seen)


def suspensions(count, start=0):
    return [an_order(number=0, subscriber=f"S-{n}") for n in range(start, start + count)]


def test_up_to_the_limit_all_may_go():
    orders = suspensions(20)
    assert release(orders, suspensions_last_hour=0, most_suspensions=20) == (tuple(orders), ())


def test_what_is_over_the_limit_is_held_with_its_reason():
    released, held = release(suspensions(30), suspensions_last_hour=7, most_suspensions=20)
    assert (len(released), len(held)) == (13, 17)
    assert {order.state for order in held} == {OrderState.HELD}
    assert {order.detail for order in held} == {
        "37 suspensions in an hour, limit 20: held for a person"
    }


def test_what_gives_service_back_is_never_held():
    back = an_order(before=a_service(suspended=True), after=a_service())
    rate = an_order(after=a_service(down_bps=1))
    orders = [*suspensions(2), back, rate]
    released, held = release(orders, suspensions_last_hour=99, most_suspensions=20)
    assert (released, len(held)) == ((back, rate), 2)


def test_a_limit_of_nothing_holds_every_suspension():
    released, held = release(suspensions(3), suspensions_last_hour=0, most_suspensions=0)
    assert (released, len(held)) == ((), 3)


def test_the_devices_of_a_subscriber_go_together_or_not_at_all():
    pair = [an_order(subscriber="S-9", device=device) for device in ("cpe-9", "ap-9")]
    released, held = release([*suspensions(1), *pair], suspensions_last_hour=0, most_suspensions=2)
    assert [order.subscriber for order in released] == ["S-0"]
    assert [order.device for order in held] == ["cpe-9", "ap-9"]


def test_suspensions_do_not_pile_up_behind_a_pause():
    """Paused orders stay open; without counting them, hour after hour, all would go at once."""
    paused = {"suspensions_last_hour": 0, "most_suspensions": 20, "suspensions_waiting": 20}
    released, held = release(suspensions(1), paused=True, **paused)
    assert (len(released), len(held)) == (0, 1)
    released, held = release(suspensions(1), paused=False, **paused)
    assert (len(released), len(held)) == (1, 0)


def test_one_sector_cannot_lose_more_than_its_share_of_an_hour():
    limits = Limits(most_suspensions=100, most_in_sector=3)
    sectors = {f"S-{n}": "hill" for n in range(5)} | {"S-5": "dale"}
    seen = Seen(sectors=sectors, last_hour_in={"hill": 1})
    released, held = guarded(suspensions(7), limits, seen)
    assert [order.subscriber for order in released] == ["S-0", "S-1", "S-5", "S-6"]
    assert {order.detail for order in held} == {
        "more than 3 suspensions in an hour in sector hill: held for a person"
    }


def test_no_more_than_a_share_of_all_subscribers_loses_service_in_a_day():
    limits = Limits(most_suspensions=50, most_share=0.1)
    released, held = guarded(suspensions(60), limits, Seen(subscribers=1000, last_day=70))
    assert (len(released), len(held)) == (30, 30)
    assert "more than 100 of 1000 subscribers suspended within 24 hours (10%)" in held[0].detail


def test_a_share_of_few_is_never_fewer_than_twenty():
    limits = Limits(most_suspensions=20, most_share=0.01)
    assert len(guarded(suspensions(20), limits, Seen(subscribers=30))[0]) == 20


def test_what_is_stopped_holds_every_suspension_and_nothing_else():
    back = an_order(before=a_service(suspended=True), after=a_service())
    released, held = guarded([back, *suspensions(2)], Limits(), Seen(stopped="A jump."))
    assert released == (back,)
    assert {order.detail for order in held} == {"A jump."}


@pytest.mark.parametrize(
    ("recent", "before", "jumps"),
    [(40, 0, False), (41, 0, True), (100, 27_000, False), (110, 27_000, True), (0, 0, False)],
)
def test_a_jump_is_more_than_the_setting_and_than_ten_times_the_usual(recent, before, jumps):
    """27,000 in four weeks are ten in a quarter of an hour."""
    found = jump(recent, before, Limits(jump=40))
    assert (found is not None) == jumps
    assert found is None or f"{recent} subscribers went over their caps" in found.sentence


def test_what_an_hour_may_take_away_is_no_jump():
    assert jump(500, 0, Limits(most_suspensions=500)) is None
    assert jump(501, 0, Limits(most_suspensions=500)) is not None


def test_a_jump_of_zero_is_not_looked_for():
    assert jump(10_000, 0, Limits(jump=0)) is None


def test_nothing_is_pushed_into_a_window_and_only_service_back_into_the_night__NM_5():
    off = an_order()
    back = an_order(before=a_service(suspended=True), after=a_service())
    assert waits(off, quiet=True, maintained=False)
    assert not waits(back, quiet=True, maintained=False)
    assert waits(back, quiet=False, maintained=True)
    assert not waits(off, quiet=False, maintained=False)


def test_quiet_hours_may_go_over_midnight():
    night = [(time(22), time(7)), (time(12), time(13))]
    quiet = [hour for hour in range(24) if is_quiet(time(hour), night)]
    assert quiet == [0, 1, 2, 3, 4, 5, 6, 12, 22, 23]


@pytest.mark.parametrize(
    ("recent", "before", "an_hour", "stops"),
    [
        (20, 0, 5, False), (21, 0, 5, True),  # the setting
        (30, 0, 30, False), (31, 0, 30, True),  # an hour's limit
        (60, 20_000, 5, False), (80, 20_000, 5, True),  # ten times the usual
    ],
)  # fmt: skip
def test_a_surge_of_many_is_more_than_the_settings_and_than_the_usual(
    recent, before, an_hour, stops
):
    found = surge(recent, before, Limits(surge=20, most_suspensions=an_hour))
    assert (found is not None) == stops
    assert found is None or f"of {recent} subscribers more bytes were read" in found.sentence
    assert surge(recent, before, Limits(surge=0)) is None


@pytest.mark.parametrize(
    ("down", "up", "seconds", "is_one"),
    [
        (1.2 * GB, 0, 300, False),  # 32 Mb/s of 30 sold: a film and an update
        (2.0 * GB, 0, 300, True),  # 53 Mb/s
        (0.1 * GB, 0.3 * GB, 300, True),  # 8 Mb/s up, of 5
        (3.9 * GB, 0, 900, False), (19 * GB, 0, 86_400, False),  # a day in one reading
        (20 * GB, 0, 900, True),  # a fifth of the month
        (0.24 * GB, 0, 1, False),  # two messages that came together
    ],
)  # fmt: skip
def test_more_than_a_product_carries_is_a_surge(down, up, seconds, is_one):
    sold = {"allowance_bytes": 100 * GB, "rates": (30_000_000, 5_000_000)}
    assert is_surge(int(down), int(up), seconds, **sold) is is_one


def test_where_no_rate_is_sold_a_fifth_of_the_month_is_a_surge_and_without_a_cap_nothing_is():
    nothing = (None, None)
    assert is_surge(20 * GB, 0, 300, allowance_bytes=100 * GB, rates=nothing)
    assert not is_surge(19 * GB, 0, 300, allowance_bytes=100 * GB, rates=nothing)
    assert not is_surge(int(0.9 * GB), 0, 300, allowance_bytes=GB, rates=nothing)
    assert not is_surge(500 * GB, 0, 300, allowance_bytes=None, rates=nothing)
