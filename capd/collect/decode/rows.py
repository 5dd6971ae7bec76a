"""Pure: which row of which table a meter is, and what is asked to read it.

A row is found by what stays (a name, a MAC address), never by its index alone. Where the index does
not hold the key, the key's own cell is asked for beside the counters, in the same request, so that
a row that has moved is noticed in the same answer and never mistaken for another.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from capd.model import Device, Down, Meter
from capd.polled import (
    ALIASES,
    INTERFACES,
    Age,
    Interfaces,
    SnmpCollect,
    Table,
    mac_octets,
    row_problem,
)

Value = int | float | str | bytes | None
Varbinds = Mapping[str, Value]

SYS_OBJECT_ID = "1.3.6.1.2.1.1.2.0"
_ETHERNET = 6  # IF-MIB ifType; of radios and sessions ifHighSpeed is a rate of the moment, or 10
DEAD = (2, 6, 7)  # IF-MIB ifOperStatus: down, notPresent, lowerLayerDown
_UP = 1
_MAC_OCTETS = 6
_LONGEST = 255  # characters of a text: what SnmpAdminString may have


class Key(NamedTuple):
    """What a row is known by; a MAC address is its six octets."""

    table: str
    name: bytes


class Found(NamedTuple):
    """Where a row is now."""

    at: str  # its index: what follows the column
    column: str | None = None  # whose cell must show the key; None: the index shows it
    wired: bool = False  # its speed is a limit
    narrow: bool = False  # it has 32-bit counters only
    fixed: bool = False  # it can be nowhere else: no use to look for it
    guess: bool = False  # the walk did not show it, but it was there before, or another's shows it


Index = Mapping[Key, Found]


@dataclass(frozen=True, slots=True)
class Row:
    """A meter's row: its OIDs, and how to read them."""

    meter: str
    key: Key
    where: Found
    key_oid: str | None
    in_oids: tuple[str, ...]  # added up; one that begins with "-" is taken away
    out_oids: tuple[str, ...]
    down_is_in: bool
    bits: int
    unit_bytes: int
    by_mac: bool = False
    status_oid: str | None = None
    speed_oid: str | None = None
    speed_floor_mbps: int = 0
    age: Age | None = None
    age_oid: str | None = None
    link_bps: int | None = None
    epoch: str | None = None
    quiet: bool = False  # it may go and come: that is no fault
    owner: str | None = None  # of a table's row: which one it is, whatever its index
    has_serial: bool = False  # its box says one

    @property
    def needed(self) -> tuple[str, ...]:
        """Return the OIDs without which there is no reading."""
        counters = [oid.lstrip("-") for oid in (*self.in_oids, *self.out_oids)]
        return tuple(dict.fromkeys([*([self.key_oid] if self.key_oid else []), *counters]))

    @property
    def oids(self) -> tuple[str, ...]:
        """Return what is asked for this row."""
        more = (self.status_oid, self.speed_oid, self.age_oid)
        return (*self.needed, *(oid for oid in more if oid is not None))

    @property
    def text(self) -> str:
        """Return the row as a person calls it."""
        return shown(self.key, by_mac=self.by_mac)


def shown(key: Key, *, by_mac: bool = False) -> str:
    """Return *key* in words."""
    name = mac_text(key.name) if by_mac else key.name.decode(errors="replace")
    return f"interface {name}" if key.table == INTERFACES else f"{name} in {key.table}"


def keys_of(device: Device, snmp: SnmpCollect) -> dict[str, Key | str]:
    """Return the key of each meter of *device*, or a sentence about what is wrong with it."""
    return {meter.id: _key(meter, snmp) for meter in device.meters}


def _key(meter: Meter, snmp: SnmpCollect) -> Key | str:
    if meter.table is None:
        if meter.if_name is None:
            return f"meter {meter.id} names no interface (ifName), nor a table and a row"
        return Key(INTERFACES, meter.if_name.encode())
    row = meter.row or ""
    if meter.table in (INTERFACES, ALIASES):
        return Key(meter.table, row.encode())
    problem = row_problem(snmp, meter.table, row)
    if problem is not None:
        return f"meter {meter.id}: {problem}"
    mac = mac_octets(row) if snmp.tables[meter.table].by_mac else None
    return Key(meter.table, row.encode() if mac is None else mac)


def mac_of(value: Value) -> bytes | None:
    """Return the six octets of a MAC address, however it is written; None if it is none."""
    if isinstance(value, bytes):
        if len(value) == _MAC_OCTETS:
            return value
        value = value.rstrip(b"\0 ").decode(errors="replace")
    if not isinstance(value, str):
        return None
    return mac_octets(value)


def mac_text(mac: bytes) -> str:
    """Return six octets as text: 02:00:00:00:00:01."""
    return mac.hex(":")


def name_of(value: Value) -> bytes:
    """Return what a device calls a row, without what pads it."""
    text = value if isinstance(value, bytes) else str(value).encode()
    return text.rstrip(b"\0 ")


def text_of(value: Value) -> str:
    """Return a string that a device sent, as text of one line that is not too long."""
    text = name_of(value).decode(errors="replace") if isinstance(value, bytes) else str(value)
    return "".join(c if c.isprintable() else " " for c in text)[:_LONGEST].strip()


def fixed(table: Table, name: bytes) -> str | None:
    """Return the index of the row called *name* where that needs no look: no part of it varies."""
    if table.key is not None or "*" in table.index:
        return None
    if "{mac}" in table.index:
        return table.index.replace("{mac}", ".".join(map(str, name)))
    return table.index.replace("{row}", name.decode(errors="replace"))


def indexed(table: Table, column: str, cells: Varbinds) -> dict[bytes, list[str]]:
    """Return which rows bear which key, out of a walk of *column*."""
    found: dict[bytes, list[str]] = {}
    pattern = None if table.key is not None else _pattern(table.index)
    for oid, value in cells.items():
        index = oid[len(column) + 1 :]
        name = _in_index(pattern, index) if pattern else _in_cell(table, value)
        if name is not None:
            found.setdefault(name, []).append(index)
    return found


def _pattern(template: str) -> re.Pattern[str]:
    parts = {"{mac}": r"((?:[0-9]+\.){5}[0-9]+)", "{row}": r"([0-9.]+)", "*": "[0-9]+"}
    return re.compile(r"\.".join(parts.get(part, part) for part in template.split(".")))


def _in_index(pattern: re.Pattern[str], index: str) -> bytes | None:
    found = pattern.fullmatch(index)
    if found is None:
        return None
    if r"{5}" not in pattern.pattern:
        return found[1].encode()
    octets = [int(arc) for arc in found[1].split(".")]
    return bytes(octets) if max(octets) <= 255 else None  # noqa: PLR2004 - an octet


def _in_cell(table: Table, value: Value) -> bytes | None:
    return mac_of(value) if table.by_mac else name_of(value)


def names_in(column: str, cells: Varbinds) -> dict[bytes, list[str]]:
    """Return which interfaces bear which name, out of a walk of the column of names."""
    index: dict[bytes, list[str]] = {}
    for oid, name in cells.items():
        index.setdefault(name_of(name), []).append(oid[len(column) + 1 :])
    return index


def choose(rows: Sequence[str], status_oid: str | None, statuses: Varbinds) -> str:
    """Return which of *rows* of one name is the living one: the one that is up, else the highest.

    After an interface is made anew, net-snmp keeps the dead row beside the new one.
    """

    def rank(row: str) -> tuple[bool, bool, list[int]]:
        status = statuses.get(f"{status_oid}.{row}")
        return (status == _UP, status not in DEAD, [int(arc) for arc in row.split(".")])

    return max(rows, key=rank)


def placed(table: Interfaces, column: str, row: str, cells: Varbinds) -> Found:
    """Return where an interface is; *cells* has its type, and its wide counters if there are."""
    narrow = table.narrow is not None and any(
        cells.get(f"{wide}.{row}") is None for wide in (table.in_bytes, table.out_bytes)
    )
    kind = cells.get(f"{table.type}.{row}", _ETHERNET)
    return Found(row, column, wired=kind == _ETHERNET, narrow=narrow)


def rows_of(
    meters: Iterable[Meter], snmp: SnmpCollect, keys: Mapping[str, Key | str], index: Index
) -> Iterator[Row]:
    """Yield what is asked for each of *meters* whose row is known."""
    for meter in meters:
        key = keys[meter.id]
        if isinstance(key, str) or key not in index:
            continue
        if key.table in (INTERFACES, ALIASES):
            yield _interface(meter, key, snmp.interfaces, index[key])
        else:
            yield _row(meter, key, snmp, index[key])


def _interface(meter: Meter, key: Key, table: Interfaces, where: Found) -> Row:
    i = where.at
    session = is_session(table, key.name)
    counters = table.narrow if where.narrow and table.narrow is not None else table
    return Row(
        meter=meter.id,
        key=key,
        where=where,
        key_oid=f"{where.column}.{i}",
        in_oids=(f"{counters.in_bytes}.{i}",),
        out_oids=(f"{counters.out_bytes}.{i}",),
        status_oid=f"{table.oper_status}.{i}" if table.oper_status else None,
        speed_oid=f"{table.speed_mbps}.{i}" if table.speed_mbps and where.wired else None,
        speed_floor_mbps=table.speed_floor_mbps,
        down_is_in=meter.down is not Down.OUT,
        bits=meter.counter_bits or (32 if where.narrow else table.counter_bits),
        unit_bytes=table.unit_bytes,
        link_bps=meter.link_bps,
        epoch=i if table.index_is_epoch or session else None,
        quiet=session,
    )


def is_session(table: Interfaces, name: bytes) -> bool:
    """Say whether an interface of that name is a session, which comes and goes."""
    return bool(table.epoch_names and re.search(table.epoch_names, name.decode(errors="replace")))


def _row(meter: Meter, key: Key, snmp: SnmpCollect, where: Found) -> Row:
    i, table = where.at, snmp.tables[key.table]
    return Row(
        meter=meter.id,
        key=key,
        where=where,
        key_oid=f"{table.key}.{i}" if table.key else None,
        in_oids=tuple(f"{column}.{i}" for column in table.in_bytes),
        out_oids=tuple(f"{column}.{i}" for column in table.out_bytes),
        down_is_in=(meter.down or table.down) == Down.IN,
        bits=meter.counter_bits or table.counter_bits,
        unit_bytes=table.unit_bytes,
        by_mac=table.by_mac,
        age=table.age,
        age_oid=f"{table.age.oid}.{i}" if table.age else None,
        link_bps=meter.link_bps,
        epoch=i if table.index_is_epoch else None,
        quiet=True,
        owner=shown(key, by_mac=table.by_mac),
        has_serial=bool(snmp.serial),
    )
