"""The inventory in its tables: read whole, written as rows to add and rows to change."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Table, and_, bindparam, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from capd.model import (
    Counts,
    Device,
    DeviceId,
    Down,
    Inventory,
    Kind,
    Meter,
    Product,
    Role,
    Secret,
    Sector,
    SectorId,
    SnmpAccess,
    SshAccess,
    Subscriber,
    SubscriberId,
    Unit,
)
from capd.store import rows
from capd.store.tables import devices, meters, products, sectors, subscribers
from capd.units import micros, moment


async def load(conn: AsyncConnection) -> Inventory:
    """Return the whole inventory, by id within each kind, meters as they were written."""

    async def every(table: Table) -> Sequence[rows.Row]:
        return (await conn.execute(select(table).order_by(table.c.id))).mappings().all()

    on_device: dict[DeviceId, list[Meter]] = defaultdict(list)
    query = select(meters).order_by(meters.c.device, meters.c.position, meters.c.id)
    for row in (await conn.execute(query)).mappings():
        on_device[DeviceId(row["device"])].append(meter(row))
    return Inventory(
        products=tuple(product(row) for row in await every(products)),
        sectors=tuple(sector(row) for row in await every(sectors)),
        subscribers=tuple(subscriber(row) for row in await every(subscribers)),
        devices=tuple(
            device(row, tuple(on_device[DeviceId(row["id"])])) for row in await every(devices)
        ),
    )


class Radio(NamedTuple):
    """A box by which it can be told from others (CT-11)."""

    id: DeviceId
    serial: str | None
    mac: str | None


async def radios(conn: AsyncConnection) -> list[Radio]:
    """Return the boxes of the inventory."""
    query = select(devices.c.id, devices.c.serial, devices.c.mac)
    return [Radio(DeviceId(row.id), row.serial, row.mac) for row in await conn.execute(query)]


async def write(
    conn: AsyncConnection,
    table: Table,
    added: Sequence[Mapping[str, Any]],
    changed: Sequence[Mapping[str, Any]],
) -> None:
    """Insert and update rows of one kind."""
    if added:
        await conn.execute(insert(table), list(added))
    if changed:
        key = [column.name for column in table.primary_key.columns]
        here = and_(*(table.c[name] == bindparam(f"key_{name}") for name in key))
        values: dict[str, Any] = {
            name: bindparam(f"new_{name}") for name in changed[0] if name not in key
        }
        rows_ = [
            {f"{'key' if name in key else 'new'}_{name}": value for name, value in row.items()}
            for row in changed
        ]
        await conn.execute(update(table).where(here).values(values), rows_)


_DAYS = ("terms_from", "withdrawn_on")


def product_row(product: Product) -> dict[str, Any]:
    """Return *product* as its table keeps it."""
    days = {name: getattr(product, name) for name in _DAYS}
    return asdict(product) | {
        "price": None if product.price is None else str(product.price),
        **{name: None if day is None else day.isoformat() for name, day in days.items()},
    }


def product(row: rows.Row) -> Product:
    """Return a product."""
    price, days = row["price"], {name: row[name] for name in _DAYS}
    told = {
        "counts": Counts(row["counts"]),
        "unit": Unit(row["unit"]),
        "kind": Kind(row["kind"]),
        "price": None if price is None else Decimal(price),
        **{name: None if day is None else date.fromisoformat(day) for name, day in days.items()},
    }
    return Product(**{**dict(row), **told})


def sector_row(sector: Sector) -> dict[str, Any]:
    """Return *sector* as its table keeps it."""
    return asdict(sector)


def sector(row: rows.Row) -> Sector:
    """Return a sector."""
    return Sector(**{**dict(row), "id": SectorId(row["id"])})


def subscriber_row(subscriber: Subscriber) -> dict[str, Any]:
    """Return *subscriber* as its table keeps it."""
    return asdict(subscriber) | {
        "linked": rows.json_text(subscriber.linked),
        "earlier_days": days_json(subscriber.earlier_days),
    }


def days_json(earlier: Sequence[tuple[datetime, int]]) -> str | None:
    """Return earlier cycle days as the table keeps them."""
    days = [(micros(at), day) for at, day in earlier]
    return rows.json_text(days) if days else None


def subscriber(row: rows.Row) -> Subscriber:
    """Return a subscriber."""
    told = {"linked": tuple(orjson.loads(row["linked"])), "earlier_days": earlier_days(row)}
    return Subscriber(**{**dict(row), **told})


def earlier_days(row: rows.Row) -> tuple[tuple[datetime, int], ...]:
    """Return up to when a subscriber had which other cycle day, oldest first."""
    kept = row["earlier_days"]
    return () if kept is None else tuple((moment(at), day) for at, day in orjson.loads(kept))


def device_row(device: Device) -> dict[str, Any]:
    """Return *device* as its table keeps it; its meters have their own."""
    row = {name: getattr(device, name) for name in Device.__dataclass_fields__ if name != "meters"}
    row["snmp"] = None if device.snmp is None else _access_json(device.snmp)
    row["ssh"] = None if device.ssh is None else _access_json(device.ssh)
    row["settings"] = rows.json_text(dict(device.settings))
    return row


def device(row: rows.Row, meters: tuple[Meter, ...]) -> Device:
    """Return a device with its *meters*."""
    snmp, ssh = row["snmp"], row["ssh"]
    fields = {
        **dict(row),
        "snmp": None if snmp is None else SnmpAccess(**_access_fields(snmp)),
        "ssh": None if ssh is None else SshAccess(**_access_fields(ssh)),
        "settings": orjson.loads(row["settings"]),
        "meters": meters,
    }
    return Device(**fields)


_SECRETS = ("community", "auth_key", "priv_key", "password")


def _access_json(access: SnmpAccess | SshAccess) -> str:
    """Return *access* with its secrets as the operator wrote them: literals or references."""
    fields = {name: getattr(access, name) for name in type(access).__dataclass_fields__}
    return rows.json_text(
        {
            name: value.reveal() if isinstance(value, Secret) else value
            for name, value in fields.items()
            if value is not None
        }
    )


def _access_fields(text: str) -> dict[str, Any]:
    fields: dict[str, Any] = orjson.loads(text)
    return {name: Secret(value) if name in _SECRETS else value for name, value in fields.items()}


def meter_row(device_id: DeviceId, position: int, meter: Meter) -> dict[str, Any]:
    """Return *meter* as its table keeps it."""
    return {
        "device": device_id,
        "position": position,
        "id": meter.id,
        "subscriber": meter.subscriber,
        "if_name": meter.if_name,
        "table": meter.table,
        "row": meter.row,
        "down": meter.down or "",
        "role": meter.role,
        "counter_bits": meter.counter_bits,
        "link_bps": meter.link_bps,
        "settings": rows.json_text(dict(meter.settings)),
    }


def meter(row: rows.Row) -> Meter:
    """Return a meter."""
    return Meter(
        id=row["id"],
        subscriber=SubscriberId(row["subscriber"]),
        if_name=row["if_name"],
        table=row["table"],
        row=row["row"],
        down=Down(row["down"]) if row["down"] else None,
        role=Role(row["role"]),
        counter_bits=row["counter_bits"],
        link_bps=row["link_bps"],
        settings=orjson.loads(row["settings"]),
    )
