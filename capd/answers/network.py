"""What is sold, and what the network is made of."""

from collections.abc import Collection, Mapping

from capd.house import House
from capd.model import Device, DeviceId, MeterKey, MeterState, Product, Sector
from capd.store.fieldbook import Health, Whose
from capd.units import rfc3339


async def devices(
    house: House, *, after: str = "", limit: int | None = None
) -> list[dict[str, object]]:
    """Return devices with ids above *after*, in their order: where, for whom, when last read."""
    everything = await house.store.people.devices()
    found = [device for name, device in sorted(everything.items()) if name > after]
    return await _devices(house, found if limit is None else found[:limit])


async def device(house: House, name: str) -> dict[str, object] | None:
    """Return one device."""
    found = (await house.store.people.devices()).get(DeviceId(name))
    return None if found is None else (await _devices(house, [found]))[0]


async def _devices(house: House, some: Collection[Device]) -> list[dict[str, object]]:
    keys = [MeterKey(device.id, meter.id) for device in some for meter in device.meters]
    states = await house.store.ledger.states(keys)
    known = await house.store.fieldbook.latest(device.id for device in some)
    return [_device(device, states) | _health(device, known) for device in some]


async def unknown_radios(house: House) -> list[dict[str, object]]:
    """Return the radios that access points hear and nobody supplied (CT-11)."""
    return [
        {
            "device": each.device,
            "mac": each.mac,
            "name": each.name,
            "first_at": rfc3339(each.first_at),
            "last_at": rfc3339(each.last_at),
        }
        for each in await house.store.fieldbook.strangers()
    ]


def _health(device: Device, known: Mapping[Whose, Health]) -> dict[str, object]:
    """Return what *device* last said of itself, and its meters' radios of themselves."""
    own = known.get(Whose(device.id))
    figures = {} if own is None else dict(own.figures)
    meters = [meter.id for meter in device.meters if Whose(device.id, meter.id) in known]
    return {
        "firmware": figures.pop("firmware", None),
        "firmware_minimum": figures.pop("firmware_minimum", None),
        "model": figures.pop("model", None),
        "serial_read": figures.pop("serial", None),
        "mac_read": figures.pop("mac", None),
        "health": figures,
        "health_at": None if own is None else rfc3339(own.at),
        "meter_health": {id_: dict(known[Whose(device.id, id_)].figures) for id_ in meters},
    }


def _device(device: Device, states: Mapping[MeterKey, MeterState]) -> dict[str, object]:
    keys = [MeterKey(device.id, meter.id) for meter in device.meters]
    read = [states[key].last.at for key in keys if key in states]
    return {
        "id": device.id,
        "profile": device.profile,
        "address": device.address,
        "serial": device.serial,
        "mac": device.mac,
        "mqtt_name": device.mqtt_name,
        "subscribers": list(dict.fromkeys(meter.subscriber for meter in device.meters)),
        "meters": [meter.id for meter in device.meters],
        "last_reading_at": rfc3339(max(read)) if read else None,
    }


def product_record(product: Product) -> dict[str, object]:
    """Return a product as JSON wants it: bytes, bits a second, money as text."""
    return {
        "id": product.id,
        "name": product.name,
        "family": product.family,
        "cap_bytes": product.cap_bytes,
        "counts": product.counts.value,
        "down_bps": product.down_bps,
        "up_bps": product.up_bps,
        "price": None if product.price is None else f"{product.price:f}",
        "upgrade_to": product.upgrade_to,
        "delay_h": product.delay_h,
        "term_months": product.term_months,
        "terms_from": None if product.terms_from is None else product.terms_from.isoformat(),
        "withdrawn_on": None if product.withdrawn_on is None else product.withdrawn_on.isoformat(),
        "replaced_by": product.replaced_by,
        "kind": product.kind.value,
    }


def sector_record(sector: Sector) -> dict[str, object]:
    """Return a sector as JSON wants it."""
    return {
        "id": sector.id,
        "capacity_down_bps": sector.capacity_down_bps,
        "capacity_up_bps": sector.capacity_up_bps,
    }
