"""Pure: what a device answers over SNMP, as readings and as figures of its health."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from capd.collect.decode import Decoded, Refused, counter
from capd.collect.decode.plans import Get, Plan
from capd.collect.decode.rows import (
    DEAD,
    Row,
    Value,
    Varbinds,
    mac_of,
    mac_text,
    name_of,
    text_of,
)
from capd.model import DeviceId, Reading
from capd.polled import TEXTS

_SURE: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Box:
    """What the first GET of a poll says of the whole device."""

    at: datetime
    uptime_s: float | None
    agent_uptime_s: float | None
    serial: str | None
    health: Mapping[str, float | str]


def box(asked: Plan, answer: Varbinds, at: datetime) -> Box:
    """Return what the first answers of a poll say of the device itself."""
    since: dict[str, float] = {}
    for uptime in asked.uptimes:
        ticks = answer.get(uptime.oid)
        if type(ticks) is int and ticks >= 0:
            since.setdefault(uptime.since, round(ticks * uptime.unit_s, 6))
    health: dict[str, float | str] = {}
    for fact in asked.facts:
        value = measured(fact.name, answer.get(fact.oid), fact.scale)
        if value is not None:
            health[fact.name] = value
    serial = health.get("serial")
    return Box(
        at, since.get("box"), since.get("agent"), None if serial is None else str(serial), health
    )


def measured(name: str, value: Value, scale: float) -> float | str | None:
    """Return a figure of health, or a text; None where the device says nothing of the kind.

    Some devices write their figures as text: "-74.0".
    """
    if name == "mac":
        mac = mac_of(value)
        return None if mac is None else mac_text(mac)
    if name in TEXTS or name in ("serial", "model"):
        return None if value is None else text_of(value) or None
    if isinstance(value, bytes):
        try:
            value = float(value.split()[0]) if value.split() else None
        except ValueError:
            return None
    if not isinstance(value, int | float) or value != value:  # noqa: PLR0124 - not a number
        return None
    return round(value * scale, 6)  # no more than what the scale makes of a binary fraction


def readings(asked: Plan, get: Get, answer: Varbinds, at: datetime, of: Box) -> Decoded:
    """Return what *answer* to *get*, come at *at*, says of its meters."""
    took, refused, doubtful = list[Reading](), list[Refused](), _SURE
    if at is not of.at:
        of = _later(of, at)
    for row in get.rows:
        if _is_elsewhere(row, answer):
            if not row.where.fixed:
                doubtful |= {row.key.table}  # the row is gone, or another has its index now
            if not row.quiet:
                text = f"{row.text} is no longer at {row.key_oid}"
                refused.append(Refused(reason="moved", text=text))
            continue
        if row.status_oid is not None and answer.get(row.status_oid) in DEAD:
            doubtful |= {row.key.table}
        one = _reading(asked.device, row, answer, of)
        if isinstance(one, Refused):
            refused.append(one)
        else:
            took.append(one)
    return Decoded(readings=tuple(took), refused=tuple(refused), doubtful=doubtful)


def _is_elsewhere(row: Row, answer: Varbinds) -> bool:
    if row.key_oid is None:  # its key is in its index: it is there or it is not
        return row.in_oids[0] not in answer and all(oid not in answer for oid in row.needed)
    name = answer.get(row.key_oid)
    if name == row.key.name:
        return False
    return (mac_of(name) if row.by_mac else name_of(name)) != row.key.name


def _later(of: Box, at: datetime) -> Box:
    """Return *of* as it was at the later moment *at* of the same poll."""
    s = (at - of.at).total_seconds()
    return replace(
        of,
        at=at,
        uptime_s=None if of.uptime_s is None else of.uptime_s + s,
        agent_uptime_s=None if of.agent_uptime_s is None else of.agent_uptime_s + s,
    )


def _reading(device: DeviceId, row: Row, answer: Varbinds, of: Box) -> Reading | Refused:
    into = _sum(row, row.in_oids, answer, "the counter of bytes in")
    if isinstance(into, Refused):
        return into
    out = _sum(row, row.out_oids, answer, "the counter of bytes out")
    if isinstance(out, Refused):
        return out
    mbps = answer.get(row.speed_oid) if row.speed_oid else None
    age_s = _age(row, answer)
    proven = age_s is not None and row.age is not None and row.age.proves
    return Reading(
        device=device,
        meter=row.meter,
        at=of.at,
        down_bytes=into if row.down_is_in else out,
        up_bytes=out if row.down_is_in else into,
        uptime_s=age_s if proven else of.uptime_s,
        agent_uptime_s=of.agent_uptime_s if proven or age_s is None else age_s,
        epoch=row.epoch,
        counter_bits=row.bits,
        link_bps=row.link_bps or _bps(mbps, row.speed_floor_mbps),
        identity=_identity(row, of),
    )


def _identity(row: Row, of: Box) -> str | None:
    """Return whose counter a row's is: its box's, and of a table that row's alone (CN-1).

    None where the box has a serial and did not say it this time: it is the same until it does.
    """
    if row.owner is None or (of.serial is None and row.has_serial):
        return of.serial
    return f"{of.serial} {row.owner}" if of.serial else row.owner


def _sum(row: Row, terms: Sequence[str], answer: Varbinds, what: str) -> int | Refused:
    """Return the sum of *terms*: of counters that wrap it is a counter that wraps alike (CN-17)."""
    if row.key_oid is None:
        what = f"{what} of {row.text}" if terms[0] not in answer else what
    if len(terms) == 1:
        return counter(answer.get(terms[0]), row.bits, row.unit_bytes, what)
    whole = 0
    for term in terms:
        count = counter(answer.get(term.lstrip("-")), row.bits, 1, what)
        if isinstance(count, Refused):
            return count
        whole += -count if term.startswith("-") else count
    return whole % (1 << row.bits) * row.unit_bytes


def _age(row: Row, answer: Varbinds) -> float | None:
    ticks = answer.get(row.age_oid) if row.age_oid else None
    if row.age is None or type(ticks) is not int or ticks < 0:
        return None
    return ticks * row.age.unit_s


def _bps(mbps: Value, floor: int) -> int | None:
    if isinstance(mbps, int) and mbps > 0 and mbps >= floor:
        return mbps * 1_000_000
    return None
