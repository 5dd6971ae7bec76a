"""An inventory goes into the store: all of it or nothing, and twice is the same as once."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, or_, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from capd.errors import ConfigError
from capd.model import (
    DeviceId,
    Event,
    Inventory,
    Meter,
    SubscriberId,
)
from capd.store import inventory_rows, rows
from capd.store.assumed import assume
from capd.store.differences import (
    KINDS,
    Difference,
    Differences,
    counted_by_several,
    dangling,
    differences,
    twice,
)
from capd.store.new_terms import Notice, Present, settled
from capd.store.premises import taken
from capd.store.tables import (
    applied,
    devices,
    meter_states,
    meters,
    outbox,
    products,
    sectors,
    subscribers,
)

_TABLES = {
    "product": products,
    "sector": sectors,
    "subscriber": subscribers,
    "device": devices,
}
_ROWS: Mapping[str, Callable[[Any], dict[str, Any]]] = {
    "product": inventory_rows.product_row,
    "sector": inventory_rows.sector_row,
    "subscriber": inventory_rows.subscriber_row,
    "device": inventory_rows.device_row,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What an import adds, changes and leaves: ids by kind; and what changes, a line each.

    Kinds are "product", "sector", "subscriber", "device" and "meter" (named DEVICE/METER).
    """

    added: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    changed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unchanged: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    lines: tuple[str, ...] = ()  # "subscriber S-1: product home-100 -> home-300"
    warnings: tuple[str, ...] = ()  # what waits for a notice, what stays though the file is silent

    def __bool__(self) -> bool:
        return any(self.added.values()) or any(self.changed.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What an import would do to what is there."""

    found: Differences
    events: tuple[Event, ...] = ()  # what those are told who have a product that changes (CT-6)
    notes: tuple[str, ...] = ()


def plan(there: Present, new: Inventory, notice: Notice, at: datetime) -> Plan:
    """Return what *new* would do to *there* at *at*; ConfigError with every mistake at once.

    The addresses of those whose contract is over are free (CT-13).
    """
    known, made = there.inventory, settled(there, new, notice, at)
    problems = [*twice(new), *dangling(known, new), *taken(known, made.inventory, there.ended)]
    problems += made.problems
    if problems:
        raise ConfigError(*problems)
    return Plan(
        found=differences(known, made.inventory),
        events=tuple(made.events),
        notes=(*made.notes, *counted_by_several(known, new)),
    )


def changes_of(planned: Plan) -> Changes:
    """Return what is *planned* as it is told to a person."""
    found = planned.found
    return Changes(
        warnings=planned.notes,
        added={kind: tuple(name for name, _ in found.added[kind]) for kind in KINDS},
        changed={kind: tuple(one.name for one in found.changed[kind]) for kind in KINDS},
        unchanged={kind: tuple(found.unchanged[kind]) for kind in KINDS},
        lines=tuple(
            f"{one.kind} {one.name}: {line}"
            for kind in KINDS
            for one in found.changed[kind]
            for line in one.lines
        ),
    )


async def save(
    conn: AsyncConnection,
    there: Inventory,
    found: Differences,
    enforcing: Collection[DeviceId],
    at: datetime,
) -> None:
    """Write *found* differences, and what follows from them for the meters and the service book."""
    for kind, make in _ROWS.items():
        added = [make(thing) for _, thing in found.added[kind]]
        changed = [make(_after(one, at)) for one in found.changed[kind]]
        await inventory_rows.write(conn, _TABLES[kind], added, changed)
    await _save_meters(conn, there, found)
    await _redirect(conn, found.changed["subscriber"])
    await _forget_other_boxes(conn, found.changed["device"])
    await _forget_other_counters(conn, found.changed["meter"])
    await assume(conn, enforcing)


async def _redirect(conn: AsyncConnection, changed: Iterable[Difference]) -> None:
    """Send what is on its way to the address that is on file now, or to none (UC-7)."""
    for one in changed:
        if one.before.email != one.after.email:
            mails = and_(outbox.c.channel == "email", outbox.c.state == "open")
            mine = update(outbox).where(outbox.c.subscriber == one.name, mails)
            await conn.execute(mine.values(recipient=one.after.email))


def _after(one: Difference, at: datetime) -> Any:  # noqa: ANN401 - any of the things
    """Return what *one* is from *at* on; a subscriber keeps which cycle day held before."""
    if one.kind != "subscriber":
        return one.after
    cycle = one.before.cycle.changed(one.after.cycle_day, at)
    return replace(one.after, earlier_days=cycle.earlier)


async def _save_meters(conn: AsyncConnection, there: Inventory, found: Differences) -> None:
    """Write meters in the order that they were first written in, whatever is added later."""
    places = {
        (device.id, meter.id): place
        for device in there.devices
        for place, meter in enumerate(device.meters)
    }
    used = Counter(device for device, _ in places)
    added = []
    for _, (device, meter) in found.added["meter"]:
        added.append(inventory_rows.meter_row(device, used[device], meter))
        used[device] += 1
    changed = [
        inventory_rows.meter_row(device, places[device, meter.id], meter)
        for device, meter in (one.after for one in found.changed["meter"])
    ]
    key = tuple_(meter_states.c.device, meter_states.c.meter)
    for chunk in rows.chunks([(row["device"], row["id"]) for row in added]):
        await conn.execute(delete(meter_states).where(key.in_(chunk)))  # one taken off once (CN-1)
    await inventory_rows.write(conn, meters, added, changed)


async def _forget_other_boxes(conn: AsyncConnection, changed: Iterable[Difference]) -> None:
    """Start afresh on devices that another box stands in for, unless it was read already (CN-1).

    What one has that is at another address now is not known: it may be another box.
    """
    for one in changed:
        if one.before.address != one.after.address:
            had = and_(applied.c.device == one.name, applied.c.state == "applied")
            await conn.execute(update(applied).where(had).values(state="unknown"))
        if one.before.serial is None or one.before.serial == one.after.serial:
            continue
        other: ColumnElement[bool] = meter_states.c.identity.is_(None)
        if one.after.serial is not None:
            other = or_(other, meter_states.c.identity != one.after.serial)
        await conn.execute(delete(meter_states).where(meter_states.c.device == one.name, other))
        had = and_(applied.c.device == one.name, applied.c.state == "applied")
        await conn.execute(update(applied).where(had).values(state="unknown"))


async def _forget_other_counters(conn: AsyncConnection, changed: Iterable[Difference]) -> None:
    """Start afresh on meters that read another pair of counters from now on (CN-1)."""
    for one in changed:
        (_, before), (device, after) = one.before, one.after
        if _counters(before) != _counters(after):
            mine = and_(meter_states.c.device == device, meter_states.c.meter == after.id)
            await conn.execute(delete(meter_states).where(mine))


def _counters(meter: Meter) -> tuple[object, ...]:
    return meter.if_name, meter.table, meter.row, meter.down


def events_of(planned: Plan, author: str, at: datetime) -> list[Event]:
    """Return what an import made different, for the audit trail; nothing where nothing did."""
    found = planned.found
    new = {kind: len(found.added[kind]) for kind in KINDS if found.added[kind]}
    changed = sum(len(found.changed[kind]) for kind in KINDS)
    if not new and not changed:
        return []
    events = [
        event for kind in KINDS for one in found.changed[kind] for event in _of(one, author, at)
    ]
    counts = ", ".join(f"{count} {kind}s" for kind, count in new.items()) or "nothing"
    text = f"Inventory imported: {counts} added, {changed} changed."
    figures = {f"added_{kind}s": count for kind, count in new.items()} | {"changed": changed}
    events += [replace(event, author=author) for event in planned.events]
    return [*events, Event(at=at, kind="imported", text=text, author=author, figures=figures)]


def _of(one: Difference, author: str, at: datetime) -> Iterator[Event]:
    lines = list(one.lines)
    if one.kind == "subscriber" and one.before.product != one.after.product:
        before, after = one.before.product, one.after.product
        lines.remove(f"product {before} -> {after}")
        yield Event(
            at=at,
            kind="plan_changed",
            text=f"Moved from {before} to {after} by an import of the inventory.",
            subscriber=SubscriberId(one.name),
            author=author,
            figures={"from": before, "to": after},
        )
    if lines:
        device = one.after[0] if one.kind == "meter" else one.name
        yield Event(
            at=at,
            kind="inventory_changed",
            text=f"{one.kind} {one.name}: {'; '.join(lines)}",
            subscriber=SubscriberId(one.name) if one.kind == "subscriber" else None,
            device=DeviceId(device) if one.kind in {"device", "meter"} else None,
            author=author,
            figures={"what": one.kind, "name": one.name},
        )
