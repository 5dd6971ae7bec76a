import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from capd.config import EnforceConfig
from capd.enforce.backoff import next_try
from capd.enforce.leaks import leaking
from capd.enforce.worker import Breaker, carry_out
from capd.model import OrderState, Outcome
from tests.builders import NOON, a_device, a_service, an_applied, an_order

A_MINUTE = timedelta(minutes=1)


class Clock:
    def __init__(self):
        self.now = NOON

    def __call__(self):
        return self.now


class Pusher:
    """Does what it is told to each device: an outcome, or waiting for an event."""

    def __init__(self, **fates):
        self.fates = fates
        self.visits = []
        self.now = self.most = 0
        self.open = set()

    async def push(self, device, orders):
        assert device.id not in self.open, "one session at a time on a device"
        self.open.add(device.id)
        self.visits.append((device.id, [order.id for order in orders]))
        self.most = max(self.most, len(self.open))
        fate = self.fates.get(device.id, {"state": OrderState.APPLIED})
        if isinstance(fate, asyncio.Event):
            await fate.wait()
            fate = {"state": OrderState.APPLIED}
        await asyncio.sleep(0)
        self.open.discard(device.id)
        return [Outcome(order=order, at=NOON, detail="x", **fate) for order in orders]


SILENT = {"state": OrderState.FAILED, "retry": True, "unreachable": True}
ODD = {"state": OrderState.FAILED, "retry": True}
REFUSED = {"state": OrderState.FAILED, "retry": False}


class Work:
    def __init__(self, clock=None, **fates):
        self.pusher = Pusher(**fates)
        self.clock = clock or Clock()
        self.breaker = Breaker(EnforceConfig(attempts=3, backoff_s=10), self.clock)
        self.done = []
        self.heard = asyncio.Event()

    async def on(self, *orders, devices=("a", "b", "c"), at_once=20):
        async def done(outcome, again):
            self.done.append((outcome, again))
            self.heard.set()

        inventory = {name: a_device(name) for name in devices}
        await carry_out(orders, inventory, self.pusher, done, at_once=at_once, breaker=self.breaker)
        return self.done


def test_the_wait_doubles_up_to_an_hour():
    waits = [next_try(NOON, failures=n, backoff_s=10) - NOON for n in (1, 2, 3, 10, 1000)]
    assert [wait.total_seconds() for wait in waits] == [10, 20, 40, 3600, 3600]


async def test_a_device_s_orders_go_in_one_session_and_in_order():
    work = Work()
    await work.on(*(an_order(number=n, device="ab"[n % 2]) for n in range(4)))
    assert sorted(work.pusher.visits) == [("a", [0, 2]), ("b", [1, 3])]
    assert {outcome.state for outcome, _ in work.done} == {OrderState.APPLIED}


async def test_a_slow_device_delays_no_other():
    slow = asyncio.Event()
    work = Work(a=slow)
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        group.create_task(work.on(an_order(number=1, device="a"), an_order(number=2, device="b")))
        await work.heard.wait()
        assert [outcome.order.id for outcome, _ in work.done] == [2]
        slow.set()
    assert [outcome.order.id for outcome, _ in work.done] == [2, 1]


async def test_no_more_devices_are_visited_at_once_than_allowed():
    names = [f"d{n}" for n in range(30)]
    work = Work()
    await work.on(*(an_order(device=name) for name in names), devices=names, at_once=4)
    assert work.pusher.most == 4
    assert len(work.done) == 30


async def test_a_gateway_with_many_orders_is_visited_once():
    work = Work()
    await work.on(*(an_order(number=n, device="a") for n in range(500)))
    assert [len(ids) for _, ids in work.pusher.visits] == [500]


async def test_nobody_who_is_owed_service_waits_for_those_who_lose_theirs():
    work = Work()
    off, on = an_order(number=1, device="a"), an_order(number=2, device="a", after=a_service())
    await work.on(off, on)
    assert [ids for _, ids in work.pusher.visits] == [[2, 1]]


async def test_what_may_be_tried_again_is_tried_later_and_later():
    work = Work(a=ODD)
    ((_, first),) = await work.on(an_order(device="a"))
    assert first == NOON + timedelta(seconds=10)
    work.clock.now = first
    second = (await work.on(an_order(device="a", attempts=1)))[-1][1]
    assert second == first + timedelta(seconds=20)


async def test_after_some_tries_a_person_must_look():
    work = Work(a=ODD)
    ((outcome, again),) = await work.on(an_order(device="a", attempts=2))
    assert (outcome.state, outcome.retry, again) == (OrderState.FAILED, False, None)
    assert "given up after 3 tries" in outcome.detail


async def test_a_device_that_is_silent_is_tried_for_as_long_as_something_is_owed__UC_2():
    work = Work(a=SILENT)
    ((outcome, again),) = await work.on(an_order(device="a", attempts=500))
    assert (outcome.retry, again) == (True, NOON + timedelta(hours=1))


@pytest.mark.parametrize("fate", [REFUSED, ODD, SILENT])
async def test_a_device_that_failed_is_left_alone_for_new_orders_too(fate):
    work = Work(a=fate)
    await work.on(an_order(number=1, device="a"))
    await work.on(an_order(number=2, device="a"), an_order(number=3, device="b"))
    assert [name for name, _ in work.pusher.visits] == ["a", "b"]
    work.clock.now += A_MINUTE
    await work.on(an_order(number=2, device="a"))
    assert [name for name, _ in work.pusher.visits] == ["a", "b", "a"]


async def test_a_device_that_was_changed_in_the_inventory_is_tried_at_once():
    work = Work(a=REFUSED)
    await work.on(an_order(device="a"))
    changed = a_device("a", address="10.9.0.77")
    assert not work.breaker.allows(a_device("a"))
    assert work.breaker.allows(changed)


async def test_a_success_ends_the_waiting():
    work = Work(a=ODD)
    await work.on(an_order(device="a"))
    work.clock.now += A_MINUTE
    work.pusher.fates = {}
    await work.on(an_order(device="a"))
    assert work.breaker.allows(a_device("a"))


async def test_a_device_that_is_not_in_the_inventory_any_more_is_for_a_person():
    ((outcome, again),) = await Work().on(an_order(device="gone"))
    assert (outcome.state, again) == (OrderState.FAILED, None)
    assert outcome.detail == "gone: no such device in the inventory"


def leaks(*applied, passed, allowed=1000):
    return leaking(applied, passed, {"cpe-1": allowed}, NOON)


def off(**more):
    return an_applied(**{"suspended": True, "state": "applied", **more})


@pytest.fixture
def proven():
    return replace(off(), at=NOON - A_MINUTE)


def test_one_who_is_off_and_passes_more_than_the_garden_takes_is_leaking__UC_2(proven):
    assert leaks(proven, passed={"S-1": 1001}) == {"S-1"}
    assert leaks(proven, passed={"S-1": 1000}) == frozenset()
    assert leaks(proven, passed={}) == frozenset()


def test_only_a_proven_suspension_can_leak(proven):
    assert leaks(off(state="assumed"), an_applied(), passed={"S-1": 10**9}) == frozenset()
    assert leaking([proven], {"S-1": 10**9}, {}, NOON) == frozenset()
