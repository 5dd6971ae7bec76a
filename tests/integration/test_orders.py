"""The service book: orders on their way to devices, and what devices are known to have."""

from dataclasses import replace
from datetime import timedelta

import pytest

from capd.errors import CannotBeDone
from capd.model import Applied, OrderState, Outcome
from tests.builders import (
    NOON,
    a_device,
    a_meter,
    a_service,
    a_subscriber,
    an_inventory,
    an_order,
)

SOON = NOON + timedelta(minutes=1)


@pytest.fixture
async def books(store):
    people = (a_subscriber(), a_subscriber("S-2"))
    devices = (a_device(), a_device("cpe-2", meters=(a_meter(subscriber="S-2"),)))
    inventory = an_inventory(subscribers=people, devices=devices)
    await store.people.apply(
        inventory, dry_run=False, author="t", at=NOON, enforcing=["cpe-1", "cpe-2"]
    )
    return store


async def add(store, *orders):
    async with store.judging() as desk:
        return await desk.add_orders(orders)


async def close(store, order, state, *, next_at=None, **more):
    given = {"order": order, "state": state, "detail": "so it was", "at": SOON, **more}
    await store.orders.close([Outcome(**given)], next_at={order.id: next_at})


async def applied(store, *ids):
    async with store.judging() as desk:
        return await desk.applied(ids)


async def kinds(store):
    return [event.kind for _, event in await store.trail.events(after=1)]


async def test_orders_get_their_ids_and_are_lines_of_the_trail(books):
    held = an_order(subscriber="S-2", device="cpe-2", state=OrderState.HELD, detail="too many")
    added = await add(books, an_order(), held)
    assert [order.id for order in added] == [1, 2]
    assert [order.id for order in await add(books, an_order())] == [3]
    assert await books.orders.get(1) == added[0] == replace(an_order(), id=1)
    assert await books.orders.get(9) is None
    assert await kinds(books) == ["order_open", "order_held", "order_open"]
    (_, event), *_ = await books.trail.events(after=1)
    assert event.text == "cpe-1: suspension open: Because."
    assert (event.subscriber, event.device, event.clause) == ("S-1", "cpe-1", "UC-2")
    assert event.figures["order"] == 1


async def test_due_is_what_is_open_or_unknown_and_not_to_be_waited_for(books):
    later = an_order(next_at=SOON)
    states = [an_order(state=state) for state in OrderState]
    added = await add(books, *states, later)
    due = [order.id for order in await books.orders.due(NOON)]
    running = {OrderState.OPEN, OrderState.UNKNOWN}
    assert due == [order.id for order in added[:-1] if order.state in running]
    assert [order.id for order in await books.orders.due(SOON)] == [*due, added[-1].id]


async def test_open_orders_are_all_that_are_not_at_their_end(books):
    added = await add(books, *(an_order(state=state) for state in OrderState))
    async with books.judging() as desk:
        found = await desk.open_orders(["S-1", "S-2"])
    ended = {OrderState.APPLIED, OrderState.SUPERSEDED}  # a refused one stands, like a failed one
    assert found == [order for order in added if order.state not in ended]


async def test_an_order_that_a_device_confirmed_is_what_the_device_has(books):
    (order,) = await add(books, an_order())
    await close(books, order, OrderState.FAILED, retry=True, before="the first words")
    assert await books.orders.device_before(1) == "the first words"
    await close(books, order, OrderState.APPLIED, transcript="> suspend\n< ok", before="later ones")
    assert await books.orders.device_before(1) == "the first words"
    assert await books.orders.get(1) == replace(
        order, state=OrderState.APPLIED, attempts=2, detail="so it was"
    )
    has = Applied(
        device="cpe-1",
        subscriber="S-1",
        meter="wan",
        service=a_service(suspended=True),
        state="applied",
        at=SOON,
        order=1,
    )
    assert await applied(books, "S-1") == [has]
    assert await books.orders.suspended_applied() == [has]
    assert await books.orders.transcript(1) == "> suspend\n< ok"
    assert await books.orders.due(SOON) == []
    assert await kinds(books) == ["order_open", "order_failed", "order_applied"]


async def test_a_failure_to_try_again_waits_and_stays_open(books):
    (order,) = await add(books, an_order())
    await close(books, order, OrderState.FAILED, retry=True, next_at=SOON)
    again = await books.orders.get(1)
    assert (again.state, again.attempts, again.next_at) == (OrderState.OPEN, 1, SOON)
    assert await books.orders.due(NOON) == []
    assert await books.orders.due(SOON) == [again]
    assert [row.state for row in await applied(books, "S-1")] == ["assumed"]
    assert (await kinds(books))[-1] == "order_failed"


async def test_a_lost_session_makes_what_the_device_has_unknown(books):
    (order,) = await add(books, an_order())
    await close(books, order, OrderState.UNKNOWN, retry=True, next_at=SOON)
    assert (await books.orders.get(1)).state is OrderState.UNKNOWN
    assert [row.state for row in await applied(books, "S-1")] == ["unknown"]
    assert [found.id for found in await books.orders.due(SOON)] == [1]
    await close(books, order, OrderState.UNKNOWN)
    ended = await books.orders.get(1)
    assert (ended.state, ended.attempts) == (OrderState.FAILED, 2)
    assert await books.orders.due(SOON) == []


async def test_what_a_device_confirmed_counts_though_the_order_was_superseded(books):
    (order,) = await add(books, an_order())
    async with books.judging() as desk:
        await desk.supersede([order], SOON)
    assert (await books.orders.get(1)).state is OrderState.SUPERSEDED
    await close(books, order, OrderState.FAILED, retry=True, next_at=SOON)
    assert (await books.orders.get(1)).state is OrderState.SUPERSEDED
    await close(books, order, OrderState.APPLIED)
    assert [row.service.suspended for row in await applied(books, "S-1")] == [True]


async def test_outcomes_are_written_down_together(books):
    one, other = await add(books, an_order(), an_order(subscriber="S-2", device="cpe-2"))
    outcomes = [
        Outcome(order=one, state=OrderState.APPLIED, detail="", at=SOON),
        Outcome(order=other, state=OrderState.FAILED, detail="refused", at=SOON),
    ]
    await books.orders.close(outcomes, next_at={})
    await books.orders.close([], next_at={})
    counts = await books.orders.counts()
    assert counts == dict.fromkeys(OrderState, 0) | {OrderState.APPLIED: 1, OrderState.FAILED: 1}


async def test_listings_are_newest_first(books):
    await add(books, an_order(), an_order(state=OrderState.HELD), an_order())
    assert [order.id for order in await books.orders.listing()] == [3, 2, 1]
    assert [order.id for order in await books.orders.listing(limit=1)] == [3]
    held = await books.orders.listing(states=[OrderState.HELD])
    assert [order.id for order in held] == [2]


async def test_a_person_lets_held_orders_go_or_refuses_them(books):
    held = [an_order(state=OrderState.HELD) for _ in range(3)]
    await add(books, *held, an_order())
    who = {"author": "ann", "note": "looked at", "at": SOON}
    assert await books.orders.decide(1, approve=True, **who) == 1
    assert await books.orders.decide(2, approve=False, **who) == 1
    for order in (1, 4, 99):
        with pytest.raises(CannotBeDone, match=f"order {order} is not held"):
            await books.orders.decide(order, approve=True, **who)
    assert await books.orders.decide(None, approve=True, **who) == 1
    assert await books.orders.decide(None, approve=True, **who) == 0
    states = [order.state for order in reversed(await books.orders.listing())]
    assert states == ["open", "refused", "open", "open"]
    assert await books.orders.decide(2, approve=True, **who) == 1  # on second thoughts
    (_, event) = (await books.trail.events())[-1]
    assert (event.kind, event.author, event.figures["detail"]) == ("order_open", "ann", "looked at")


async def test_the_guard_counts_suspensions_let_go_and_none_that_is_held(books):
    async def since(at):
        async with books.judging() as desk:
            return await desk.suspensions.since(at)

    restored = an_order(before=a_service(suspended=True), after=a_service())
    await add(books, an_order(), restored, an_order(state=OrderState.HELD))
    assert await since(NOON) == 1
    assert await since(SOON) == 0
    await books.orders.decide(None, approve=True, author="ann", note="", at=SOON)
    assert await since(SOON) == 1
    assert await since(NOON) == 2


async def test_suspensions_waiting_are_those_let_go_that_no_device_carried_out(books):
    async def waiting(before):
        async with books.judging() as desk:
            return await desk.suspensions.waiting(before)

    one, _, _ = await add(books, an_order(), an_order(), an_order(state=OrderState.HELD))
    assert (await waiting(NOON), await waiting(SOON)) == (0, 2)
    await close(books, one, OrderState.APPLIED)
    assert await waiting(SOON) == 1


async def test_a_device_that_answers_again_is_tried_now(books):
    one, other = await add(books, an_order(), an_order(subscriber="S-2", device="cpe-2"))
    for order in (one, other):
        await close(books, order, OrderState.FAILED, retry=True, next_at=SOON)
    await books.orders.hurry("cpe-1")
    assert [order.id for order in await books.orders.due(NOON)] == [one.id]


async def test_a_desk_holds_back_and_lets_go(books):
    (order,) = await add(books, an_order())
    async with books.judging() as desk:
        await desk.set_state([order], OrderState.HELD, "a person should look", SOON)
        await desk.set_state([], OrderState.HELD, "nobody", SOON)
    assert await books.orders.due(SOON) == []
    async with books.judging() as desk:
        await desk.set_state([order], OrderState.OPEN, "looked at", SOON)
    assert [found.detail for found in await books.orders.due(SOON)] == ["looked at"]
    assert await kinds(books) == ["order_open", "order_held", "order_open"]
    assert await books.trail.check() == []


async def test_what_is_being_carried_out_is_open_and_known_to_be_begun(books):
    (one, held) = await add(books, an_order(), an_order(state=OrderState.HELD))
    running = await books.orders.begin([one.id, held.id])
    assert running == [one]  # what is held is not to be carried out
    (now,) = await books.orders.due(NOON)
    assert (now.state, now.begun) == (OrderState.OPEN, True)
    async with books.judging() as desk:
        assert await desk.suspensions.under_way_since(NOON - timedelta(hours=1)) == []
    await close(books, one, OrderState.FAILED, retry=True)
    (now,) = await books.orders.due(NOON)
    assert (now.state, now.begun) == (OrderState.OPEN, False)
