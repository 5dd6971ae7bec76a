"""Look at the tables of one device whose rows are subscribers or radios, and at what they count."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from capd.collect import look
from capd.collect.agent import Agent
from capd.collect.decode import Refused, rows, varbinds
from capd.collect.decode.plans import Get, Plan
from capd.collect.decode.rows import Found, Key
from capd.collect.look import Walks
from capd.errors import DeviceError
from capd.model import Device, DeviceId, Meter, Reading, SubscriberId
from capd.polled import SnmpCollect, Table

_MOST_READ = 500  # rows whose counters a look reads; the rest are named
_NOW = datetime(1970, 1, 1, tzinfo=UTC)  # a look keeps no reading, so none of them has a time
_NOBODY = varbinds.Box(_NOW, None, None, None, {})


@dataclass(frozen=True, slots=True, kw_only=True)
class RowBytes:
    """The counters of one row, as the subscriber sees them (the profile says which way)."""

    row: str
    down_bytes: int
    up_bytes: int
    bits: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """A table of the device in which subscribers or radios are rows."""

    name: str
    title: str
    rows: tuple[str, ...]
    counts: bool  # the device showed counters of bytes for at least one of them
    counters: tuple[RowBytes, ...] = ()


async def shelves(
    agent: Agent, snmp: SnmpCollect, walks: Walks, problems: list[str]
) -> tuple[Shelf, ...]:
    """Return the tables that have rows; what goes wrong is added to *problems*."""
    found: list[Shelf] = []
    for name, table in snmp.tables.items():
        try:
            there = rows.indexed(table, *await look.shelf(agent, table, walks))
            shown = {_text(table, key): at for key, at in there.items()}
            shown = {
                text: at
                for text, at in shown.items()
                if not table.rows or re.fullmatch(table.rows, text)
            }
            if shown:
                found.append(await _shelf(agent, snmp, name, shown, problems))
        except DeviceError as exc:
            problems.append(f"{name}: {exc}")
    return tuple(found)


def _text(table: Table, key: bytes) -> str:
    return rows.mac_text(key) if table.by_mac else key.decode(errors="replace")


async def _shelf(
    agent: Agent,
    snmp: SnmpCollect,
    name: str,
    shown: Mapping[str, Sequence[str]],
    problems: list[str],
) -> Shelf:
    table = snmp.tables[name]
    counters: tuple[RowBytes, ...] = ()
    if table.in_bytes:
        read = dict(list(shown.items())[:_MOST_READ])
        counters, refused = await _counters(agent, snmp, name, read)
        problems += [f"{name}: {text}" for text in refused[:1]]
    return Shelf(
        name=name,
        title=table.title,
        rows=tuple(shown),
        counts=bool(counters),
        counters=counters,
    )


async def _counters(
    agent: Agent, snmp: SnmpCollect, name: str, shown: Mapping[str, Sequence[str]]
) -> tuple[tuple[RowBytes, ...], list[str]]:
    """Return what the rows count, read as a poll reads them, and why others are not believed."""
    table = snmp.tables[name]
    meters = tuple(
        Meter(id=text, subscriber=SubscriberId(""), table=name, row=text) for text in shown
    )
    device = Device(id=DeviceId(""), profile="", meters=meters)
    keys = rows.keys_of(device, snmp)
    index = {
        key: Found(rows.choose(shown[meter], None, {}), table.key)
        for meter, key in keys.items()
        if isinstance(key, Key)
    }
    mine = tuple(rows.rows_of(meters, snmp, keys, index))
    cells = await agent.cells(list(dict.fromkeys(oid for row in mine for oid in row.needed)))
    bare = Plan(device=device.id, gets=(), uptimes=(), facts=())
    decoded = varbinds.readings(bare, Get((), mine), cells, _NOW, _NOBODY)
    return tuple(_bytes(each) for each in decoded.readings), _why(decoded.refused)


def _bytes(reading: Reading) -> RowBytes:
    return RowBytes(
        row=reading.meter,
        down_bytes=reading.down_bytes,
        up_bytes=reading.up_bytes,
        bits=reading.counter_bits,
    )


def _why(refused: Sequence[Refused]) -> list[str]:
    """Return what was shown and is not believed; what is not shown at all is no fault."""
    return [each.text for each in refused if each.reason not in ("missing", "moved")]
