"""The inventory for the LibreQoS shaper: ShapedDevices.csv and network.json.

Columns and keys: LibreQoS v2.0, docs "Configure LibreQoS" (rates in Mbps, fractions allowed since
v1.5; minimum at least 0.1, maximum at least 0.2; at least one address a row; no # in a circuit id).
"""

import csv
import io
import ipaddress
import json
from collections.abc import Iterator
from decimal import Decimal

from capd.model import Device, Inventory, Product, Sector, Subscriber

COLUMNS = (
    "Circuit ID", "Circuit Name", "Device ID", "Device Name", "Parent Node", "MAC", "IPv4", "IPv6",
    "Download Min Mbps", "Upload Min Mbps", "Download Max Mbps", "Upload Max Mbps", "Comment",
)  # fmt: skip
_NO_LIMIT_BPS = 10_000_000_000  # the shaper has no word for "unlimited"
_LEAST_BPS = 200_000


def libreqos_files(inventory: Inventory) -> dict[str, str]:
    """Return the texts of the files by name: one circuit a subscriber, one row a metered device."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    table.writerows(_rows(inventory))
    nodes = {sector.id: _node(sector) for sector in inventory.sectors}
    return {
        "ShapedDevices.csv": text.getvalue(),
        "network.json": json.dumps(nodes, indent=2, ensure_ascii=False) + "\n",
    }


def unshaped(inventory: Inventory) -> list[str]:
    """Return, a line each, the metered devices that have no IP address to be shaped by."""
    return [
        f"device {device.id}: has no IP address, so LibreQoS cannot shape it"
        for device in inventory.devices
        if device.meters and not any(_addresses(device))
    ]


def _rows(inventory: Inventory) -> Iterator[list[str]]:
    products = {each.id: each for each in inventory.products}
    subscribers = {each.id: each for each in inventory.subscribers}
    sectors = {each.id: each for each in inventory.sectors}
    for device in inventory.devices:
        for name in dict.fromkeys(meter.subscriber for meter in device.meters):
            subscriber = subscribers.get(name)
            if subscriber is None or not any(_addresses(device)):
                continue
            sector = sectors.get(subscriber.sector) if subscriber.sector else None
            yield _row(subscriber, products.get(subscriber.product), sector, device)


def _row(
    subscriber: Subscriber, product: Product | None, sector: Sector | None, device: Device
) -> list[str]:
    down = product.down_bps if product else None
    up = product.up_bps if product else None
    most_down = down or (sector.capacity_down_bps if sector else None) or _NO_LIMIT_BPS
    most_up = up or (sector.capacity_up_bps if sector else None) or _NO_LIMIT_BPS
    return [
        subscriber.id.replace("#", "_"),
        (subscriber.address or subscriber.name).replace("\n", ", "),
        device.id,
        device.id,
        sector.id if sector else "",
        device.mac or "",
        *_addresses(device),
        _mbps(min(most_down, 1_000_000)),
        _mbps(min(most_up, 1_000_000)),
        _mbps(most_down),
        _mbps(most_up),
        subscriber.product,
    ]


def _addresses(device: Device) -> tuple[str, str]:
    """Return the IPv4 and the IPv6 address of a device; "" for what it has not."""
    try:
        address = ipaddress.ip_address(device.address or "")
    except ValueError:
        return "", ""
    return (str(address), "") if address.version == 4 else ("", str(address))  # noqa: PLR2004


def _node(sector: Sector) -> dict[str, object]:
    return {
        "downloadBandwidthMbps": _number(sector.capacity_down_bps or _NO_LIMIT_BPS),
        "uploadBandwidthMbps": _number(sector.capacity_up_bps or _NO_LIMIT_BPS),
        "type": "AP",
        "children": {},
    }


def _mbps(bps: int) -> str:
    return f"{Decimal(max(bps, _LEAST_BPS)) / 1_000_000:f}"


def _number(bps: int) -> int | float:
    return bps // 1_000_000 if bps % 1_000_000 == 0 else bps / 1_000_000
