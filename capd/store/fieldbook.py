"""What devices last said of themselves, and radios that nobody supplied (CT-11)."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import orjson
from sqlalchemy import bindparam, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from capd.model import DeviceId, Event, Radio
from capd.store import rows
from capd.store.database import Database
from capd.store.outbox import Outbox
from capd.store.tables import device_health, devices, unknown_radios
from capd.store.trail import append
from capd.units import micros, moment

Figures = Mapping[str, float | str]
_AT_ONCE = 100  # new ones of an access point; the rest is told next time it is asked
_FORGOTTEN = timedelta(days=30)  # a radio that was not heard for so long is news again


class Whose(NamedTuple):
    """A device, or the radio behind one of its meters."""

    device: DeviceId
    meter: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What was last known, and when it was said."""

    at: datetime
    figures: Figures


@dataclass(frozen=True, slots=True, kw_only=True)
class Stranger:
    """A radio that an access point hears and that is in nobody's inventory."""

    device: DeviceId
    mac: str
    name: str
    first_at: datetime
    last_at: datetime


class Fieldbook:
    """Reads and writes what is known of devices in the field."""

    def __init__(self, database: Database, outbox: Outbox) -> None:
        self._database = database
        self._outbox = outbox

    async def record(self, found: Mapping[Whose, Health]) -> None:
        """Put *found* in place of what was known, in one transaction."""
        if not found:
            return
        async with self._database.write() as conn:
            there = await _there(conn, {whose.device for whose in found})
            lines = [_line(whose, health) for whose, health in found.items()]
            known = [line for line in lines if (line["b_device"], line["b_meter"]) in there]
            new = [line for line in lines if (line["b_device"], line["b_meter"]) not in there]
            if known:
                await conn.execute(_CHANGE, known)
            if new:
                devices_there = await _inventory(conn, {line["b_device"] for line in new})
                added = [_plain(line) for line in new if line["b_device"] in devices_there]
                if added:
                    await conn.execute(insert(device_health), added)

    async def latest(self, wanted: Iterable[DeviceId]) -> dict[Whose, Health]:
        """Return what is known of devices, and of the radios behind their meters."""
        found: dict[Whose, Health] = {}
        async with self._database.read() as conn:
            for chunk in rows.chunks(list(wanted)):
                query = select(device_health).where(device_health.c.device.in_(chunk))
                for row in await conn.execute(query):
                    figures = orjson.loads(row.figures)
                    whose = Whose(DeviceId(row.device), row.meter)
                    found[whose] = Health(at=moment(row.at), figures=figures)
        return found

    async def own_macs(self) -> frozenset[str]:
        """Return the MACs that devices of the inventory said are theirs."""
        query = select(device_health.c.figures).where(device_health.c.meter == "")
        async with self._database.read() as conn:
            found = [orjson.loads(text) for text in (await conn.execute(query)).scalars()]
        return frozenset(str(each["mac"]) for each in found if "mac" in each)

    async def heard(
        self, device: DeviceId, strangers: Sequence[Radio], known: Collection[str], at: datetime
    ) -> list[Event]:
        """Write down which *strangers* an access point hears; return the events of new ones.

        Each is told once for its MAC and access point. Who is *known* by now is one no more.
        """
        async with self._database.write() as conn:
            await _forget(conn, known, at)
            query = select(unknown_radios.c.mac).where(unknown_radios.c.device == device)
            there = set((await conn.execute(query)).scalars())
            met = [radio.mac for radio in strangers if radio.mac in there]
            for chunk in rows.chunks(met):
                mine = (unknown_radios.c.device == device) & unknown_radios.c.mac.in_(chunk)
                await conn.execute(update(unknown_radios).where(mine).values(last_at=micros(at)))
            new = [radio for radio in strangers if radio.mac not in there][:_AT_ONCE]
            events = [_event(device, radio, at) for radio in new]
            ids = await append(conn, events)
            if new:
                lines = [_stranger(device, *each, at) for each in zip(new, ids, strict=True)]
                await conn.execute(insert(unknown_radios), lines)
            await self._outbox.enqueue(conn, list(zip(ids, events, strict=True)))
        return events

    async def strangers(self) -> list[Stranger]:
        """Return the radios that nobody supplied, by access point."""
        order = (unknown_radios.c.device, unknown_radios.c.mac)
        async with self._database.read() as conn:
            found = await conn.execute(select(unknown_radios).order_by(*order))
            return [
                Stranger(
                    device=DeviceId(row.device),
                    mac=row.mac,
                    name=row.name,
                    first_at=moment(row.first_at),
                    last_at=moment(row.last_at),
                )
                for row in found
            ]

    async def how_many_strangers(self) -> int:
        """Return how many radios nobody supplied, each once however many hear it."""
        query = select(func.count(unknown_radios.c.mac.distinct()))
        async with self._database.read() as conn:
            return int((await conn.execute(query)).scalar_one())


_CHANGE = (
    update(device_health)
    .where(
        device_health.c.device == bindparam("b_device"),
        device_health.c.meter == bindparam("b_meter"),
    )
    .values(at=bindparam("b_at"), figures=bindparam("b_figures"))
)


def _line(whose: Whose, health: Health) -> dict[str, Any]:
    return {
        "b_device": whose.device,
        "b_meter": whose.meter,
        "b_at": micros(health.at),
        "b_figures": rows.json_text(dict(health.figures)),
    }


def _plain(line: Mapping[str, Any]) -> dict[str, Any]:
    return {name.removeprefix("b_"): value for name, value in line.items()}


async def _there(conn: AsyncConnection, wanted: Collection[str]) -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    for chunk in rows.chunks(list(wanted)):
        query = select(device_health.c.device, device_health.c.meter)
        rows_ = await conn.execute(query.where(device_health.c.device.in_(chunk)))
        found |= {(row.device, row.meter) for row in rows_}
    return found


async def _inventory(conn: AsyncConnection, wanted: Collection[str]) -> set[str]:
    found: set[str] = set()
    for chunk in rows.chunks(list(wanted)):
        query = select(devices.c.id).where(devices.c.id.in_(chunk))
        found |= set((await conn.execute(query)).scalars())
    return found


async def _forget(conn: AsyncConnection, known: Collection[str], at: datetime) -> None:
    old = unknown_radios.c.last_at < micros(at - _FORGOTTEN)
    await conn.execute(delete(unknown_radios).where(old))
    query = select(unknown_radios.c.mac).distinct()
    supplied = [mac for mac in (await conn.execute(query)).scalars() if mac in known]
    for chunk in rows.chunks(supplied):
        await conn.execute(delete(unknown_radios).where(unknown_radios.c.mac.in_(chunk)))


def _event(device: DeviceId, radio: Radio, at: datetime) -> Event:
    named = f" ({radio.name})" if radio.name else ""
    return Event(
        at=at,
        kind="unknown_radio",
        text=(
            f"The access point {device} hears a radio that is no device of the inventory: "
            f"{radio.mac}{named}. It is not activated (CT-11)."
        ),
        clause="CT-11",
        device=device,
        figures={"mac": radio.mac, "name": radio.name},
    )


def _stranger(device: DeviceId, radio: Radio, event: int, at: datetime) -> dict[str, Any]:
    return {
        "device": device,
        "mac": radio.mac,
        "name": radio.name,
        "first_at": micros(at),
        "last_at": micros(at),
        "event": event,
    }
