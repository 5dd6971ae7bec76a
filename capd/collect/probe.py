"""Look at one device: what family it is, what it counts, and what capd could do with it."""

import re
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from capd.collect.decode.varbinds import Value, text_of
from capd.collect.snmp import Engine
from capd.errors import CannotBeDone, NonsenseFromDevice
from capd.model import SnmpAccess
from capd.profiles import Interfaces, Profile, Recognise, SnmpCollect

_SYS_DESCR, _SYS_OBJECT_ID, _SYS_NAME = (f"1.3.6.1.2.1.1.{n}.0" for n in (1, 2, 5))
_UP = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """An interface of the device; in and out as the device sees them."""

    index: int
    name: str
    up: bool
    in_bytes: int | None
    out_bytes: int | None
    speed_bps: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What a device said of itself, and what capd could do with it."""

    address: str
    profile: str | None  # None: no profile knows it
    title: str | None
    sys_descr: str
    sys_object_id: str
    sys_name: str
    uptime_s: float | None = None  # since it booted
    agent_uptime_s: float | None = None
    serial: str | None = None
    firmware: str | None = None
    ports: tuple[Port, ...] = ()
    health: Mapping[str, float] = field(default_factory=dict)
    can: tuple[str, ...] = ()  # sentences


@dataclass(frozen=True, slots=True)
class _Agent:
    """The device being probed."""

    engine: Engine
    access: SnmpAccess
    address: str

    async def one(self, oid: str) -> Value:
        """Return the value of *oid*, None if it is not there."""
        return (await self.engine.get(self.access, self.address, [oid])).get(oid)

    async def below(self, oid: str) -> list[Value]:
        """Return the values under *oid*."""
        rows = await self.engine.walk(self.access, self.address, oid, bulk=False, max_repetitions=1)
        return list(rows.values())

    async def column(self, oid: str | None, snmp: SnmpCollect) -> dict[int, Value]:
        """Return the values under *oid* by row."""
        if oid is None:
            return {}
        rows = await self.engine.walk(
            self.access, self.address, oid, bulk=snmp.bulk, max_repetitions=snmp.max_repetitions
        )
        return {int(at.rpartition(".")[2]): value for at, value in rows.items()}


async def probe(
    address: str,
    access: SnmpAccess,
    engine: Engine,
    profiles: Mapping[str, Profile],
    profile: str | None = None,
) -> Probe:
    """Return what the device at *address* says; read by *profile*, or by the one that knows it.

    Raises DeviceUnreachable, DeviceRefused, NonsenseFromDevice; CannotBeDone for a profile that
    does not exist or reads nothing over SNMP.
    """
    if profile is not None and profile not in profiles:
        raise CannotBeDone(f"there is no profile {profile}: see `capd profiles`")
    agent = _Agent(engine, access, address)
    # apart: some agents answer sysDescr and sysObjectID oddly in one request
    object_id = str(await agent.one(_SYS_OBJECT_ID) or "").lstrip(".")
    descr = text_of(await agent.one(_SYS_DESCR) or b"")
    name = text_of(await agent.one(_SYS_NAME) or b"")
    if not object_id and not descr:
        raise NonsenseFromDevice("answers neither sysObjectID nor sysDescr: check its SNMP view")
    known = profiles[profile] if profile else await _family(agent, profiles, object_id, descr)
    seen = Probe(
        address=address,
        profile=known.name if known else None,
        title=known.title if known else None,
        sys_descr=descr,
        sys_object_id=object_id,
        sys_name=name,
        can=() if known else ("no profile knows it: copy the nearest in device_profiles/",),
    )
    return await _read(agent, seen, known) if known else seen


async def _family(
    agent: _Agent, profiles: Mapping[str, Profile], object_id: str, descr: str
) -> Profile | None:
    """Return the first profile, by priority, that knows the device."""
    for profile, signs in candidates(profiles.values(), object_id, descr):
        if signs.exists is None:
            return profile
        value = await agent.one(signs.exists)
        values = [value] if value is not None else await agent.below(signs.exists)
        if any(re.search(signs.matches or "", text_of(each)) for each in values):
            return profile
    return None


def candidates(
    profiles: Iterable[Profile], object_id: str, descr: str
) -> Iterator[tuple[Profile, Recognise]]:
    """Yield the profiles that *object_id* and *descr* fit, the most particular first."""
    knowing = [(profile, profile.recognise) for profile in profiles]
    signed = [(profile, signs) for profile, signs in knowing if signs is not None]
    for profile, signs in sorted(signed, key=lambda each: (each[1].priority, each[0].name)):
        arcs = signs.sys_object_id
        if arcs and not any(f"{object_id}.".startswith(f"{arc}.") for arc in arcs):
            continue
        if signs.sys_descr is not None and not re.search(signs.sys_descr, descr):
            continue
        if arcs or signs.sys_descr is not None or signs.exists is not None:
            yield profile, signs


async def _read(agent: _Agent, seen: Probe, profile: Profile) -> Probe:
    snmp = profile.snmp
    if snmp is None:
        raise CannotBeDone(f"profile {profile.name} reads nothing over SNMP")
    since: dict[str, float] = {}
    for uptime in snmp.uptimes:
        ticks = await agent.one(uptime.oid)
        if isinstance(ticks, int):
            since[uptime.since] = ticks * uptime.unit_s
    health: dict[str, float] = {}
    for name, each in snmp.health.items():
        value = await agent.one(each.oid)
        if isinstance(value, int | float):
            health[name] = value * each.scale
    ports = tuple([port async for port in _ports(agent, snmp)])
    return replace(
        seen,
        uptime_s=since.get("box"),
        agent_uptime_s=since.get("agent"),
        serial=await _text(agent, snmp.serial),
        firmware=await _text(agent, snmp.firmware),
        ports=ports,
        health=health,
        can=tuple(_abilities(profile, snmp.interfaces, ports, restarts="box" in since)),
    )


async def _text(agent: _Agent, oid: str | None) -> str | None:
    value = await agent.one(oid) if oid is not None else None
    return text_of(value) if value is not None else None


async def _ports(agent: _Agent, snmp: SnmpCollect) -> AsyncIterator[Port]:
    table = snmp.interfaces
    names = await agent.column(table.name, snmp)
    into, out = await agent.column(table.in_bytes, snmp), await agent.column(table.out_bytes, snmp)
    status = await agent.column(table.oper_status, snmp)
    speed = await agent.column(table.speed_mbps, snmp)
    for row, name in sorted(names.items()):
        mbps = _count(speed.get(row))
        yield Port(
            index=row,
            name=text_of(name),
            up=status.get(row, _UP) == _UP,
            in_bytes=_count(into.get(row)),
            out_bytes=_count(out.get(row)),
            speed_bps=mbps * 1_000_000 if mbps else None,
        )


def _count(value: Value) -> int | None:
    return value if isinstance(value, int) and value >= 0 else None


def _abilities(
    profile: Profile, table: Interfaces, ports: tuple[Port, ...], *, restarts: bool
) -> Iterator[str]:
    """Yield what capd could do with the device, a sentence each."""
    counting = sum(port.in_bytes is not None and port.out_bytes is not None for port in ports)
    if counting:
        yield f"count the bytes of {counting} interfaces ({table.counter_bits}-bit counters)"
    else:
        yield "count nothing: no interface shows its counters; check its SNMP view and version"
    if restarts:
        yield "tell a restart of the box from a restart of its agent"
    else:
        yield "tell a restart only where a counter falls: the device does not say when it booted"
    if profile.enforce is not None:
        yield f"suspend, restore and limit over SSH ({profile.enforce.netmiko})"
    else:
        yield profile.enforce_elsewhere or "count only"
    if profile.unverified:
        yield f"nobody has yet seen on real hardware: {', '.join(profile.unverified)}"
