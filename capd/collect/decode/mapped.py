"""Pure: JSON of any layout, read by the map of its profile (scripts, NetJSON, TR-181 bulk data)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import orjson

from capd.collect.decode import Refused, counter
from capd.collect.decode.payloads import Pair, Sample, Told, moment_in
from capd.published import JsonMap, MqttCollect

_DIGITS = re.compile(r"[0-9]{1,20}")
_PICK = re.compile(r"\[([^=\]]+)=(.*)\]")
_ROUTEROS = re.compile(
    r"(?:([0-9]+)w)?(?:([0-9]+)d)?(?:([0-9]{1,3}):([0-9]{2}):([0-9]{2}))?", re.ASCII
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """One look at the device: what it says of the whole of it, and the tree with its counters."""

    tree: object
    at: datetime | None
    uptime_s: float | None
    serial: str | None


def read(payload: bytes, mqtt: MqttCollect, names: Sequence[str | None]) -> Told:
    """Return what a message says of the interfaces *names*, the oldest look first."""
    if mqtt.map is None:
        return Told(refused=(Refused(reason="undecodable", text="comes without a map"),))
    tree = tree_of(payload)
    if isinstance(tree, Refused):
        return Told(refused=(tree,))
    looks = [payload_of(each, mqtt) for each in _looks(tree, mqtt.map)]
    said = [look for look in looks if isinstance(look, Payload)]
    if all(look.at is not None for look in said):
        said.sort(key=_at)
    if not looks:
        return Told(refused=(Refused(reason="missing", text=f"{mqtt.map.samples} is missing"),))
    called = _at_path(tree, mqtt.map.name)
    return Told(
        samples=tuple(
            Sample(name, pair_in(look, mqtt, name), look.uptime_s, look.serial)
            for look in said
            for name in names
        ),
        names=(called,) if isinstance(called, str) and called else (),
        refused=tuple(look for look in looks if isinstance(look, Refused)),
    )


def tree_of(payload: bytes) -> object | Refused:
    """Return the JSON of *payload*."""
    try:
        tree: object = orjson.loads(payload.rstrip(b"\0"))
    except orjson.JSONDecodeError as exc:
        return Refused(reason="undecodable", text=f"is not JSON: {exc}")
    return tree


def _looks(tree: object, mapping: JsonMap) -> Sequence[object]:
    if mapping.samples is None:
        return (tree,)
    found = _at_path(tree, mapping.samples)
    return found if isinstance(found, list) else ()


def _at(look: Payload) -> float:
    return look.at.timestamp() if look.at is not None else 0.0


def payload_of(tree: object, mqtt: MqttCollect) -> Payload | Refused:
    """Return what *tree* says of the whole device."""
    mapping = mqtt.map
    if mapping is None:
        return Refused(reason="undecodable", text="comes without a map to read it by")
    since_s = _uptime(_at_path(tree, mapping.uptime_s))
    if isinstance(since_s, Refused):
        return since_s
    at = moment_in(_at_path(tree, mapping.at), mqtt.time_unit)
    if isinstance(at, Refused):
        return at
    serial = _at_path(tree, mapping.serial)
    named = serial if isinstance(serial, str | int) and not isinstance(serial, bool) else None
    return Payload(
        tree=tree, at=at, uptime_s=since_s, serial=None if named in (None, "") else str(named)
    )


def pair_in(said: Payload, mqtt: MqttCollect, if_name: str | None) -> Pair | Refused:
    """Return the counters of *if_name* in one look at a device."""
    if mqtt.map is None:
        return Refused(reason="undecodable", text="comes without a map to read it by")
    found: list[int] = []
    for path in (mqtt.map.rx_bytes, mqtt.map.tx_bytes):
        value = _at_path(said.tree, path, if_name)
        if isinstance(value, str) and _DIGITS.fullmatch(value):
            value = int(value)  # whole, so nothing is lost
        what = path.replace("{ifName}", if_name or "")
        count = counter(value, mqtt.counter_bits, mqtt.map.unit_bytes, what)
        if isinstance(count, Refused):
            return _with_cure(count)
        found.append(count)
    return Pair(found[0], found[1], said.at)


def _with_cure(refused: Refused) -> Refused:
    if refused.reason != "fractional":
        return refused
    cure = "publish the bytes counted since the start, not a rate and not rounded"
    return Refused(reason=refused.reason, text=f"{refused.text}: {cure}")


@lru_cache(maxsize=1024)
def _steps(path: str) -> tuple[str, ...]:
    """Return the steps of a path; one that begins with a slash is a pointer (RFC 6901)."""
    if not path.startswith("/"):
        return tuple(path.split("/"))
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in path[1:].split("/"))


def _at_path(tree: object, path: str | None, if_name: str | None = None) -> object:
    """Return what is at *path*, None if nothing is."""
    if path is None:
        return None
    for step in _steps(path):
        key = step.replace("{ifName}", if_name or "")
        if isinstance(tree, Mapping):
            tree = tree.get(key)
        elif isinstance(tree, list):
            tree = _element(tree, key)
        else:
            return None
    return tree


def _element(elements: Sequence[object], key: str) -> object:
    """Return the element number *key*, or the first one that `[name=value]` fits."""
    if key.isdecimal():
        return elements[int(key)] if int(key) < len(elements) else None
    pick = _PICK.fullmatch(key)
    if pick is None:
        return None
    fits = (e for e in elements if isinstance(e, Mapping) and str(e.get(pick[1])) == pick[2])
    return next(fits, None)


def _uptime(value: object) -> float | Refused | None:
    """Return seconds: a number, or RouterOS's 1w2d03:04:05."""
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 2**40:
        return float(value)
    match = _ROUTEROS.fullmatch(value) if isinstance(value, str) else None
    if match is not None and match[0]:
        weeks, days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
        return float((((weeks * 7 + days) * 24 + hours) * 60 + minutes) * 60 + seconds)
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        return float(value)
    return Refused(reason="undecodable", text=f"has an uptime that is no time: {value!r:.40}")
