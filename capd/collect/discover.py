"""Look through a range of addresses for devices, politely: few at once, not many a second."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from capd.collect import look
from capd.collect.agent import Agent, Engine, Habits
from capd.collect.decode.varbinds import measured
from capd.collect.recognise import Identity, family, identity
from capd.errors import DeviceError, DeviceUnreachable
from capd.model import Device, DeviceId, SnmpAccess
from capd.polled import SnmpCollect, mac_octets
from capd.profiles import Profile

_WARY = Habits.of(SnmpCollect(max_oids=8, max_repetitions=10))
_ABOUT = ("serial", "mac", "model", "firmware")

Step = Callable[[], None]
"""Called for each address that was looked at."""


class Key(NamedTuple):
    """A way to ask, and which of those that were given it is."""

    access: SnmpAccess
    nth: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How politely to look."""

    at_once: int = 32
    a_second: float = 50.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What answers at an address."""

    address: str
    key: Key
    who: Identity | None = None  # None: it answers, and refuses to say
    profile: str | None = None
    title: str | None = None
    serial: str | None = None
    mac: str | None = None
    model: str | None = None
    firmware: str | None = None
    problem: str | None = None
    device: DeviceId | None = None  # what it is in the inventory
    elsewhere: str | None = None  # the address that it has there, where it is another

    @property
    def is_new(self) -> bool:
        """Say whether the inventory has nothing of the kind."""
        return self.device is None


async def discover(
    addresses: Iterable[str],
    keys: Sequence[Key],
    engine: Engine,
    profiles: Mapping[str, Profile],
    *,
    manner: Manner,
    step: Step,
) -> list[Found]:
    """Return what answers at *addresses*, in their order; each of *keys* is tried in turn."""
    todo = list(enumerate(addresses))
    found: dict[int, Found] = {}
    places = asyncio.Semaphore(manner.at_once)

    async def one(nth: int, address: str) -> None:
        try:
            seen = await _at(address, keys, engine, profiles)
            if seen is not None:
                found[nth] = seen
        finally:
            places.release()
            step()

    async with asyncio.TaskGroup() as group:
        for nth, address in todo:
            await places.acquire()
            group.create_task(one(nth, address), name=f"look at {address}")
            await asyncio.sleep(1 / manner.a_second)
    return [found[nth] for nth in sorted(found)]


async def _at(
    address: str, keys: Sequence[Key], engine: Engine, profiles: Mapping[str, Profile]
) -> Found | None:
    refused: Found | None = None
    for key in keys:
        agent = Agent(engine, key.access, address, replace(_WARY))
        try:
            who = await identity(agent)
        except DeviceUnreachable:
            continue
        except DeviceError as exc:
            refused = Found(address=address, key=key, problem=str(exc))
            continue
        return await _seen(agent, key, who, profiles)
    return refused


async def _seen(agent: Agent, key: Key, who: Identity, profiles: Mapping[str, Profile]) -> Found:
    """Return what the device is; one that falls silent in the middle is found all the same."""
    found = Found(address=agent.address, key=key, who=who)
    try:
        profile = await family(agent, profiles, who)
        if profile is None or profile.snmp is None:
            return found
        found = replace(found, profile=profile.name, title=profile.title)
        facts = [fact for fact in await look.facts_of(agent, profile.snmp) if fact.name in _ABOUT]
        cells = await agent.cells([fact.oid for fact in facts])
    except DeviceError as exc:
        return replace(found, problem=str(exc))
    told = {fact.name: measured(fact.name, cells.get(fact.oid), 1.0) for fact in facts}
    texts = {name: None if value is None else str(value) for name, value in told.items()}
    return replace(
        found,
        serial=texts.get("serial"),
        mac=texts.get("mac"),
        model=texts.get("model"),
        firmware=texts.get("firmware"),
    )


def compared(found: Iterable[Found], devices: Iterable[Device]) -> list[Found]:
    """Return *found*, each with what it is in the inventory: by address, serial, or MAC."""
    known = list(devices)
    by_serial = {device.serial: device for device in known if device.serial}
    by_mac = {mac_octets(device.mac): device for device in known if device.mac}
    by_address = {device.address: device for device in known if device.address}

    def at(each: Found) -> Found:
        mac = mac_octets(each.mac) if each.mac else None
        same = by_serial.get(each.serial or "") or (by_mac.get(mac) if mac else None)
        device = same or by_address.get(each.address)
        if device is None:
            return each
        moved = device.address if device.address != each.address else None
        return replace(each, device=device.id, elsewhere=moved)

    return [at(each) for each in found]
