"""A radio goes into service: real SNMP and SSH to a simulated router, the books on SQLite."""

import asyncio
import json
import time
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from capd.activate.desk import ActivationDesk, until_ended
from capd.activate.run import Field, activate
from capd.activate.signal import Watching, signals
from capd.activate.undo import take_back
from capd.api.signal import Signals
from capd.brake import brake_turn
from capd.clock import utc_now
from capd.collect.snmp import Asker
from capd.collect.snmp_gufo import GufoEngine
from capd.config import EnforceConfig
from capd.config.field import FieldConfig
from capd.decide import matters
from capd.decide.policy import Policy
from capd.enforce.ssh import NetmikoPusher
from capd.enforce.worker import Breaker
from capd.house import House
from capd.metrics import Metrics
from capd.model import Activation, ActivationState, MeterKey, Secret, SnmpAccess, SshAccess, Undo
from capd.pipeline import accept_turn, account_turn, decide_turn
from capd.profiles import load_all
from capd.rounds import Enforcement
from capd.simulator.box import LINUX, ROUTEROS, Box, Port
from capd.simulator.cli import CliServer
from capd.simulator.linux_cli import LinuxRouter
from capd.simulator.routeros_cli import RouterOs
from capd.simulator.snmp_agent import SnmpAgent
from capd.store import check
from tests.builders import (
    HOME_100,
    LONDON,
    a_device,
    a_fact,
    a_meter,
    a_service,
    a_subscriber,
    an_event,
    an_inventory,
    an_order,
)
from tests.servers.api import an_api
from tests.servers.commandline import Capd

PROFILES = load_all()
SERIAL, VERSION = "1.3.6.1.4.1.14988.1.1.7.3.0", "1.3.6.1.4.1.14988.1.1.4.4.0"
PASSWORD = "s3cret"


class Roof:
    """A radio on a roof, S-1 behind it, and the operator's books."""

    def __init__(self, store, agent, cli, ssh_port, **settings):
        self.store, self.agent, self.cli = store, agent, cli
        self.device = a_device(
            "cpe-1",
            profile="mikrotik_routeros",
            address="127.0.0.1",
            serial="HD208YX4N3R",
            snmp=SnmpAccess(community=Secret("public"), port=agent.port),
            ssh=SshAccess(username="capd", password=Secret(PASSWORD), port=ssh_port),
            settings={},
            meters=(a_meter(if_name="ether1", settings={"address": "10.0.0.9", "queue": "q-1"}),),
        )
        self.settings = FieldConfig(**settings)
        self.house = House(
            store=store, policy=Policy(), zone=LONDON, currency="GBP",
            metrics=Metrics(clock=utc_now),
        )  # fmt: skip
        self.engine = GufoEngine(timeout_s=1.0, retries=1)
        self.pusher = NetmikoPusher(PROFILES, EnforceConfig(timeout_s=10), utc_now)
        self.enforcement = Enforcement(
            self.house, self.pusher, Breaker(EnforceConfig(), utc_now), utc_now,
            lambda: {self.device.id: self.device},
        )  # fmt: skip
        self.presses = 0

    async def open(self):
        inventory = an_inventory(
            products=(replace(HOME_100, upgrade_to=None),),
            subscribers=(a_subscriber(), a_subscriber("S-2", address="2 High Street")),
            devices=(self.device,),
        )
        await self.store.people.apply(
            inventory, dry_run=False, author="t", at=utc_now(), enforcing={self.device.id}
        )
        await self.house.look_round()
        return self

    def field(self, push=None):
        async def now(orders):
            await self.enforcement.push(orders)

        return Field(
            house=self.house, clock=utc_now, settings=self.settings, minimums={},
            profiles=PROFILES, devices=lambda: {self.device.id: self.device},
            engine=self.engine, asker=Asker(self.engine, PROFILES, utc_now), push=push or now,
            look=self.pusher.look,
        )  # fmt: skip

    def a_press(self, **more):
        self.presses += 1
        return Activation(
            **{"id": f"a-{self.presses}", "subscriber": "S-1", "device": "cpe-1",
               "author": "ann", "at": utc_now(), **more}
        )  # fmt: skip

    async def press(self, **more):
        press = self.a_press(**more)
        written = await self.store.activations.press(press)
        assert await self.store.activations.claim(written.id)
        return await activate(self.field(), press)

    async def undo(self, ended, *, note="", by_hand=False, **more):
        said = Undo(author="ann", at=utc_now(), note=note, by_hand=by_hand)
        pressed = await self.store.activations.press_undo(ended.id, said)
        assert await self.store.activations.claim(ended.id)
        return await take_back(replace(self.field(), **more), pressed)

    async def use(self, down_bytes):
        """Let that many bytes flow, and have them counted."""
        (port,) = self.agent.box.ports
        port.out_bytes += down_bytes
        poll = await Asker(self.engine, PROFILES, utc_now).ask(self.device)
        await account_turn(self.house, poll.readings)

    async def used(self):
        (usage,) = (await self.store.ledger.totals(utc_now(), ["S-1"], LONDON)).values()
        return usage.down_bytes + usage.up_bytes

    async def contract(self):
        standing = await self.store.people.standing_of("S-1", utc_now(), LONDON, 6)
        return matters.of_kind(standing, "contract")


def steps(ended):
    return {step.name: step.state.value for step in ended.steps}


@asynccontextmanager
async def a_roof(store, *, version="7.18", serial="HD208YX4N3R", **settings):
    box = Box(
        "cpe-1", clock=utc_now, ports=(Port(name="ether1", index=1, in_bytes=700, out_bytes=80),),
        sys_object_id=ROUTEROS, sys_descr="RouterOS simulated",
        scalars={SERIAL: serial, VERSION: version},
    )  # fmt: skip
    router = RouterOs(name="cpe-1")
    router.add("/queue simple", name="q-1", target="10.0.0.9/32", max_limit="1000000/1000000")
    agent = await SnmpAgent.start(box)
    server = CliServer(router, username="capd", password=PASSWORD)
    port = await server.start()
    roof = Roof(store, agent, router, port, **settings)
    try:
        yield await roof.open()
    finally:
        roof.pusher.close()
        await roof.engine.close()
        await server.stop()
        await agent.stop()


@pytest.fixture
async def roof(sqlite_store):
    async with a_roof(sqlite_store) as found:
        yield found


async def test_a_radio_is_looked_at_configured_read_and_the_term_begins__CT_1(roof):
    ended = await roof.press(serial="hd208yx4n3r")
    assert ended.state is ActivationState.DONE
    assert steps(ended) == {
        "supplied": "done",
        "recognised": "done",
        "identity": "done",
        "firmware": "done",
        "signal": "noted",
        "sector": "noted",
        "configured": "done",
        "baseline": "done",
        "started": "done",
    }
    assert roof.cli.limits("q-1") == (30_000_000, 5_000_000)
    (applied,) = await roof.store.orders.applied("S-1")
    assert (applied.state, applied.service.down_bps) == ("applied", 30_000_000)
    key = roof.device.meters[0]
    states = await roof.store.ledger.states([MeterKey(roof.device.id, key.id)])
    assert [state.last.down_bytes for state in states.values()] == [700]
    (contract,) = await roof.contract()
    assert (contract.data["device_id"], contract.data["serial"]) == ("cpe-1", "HD208YX4N3R")
    assert await roof.store.activations.get(ended.id) == ended


async def test_pressing_twice_begins_the_term_once__CT_1(roof):
    await roof.press()
    (first,) = await roof.contract()
    again = await roof.press()
    assert again.state is ActivationState.DONE
    assert await roof.contract() == (first,)


async def test_a_press_while_one_is_under_way_is_that_one(roof):
    first = await roof.store.activations.press(roof.a_press())
    assert await roof.store.activations.press(roof.a_press()) == first
    assert await roof.store.activations.claim(first.id)
    assert not await roof.store.activations.claim(first.id)


async def test_a_radio_that_was_not_supplied_is_refused_and_nothing_is_touched__CT_11(roof):
    ended = await roof.press(serial="STOLEN")
    assert ended.state is ActivationState.REFUSED
    assert ended.steps[-1].text == (
        "its serial is STOLEN, and cpe-1 was supplied with HD208YX4N3R (CT-11)"
    )
    assert await roof.contract() == ()
    assert roof.cli.limits("q-1") == (1_000_000, 1_000_000)
    unknown = await roof.press(device="cpe-9")
    assert "radios are supplied" in unknown.steps[-1].text
    others = await roof.press(subscriber="S-2")
    assert others.steps[-1].text == "cpe-1 meters nothing of S-2"


async def test_another_radio_at_its_address_is_refused__CT_11(sqlite_store):
    async with a_roof(sqlite_store, serial="SOMEBODY-ELSES") as roof:
        ended = await roof.press()
        assert steps(ended)["identity"] == "refused"
        assert "not HD208YX4N3R" in next(s.text for s in ended.steps if s.name == "identity")
        assert await roof.contract() == ()


async def test_all_that_is_wrong_is_told_at_once_with_what_to_do__CT_16(sqlite_store):
    async with a_roof(sqlite_store, version="6.40", serial="OTHER") as roof:
        field = replace(roof.field(), minimums={"mikrotik_routeros": "7.16"})
        press = roof.a_press()
        await roof.store.activations.press(press)
        ended = await activate(field, press)
        refused = [step.name for step in ended.steps if step.state.value == "refused"]
        assert refused == ["identity", "firmware"]
        assert ended.steps[-3].fix == "upgrade it to 7.16 or newer"


async def test_a_radio_that_does_not_answer_is_refused_with_what_to_check(roof):
    roof.agent.box.faults.silent = True
    ended = await roof.press()
    assert (ended.steps[-1].name, ended.state) == ("reached", ActivationState.REFUSED)
    assert "check power, cable" in ended.steps[-1].fix


async def test_a_radio_that_refuses_its_configuration_begins_nothing__CT_1(roof):
    roof.device = replace(
        roof.device,
        ssh=SshAccess(username="capd", password=Secret("wrong"), port=roof.device.ssh.port),
    )
    ended = await roof.press()
    assert (ended.steps[-1].name, ended.state) == ("configured", ActivationState.FAILED)
    assert "login" in ended.steps[-1].text
    assert await roof.contract() == ()


async def test_while_enforcement_is_paused_nothing_begins__CT_1(roof):
    await brake_turn(roof.house, paused=True, note="storm", author="ann", by="cli", now=utc_now())
    ended = await roof.press()
    assert (ended.steps[-1].text, ended.steps[-1].fix) == (
        "enforcement is paused: nothing is pushed",
        "capd resume, then press again",
    )


async def test_the_daemons_desk_takes_what_was_pressed_and_what_a_restart_cut_off__CT_1(roof):
    press = await roof.store.activations.press(roof.a_press())
    await roof.store.activations.claim(press.id)  # and then the daemon died
    await ActivationDesk(roof.field()).turn()
    ended = await roof.store.activations.get(press.id)
    assert ended.state is ActivationState.DONE


async def test_waiting_for_orders_ends_when_one_was_tried_in_vain(roof):
    await roof.store.activations.doubt("cpe-1", "S-1", "wan")
    await decide_turn(roof.house, ["S-1"], now=utc_now())
    (order,) = await roof.store.activations.orders("cpe-1", "S-1")
    roof.agent.box.faults.silent = True
    roof.device = replace(roof.device, ssh=replace(roof.device.ssh, port=1))
    await roof.enforcement.push([order])
    await until_ended(roof.store, [order])
    now = await roof.store.orders.get(order.id)
    assert now.attempts == 1


async def test_the_signal_is_read_again_and_again_and_silence_is_told(roof):
    told = []
    async for measured in signals(roof.field(), roof.device, every_s=0.01):
        told.append(measured)
        roof.agent.box.faults.silent = True
        if len(told) == 2:
            break
    assert told[0].problem is None
    assert told[1].problem is not None
    assert told[1].at - told[0].at < timedelta(seconds=30)
    assert told[0].record()["device"] == "cpe-1"


def menus(router):
    return {menu: [item.values.copy() for item in rows] for menu, rows in router.menus.items()}


@pytest.fixture
async def roof_anywhere(store):
    """On either database."""
    async with a_roof(store) as found:
        yield found


async def test_an_activation_is_undone_to_the_byte__CT_1(roof_anywhere):
    """The device as it was, its meter off the subscriber, what it counted away, and no term."""
    roof = roof_anywhere
    before = menus(roof.cli)
    ended = await roof.press()
    await roof.use(5_000)
    assert await roof.used() == 5_000
    undone = await roof.undo(ended)
    assert undone.state is ActivationState.UNDONE, undone.steps
    assert menus(roof.cli) == before
    put_back, untied = undone.steps[-2:]
    assert put_back.text == "cpe-1 is as it was before, word for word"
    assert untied.text == (
        "cpe-1 meters nothing of S-1 any more (wan), 5 KB counted since are taken off, "
        "and the term is what it was (CT-1)"
    )
    assert await roof.contract() == ()
    assert await roof.used() == 0
    assert await roof.store.orders.applied("S-1") == []
    assert (await roof.store.people.devices())["cpe-1"].meters == ()
    await decide_turn(roof.house, ["S-1"], now=utc_now())
    assert await roof.store.orders.due(utc_now()) == []  # and nothing is pushed to it again
    assert menus(roof.cli) == before
    told = {event.kind: event for _, event in await roof.store.trail.events()}
    assert "never began" in told["activation_undone"].text
    assert await check(roof.store) == []
    await roof.use(1)  # a poll that was under way counts for nobody
    assert await roof.used() == 0


async def test_a_router_of_another_family_is_undone_file_by_file__CT_1(roof):
    """Suspended before for somebody's debt, without a limit: that is what goes back, too."""
    linux = CliServer(LinuxRouter(), username="root", password=PASSWORD)
    box = roof.agent.box
    box.sys_object_id, box.sys_descr, box.shape = LINUX, "Linux cpe-1 6.1.0", box.shape + 1
    try:
        roof.device = replace(
            roof.device, profile="linux_router", serial=None,
            ssh=SshAccess(username="root", password=Secret(PASSWORD), port=await linux.start()),
            settings={"wan": "wan0", "lan": "lan0"}, meters=(a_meter(if_name="ether1"),),
        )  # fmt: skip
        await roof.store.people.apply(
            an_inventory(products=(), subscribers=(), devices=(roof.device,)),
            dry_run=False, author="t", at=utc_now(), enforcing={"cpe-1"},
        )  # fmt: skip
        await roof.house.look_round()
        off = an_order(before=a_service(down_bps=None, up_bps=None),
                       after=a_service(suspended=True, down_bps=None, up_bps=None))  # fmt: skip
        await roof.pusher.push(roof.device, [off])
        before = dict(linux.cli.files)
        ended = await roof.press()
        assert ended.state is ActivationState.DONE, ended.steps
        assert linux.cli.files != before
        undone = await roof.undo(ended)
        assert undone.state is ActivationState.UNDONE, undone.steps
        assert undone.steps[-2].text == "cpe-1 is as it was before, word for word"
        assert linux.cli.files == before
    finally:
        await linux.stop()


async def test_undone_and_imported_rightly_the_radio_goes_into_service_for_whom_it_is__CT_1(roof):
    await roof.undo(await roof.press())
    meter = replace(roof.device.meters[0], subscriber="S-2")
    roof.device = replace(roof.device, meters=(meter,))
    await roof.store.people.apply(
        an_inventory(products=(), subscribers=(), devices=(roof.device,)),
        dry_run=False, author="t", at=utc_now(), enforcing={"cpe-1"},
    )  # fmt: skip
    await roof.house.look_round()
    ended = await roof.press(subscriber="S-2")
    assert ended.state is ActivationState.DONE
    assert await roof.contract() == ()
    assert roof.cli.limits("q-1") == (30_000_000, 5_000_000)


async def test_a_radio_that_serves_somebody_else_by_now_is_not_touched__CT_1(roof):
    """The office was faster: the meter is S-2's, and configured for them."""
    ended = await roof.press()
    await roof.use(5_000)
    roof.device = replace(
        roof.device, meters=(replace(roof.device.meters[0], subscriber="S-2"),)
    )  # fmt: skip
    await roof.store.people.apply(
        an_inventory(products=(), subscribers=(), devices=(roof.device,)),
        dry_run=False, author="t", at=utc_now(), enforcing={"cpe-1"},
    )  # fmt: skip
    await roof.house.look_round()
    before = menus(roof.cli)
    undone = await roof.undo(ended, note="two\nlines")
    assert undone.state is ActivationState.UNDONE
    assert "serves somebody else by now" in undone.steps[-2].text
    assert (menus(roof.cli), await roof.used(), await roof.contract()) == (before, 0, ())
    assert [row.device for row in await roof.store.orders.applied("S-2")] == ["cpe-1"]
    assert (await roof.store.people.devices())["cpe-1"].meters == roof.device.meters
    text = next(e.text for _, e in await roof.store.trail.events() if e.kind == "activation_undone")
    assert "(two lines)" in text


async def test_a_note_with_control_characters_is_refused_before_anything_is_touched__CT_1(roof):
    ended = await roof.press()
    refused = await roof.undo(ended, note="next\x1b[2J door")
    assert (refused.state, refused.steps[-1].name) == (ActivationState.DONE, "undo")
    assert await roof.contract() != ()


async def test_undoing_twice_is_once_and_a_press_repeated_is_undone_whole__CT_1(roof):
    before = menus(roof.cli)
    await roof.press()
    again = await roof.press()
    undone = await roof.undo(again)
    assert undone.state is ActivationState.UNDONE
    assert (menus(roof.cli), await roof.contract()) == (before, ())
    assert (await roof.store.activations.get("a-1")).state is ActivationState.UNDONE
    same = await roof.store.activations.press_undo(again.id, Undo(author="ann", at=utc_now()))
    assert same == undone
    assert not await roof.store.activations.claim(again.id)


async def test_a_replacement_is_undone_to_the_former_radio__CT_1(roof):
    began = a_fact("activated", on="2026-01-05", at=utc_now())
    assert await accept_turn(roof.house, began, now=utc_now()) is None
    (first,) = await roof.contract()
    ended = await roof.press()
    (second,) = await roof.contract()
    assert (first.data.get("device_id"), second.data["device_id"]) == (None, "cpe-1")
    undone = await roof.undo(ended)
    assert undone.state is ActivationState.UNDONE
    (contract,) = await roof.contract()
    assert contract.data == first.data  # and the date did not move
    told = [event.kind for _, event in await roof.store.trail.events()]
    assert ("radio_put_back" in told, "activation_undone" in told) == (True, False)


async def test_what_stands_against_undoing_is_told_with_what_to_do__CT_1(roof):
    ended = await roof.press()
    refused = await roof.undo(ended, settings=FieldConfig(undo_hours=0))
    assert refused.state is ActivationState.DONE
    assert (refused.steps[-1].name, refused.steps[-1].fix) == ("undo", "undo it with a note")
    async with roof.store.judging() as desk:
        figures = {"charge": "visit", "charge_id": "c-1", "amount": "50.00", "currency": "GBP"}
        await desk.record([an_event("charge", at=utc_now(), **figures)])
    refused = await roof.undo(ended, note="wrong house")
    assert refused.steps[-1].text == "charges were made since: c-1"
    assert await roof.contract() != ()
    assert roof.cli.limits("q-1") == (30_000_000, 5_000_000)
    async with roof.store.judging() as desk:
        figures |= {"charge_id": "c-1/reversed", "amount": "-50.00"}
        await desk.record([an_event("charge", at=utc_now(), **figures)])
    assert (await roof.undo(ended, note="wrong house")).state is ActivationState.UNDONE


async def test_a_device_that_cannot_be_put_back_keeps_everything_until_it_can__CT_1(roof):
    ended = await roof.press()
    right = roof.device
    roof.device = replace(right, ssh=replace(right.ssh, port=1))
    failed = await roof.undo(ended)
    assert (failed.state, failed.steps[-1].name) == (ActivationState.DONE, "put back")
    assert await roof.contract() != ()
    assert roof.device.meters
    roof.device = right
    undone = await roof.undo(ended)
    assert undone.state is ActivationState.UNDONE
    assert roof.cli.limits("q-1") == (1_000_000, 1_000_000)


async def test_the_command_line_undoes_what_the_daemon_activated__CT_1(roof, sqlite_url, tmp_path):
    """Another process, on the same books."""
    before = menus(roof.cli)
    capd = Capd(tmp_path)
    await asyncio.to_thread(capd.ok, "init")
    config = (tmp_path / "capd.toml").read_text().replace("sqlite:///capd.db", sqlite_url)
    (tmp_path / "capd.toml").write_text(config.replace("paused = true", "paused = false"))
    await roof.press()
    said = await asyncio.to_thread(capd, "activate", "S-1", "--undo", "--note", "next door")
    assert said.code == 0, said.err
    assert "ok  put back" in said.out
    assert menus(roof.cli) == before
    again = await asyncio.to_thread(capd, "activate", "S-1", "--undo", "--json")
    assert (again.code, again.json()["state"]) == (0, "undone")
    none = await asyncio.to_thread(capd, "activate", "S-2", "--undo")
    assert (none.code, none.lines) == (
        1, ["no activation of S-2 is known, or none changed anything"],
    )  # fmt: skip


async def test_an_undoing_that_a_restart_cut_off_is_begun_again__CT_1(roof):
    before = menus(roof.cli)
    ended = await roof.press()
    said = Undo(author="ann", at=utc_now(), note="wrong house")
    await roof.store.activations.press_undo(ended.id, said)
    await roof.store.activations.claim(ended.id)  # and then the daemon died
    await ActivationDesk(roof.field()).turn()
    undone = await roof.store.activations.get(ended.id)
    assert undone.state is ActivationState.UNDONE
    assert menus(roof.cli) == before


SIGNAL = "1.3.6.1.4.1.14988.1.1.1.1.1.4.1"  # as a station


class Counting(Asker):
    """Counts how often a device is asked."""

    asked = 0

    async def ask(self, device):
        self.asked += 1
        return await super().ask(device)


def turn(roof, dbm):
    """Turn the radio until its signal is that."""
    roof.agent.box.scalars[SIGNAL] = dbm
    roof.agent.box.shape += 1


@asynccontextmanager
async def watched(roof, *, every_s=1.0, **more):
    """The API over the roof's books, and the asker behind its signals."""
    turn(roof, -61)
    asker = Counting(roof.engine, PROFILES, utc_now)
    watching = Watching(replace(roof.field(), asker=asker), every_s=every_s)
    signals = Signals(watching.next, roof.house.metrics, **more)
    async with an_api(roof.house, signals=signals) as api:
        yield api, asker


def watching(api, device="cpe-1", role="tech"):
    headers = api.headers(role, {"Accept": "text/event-stream"})
    return api.http.get(f"/api/v1/devices/{device}/signal", headers=headers)


async def heard(answer):
    """Return the next event's name and data."""
    name = None
    async with asyncio.timeout(5):
        while line := (await answer.content.readline()).decode().strip() or "-":
            key, _, value = line.partition(": ")
            name = value if key == "event" else name
            if key == "data":
                return name, json.loads(value)
    return None


async def test_a_phone_on_the_roof_sees_within_a_second_what_turning_does(roof):
    async with watched(roof) as (api, asker), watching(api) as answer:
        assert answer.content_type == "text/event-stream"
        name, shown = await heard(answer)
        assert (name, shown["figures"]["radio"]["signal_dbm"]) == ("signal", -61)
        for dbm in (-58, -52):
            turn(roof, dbm)
            turned = time.monotonic()
            _, shown = await heard(answer)
            assert shown["figures"]["radio"]["signal_dbm"] == dbm
            assert time.monotonic() - turned < 1.5
        assert asker.asked == 3


async def test_those_who_watch_one_radio_share_its_polls_and_none_goes_on_without_them(roof):
    async with watched(roof, most=3) as (api, asker):
        async with watching(api) as one, watching(api, role="noc") as two, watching(api) as three:
            for _ in range(2):
                seen = [(await heard(each))[1] for each in (one, two, three)]
                assert len({each["at"] for each in seen}) == 1
            assert asker.asked == 2
            async with watching(api) as fourth:
                assert fourth.status == 503
        asked = asker.asked
        await asyncio.sleep(2.2)
        assert asker.asked <= asked + 1  # what was under way when they hung up


async def test_watching_a_signal_has_an_end_and_wants_a_tech(roof):
    async with watched(roof, every_s=0.3, longest_s=0.5) as (api, _):
        async with watching(api) as answer:
            names = [(await heard(answer))[0] for _ in range(4)]
            assert names == ["signal", "signal", "signal", "over"]
            assert await answer.content.readline() == b"\n"
            assert await answer.content.readline() == b""
        async with watching(api, role="billing") as answer:
            assert answer.status == 403
        async with watching(api, device="cpe-l") as answer:
            assert answer.status == 404
        roof.agent.box.faults.silent = True
        await asyncio.sleep(0.7)
        once = await api.get("/devices/cpe-1/signal", role="tech")
        assert "no answer" in once.body["problem"]
