"""What is done again and again: noticing, pushing, taking stock; and the daemon around it."""

import asyncio
from datetime import timedelta

import pytest

from capd.brake import brake_turn
from capd.config import EnforceConfig, load
from capd.daemon import Daemon
from capd.decide.guard import Limits
from capd.decide.policy import Policy
from capd.enforce.worker import Breaker
from capd.errors import CapdError, StoreError
from capd.model import OrderState, Outcome
from capd.pipeline import accept_turn, account_turn, decide_turn
from capd.policies import default_text
from capd.review import Judging, review
from capd.rounds import Enforcement, Stock, Watch, keep
from tests.builders import (
    GB,
    NOON,
    a_device,
    a_fact,
    a_reading,
    a_subscriber,
    an_event,
    an_inventory,
)
from tests.integration.test_pipeline import a_house, counted, kinds

LATER = NOON + timedelta(hours=1)


def later():
    return LATER


class Device:
    """Stands where Netmiko would: does what it is told, unless it is off."""

    def __init__(self):
        self.off = self.refuses = False
        self.told = []

    async def push(self, device, orders):
        self.told.append([order.after.suspended for order in orders])
        if self.off:
            state, more = OrderState.FAILED, {"retry": True, "unreachable": True}
        else:
            state, more = OrderState.FAILED if self.refuses else OrderState.APPLIED, {}
        return [Outcome(order=o, state=state, detail="so", at=LATER, **more) for o in orders]

    async def dry_run(self, device, order):
        return []


def an_enforcement(house, pusher, **config):
    breaker = Breaker(EnforceConfig(**config), later)
    return Enforcement(house, pusher, breaker, later, lambda: {"cpe-1": a_device()})


async def over_the_cap(store):
    house = await a_house(store)
    await account_turn(house, [a_reading(0, at=0), a_reading(101 * GB, at=300)])
    return house


async def test_an_order_is_carried_out_and_closed(store):
    house = await over_the_cap(store)
    device = Device()
    outcomes = await an_enforcement(house, device).push(await store.orders.due(LATER))
    assert [outcome.state for outcome in outcomes] == [OrderState.APPLIED]
    assert device.told == [[True]]
    assert await store.orders.due(LATER) == []
    (applied,) = await store.orders.suspended_applied()
    assert (applied.subscriber, applied.state) == ("S-1", "applied")


async def test_while_paused_nothing_is_pushed_and_everything_is_seen(sqlite_store):
    house = await over_the_cap(sqlite_store)
    async with sqlite_store.judging() as desk:
        await desk.record([an_event("paused", subscriber=None, by="command")])
    device = Device()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await an_enforcement(house, device).run(every_s=0.01)
    assert device.told == []
    assert len(await sqlite_store.orders.due(LATER)) == 1


async def test_a_device_that_is_off_is_tried_for_as_long_as_it_is_owed(sqlite_store):
    house = await over_the_cap(sqlite_store)
    device = Device()
    device.off = True
    enforcement = an_enforcement(house, device, attempts=2, backoff_s=60)
    for tries in range(1, 6):
        await enforcement.push(await sqlite_store.orders.due(LATER))
        assert len(device.told) == tries
        assert await sqlite_store.orders.due(LATER) == []  # it rests
        await enforcement.heard_of("cpe-1")  # until it answers a poll
        assert len(await sqlite_store.orders.due(LATER)) == 1
    device.off = False
    await enforcement.push(await sqlite_store.orders.due(LATER))
    assert (await sqlite_store.orders.counts())[OrderState.APPLIED] == 1


async def test_what_a_command_wrote_is_noticed_and_judged(store):
    house = await over_the_cap(store)
    imports = []

    async def imported():
        imports.append(1)

    watch = Watch(house, later, inventory_changed=imported)
    await watch.turn()
    command = await a_house(store)  # an import that changes nothing, and its own judgement
    await accept_turn(command, a_fact(size="50GB", reference="r"), now=NOON)
    await watch.turn()
    assert house.memory.lines["S-1"].allowance_bytes == 150 * GB
    assert imports == []


async def test_a_suspended_line_that_passes_traffic_is_noticed(sqlite_store, caplog):
    house = await over_the_cap(sqlite_store)
    await an_enforcement(house, Device()).push(await sqlite_store.orders.due(LATER))
    stock = Stock(house, lambda: LATER + timedelta(minutes=30), lambda: {"cpe-1": 1_000_000})
    await account_turn(house, [a_reading(101 * GB + 5_000_000, at=3900)])  # began before the proof
    await stock.turn()
    assert stock.leaking == frozenset()
    await account_turn(house, [a_reading(101 * GB + 9_000_000, at=4200)])
    await stock.turn()
    assert stock.leaking == {"S-1"}
    assert "still passes traffic" in caplog.text
    assert b"capd_leaking_subscribers 1.0" in house.metrics.render()[0]


async def test_what_time_alone_changes_happens_when_it_is_due__UC_1(sqlite_store):
    house = await over_the_cap(sqlite_store)
    end = house.memory.due["S-1"]
    await Judging(house, lambda: end + timedelta(seconds=1)).due()
    closed = [e for _, e in await sqlite_store.trail.events() if e.kind == "hold_closed"]
    assert [event.at for event in closed] == [end]


async def test_a_review_finds_nobody_where_nothing_changed_and_waits_for_no_writer(store):
    house = await over_the_cap(store)
    async with store.judging():
        assert await review(house, ["S-1", "S-404"], LATER) == []


async def test_what_nobody_told_is_found_by_a_review(store):
    house = await a_house(store)
    other = await a_house(store)  # another capd, which reads the meter from now on
    await account_turn(other, [a_reading(0, at=0), a_reading(20 * GB, at=300)])
    assert await review(house, ["S-1"], LATER) == ["S-1"]
    judging = Judging(house, later)
    await judging.some()
    assert house.memory.lines["S-1"].counted == 20 * GB
    assert await review(house, ["S-1"], LATER) == []
    for forgotten in (house.memory.lines, house.memory.due):
        del forgotten["S-1"]
        assert await review(house, ["S-1"], LATER) == ["S-1"]
        await decide_turn(house, ["S-1"], now=LATER)
    house.policy = Policy(notice_shares=(10,))
    assert await review(house, ["S-1"], LATER) == ["S-1"]
    await judging.some()
    assert await kinds(store, "notice") == []  # everybody was looked at just now
    judging.hurry()
    await judging.some()
    assert await kinds(store, "notice") == ["notice"]


async def test_everybody_has_their_turn_a_few_at_a_time(sqlite_store, monkeypatch):
    monkeypatch.setattr("capd.review._AT_A_TIME", 2)
    people = tuple(a_subscriber(f"S-{n}") for n in range(5))
    house = await a_house(sqlite_store, inventory=an_inventory(subscribers=people, devices=()))
    judging = Judging(house, later, every_s=1000)
    for seen in (2, 4, 5, 5):
        house.memory.lines = {} if seen == 2 else house.memory.lines
        await judging.some()
        assert len(house.memory.lines) == seen
    house.memory.lines = {}
    judging.hurry()
    await judging.some()
    assert len(house.memory.lines) == 5


async def test_a_turn_that_fails_is_logged_once_and_taken_again(sqlite_store, caplog):
    house = await a_house(sqlite_store)
    taken = 0

    async def turn():
        nonlocal taken
        taken += 1
        if taken < 4:
            raise ValueError("a bug")
        if taken == 6:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await keep("trial", turn, every_s=0, metrics=house.metrics)
    assert caplog.text.count("Traceback") == 1
    assert b'capd_turn_failures_total{turn="trial"} 3.0' in house.metrics.render()[0]


async def test_books_that_cannot_be_used_are_told_in_one_line_and_waited_for(sqlite_store, caplog):
    caplog.set_level("INFO", "capd.rounds")
    house, taken = await a_house(sqlite_store), []

    async def turn():
        taken.append(None)
        if len(taken) < 3:
            raise StoreError("postgresql://***@db/capd: is PostgreSQL running there?")
        if len(taken) > 3:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await keep("trial", turn, every_s=0, metrics=house.metrics)
    waits, works = caplog.records
    assert waits.getMessage().endswith("capd: is PostgreSQL running there?")
    assert (waits.exc_info, works.getMessage()) == (None, "trial works again")


async def test_what_a_person_refused_is_not_ordered_again__UC_8(store):
    house = await a_house(store, most_suspensions=0)
    await account_turn(house, [a_reading(0, at=0), a_reading(101 * GB, at=300)])
    await store.orders.decide(None, approve=False, author="noc", note="a neighbour", at=NOON)
    house.limits = Limits()
    for minute in range(3):
        await decide_turn(house, ["S-1"], now=LATER + timedelta(minutes=minute))
    counts = await store.orders.counts()
    assert (counts[OrderState.REFUSED], counts[OrderState.OPEN]) == (1, 0)
    (order,) = await store.orders.listing()
    await store.orders.decide(order.id, approve=True, author="noc", note="now", at=LATER)
    assert len(await store.orders.due(LATER)) == 1


async def test_a_failed_order_is_tried_afresh_when_a_person_says_so(store):
    house = await over_the_cap(store)
    device = Device()
    device.refuses = True
    await an_enforcement(house, device).push(await store.orders.due(LATER))
    assert (await store.orders.counts())[OrderState.FAILED] == 1
    assert await store.orders.retry(None, author="noc", note="new password", at=LATER) == 1
    (order,) = await store.orders.due(LATER)
    assert (order.attempts, order.state) == (0, OrderState.OPEN)


async def test_a_topup_while_the_session_is_open_is_not_forgotten__UC_3(store):
    house = await over_the_cap(store)

    class Slow(Device):
        async def push(self, device, orders):
            await accept_turn(house, a_fact(size="50GB", reference="r"), now=NOON)
            return await super().push(device, orders)

    await an_enforcement(house, Slow()).push(await store.orders.due(LATER))
    (order,) = await store.orders.due(LATER)
    assert (order.before.suspended, order.after.suspended) == (True, False)


async def test_a_suspension_whose_daemon_was_killed_before_it_wrote_that_down_is_taken_back__UC_3(
    store,
):
    """The device has it, the books do not; and then the reason for it is gone."""

    class Kill9(BaseException):
        """Nothing comes after it."""

    house = await over_the_cap(store)

    class Killed(Device):
        async def push(self, device, orders):
            raise Kill9

    with pytest.raises(BaseExceptionGroup):
        await an_enforcement(house, Killed()).push(await store.orders.due(LATER))
    await accept_turn(house, a_fact(size="50GB", reference="r"), now=NOON)
    (order,) = await store.orders.due(LATER)
    assert (order.after.suspended, order.state) == (False, OrderState.OPEN)
    device = Device()
    await an_enforcement(house, device).push([order])
    assert device.told == [[False]]


async def test_killed_and_then_silent_what_the_device_has_stays_unknown__UC_3(sqlite_store):
    house = await over_the_cap(sqlite_store)
    (order,) = await sqlite_store.orders.due(LATER)
    await sqlite_store.orders.begin([order.id])  # and then it was killed
    off = Device()
    off.off = True
    await an_enforcement(house, off).push([order])
    await accept_turn(house, a_fact(size="50GB", reference="r"), now=NOON)
    (back,) = await sqlite_store.orders.due(LATER)
    assert back.after.suspended is False


async def test_an_order_that_waited_for_its_device_is_looked_at_again__UC_3(
    sqlite_store,
):
    """Bought, called back by the guard, or paused in the meantime: it is not pushed any more."""
    house = await over_the_cap(sqlite_store)
    waiting, device = await sqlite_store.orders.due(LATER), Device()
    async with sqlite_store.judging() as desk:
        await desk.set_state(waiting, OrderState.HELD, "a jump", NOON)
    assert await an_enforcement(house, device).push(waiting) == []
    async with sqlite_store.judging() as desk:
        await desk.set_state(waiting, OrderState.OPEN, "seen", NOON)
    await brake_turn(house, paused=True, note="x", author="ann", by="cli", now=NOON)
    assert await an_enforcement(house, device).push(waiting) == []
    await brake_turn(house, paused=False, note="x", author="ann", by="cli", now=NOON)
    await accept_turn(house, a_fact(size="50GB", reference="r"), now=NOON)
    assert await an_enforcement(house, device).push(waiting) == []
    assert device.told == []


async def test_an_order_out_while_an_import_names_another_box_proves_nothing__UC_2(sqlite_store):
    house = await over_the_cap(sqlite_store)
    known = {"cpe-1": a_device()}

    class Replaced(Device):
        async def push(self, device, orders):
            known["cpe-1"] = a_device(address="10.9.0.77")
            return await super().push(device, orders)

    there = Replaced()
    breaker = Breaker(EnforceConfig(), later)
    enforcement = Enforcement(house, there, breaker, later, lambda: known)
    (outcome,) = await enforcement.push(await sqlite_store.orders.due(LATER))
    assert outcome.state is OrderState.UNKNOWN
    assert "its address or serial was changed meanwhile" in outcome.detail
    (applied,) = await sqlite_store.orders.applied("S-1")
    assert applied.state == "unknown"
    (again,) = await sqlite_store.orders.listing(states=[OrderState.UNKNOWN])
    assert again.after.suspended


async def test_what_a_device_has_at_its_new_address_is_asked_again__UC_2(sqlite_store):
    house = await over_the_cap(sqlite_store)
    await an_enforcement(house, Device()).push(await sqlite_store.orders.due(LATER))
    moved = an_inventory(products=(), subscribers=(), devices=(a_device(address="10.9.0.77"),))
    await sqlite_store.people.apply(moved, dry_run=False, author="t", at=LATER, enforcing={"cpe-1"})
    (applied,) = await sqlite_store.orders.applied("S-1")
    assert applied.state == "unknown"
    await decide_turn(house, ["S-1"], now=LATER)
    (again,) = await sqlite_store.orders.due(LATER)
    assert again.after.suspended


# ---- the daemon ----------------------------------------------------------------------------------


@pytest.fixture
def config_file(tmp_path):
    policy = tmp_path / "policy.toml"
    policy.write_text(default_text())
    file = tmp_path / "capd.toml"
    file.write_text('[store]\nurl = "sqlite:///capd.db"\n[api]\nlisten = "127.0.0.1:0"\n')
    return file


async def started(daemon):
    task = asyncio.get_running_loop().create_task(daemon.run(signals=False))
    await asyncio.wait_for(daemon.started.wait(), 20)
    return task


async def test_the_daemon_starts_answers_and_ends_when_told(config_file):
    daemon = Daemon(load(config_file))
    task = await started(daemon)
    assert daemon.address.startswith("http://127.0.0.1:")
    daemon.stop()
    await asyncio.wait_for(task, 20)


async def test_a_broken_configuration_is_not_taken_over(config_file, caplog):
    daemon = Daemon(load(config_file))
    task = await started(daemon)
    try:
        good = config_file.read_text()
        config_file.write_text(good + "[decide]\nmost_suspensionss = 3\n")
        daemon.reload()
        await _until(lambda: "not reloaded" in caplog.text)
        config_file.write_text(good + "[decide]\nmost_suspensions = 3\n")
        daemon.reload()
        await _until(lambda: daemon.parts.house.limits.most_suspensions == 3)
    finally:
        daemon.stop()
        await asyncio.wait_for(task, 20)


async def test_paused_in_the_file_holds_the_brake_only_where_it_changed(config_file):
    good = config_file.read_text()
    config_file.write_text(good + "[decide]\npaused = true\n")
    for said, expected in ((None, True), ("resumed", False), (None, False)):
        daemon = Daemon(load(config_file))
        task = await started(daemon)
        people = daemon.parts.house.store.people
        if said is not None:
            async with daemon.parts.house.store.judging() as desk:
                await desk.record([an_event(said, subscriber=None, by="command")])
        assert bool(await people.paused()) is expected
        daemon.stop()
        await asyncio.wait_for(task, 20)


async def test_an_address_in_use_is_told_in_one_line(config_file):
    daemon = Daemon(load(config_file))
    task = await started(daemon)
    try:
        port = daemon.address.rsplit(":", 1)[1]
        other = config_file.with_name("other.toml")
        other.write_text(config_file.read_text().replace(":0", f":{port}"))
        with pytest.raises(CapdError, match="is in use"):
            await Daemon(load(other)).run(signals=False)
    finally:
        daemon.stop()
        await asyncio.wait_for(task, 20)


async def _until(true, *, within_s=10):
    async with asyncio.timeout(within_s):
        while not true():  # noqa: ASYNC110 - what is waited for is in another's log or field
            await asyncio.sleep(0.02)


async def test_a_fresh_look_finds_what_was_counted_before(sqlite_store):
    house = await over_the_cap(sqlite_store)
    assert await counted(house) == 101 * GB
    assert await kinds(sqlite_store, "hold_opened") == ["hold_opened"]
