"""The inventory as text again: the rows that read back equal, as JSON or CSV."""

import dataclasses
import json
from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from capd.inventory.tables import KINDS, write_rows
from capd.model import (
    Device,
    Inventory,
    Kind,
    Meter,
    Product,
    Secret,
    Sector,
    SnmpAccess,
    SshAccess,
    Subscriber,
    Unit,
)

_SIZES = {"TB": 1000**4, "GB": 1000**3, "MB": 1000**2, "KB": 1000}
_TIMES = {"min": 60, "s": 1}
_SCALES = {Unit.BYTES: _SIZES, Unit.SECONDS: _TIMES}
_RATES = {"Gbps": 10**9, "Mbps": 10**6, "kbps": 10**3}


def json_files(inventory: Inventory) -> dict[str, str]:
    """Return the texts of the files by name: inventory.json alone."""
    data = {
        "products": [product_row(each) for each in inventory.products],
        "sectors": [sector_row(each) for each in inventory.sectors],
        "subscribers": [subscriber_row(each) for each in inventory.subscribers],
        "devices": [device_row(each) for each in inventory.devices],
    }
    return {"inventory.json": json.dumps(data, indent=1, ensure_ascii=False) + "\n"}


def csv_files(inventory: Inventory) -> dict[str, str]:
    """Return the texts of the files by name: one a kind."""
    rows: dict[str, list[Mapping[str, object]]] = {
        "products": [product_row(each) for each in inventory.products],
        "sectors": [sector_row(each) for each in inventory.sectors],
        "subscribers": [subscriber_row(each) for each in inventory.subscribers],
        "devices": [device_row(each) for each in inventory.devices],
        "meters": [
            {"device": device.id, **meter_row(meter)}
            for device in inventory.devices
            for meter in device.meters
        ],
    }
    return {f"{kind}.csv": write_rows(kind, rows[kind]) for kind in KINDS}


def product_row(product: Product) -> dict[str, object]:
    """Return *product* as it is written; what is not known is left out, but for the cap."""
    cap = product.cap_bytes
    return {
        "id": product.id,
        "name": product.name,
        "cap": None if cap is None else _round(cap, _SCALES[product.unit]),
        **_told(
            kind=None if product.kind is Kind.MONTHLY else product.kind,
            unit=None if product.unit is Unit.BYTES else product.unit,
            counts=product.counts,
            down=_rate(product.down_bps),
            up=_rate(product.up_bps),
            price=None if product.price is None else _money(product.price),
            family=product.family,
            upgrade_to=product.upgrade_to,
            delay_h=product.delay_h,
            term_months=product.term_months,
            withdrawn_on=_day(product.withdrawn_on),
            **{"from": _day(product.terms_from)},
            replaced_by=product.replaced_by,
        ),
    }


def sector_row(sector: Sector) -> dict[str, object]:
    """Return *sector* as it is written."""
    return _told(
        id=sector.id,
        capacity_down=_rate(sector.capacity_down_bps),
        capacity_up=_rate(sector.capacity_up_bps),
    )


def subscriber_row(subscriber: Subscriber) -> dict[str, object]:
    """Return *subscriber* as they are written."""
    return _told(
        id=subscriber.id,
        name=subscriber.name,
        email=subscriber.email,
        product=subscriber.product,
        cycle_day=subscriber.cycle_day,
        sector=subscriber.sector,
        address=subscriber.address,
        linked=list(subscriber.linked) or None,
        shares_address=subscriber.shares_address or None,
    )


def device_row(device: Device) -> dict[str, object]:
    """Return *device* as it is written; credentials as they were written, never resolved."""
    return _told(
        id=device.id,
        profile=device.profile,
        address=device.address,
        serial=device.serial,
        mac=device.mac,
        snmp=_access(device.snmp),
        ssh=_access(device.ssh),
        mqtt=None if device.mqtt_name is None else {"name": device.mqtt_name},
        collect=device.collect,
        settings=dict(device.settings) or None,
        interval_s=device.interval_s,
        meters=[meter_row(meter) for meter in device.meters] or None,
    )


def meter_row(meter: Meter) -> dict[str, object]:
    """Return *meter* as it is written."""
    return _told(
        id=meter.id,
        subscriber=meter.subscriber,
        ifName=meter.if_name,
        table=meter.table,
        row=meter.row,
        down=meter.down,
        role=meter.role,
        counter_bits=meter.counter_bits,
        link=_rate(meter.link_bps),
        settings=dict(meter.settings) or None,
    )


def _told(**values: object) -> dict[str, object]:
    return {name: value for name, value in values.items() if value is not None}


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _access(access: SnmpAccess | SshAccess | None) -> dict[str, object] | None:
    if access is None:
        return None
    return _told(
        **{
            each.name: value.reveal() if isinstance(value, Secret) else value
            for each in dataclasses.fields(access)
            for value in [getattr(access, each.name)]
        }
    )


def _rate(bps: int | None) -> str | int | None:
    return None if bps is None else _round(bps, _RATES)


def _round(count: int, factors: Mapping[str, int]) -> str | int:
    """Return *count* with the largest unit that divides it, so that it reads back exactly."""
    for unit, factor in factors.items():
        if count and count % factor == 0:
            return f"{count // factor}{unit}"
    return count


def _money(amount: Decimal) -> str:
    return f"{amount:f}"
