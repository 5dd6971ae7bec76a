"""Whether the parts of an inventory agree: with each other, and with the device profiles."""

from collections.abc import Iterable, Iterator, Mapping

from capd import polled
from capd.errors import ConfigError
from capd.model import Device, Inventory, ProductId
from capd.profiles import Profile, settings_of
from capd.strict import did_you_mean


def contradictions(inventory: Inventory) -> list[str]:
    """Return, a line each, what cannot be true at once: the same id twice, upgrades in a circle.

    Unknown references are not among them: the other end may be in the store already.
    """
    return [
        *_twice("products", (each.id for each in inventory.products)),
        *_twice("sectors", (each.id for each in inventory.sectors)),
        *_twice("subscribers", (each.id for each in inventory.subscribers)),
        *_twice("devices", (each.id for each in inventory.devices)),
        *_twice("devices", (each.serial for each in inventory.devices), "serial"),
        *_twice("devices", (each.mac for each in inventory.devices), "mac"),
        *_twice("devices", (each.mqtt_name for each in inventory.devices), "mqtt.name"),
        *_circles(inventory),
        *(line for i, device in enumerate(inventory.devices) for line in _meters(i, device)),
    ]


def same_ids(data: object) -> list[str]:
    """Return, a line each, the ids given twice in a file that has other mistakes too."""
    lists = data if isinstance(data, dict) else {}
    return [
        line
        for kind in ("products", "sectors", "subscribers", "devices")
        if isinstance(rows := lists.get(kind), list)
        for line in _twice(kind, (_raw_id(row) for row in rows))
    ]


def check(inventory: Inventory, profiles: Mapping[str, Profile]) -> list[str]:
    """Return, a line each, where devices do not fit their profiles: unknown, settings wrong."""
    return [
        f"device {device.id}: {problem}"
        for device in inventory.devices
        for problem in dict.fromkeys(_misfits(device, profiles))
    ]


def _twice(kind: str, ids: Iterable[str | None], key: str = "id") -> Iterator[str]:
    first: dict[str, int] = {}
    for i, each in enumerate(ids):
        if each is None:
            continue
        if each in first:
            yield f"{kind}[{i}].{key}: {each!r} is there already, at {kind}[{first[each]}]"
        first.setdefault(each, i)


def _raw_id(row: object) -> str | None:
    found = row.get("id") if isinstance(row, dict) else None
    return found if isinstance(found, str) else None


def _circles(inventory: Inventory) -> Iterator[str]:
    leads: dict[ProductId, ProductId | None] = {
        each.id: each.upgrade_to for each in inventory.products
    }
    told: set[ProductId] = set()
    for i, product in enumerate(inventory.products):
        path = [product.id]
        while (after := leads.get(path[-1])) is not None and after not in path:
            path.append(after)
        if after == product.id and not told & set(path):
            told |= set(path)
            circle = " -> ".join([*path, product.id])
            yield f"products[{i}].upgrade_to: leads back to where it began: {circle}"


def _meters(i: int, device: Device) -> Iterator[str]:
    yield from _twice(f"devices[{i}].meters", (meter.id for meter in device.meters))
    ports = (
        None if meter.if_name is None or meter.settings else meter.if_name
        for meter in device.meters
    )
    yield from _twice(f"devices[{i}].meters", ports, "ifName")
    rows = (
        None if meter.table is None or meter.settings else f"{meter.row} in {meter.table}"
        for meter in device.meters
    )
    yield from _twice(f"devices[{i}].meters", rows, "row")


def _misfits(device: Device, profiles: Mapping[str, Profile]) -> Iterator[str]:
    profile = profiles.get(device.profile)
    if profile is None:
        guess = did_you_mean(device.profile, profiles)
        yield f"profile: no profile is called {device.profile!r}.{guess}".removesuffix(".")
        return
    asked = _ways(device)
    if asked and not any(getattr(profile, way) for way in asked):
        yield f"{asked[0]}: profile {profile.name} does not say how to read it over {asked[0]}"
    if device.snmp is not None and profile.snmp is not None:
        versions = profile.snmp.versions
        if device.snmp.version not in versions:
            yield f"snmp.version: profile {profile.name} wants {' or '.join(versions)}"
    for meter in device.meters or (None,):
        try:
            settings_of(profile, device, meter)
        except ConfigError as exc:
            yield from (problem.removeprefix(f"device {device.id}: ") for problem in exc.problems)
    yield from _row_misfits(device, profile)


def _row_misfits(device: Device, profile: Profile) -> Iterator[str]:
    """Yield what is wrong with meters that are rows of a table."""
    for meter in device.meters:
        if meter.table is None or meter.row is None:
            continue
        problem = f"profile {profile.name} reads no tables: they are asked for over SNMP"
        if profile.snmp is not None:
            problem = polled.row_problem(profile.snmp, meter.table, meter.row) or ""
        if problem:
            yield f"meters.{meter.id}: {problem}"


def _ways(device: Device) -> list[str]:
    if device.collect is not None:
        return [device.collect]
    given = {"mqtt": device.mqtt_name is not None, "snmp": device.snmp is not None}
    return [way for way, has in given.items() if has]
