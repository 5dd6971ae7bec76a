"""The brake: what may go, and what waits for a person."""

from capd.decide.guard import release
from capd.model import OrderState
from tests.builders import a_service, an_order


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
