"""Pure: an inventory against what is there: what is new, what differs, what points nowhere."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any

from capd.model import DeviceId, Inventory, Role, Secret, SubscriberId

_SHOWN = 5  # of what may be said of thousands
KINDS = ("product", "sector", "subscriber", "device", "meter")


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that is there already and is to become different."""

    kind: str
    name: str
    before: Any
    after: Any
    lines: tuple[str, ...]  # "product home-100 -> home-300"; secrets are never in them


@dataclass(frozen=True, slots=True, kw_only=True)
class Differences:
    """What an inventory adds, changes and leaves; by kind, with the things themselves."""

    added: Mapping[str, Sequence[tuple[str, Any]]] = field(default_factory=dict)
    changed: Mapping[str, Sequence[Difference]] = field(default_factory=dict)
    unchanged: Mapping[str, Sequence[str]] = field(default_factory=dict)


def by_name(inventory: Inventory) -> dict[str, dict[str, Any]]:
    """Return every thing of *inventory*: by kind, then by name; meters are DEVICE/METER."""
    return {
        "product": {thing.id: thing for thing in inventory.products},
        "sector": {thing.id: thing for thing in inventory.sectors},
        "subscriber": {thing.id: thing for thing in inventory.subscribers},
        "device": {thing.id: replace(thing, meters=()) for thing in inventory.devices},
        "meter": {
            f"{device.id}/{meter.id}": (device.id, meter)
            for device in inventory.devices
            for meter in device.meters
        },
    }


def differences(there: Inventory, new: Inventory) -> Differences:
    """Return what *new* adds to *there*, changes in it and leaves; nothing is ever taken away."""
    old, wanted = by_name(there), by_name(new)
    added: dict[str, list[tuple[str, Any]]] = {kind: [] for kind in KINDS}
    changed: dict[str, list[Difference]] = {kind: [] for kind in KINDS}
    unchanged: dict[str, list[str]] = {kind: [] for kind in KINDS}
    for kind in KINDS:
        for name, after in wanted[kind].items():
            before = old[kind].get(name)
            if before is None:
                added[kind].append((name, after))
            elif before == after:
                unchanged[kind].append(name)
            else:
                lines = tuple(_lines(_plain(kind, before), _plain(kind, after)))
                changed[kind].append(
                    Difference(kind=kind, name=name, before=before, after=after, lines=lines)
                )
    return Differences(added=added, changed=changed, unchanged=unchanged)


def _plain(kind: str, thing: Any) -> Any:  # noqa: ANN401 - any of the things
    return thing[1] if kind == "meter" else thing


def _lines(before: Any, after: Any, under: str = "") -> Iterator[str]:  # noqa: ANN401
    for one in fields(before):
        old, new = getattr(before, one.name), getattr(after, one.name)
        name = f"{under}{one.name}"
        if old == new or not one.compare:
            continue
        if is_dataclass(old) and is_dataclass(new):
            yield from _lines(old, new, f"{name}.")
        elif isinstance(old, Secret) or isinstance(new, Secret):
            yield f"{name} *** -> ***"
        else:
            yield f"{name} {_word(old)} -> {_word(new)}"


def _word(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={value[key]}" for key in sorted(value)) or "nothing"
    if isinstance(value, tuple):
        return ", ".join(str(one) for one in value) or "nothing"
    return "set" if is_dataclass(value) else str(value)


def dangling(there: Inventory, new: Inventory) -> list[str]:
    """Return, a line each, what *new* refers to that is neither in it nor there already."""
    names = {
        kind: set(by_name(there)[kind]) | set(by_name(new)[kind])
        for kind in ("product", "sector", "subscriber")
    }
    return [
        f"{what}: {key}: there is no {kind} {wanted!r}"
        for what, key, kind, wanted in _references(new)
        if wanted is not None and wanted not in names[kind]
    ]


def _references(inventory: Inventory) -> Iterator[tuple[str, str, str, str | None]]:
    for product in inventory.products:
        yield f"product {product.id}", "upgrade_to", "product", product.upgrade_to
        yield f"product {product.id}", "replaced_by", "product", product.replaced_by
    for subscriber in inventory.subscribers:
        yield f"subscriber {subscriber.id}", "product", "product", subscriber.product
        yield f"subscriber {subscriber.id}", "sector", "sector", subscriber.sector
    for device in inventory.devices:
        for meter in device.meters:
            what = f"device {device.id}: meter {meter.id}"
            yield what, "subscriber", "subscriber", meter.subscriber


def twice(inventory: Inventory) -> list[str]:
    """Return, a line each, the ids that *inventory* gives more than once."""
    several: list[tuple[str, Iterable[str]]] = [
        ("product", (thing.id for thing in inventory.products)),
        ("sector", (thing.id for thing in inventory.sectors)),
        ("subscriber", (thing.id for thing in inventory.subscribers)),
        ("device", (thing.id for thing in inventory.devices)),
        ("meter", (f"{one.id}/{meter.id}" for one in inventory.devices for meter in one.meters)),
    ]
    problems = []
    for kind, ids in several:
        met: set[str] = set()
        for name in ids:
            if name in met:
                problems.append(f"{kind} {name}: given more than once")
            met.add(name)
    return problems


def counted_by_several(known: Inventory, new: Inventory) -> list[str]:
    """Return, a line each, who is counted on several devices because of *new* (UC-9)."""
    before, after = _mains(known), _mains(known, new)
    found = [
        f"subscriber {who}: counted on {' and '.join(sorted(on))}, all of it added up; if they "
        'see the same bytes, give the meters of all but one "role": "backup" (UC-9)'
        for who, on in sorted(after.items())
        if len(on) > 1 and on != before.get(who)
    ]
    more = len(found) - _SHOWN
    return found if more <= 0 else [*found[:_SHOWN], f"and {more} more who are counted on several"]


def _mains(*inventories: Inventory) -> dict[SubscriberId, set[DeviceId]]:
    """Return on which devices each subscriber has main meters, as the last inventory says."""
    meters = {
        (device.id, meter.id): meter
        for inventory in inventories
        for device in inventory.devices
        for meter in device.meters
    }
    on: dict[SubscriberId, set[DeviceId]] = defaultdict(set)
    for (device, _), meter in meters.items():
        if meter.role is Role.MAIN:
            on[meter.subscriber].add(device)
    return on
