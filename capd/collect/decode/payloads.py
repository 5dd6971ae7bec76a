"""Pure: what devices publish over MQTT becomes readings, or a refusal with its reason.

collectd's plain format (`EPOCH.mmm:RX:TX`, up to 5.12 with a NUL at the end) and mapped JSON. A
counter never goes through float: it would lose bytes above 2^53.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

import orjson

from capd.collect.decode import Refused, counter
from capd.profiles import JsonMap, MqttCollect
from capd.units import moment

_AHEAD = timedelta(seconds=60)  # CN-16
_HORIZON = timedelta(days=7)  # no broker keeps a session longer than that for capd
_WHOLE = re.compile(rb"[0-9]{1,20}")
_NUMBER = re.compile(rb"-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|-?nan|-?inf|U")
_DIGITS = re.compile(r"[0-9]{1,20}")
_ROUTEROS = re.compile(
    r"(?:([0-9]+)w)?(?:([0-9]+)d)?(?:([0-9]{1,3}):([0-9]{2}):([0-9]{2}))?", re.ASCII
)
RATES = (
    "publishes rates, not counters: put `StoreRates false` in the Publish block of collectd's "
    "mqtt plugin"
)


class Pair(NamedTuple):
    """The two counters of an interface, as the device sees them, and when it says so."""

    rx: int
    tx: int
    at: datetime | None  # None: the device does not say


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """What a JSON message says of the whole device."""

    tree: object
    at: datetime | None
    uptime_s: float | None
    serial: str | None


@dataclass(frozen=True, slots=True)
class Proof:
    """What a collectd topic has shown: counters, or rates that pose as counters.

    A rate of zero looks like a counter of zero, so nothing is believed of a topic before it has
    shown a whole number above zero; one that has shown a rate is believed again only after
    `_ENOUGH` whole pairs in a row, above zero and never falling.
    """

    trusted: bool = False
    rates: bool = False
    row: int = 0
    last: tuple[int, int] = (0, 0)


_ENOUGH = 5


def octets(payload: bytes, bits: int) -> Pair | Refused:
    """Return the counters in collectd's `interface-…/if_octets`."""
    parts = payload.rstrip(b"\0\r\n ").split(b":")
    if len(parts) != 3 or not all(_NUMBER.fullmatch(p) for p in parts[1:]):  # noqa: PLR2004
        return Refused(reason="undecodable", text="is not collectd's TIME:RX:TX")
    at = _epoch(parts[0])
    if isinstance(at, Refused):
        return at
    if not all(_WHOLE.fullmatch(part) for part in parts[1:]):
        return Refused(reason="rate_not_counter", text=RATES)
    rx, tx = (counter(int(part), bits, 1, "a counter") for part in parts[1:])
    if isinstance(rx, Refused):
        return rx
    return tx if isinstance(tx, Refused) else Pair(rx, tx, at)


def uptime(payload: bytes) -> tuple[float, datetime | None] | Refused:
    """Return the seconds since the box booted in collectd's `uptime/uptime`, and when."""
    parts = payload.rstrip(b"\0\r\n ").split(b":")
    if len(parts) != 2 or not _NUMBER.fullmatch(parts[1]):  # noqa: PLR2004
        return Refused(reason="undecodable", text="is not collectd's TIME:UPTIME")
    at = _epoch(parts[0])
    if isinstance(at, Refused):
        return at
    since_s = float(parts[1]) if parts[1] != b"U" else float("nan")
    if not 0 <= since_s < 2**40:
        return Refused(reason="undecodable", text="is not an uptime")
    return since_s, at


def _epoch(text: bytes) -> datetime | Refused | None:
    """Return the moment of *text*, seconds since 1970; None for collectd's N (now)."""
    if text == b"N":
        return None
    try:
        return moment(int(Decimal(text.decode()) * 1_000_000))
    except (InvalidOperation, ValueError, OverflowError):
        return Refused(reason="undecodable", text="has no time in front")


def proven(before: Proof, found: Pair | Refused) -> tuple[Proof, Refused | None]:
    """Return what a topic has shown with *found* too, and why it is not believed, if it is not."""
    if isinstance(found, Refused):
        rate = found.reason == "rate_not_counter"
        return (Proof(rates=True) if rate else before), found
    pair = (found.rx, found.tx)
    if before.rates:
        steady = any(pair) and pair[0] >= before.last[0] and pair[1] >= before.last[1]
        row = before.row + 1 if steady else 0
        if row < _ENOUGH:
            after = Proof(rates=True, row=row, last=pair)
            return after, Refused(reason="rate_not_counter", text=RATES)
    if not before.trusted and not any(pair):
        text = "shows nothing but zeros so far: a counter, or a rate?"
        return before, Refused(reason="unproven_zero", text=text)
    return Proof(trusted=True, last=pair), None


def document(payload: bytes, mapping: JsonMap) -> Payload | Refused:
    """Return the JSON *payload*, with what it says of the whole device."""
    try:
        tree = orjson.loads(payload.rstrip(b"\0"))
    except orjson.JSONDecodeError as exc:
        return Refused(reason="undecodable", text=f"is not JSON: {exc}")
    since_s = _uptime(_at_path(tree, mapping.uptime_s))
    if isinstance(since_s, Refused):
        return since_s
    at = _moment(_at_path(tree, mapping.at))
    if isinstance(at, Refused):
        return at
    serial = _at_path(tree, mapping.serial)
    named = serial if isinstance(serial, str | int) and not isinstance(serial, bool) else None
    return Payload(
        tree=tree, at=at, uptime_s=since_s, serial=None if named in (None, "") else str(named)
    )


def pair_in(said: Payload, mqtt: MqttCollect, if_name: str | None) -> Pair | Refused:
    """Return the counters of *if_name* in a JSON message."""
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
            return count
        found.append(count)
    return Pair(found[0], found[1], said.at)


def when(said: datetime | None, arrived: datetime) -> tuple[datetime, bool]:
    """Return the moment to believe, and whether the device's was not believed (CN-16)."""
    if said is None:
        return arrived, False
    if arrived - _HORIZON <= said <= arrived + _AHEAD:
        return said, False
    return arrived, True


def _at_path(tree: object, path: str | None, if_name: str | None = None) -> object:
    """Return what is at *path* (keys between slashes), None if nothing is."""
    if path is None:
        return None
    for key in path.split("/"):
        name = key.replace("{ifName}", if_name or "")
        if isinstance(tree, Mapping):
            tree = tree.get(name)
        elif isinstance(tree, Sequence) and not isinstance(tree, str) and name.isdecimal():
            tree = tree[int(name)] if int(name) < len(tree) else None
        else:
            return None
    return tree


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


def _moment(value: object) -> datetime | Refused | None:
    """Return the moment: seconds since 1970, or RFC 3339 with its zone."""
    refused = Refused(reason="undecodable", text=f"has a time that is none: {value!r:.40}")
    if value is None:
        return None
    if isinstance(value, str):
        try:
            at = datetime.fromisoformat(value)
        except ValueError:
            return refused
        return at.astimezone(UTC) if at.tzinfo is not None else refused
    if isinstance(value, bool) or not isinstance(value, int | float):
        return refused
    try:
        return moment(int(value * 1_000_000))
    except (ValueError, OverflowError):
        return refused
