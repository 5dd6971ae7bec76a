"""Pure: what to ask of a device over SNMP, and what its answer says.

An interface is found by its name, never by its index: the plan carries ifName and ifOperStatus of
each row beside the counters, so that an index that has moved is noticed in the same answer.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from capd.collect.decode import Decoded, Refused, counter
from capd.model import Device, DeviceId, Down, Meter, Reading
from capd.profiles import Interfaces, Profile, SnmpCollect, UptimeOid

Value = int | float | str | bytes | None
Varbinds = Mapping[str, Value]

_ETHERNET = 6  # IF-MIB ifType; of radios and sessions ifHighSpeed is a rate of the moment, or 10
_DEAD = (2, 6, 7)  # IF-MIB ifOperStatus: down, notPresent, lowerLayerDown
_UP = 1


class Place(NamedTuple):
    """Where an interface is, and whether its speed is a limit."""

    row: int
    wired: bool


Index = Mapping[bytes, Place]  # by ifName


@dataclass(frozen=True, slots=True)
class Row:
    """A meter's row in the table of interfaces: its OIDs, and how to read them."""

    meter: str
    name: bytes
    name_oid: str
    in_oid: str
    out_oid: str
    status_oid: str | None
    speed_oid: str | None
    speed_floor_mbps: int
    down_is_in: bool
    bits: int
    unit_bytes: int
    link_bps: int | None
    epoch: str | None

    @property
    def oids(self) -> tuple[str, ...]:
        """Return what is asked for this row."""
        asked = (self.name_oid, self.in_oid, self.out_oid, self.status_oid, self.speed_oid)
        return tuple(oid for oid in asked if oid is not None)


@dataclass(frozen=True, slots=True)
class Get:
    """One GET: at most max_oids of a profile, rows whole."""

    oids: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """All that one poll asks of a device; the first GET has its uptimes, serial and health."""

    device: DeviceId
    gets: tuple[Get, ...]
    uptimes: tuple[UptimeOid, ...]
    serial: str | None
    firmware: str | None
    health: tuple[tuple[str, str, float], ...]  # name, OID, scale
    missing: tuple[str, ...]  # names of interfaces that the device does not have


@dataclass(frozen=True, slots=True)
class Box:
    """What the first GET of a poll says of the whole device."""

    at: datetime
    uptime_s: float | None
    agent_uptime_s: float | None
    serial: str | None
    health: Mapping[str, float | str]


def plan(device: Device, profile: Profile, index: Index) -> Plan:
    """Return what to ask of *device*, whose interfaces are at *index*."""
    snmp = profile.snmp or SnmpCollect()
    rows = tuple(_rows(device.meters, snmp.interfaces, index))
    health = tuple((name, each.oid, each.scale) for name, each in snmp.health.items())
    scalars = [u.oid for u in snmp.uptimes] + [oid for _, oid, _ in health]
    scalars += [oid for oid in (snmp.serial, snmp.firmware) if oid is not None]
    wanted = {meter.if_name or "" for meter in device.meters}
    return Plan(
        device=device.id,
        gets=tuple(_gets(scalars, rows, snmp.max_oids)),
        uptimes=snmp.uptimes,
        serial=snmp.serial,
        firmware=snmp.firmware,
        health=health,
        missing=tuple(sorted(name for name in wanted if name.encode() not in index)),
    )


def _rows(meters: Iterable[Meter], table: Interfaces, index: Index) -> Iterator[Row]:
    for meter in meters:
        name = (meter.if_name or "").encode()
        if name not in index:
            continue
        i, wired = index[name]
        reborn = table.index_is_epoch or bool(
            table.epoch_names and re.search(table.epoch_names, meter.if_name or "")
        )
        yield Row(
            meter=meter.id,
            name=name,
            name_oid=f"{table.name}.{i}",
            in_oid=f"{table.in_bytes}.{i}",
            out_oid=f"{table.out_bytes}.{i}",
            status_oid=f"{table.oper_status}.{i}" if table.oper_status else None,
            speed_oid=f"{table.speed_mbps}.{i}" if table.speed_mbps and wired else None,
            speed_floor_mbps=table.speed_floor_mbps,
            down_is_in=meter.down is Down.IN,
            bits=meter.counter_bits or table.counter_bits,
            unit_bytes=table.unit_bytes,
            link_bps=meter.link_bps,
            epoch=str(i) if reborn else None,
        )


def _gets(scalars: Sequence[str], rows: Sequence[Row], most: int) -> Iterator[Get]:
    oids, taken = list(scalars), list[Row]()
    for row in rows:
        if taken and len(oids) + len(row.oids) > most:
            yield Get(tuple(oids), tuple(taken))
            oids, taken = [], []
        oids += [oid for oid in row.oids if oid not in oids]
        taken.append(row)
    if oids:
        yield Get(tuple(oids), tuple(taken))


def without(old: Plan, get: Get, answered: Varbinds) -> Plan:
    """Return *old*, its *get* without what did not answer: SNMPv1 refuses a whole GET for one."""

    def kept(oid: str | None) -> str | None:
        return oid if oid in answered else None

    rows = tuple(
        replace(row, status_oid=kept(row.status_oid), speed_oid=kept(row.speed_oid))
        for row in get.rows
    )
    needed = {oid for row in rows for oid in row.oids}
    oids = tuple(oid for oid in get.oids if oid in answered or oid in needed)
    gets = tuple(Get(oids, rows) if one is get else one for one in old.gets)
    return replace(old, gets=gets)


def absent(asked: Plan) -> Iterator[Refused]:
    """Yield a refusal for each interface that the device does not have."""
    for name in asked.missing:
        text = f"there is no interface {name}" if name else "a meter names no interface (ifName)"
        yield Refused(reason="missing", text=text)


def index_of(names: Varbinds) -> dict[bytes, list[int]]:
    """Return which rows bear which name, out of a walk of the column of names."""
    index: dict[bytes, list[int]] = {}
    for oid, name in names.items():
        index.setdefault(_name(name), []).append(int(oid.rpartition(".")[2]))
    return index


def _name(value: Value) -> bytes:
    text = value if isinstance(value, bytes) else str(value).encode()
    return text.rstrip(b"\0 ")


def choose(rows: Sequence[int], status_oid: str | None, statuses: Varbinds) -> int:
    """Return which of *rows* of one name is the living one: the one that is up, else the highest.

    After an interface is made anew, net-snmp keeps the dead row beside the new one.
    """

    def rank(row: int) -> tuple[bool, bool, int]:
        status = statuses.get(f"{status_oid}.{row}")
        return (status == _UP, status not in _DEAD, row)

    return max(rows, key=rank)


def placed(rows: Mapping[bytes, int], type_oid: str | None, types: Varbinds) -> Index:
    """Return the index of *rows*, told by their ifType whether their speed is a limit."""
    return {
        name: Place(row, types.get(f"{type_oid}.{row}", _ETHERNET) == _ETHERNET)
        for name, row in rows.items()
    }


def box(asked: Plan, answer: Varbinds, at: datetime) -> Box:
    """Return what the first answer of a poll says of the device itself."""
    since: dict[str, float] = {}
    for uptime in asked.uptimes:
        ticks = answer.get(uptime.oid)
        if type(ticks) is int and ticks >= 0:
            since[uptime.since] = ticks * uptime.unit_s
    health: dict[str, float | str] = {}
    for name, oid, scale in asked.health:
        value = answer.get(oid)
        if isinstance(value, int | float):
            health[name] = value * scale
    firmware = answer.get(asked.firmware) if asked.firmware else None
    if firmware is not None:
        health["firmware"] = text_of(firmware)
    serial = answer.get(asked.serial) if asked.serial else None
    return Box(
        at, since.get("box"), since.get("agent"), text_of(serial) if serial else None, health
    )


def readings(asked: Plan, get: Get, answer: Varbinds, at: datetime, of: Box) -> Decoded:
    """Return what *answer* to *get*, come at *at*, says of its meters."""
    took, refused, doubtful = list[Reading](), list[Refused](), False
    if at is not of.at:
        of = _later(of, at)
    for row in get.rows:
        name = answer.get(row.name_oid)
        if name != row.name and _name(name) != row.name:
            doubtful = True  # the row is gone, or another interface has its index now
            text = f"interface {row.name.decode()} is no longer at {row.name_oid}"
            refused.append(Refused(reason="moved", text=text))
            continue
        doubtful = doubtful or answer.get(row.status_oid or "") in _DEAD
        one = _reading(asked.device, row, answer, of)
        if isinstance(one, Refused):
            refused.append(one)
        else:
            took.append(one)
    return Decoded(readings=tuple(took), refused=tuple(refused), doubtful=doubtful)


def _later(of: Box, at: datetime) -> Box:
    """Return *of* as it was at the later moment *at* of the same poll."""
    s = (at - of.at).total_seconds()
    return replace(
        of,
        at=at,
        uptime_s=None if of.uptime_s is None else of.uptime_s + s,
        agent_uptime_s=None if of.agent_uptime_s is None else of.agent_uptime_s + s,
    )


def _reading(device: DeviceId, row: Row, answer: Varbinds, of: Box) -> Reading | Refused:
    into = counter(answer.get(row.in_oid), row.bits, row.unit_bytes, "the counter of bytes in")
    if isinstance(into, Refused):
        return into
    out = counter(answer.get(row.out_oid), row.bits, row.unit_bytes, "the counter of bytes out")
    if isinstance(out, Refused):
        return out
    mbps = answer.get(row.speed_oid) if row.speed_oid else None
    return Reading(
        device=device,
        meter=row.meter,
        at=of.at,
        down_bytes=into if row.down_is_in else out,
        up_bytes=out if row.down_is_in else into,
        uptime_s=of.uptime_s,
        agent_uptime_s=of.agent_uptime_s,
        epoch=row.epoch,
        counter_bits=row.bits,
        link_bps=row.link_bps or _bps(mbps, row.speed_floor_mbps),
        identity=of.serial,
    )


def _bps(mbps: Value, floor: int) -> int | None:
    if isinstance(mbps, int) and mbps > 0 and mbps >= floor:
        return mbps * 1_000_000
    return None


def text_of(value: Value) -> str:
    """Return a string that a device sent, as text."""
    return _name(value).decode(errors="replace") if isinstance(value, bytes) else str(value)
