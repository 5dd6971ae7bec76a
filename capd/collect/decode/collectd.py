"""Pure: collectd's mqtt plugin: `EPOCH.mmm:RX:TX`, up to 5.12 with a NUL at the end, or JSON.

`Format JSON` (after 5.12) has the same values in a list of objects, on the same topics.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

import orjson

from capd.collect.decode import Refused, counter
from capd.collect.decode.payloads import Pair, Sample, Told, moment_in
from capd.published import MqttCollect
from capd.units import moment

_WHOLE = re.compile(rb"[0-9]{1,20}")
_NUMBER = re.compile(rb"-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|-?nan|-?inf|U")
_EPOCH = re.compile(rb"[0-9]{1,11}(?:\.[0-9]{0,9})?")
_LONGEST_S = 2**40
RATES = (
    "publishes rates, not counters: put `StoreRates false` in the Publish block of collectd's "
    "mqtt plugin"
)
_NOT_OCTETS = Refused(reason="undecodable", text="is not collectd's TIME:RX:TX, nor its JSON")
_NOT_UPTIME = Refused(reason="undecodable", text="is not collectd's TIME:UPTIME, nor its JSON")


def read_octets(payload: bytes, mqtt: MqttCollect, _: Sequence[str | None] = ()) -> Told:
    """Return what a message to `interface-…/if_octets` says."""
    if not payload.startswith(b"["):
        return Told(samples=(Sample(None, octets(payload, mqtt.counter_bits)),))
    one = _values(payload, "if_octets", _NOT_OCTETS)
    if isinstance(one, Refused):
        return Told(refused=(one,))
    return Told(samples=(Sample(None, _json_octets(one, mqtt.counter_bits)),), names=_host(one))


def read_uptime(payload: bytes, _: MqttCollect, __: Sequence[str | None] = ()) -> Told:
    """Return what a message to `uptime/uptime` says."""
    names: tuple[str, ...] = ()
    if payload.startswith(b"["):
        one = _values(payload, "uptime", _NOT_UPTIME)
        if isinstance(one, Refused):
            return Told(refused=(one,))
        found, names = _json_uptime(one), _host(one)
    else:
        found = uptime(payload)
    if isinstance(found, Refused):
        return Told(refused=(found,))
    return Told(uptime=found, names=names)


def octets(payload: bytes, bits: int) -> Pair | Refused:
    """Return the counters of the plain format."""
    parts = payload.rstrip(b"\0\r\n ").split(b":")
    if len(parts) != 3 or not all(_NUMBER.fullmatch(p) for p in parts[1:]):  # noqa: PLR2004
        return _NOT_OCTETS
    at = _epoch(parts[0])
    if isinstance(at, Refused):
        return at
    if not all(_WHOLE.fullmatch(part) for part in parts[1:]):
        return Refused(reason="rate_not_counter", text=RATES)
    return _pair([int(part) for part in parts[1:]], bits, at)


def uptime(payload: bytes) -> tuple[float, datetime | None] | Refused:
    """Return the seconds since the box booted of the plain format, and when."""
    parts = payload.rstrip(b"\0\r\n ").split(b":")
    if len(parts) != 2 or not _NUMBER.fullmatch(parts[1]):  # noqa: PLR2004
        return _NOT_UPTIME
    at = _epoch(parts[0])
    if isinstance(at, Refused):
        return at
    since_s = float(parts[1]) if parts[1] != b"U" else float("nan")
    if not 0 <= since_s < _LONGEST_S:
        return Refused(reason="undecodable", text="is not an uptime")
    return since_s, at


def _pair(values: Sequence[int], bits: int, at: datetime | None) -> Pair | Refused:
    rx, tx = (counter(value, bits, 1, "a counter") for value in values)
    if isinstance(rx, Refused):
        return rx
    return tx if isinstance(tx, Refused) else Pair(rx, tx, at)


def _epoch(text: bytes) -> datetime | Refused | None:
    """Return the moment of *text*, seconds since 1970; None for collectd's N (now)."""
    if text == b"N":
        return None
    if not _EPOCH.fullmatch(text):
        return Refused(reason="undecodable", text="has no time in front")
    return moment(int(Decimal(text.decode()) * 1_000_000))


def _values(payload: bytes, kind: str, otherwise: Refused) -> Mapping[str, object] | Refused:
    """Return the object of the type *kind* in a list of them."""
    try:
        tree = orjson.loads(payload.rstrip(b"\0\r\n "))
    except orjson.JSONDecodeError:
        return otherwise
    for one in tree:
        if (
            isinstance(one, dict)
            and one.get("type") == kind
            and isinstance(one.get("values"), list)
        ):
            return one
    return otherwise


def _host(one: Mapping[str, object]) -> tuple[str, ...]:
    host = one.get("host")
    return (host,) if isinstance(host, str) else ()


def _json_octets(one: Mapping[str, object], bits: int) -> Pair | Refused:
    values, names = one["values"], one.get("dsnames")
    if not isinstance(values, list) or len(values) != 2:  # noqa: PLR2004
        return _NOT_OCTETS
    if names == ["tx", "rx"]:
        values = values[::-1]
    at = moment_in(one.get("time"))
    if isinstance(at, Refused):
        return at
    if not all(type(value) is int and value >= 0 for value in values):
        return Refused(reason="rate_not_counter", text=RATES)
    return _pair(values, bits, at)


def _json_uptime(one: Mapping[str, object]) -> tuple[float, datetime | None] | Refused:
    values, at = one["values"], moment_in(one.get("time"))
    value = values[0] if isinstance(values, list) and len(values) == 1 else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return _NOT_UPTIME
    if isinstance(at, Refused):
        return at
    return (float(value), at) if 0 <= value < _LONGEST_S else _NOT_UPTIME
