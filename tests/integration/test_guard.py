"""The guard with the books: a jump stops everything, windows and quiet hours make orders wait."""

from dataclasses import replace
from datetime import timedelta

import pytest

from capd.config import EnforceConfig
from capd.decide.guard import Limits
from capd.enforce.worker import Breaker
from capd.errors import CannotBeDone
from capd.house import Memory
from capd.model import OrderState, Sector
from capd.pipeline import accept_turn, account_turn, decide_turn
from capd.rounds import Enforcement
from capd.undo import undo
from tests.builders import (
    GB,
    NOON,
    a_device,
    a_fact,
    a_meter,
    a_reading,
    a_subscriber,
    an_event,
    an_inventory,
)
from tests.integration.test_pipeline import a_house, kinds
from tests.integration.test_rounds import Device

SOON = NOON + timedelta(minutes=10)
HELD, OPEN, APPLIED = OrderState.HELD, OrderState.OPEN, OrderState.APPLIED


def a_town(count):
    """Return an inventory of that many subscribers, every third of them in sector hill."""
    people = tuple(
        a_subscriber(f"S-{n}", sector="hill" if n % 3 == 0 else None) for n in range(count)
    )
    devices = tuple(
        a_device(f"cpe-{n}", meters=(a_meter(subscriber=f"S-{n}"),)) for n in range(count)
    )
    return an_inventory(subscribers=people, devices=devices, sectors=(Sector(id="hill"),))


async def all_over(house, count, *, start=0):
    """Let that many subscribers go over their caps at once, as a poller that counts wrong would."""
    devices = [f"cpe-{n}" for n in range(start, start + count)]
    await account_turn(house, [a_reading(0, at=0, device=device) for device in devices])
    readings = [a_reading(101 * GB, at=300, device=device) for device in devices]
    await account_turn(house, readings)


async def again(house):
    """Return the house as after a restart: it remembers nothing."""
    fresh = replace(house, memory=Memory())
    await fresh.look_round()
    return fresh


async def counts(store):
    return {state: n for state, n in (await store.orders.counts()).items() if n}


async def test_a_jump_calls_back_what_was_let_go_and_stops_all_until_a_person_clears_it(store):
    house = await a_house(store, inventory=a_town(9))
    house.limits = Limits(most_suspensions=4, jump=4, surge=0)
    await all_over(house, 8)
    assert await counts(store) == {HELD: 8}
    (stopped,) = [e for _, e in await store.trail.events() if e.kind == "guard_stopped"]
    assert stopped.figures["recent"] == 5
    assert stopped.figures["called_back"] == 4
    assert "5 subscribers went over their caps within 15 minutes" in stopped.text
    other = a_fact("hold", subscriber="S-8", reason="operator", note="x")
    await accept_turn(house, other, now=SOON)
    assert (await counts(store))[HELD] == 9  # whatever the reason
    async with store.judging() as desk:
        await desk.record([an_event("guard_cleared", subscriber=None, at=SOON, note="seen")])
        assert (await desk.suspensions.stop()).sentence is None
    await store.orders.decide(None, approve=False, author="noc", note="a poller", at=SOON)
    await accept_turn(house, a_fact("release", subscriber="S-8", reason="operator"), now=SOON)
    await accept_turn(house, a_fact("hold", subscriber="S-8", reason="aup", note="x"), now=SOON)
    assert (await counts(store))[OPEN] == 1  # what was before the clearing counts no more


DAY = 86_400


async def used_before(house, count, used_gb):
    """Let that many subscribers have used so much this month, up to five minutes before a day."""
    for at, share in ((0, 0), (3600, 0.02), (DAY - 300, 1)):
        used = int(used_gb * GB * share)
        await account_turn(house, [a_reading(used, at=at, device=f"cpe-{n}") for n in range(count)])


async def test_all_counters_jump_at_once_and_nobody_is_cut_off_for_it__UC_2(store):
    """By the same, possible amount: few are over their caps by it, and no limit would stop them."""
    house = await a_house(store, inventory=a_town(60))
    await used_before(house, 60, 97.5)
    fresh = await again(house)  # a new version that decodes wrong has just been started
    jumped = [a_reading(int((97.5 + 2.4 + 0.002 * n) * GB), at=DAY, device=f"cpe-{n}")
              for n in range(60)]  # fmt: skip
    await account_turn(fresh, jumped)
    assert await counts(store) == {HELD: 9}
    (stopped,) = [e for _, e in await store.trail.events() if e.kind == "guard_stopped"]
    assert stopped.figures["recent"] == 60
    assert "of 60 subscribers more bytes were read within 15 minutes" in stopped.text
    async with store.looking() as book:
        largest = await book.surges.largest(NOON)
    assert (largest[0].down_bytes, largest[0].seconds) == (2_518_000_000, 300)


async def test_a_glitch_as_large_as_a_counter_can_be_stops_no_ledger__CN_8(store):
    house = await a_house(store, inventory=a_town(3))
    most = 2**64 - 1
    await account_turn(house, [a_reading(5, 5, at=0, device=f"cpe-{n}") for n in range(3)])
    glitch = a_reading(most, most, at=300, device="cpe-0")
    await account_turn(house, [glitch, a_reading(7, 6, at=300, device="cpe-1")])
    async with store.looking() as book:
        (largest,) = await book.surges.largest(NOON)
    assert largest.subscriber == "S-0"
    known = await store.ledger.states([a_reading(device=f"cpe-{n}").key for n in range(3)])
    assert [state.last.down_bytes for state in known.values()] == [most, 7, 5]


async def test_counters_that_jump_one_after_the_other_are_stopped_in_the_midst__UC_2(sqlite_store):
    """A poll every second: the stop is there before the one who would lose service by it."""
    house = await a_house(sqlite_store, inventory=a_town(60))
    await used_before(house, 60, 60)
    for n in range(59):
        await account_turn(house, [a_reading(63 * GB, at=DAY + n, device=f"cpe-{n}")])
    await account_turn(house, [a_reading(101 * GB, at=DAY + 59, device="cpe-59")])
    assert await counts(sqlite_store) == {HELD: 1}


async def test_a_busy_evening_stops_nobody_s_suspension__UC_2(sqlite_store):
    """Everyone uses all that was sold them, for an hour; who goes over the cap is suspended."""
    house = await a_house(sqlite_store, inventory=a_town(40))
    await used_before(house, 40, 99)
    for minutes in range(5, 60, 5):
        used = 99 * GB + minutes * 60 * 30_000_000 // 8
        readings = [a_reading(used, at=DAY + minutes * 60, device=f"cpe-{n}") for n in range(4)]
        quiet = [a_reading(99 * GB + minutes, at=DAY + minutes * 60, device=f"cpe-{n}")
                 for n in range(4, 40)]  # fmt: skip
        await account_turn(house, [*readings, *quiet])
    assert await counts(sqlite_store) == {OPEN: 4}
    assert not [e for _, e in await sqlite_store.trail.events() if e.kind == "guard_stopped"]


async def test_after_an_outage_a_day_in_one_reading_is_no_surge__UC_2(sqlite_store):
    house = await a_house(sqlite_store, inventory=a_town(20))
    await used_before(house, 20, 80)
    back = [a_reading(101 * GB, at=2 * DAY, device=f"cpe-{n}") for n in range(20)]
    await account_turn(house, back)
    assert await counts(sqlite_store) == {OPEN: 20}


async def test_a_jump_takes_no_service_that_is_given_back__UC_3(sqlite_store):
    house = await a_house(sqlite_store, inventory=a_town(3))
    await all_over(house, 1)
    await enforcement(house, Device(), SOON).push(await sqlite_store.orders.due(SOON))
    async with sqlite_store.judging() as desk:
        await desk.record([an_event("guard_stopped", subscriber=None, text="A jump.")])
    await accept_turn(house, a_fact(size="50GB", reference="r", subscriber="S-0"), now=SOON)
    states = [(o.state, o.after.suspended) for o in await sqlite_store.orders.due(SOON)]
    assert (OPEN, False) in states


async def test_one_sector_is_not_emptied_by_an_hour_and_can_be_approved_alone(store):
    house = await a_house(store, inventory=a_town(12))
    house.limits = Limits(most_suspensions=100, most_in_sector=1, jump=0, surge=0)
    await all_over(house, 12)
    assert await counts(store) == {OPEN: 9, HELD: 3}
    who = {"author": "noc", "note": "seen", "at": SOON}
    assert await store.orders.decide(None, sector="dale", approve=True, **who) == 0
    assert await store.orders.decide(None, sector="hill", approve=True, **who) == 3


async def test_no_more_than_a_share_of_all_loses_service_in_a_day(sqlite_store):
    house = await a_house(sqlite_store, inventory=a_town(24))
    house.limits = Limits(most_suspensions=1000, most_share=0.5, jump=0, surge=0)
    house.limits = Limits(most_suspensions=22, most_share=0.5, jump=0, surge=0)
    await all_over(house, 24)
    assert await counts(sqlite_store) == {OPEN: 22, HELD: 2}


# ---- waiting -------------------------------------------------------------------------------------


def enforcement(house, device, now, **more):
    breaker = Breaker(EnforceConfig(), lambda: now)
    devices = {f"cpe-{n}": a_device(f"cpe-{n}") for n in range(9)}
    return Enforcement(house, device, breaker, lambda: now, lambda: devices, **more)


async def due_to(house, now, **more):
    return [order.subscriber for order in await enforcement(house, Device(), now, **more).due()]


async def a_window(store, *, device=None, sector=None, start=NOON, hours=2):
    return await store.maintenance.add(
        device=device, sector=sector, start=start, end=start + timedelta(hours=hours),
        note="mast", author="noc", at=NOON,
    )  # fmt: skip


async def test_nothing_is_pushed_into_a_maintenance_window__NM_5(store):
    house = await a_house(store, inventory=a_town(4))
    await all_over(house, 4)
    assert await due_to(house, SOON) == ["S-0", "S-1", "S-2", "S-3"]
    one = await a_window(store, device="cpe-1")
    two = await a_window(store, sector="hill")
    later = await a_window(store, device="cpe-2", start=NOON + timedelta(hours=1))
    assert [w.id for w in (one, two, later)] == [1, 2, 3]
    assert await due_to(house, SOON) == ["S-2"]
    assert await due_to(house, NOON + timedelta(hours=2, minutes=30)) == ["S-0", "S-1", "S-3"]
    await store.maintenance.end(1, note="done", author="noc", at=SOON)
    assert await due_to(house, SOON) == ["S-1", "S-2"]
    with pytest.raises(CannotBeDone, match="no maintenance window 1"):
        await store.maintenance.end(1, note="twice", author="noc", at=SOON)
    told = await kinds(store, "maintenance_added", "maintenance_ended")
    assert told == ["maintenance_added"] * 3 + ["maintenance_ended"]


async def test_in_quiet_hours_only_service_that_comes_back_is_pushed(sqlite_store):
    house = await a_house(sqlite_store, inventory=a_town(2))
    quiet = EnforceConfig(quiet_hours=("11:00-13:00",)).quiet
    await all_over(house, 1)
    assert await due_to(house, SOON, quiet=quiet) == []
    assert await due_to(house, NOON + timedelta(hours=2), quiet=quiet) == ["S-0"]
    await enforcement(house, Device(), SOON).push(await sqlite_store.orders.due(SOON))
    await accept_turn(house, a_fact(size="50GB", reference="r", subscriber="S-0"), now=SOON)
    assert await due_to(house, SOON, quiet=quiet) == ["S-0"]


# ---- undo ----------------------------------------------------------------------------------------


async def test_the_last_suspensions_are_undone_and_do_not_come_again__UC_8(store):
    house = await a_house(store, inventory=a_town(4))
    await all_over(house, 3)
    await accept_turn(house, a_fact("hold", subscriber="S-3", reason="aup", note="x"), now=SOON)
    device = Device()
    await enforcement(house, device, SOON).push(await store.orders.due(SOON))
    assert await counts(store) == {APPLIED: 4}
    how = {"note": "a poller", "author": "noc", "now": SOON}
    seen = await undo(house, 2, dry_run=True, **how)
    assert [one.order.subscriber for one in seen] == ["S-3", "S-2"]
    assert await counts(store) == {APPLIED: 4}
    done = await undo(house, 2, **how)
    assert [one.refused for one in done] == [(), ()]
    for minute in range(1, 4):
        await decide_turn(house, [f"S-{n}" for n in range(4)], now=SOON + timedelta(minutes=minute))
    due = await store.orders.due(SOON)
    assert {o.subscriber for o in due if not o.after.suspended} == {"S-2", "S-3"}
    assert len(due) == 2
    assert [one.order.subscriber for one in await undo(house, 9, **how)] == ["S-1", "S-0"]


async def test_an_upgrade_is_undone_and_does_not_come_again__UC_4(sqlite_store):
    house = await a_house(sqlite_store, inventory=a_town(1))
    await accept_turn(house, a_fact("plan", subscriber="S-0", product="home-300"), now=NOON)
    await enforcement(house, Device(), SOON).push(await sqlite_store.orders.due(SOON))
    (one,) = await undo(house, 5, note="wrong", author="noc", now=SOON)
    assert (one.order.after.product, one.refused) == ("home-300", ())
    await decide_turn(house, ["S-0"], now=SOON + timedelta(minutes=1))
    (back,) = await sqlite_store.orders.due(SOON)
    assert back.after.product == "home-100"
