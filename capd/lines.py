"""Readings and facts as JSON lines: one form for replay files, captures and tests."""

from codecs import BOM_UTF8
from collections.abc import Mapping
from datetime import datetime

import orjson

from capd.model import DeviceId, Event, Fact, Reading, SubscriberId
from capd.units import moment_of, rfc3339

Line = Reading | Fact

_LARGEST = 2**64 - 1
_OWN = frozenset({"id", "at", "kind", "subscriber", "device"})  # of every event: no figure hides it
_READING_KEYS = frozenset(
    {
        "at",
        "device",
        "meter",
        "down_bytes",
        "up_bytes",
        "uptime_s",
        "agent_uptime_s",
        "epoch",
        "counter_bits",
        "link_bps",
        "identity",
        "retained",
    }
)


def line_of(text: bytes | str) -> Line:
    """Return the reading or fact that one line tells; ValueError says what is wrong with it."""
    text = text.encode() if isinstance(text, str) else text
    try:
        fields = orjson.loads(text.removeprefix(BOM_UTF8))  # some editors write one
    except orjson.JSONDecodeError as exc:
        raise ValueError(f"no JSON: {exc}") from None
    if not isinstance(fields, dict):
        raise ValueError('wants an object such as {"at": …, "device": …} on each line')  # noqa: TRY004
    at = _at(fields)
    if "fact" in fields:
        return _fact(fields, at)
    return _reading(fields, at)


def _at(fields: Mapping[str, object]) -> datetime:
    at = fields.get("at")
    if at is None:
        raise ValueError("at is missing: the moment of the reading or fact")
    if not isinstance(at, str):
        raise ValueError("at wants a time such as 2026-03-01T00:05:00Z")  # noqa: TRY004
    try:
        return moment_of(at)
    except ValueError as exc:
        raise ValueError(f"at {exc}") from None


def _reading(fields: Mapping[str, object], at: datetime) -> Reading:
    unknown = fields.keys() - _READING_KEYS
    if unknown:
        raise ValueError(f"unknown key {min(unknown)!r} in a reading")
    bits = fields.get("counter_bits")
    bits = 64 if bits is None else bits
    if isinstance(bits, bool) or bits not in (32, 64):
        raise ValueError(f"counter_bits wants 32 or 64, not {bits!r}")
    epoch = fields.get("epoch")
    return Reading(
        device=DeviceId(_text(fields, "device")),
        meter=_text(fields, "meter"),
        at=at,
        down_bytes=_count(fields, "down_bytes"),
        up_bytes=_count(fields, "up_bytes"),
        uptime_s=_seconds(fields, "uptime_s"),
        agent_uptime_s=_seconds(fields, "agent_uptime_s"),
        epoch=None if epoch is None else str(epoch),
        counter_bits=64 if bits == 64 else 32,  # noqa: PLR2004 - widths
        link_bps=_count(fields, "link_bps") if fields.get("link_bps") is not None else None,
        identity=_text(fields, "identity") if fields.get("identity") is not None else None,
        retained=bool(fields.get("retained", False)),
    )


def _text(fields: Mapping[str, object], key: str) -> str:
    value = fields.get(key)
    if not isinstance(value, str) or not value:
        raise ValueError(f"{key} is missing" if value is None else f"{key} wants a name")
    return value


def _count(fields: Mapping[str, object], key: str) -> int:
    """Return a counter as it is: never a rate, a fraction or a negative value (CN-17)."""
    value = fields.get(key)
    if value is None:
        raise ValueError(f"{key} is missing")
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _LARGEST:
        raise ValueError(f"{key} wants a whole number of 0 or more, not {value!r}")
    return value


def _seconds(fields: Mapping[str, object], key: str) -> float | None:
    value = fields.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise ValueError(f"{key} wants seconds, 0 or more, not {value!r}")
    return float(value)


def _fact(fields: Mapping[str, object], at: datetime) -> Fact:
    name = fields["fact"]
    subscriber = fields.get("subscriber")
    if not isinstance(name, str):
        raise ValueError('fact wants a name such as "topup"')  # noqa: TRY004
    if subscriber is not None and not isinstance(subscriber, str):
        raise ValueError("subscriber wants an id")
    details = {}
    for key, value in fields.items():
        if key in {"at", "fact", "subscriber", "author"} or value is None:
            continue
        if isinstance(value, list | dict):
            raise ValueError(f"{key} wants text or a number")  # noqa: TRY004
        details[key] = detail_text(value)
    return Fact(
        at=at,
        fact=name,
        subscriber=SubscriberId(subscriber) if subscriber is not None else None,
        details=details,
        author=str(fields.get("author", "file")),
    )


def detail_text(value: object) -> str:
    """Return a detail of a fact as its text: JSON's true and false are yes and no."""
    return ("no", "yes")[value] if isinstance(value, bool) else str(value)


def event_record(event: Event, *, id_: int | None = None) -> dict[str, object]:
    """Return *event* as a line of JSON wants it, with its *id_* where it has one."""
    record: dict[str, object] = {} if id_ is None else {"id": id_}
    record |= {"at": rfc3339(event.at), "kind": event.kind}
    if event.subscriber is not None:
        record["subscriber"] = event.subscriber
    if event.device is not None:
        record["device"] = event.device
    record |= {key: value for key, value in event.figures.items() if key not in _OWN}
    record["clause"] = event.clause
    record["text"] = event.text
    if id_ is not None:
        record["author"] = event.author
    return record
