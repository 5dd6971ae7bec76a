"""What devices still do of what was proven: hands on the router, lines that leak."""

from datetime import timedelta

import pytest

from capd.answers.proof import leaks_of
from capd.config import EnforceConfig
from capd.enforce.ssh import NetmikoPusher
from capd.enforce.worker import Breaker
from capd.model import OrderState, Secret, SshAccess
from capd.pipeline import account_turn, decide_turn
from capd.profiles import load_all
from capd.proof import Drift
from capd.rounds import Enforcement, Stock
from capd.simulator.cli import CliServer
from capd.simulator.linux_cli import LinuxRouter
from tests.builders import GB, a_device, a_reading, an_event, an_inventory
from tests.integration.test_pipeline import a_house, kinds
from tests.integration.test_rounds import (
    LATER,
    Device,
    an_enforcement,
    later,
    over_the_cap,
)


class Field:
    """One router over real SSH, and capd's books about it."""

    def __init__(self, house, server, pusher, config):
        self.house, self.server, self.config = house, server, config
        access = SshAccess(username="root", password=Secret("x"), port=server.port)
        self.device = a_device(address="127.0.0.1", ssh=access)
        breaker = Breaker(config, later)
        self.enforcement = Enforcement(house, pusher, breaker, later, self.devices)
        self.drift = Drift(
            house, pusher, breaker, later, self.devices,
            config=lambda: self.config, is_busy=self.enforcement.is_busy,
        )  # fmt: skip

    def devices(self):
        return {"cpe-1": self.device}

    async def suspend(self):
        await account_turn(self.house, [a_reading(0, at=0), a_reading(101 * GB, at=300)])
        return await self.enforcement.push(await self.house.store.orders.due(LATER))

    @property
    async def has(self):
        return [row.state for row in await self.house.store.orders.applied("S-1")]

    def by_hand(self):
        """Give the line back, as somebody on the router would."""
        cli = self.server.cli
        kept = dict(cli.tables), dict(cli.files)
        cli.tables.clear()
        for path in [p for p in cli.files if "capd-" in p]:
            del cli.files[path]
        return kept


@pytest.fixture
async def field(sqlite_store):
    server = CliServer(LinuxRouter(), username="root", password="x")
    server.port = await server.start()
    config = EnforceConfig(timeout_s=5)
    pusher = NetmikoPusher(load_all(), config, later)
    house = await a_house(sqlite_store, inventory=an_inventory())
    yield Field(house, server, pusher, config)
    pusher.close()
    await server.stop()


async def told(field):
    return await kinds(field.house.store, "drifted", "drift_over", "drift_repair")


async def test_what_somebody_changed_by_hand_is_told_once_and_left_to_a_person(field):
    await field.suspend()
    await field.drift.turn()
    assert (await field.has, await told(field)) == (["applied"], [])
    tables, files = field.by_hand()
    typed = len(field.server.typed)
    for _ in range(2):
        await field.drift.turn()
        await decide_turn(field.house, ["S-1"], now=LATER)
    assert (await field.has, await told(field)) == (["drifted"], ["drifted"])
    (event,) = [e for _, e in await field.house.store.trail.events() if e.kind == "drifted"]
    assert "suspend: running 0 file 0" in event.figures["evidence"]
    assert not any("keep " in line for line in field.server.typed[typed:])
    assert field.server.cli.passes("lan0")
    assert await field.house.store.looks.drifted() == 1
    field.server.cli.tables, field.server.cli.files = tables, files
    await field.drift.turn()
    assert (await field.has, await told(field)) == (["applied"], ["drifted", "drift_over"])


async def test_it_is_put_right_where_the_operator_s_setting_says_so(field):
    await field.suspend()
    field.by_hand()
    field.config = EnforceConfig(timeout_s=5, repair_drift=True)
    await field.drift.turn()
    assert (await field.has, await told(field)) == (["unknown"], ["drifted"])
    (outcome,) = await field.enforcement.push(await field.house.store.orders.due(LATER))
    assert outcome.state is OrderState.APPLIED
    assert not field.server.cli.passes("lan0")
    assert await field.has == ["applied"]


async def test_it_is_put_right_when_a_person_says_so(field):
    await field.suspend()
    field.by_hand()
    await field.drift.turn()
    looks = field.house.store.looks
    who = {"author": "noc", "note": "a mistake", "at": LATER}
    assert await looks.repair("S-2", **who) == []
    assert await looks.repair("S-1", **who) == ["S-1"]
    await decide_turn(field.house, ["S-1"], now=LATER)
    await field.enforcement.push(await field.house.store.orders.due(LATER))
    assert not field.server.cli.passes("lan0")


async def test_reading_goes_on_in_a_pause_and_not_in_a_maintenance_window__NM_5(field):
    await field.suspend()
    async with field.house.store.judging() as desk:
        await desk.record([an_event("paused", subscriber=None, by="command")])
    sessions = field.server.sessions
    await field.drift.turn()
    assert field.server.sessions == sessions + 1
    now = LATER
    await field.house.store.maintenance.add(
        device="cpe-1", sector=None, start=now, end=now + timedelta(hours=1),
        note="mast", author="noc", at=now,
    )  # fmt: skip
    await field.drift.turn()
    assert field.server.sessions == sessions + 1


async def test_a_router_that_cannot_be_read_is_not_called_changed(field):
    await field.suspend()
    field.server.faults.hang_at = "see suspend"
    await field.drift.turn()
    assert (await field.has, await told(field)) == (["applied"], [])
    shown = field.house.metrics.render()[0]
    assert b'capd_looks_total{result="unreadable"} 1.0' in shown


async def test_a_line_that_was_never_touched_is_not_read_back(field):
    await field.drift.turn()
    assert field.server.sessions == 0


# ---- leaks ---------------------------------------------------------------------------------------


async def test_a_leak_is_an_event_with_its_figures_once_also_over_a_restart(store):
    house = await over_the_cap(store)
    await an_enforcement(house, Device()).push(await store.orders.due(LATER))
    await account_turn(house, [a_reading(101 * GB + 5_000_000, at=3900)])
    await account_turn(house, [a_reading(101 * GB + 9_000_000, at=4200)])

    def stock(minutes=30):
        now = LATER + timedelta(minutes=minutes)
        return Stock(house, lambda: now, lambda: {"cpe-1": 1_000_000})

    for _ in range(2):  # the second is another run of capd
        await stock().turn()
    (leak,) = [e for _, e in await store.trail.events() if e.kind == "leak"]
    assert leak.figures["bytes"] == 4_000_000
    assert leak.figures["allowed_bytes_per_hour"] == 1_000_000
    assert (leak.subscriber, leak.device) == ("S-1", "cpe-1")
    (order,) = await store.orders.listing()
    assert (await leaks_of(store)).is_of(order)
    await stock(minutes=120).turn()
    assert await kinds(store, "leak", "leak_over") == ["leak", "leak_over"]
    assert not (await leaks_of(store)).is_of(order)
