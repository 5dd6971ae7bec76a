"""One activation, step by step; each is written down as it is known, for the phone on the roof."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from capd.activate import checks
from capd.activate.checks import Seen, meter_of
from capd.activate.steps import done, failed, noted, refused
from capd.clock import Clock
from capd.collect.agent import Engine
from capd.collect.probe import probe
from capd.collect.snmp import Asker
from capd.config.field import FieldConfig
from capd.decide.contract import agreement
from capd.enforce import Look as Looked
from capd.errors import CapdError, DeviceError
from capd.house import House
from capd.model import (
    Activation,
    ActivationState,
    ActivationStep,
    Device,
    DeviceId,
    Fact,
    Former,
    Order,
    OrderState,
    Poll,
    StepState,
    Subscriber,
)
from capd.network import enforces
from capd.pipeline import accept_turn, account_turn, decide_turn
from capd.polled import mac_octets
from capd.profiles import Profile, firmware_behind

Look = Callable[[Device, Sequence[Order]], Awaitable[Sequence[Looked]]]
"""Read back whether orders hold; nothing is changed."""
Push = Callable[[Sequence[Order]], Awaitable[None]]
"""Bring orders to their end: applied, or failed; returns when they are there, or took too long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """What an activation works with."""

    house: House
    clock: Clock
    settings: FieldConfig
    minimums: Mapping[str, str]  # firmware, by profile (CT-16)
    profiles: Mapping[str, Profile]
    devices: Callable[[], Mapping[DeviceId, Device]]  # credentials opened
    engine: Engine
    asker: Asker
    push: Push
    look: Look


@dataclass(slots=True)
class _Run:
    """How far it is; what was added is told at once."""

    field: Field
    press: Activation

    async def add(self, *steps: ActivationStep) -> bool:
        """Write *steps* down; say whether it goes on."""
        self.press = replace(self.press, steps=(*self.press.steps, *steps))
        await self.field.house.store.activations.keep(self.press)
        return not checks.stops(steps)

    async def remember(self, orders: Sequence[Order]) -> None:
        """Keep which orders configure the device: they know what it had before."""
        former = self.press.former or Former()
        mine = (*former.orders, *(order.id for order in orders if order.id not in former.orders))
        self.press = replace(self.press, former=replace(former, orders=mine))
        await self.add()


async def activate(field: Field, press: Activation) -> Activation:
    """Take every step of *press*, which this caller has claimed; return it as it ended."""
    run = _Run(field, replace(press, state=ActivationState.RUNNING, steps=()))
    try:
        well = await _look(run) and await _do(run)
    except CapdError as exc:
        await run.add(failed("trouble", str(exc)))
        well = False
    states = {step.state for step in run.press.steps}
    state = ActivationState.DONE if well else ActivationState.REFUSED
    if StepState.FAILED in states:
        state = ActivationState.FAILED
    run.press = replace(run.press, state=state, ended_at=field.clock())
    await field.house.store.activations.keep(run.press)
    return run.press


async def _look(run: _Run) -> bool:
    """Look at everything before anything is changed; all that is wrong is told."""
    field, press = run.field, run.press
    subscriber = await field.house.store.people.subscriber(press.subscriber)
    device = field.devices().get(press.device)
    if not await run.add(*checks.supplied(press, device, subscriber)):
        return False
    assert device is not None and subscriber is not None  # noqa: PT018, S101 - both were checked
    if device.address is None or device.snmp is None:
        text = f"{device.id} is not asked over SNMP: what it is and hears is not looked at"
        return await run.add(noted("reached", text))
    try:
        seen = await _seen(field, device, subscriber)
    except DeviceError as exc:
        text = f"{device.id} at {device.address}: {exc}"
        fix = "check power, cable, address and its SNMP access"
        return await run.add(refused("reached", text, fix))
    behind = None
    if seen.firmware is not None:
        profile = field.profiles[device.profile]
        behind = firmware_behind(profile, seen.firmware, field.minimums.get(profile.name))
    floor = field.settings.floors.get(subscriber.product, field.settings.signal_floor_dbm)
    named = field.settings.access_points.get(subscriber.sector or "", ())
    return await run.add(
        checks.recognised(device, seen),
        checks.identity(press, device, seen),
        checks.firmware(seen, behind),
        checks.signal(seen, floor),
        checks.sector(subscriber, named, heard=await _heard(field, named, press, seen, device)),
    )


async def _seen(field: Field, device: Device, subscriber: Subscriber) -> Seen:
    assert device.address is not None and device.snmp is not None  # noqa: PT018, S101 - asked before
    found = await probe(device.address, device.snmp, field.engine, field.profiles)
    if found.profile not in (None, device.profile):
        return Seen(profile=found.profile, serial=found.serial, mac=found.mac)
    poll = await _asked(field, device)
    meter = meter_of(device, subscriber)
    behind_it = {} if meter is None else poll.meter_health.get(meter.id, {})
    return Seen(
        profile=found.profile,
        serial=found.serial,
        mac=found.mac,
        firmware=found.firmware,
        health={**found.health, **poll.health, **behind_it},
    )


async def _asked(field: Field, device: Device) -> Poll:
    field.asker.forget(device.id)  # it may be another box than the last time
    return await field.asker.ask(device)


async def _heard(
    field: Field, access_points: Sequence[str], press: Activation, seen: Seen, device: Device
) -> bool | None:
    """Say whether one of *access_points* hears the radio; None: none of them told."""
    mac = mac_octets(seen.mac or press.mac or device.mac or "")
    told = False
    for name in access_points:
        access_point = field.devices().get(DeviceId(name))
        if access_point is None or mac is None:
            continue
        poll = await _asked(field, access_point)
        told = told or poll.radios is not None
        if any(mac_octets(radio.mac) == mac for radio in poll.radios or ()):
            return True
    return False if told else None


async def _do(run: _Run) -> bool:
    """Configure, read the baseline, and let the term begin."""
    device = run.field.devices()[run.press.device]
    if run.press.former is None:  # else a restart cut it off
        run.press = replace(run.press, former=await _former(run.field, run.press))
    return (
        await run.add(await _configured(run, device))
        and await run.add(await _baseline(run.field, device))
        and await run.add(await _started(run.field, run.press))
    )


async def _former(field: Field, press: Activation) -> Former:
    """Return what the books say before the radio goes into service."""
    house = field.house
    standing = await house.store.people.standing_of(
        press.subscriber, field.clock(), house.zone, house.window_months
    )
    known = None if standing is None else agreement.of(standing)
    if known is None:
        return Former()
    return Former(
        has_contract=True,
        device=known.device,
        serial=known.serial,
        mac=known.mac,
        signal=known.signal,
    )


async def _configured(run: _Run, device: Device) -> ActivationStep:
    """Bring the device to what the subscriber is owed, whatever it had, and see it there."""
    field, press = run.field, run.press
    if not enforces(device, field.profiles):
        text = f"{device.id} is counted only: what is owed is enforced elsewhere"
        return noted("configured", text)
    store = field.house.store
    if await store.people.paused():
        text = "enforcement is paused: nothing is pushed"
        return failed("configured", text, "capd resume, then press again")
    meter = next(m.id for m in device.meters if m.subscriber == press.subscriber)
    await store.activations.doubt(device.id, press.subscriber, meter)
    await decide_turn(field.house, [press.subscriber], now=field.clock())
    mine = await store.activations.orders(device.id, press.subscriber)
    if any(order.state is OrderState.HELD for order in mine):
        return failed("configured", mine[0].detail, "capd orders approve, then press again")
    await run.remember(mine)
    await field.push(mine)
    for order in mine:
        now = await store.orders.get(order.id)
        if now is None or now.state is not OrderState.APPLIED:
            detail = order.detail if now is None else now.detail or f"still {now.state}"
            return failed("configured", detail, "see capd orders, then press again")
    return done("configured", "configured, and read back as it should be")


async def _baseline(field: Field, device: Device) -> ActivationStep:
    """Count from here on (CN-1)."""
    if device.address is None or device.snmp is None:
        return noted("baseline", "counted from its next message on")
    poll = await _asked(field, device)
    if not poll.readings:
        return failed("baseline", poll.problem or f"{device.id} shows no counters")
    await account_turn(field.house, poll.readings)
    shown = ", ".join(f"{r.meter} {r.down_bytes} down {r.up_bytes} up" for r in poll.readings)
    return done("baseline", f"counted from here: {shown} bytes")


async def _started(field: Field, press: Activation) -> ActivationStep:
    """Let the term begin, once (CT-1), with the inventory's spelling of what the radio is."""
    looked = (step for step in press.steps if step.name == "signal")
    signal_text = next((step.text for step in looked if step.state is StepState.DONE), None)
    known = field.devices().get(press.device)
    said = {
        "device": press.device,
        "serial": press.serial if known is None else known.serial or press.serial,
        "mac": press.mac if known is None else known.mac or press.mac,
        "signal": signal_text,
    }
    fact = Fact(
        at=field.clock(),
        fact="activated",
        subscriber=press.subscriber,
        details={key: value for key, value in said.items() if value},
        author=press.author,
    )
    why = await accept_turn(field.house, fact, now=field.clock())
    if why is not None:
        return failed("started", why)
    return done("started", "in service (CT-1)")
