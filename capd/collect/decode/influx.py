"""Pure: InfluxDB line protocol, as Telegraf writes it: lines become metrics.

`measurement[,tag=value…] field=value[,field=value…] [nanoseconds]`; a comma, an equals sign or a
space in a name is escaped by a backslash, a string is in double quotes.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from capd.collect.decode import Refused
from capd.collect.decode.payloads import moment_in

_WORD = r"(?:\\.|[^,= \\\r\n])+"
_VALUE = r'(?:"(?:\\.|[^"\\])*"|[^", \r\n]+)'
_FIELD = rf"{_WORD}={_VALUE}"
_LINE = re.compile(
    rf"((?:\\.|[^, \\\r\n])+)((?:,{_WORD}={_WORD})*) +({_FIELD}(?:,{_FIELD})*)"
    r"(?: +(-?[0-9]{1,20}))? *(?:\r?\n|\Z)"
)
_BLANK = re.compile(r"(?:[ \r\t]*(?:#[^\n]*)?\n|[ \r\t]*(?:#[^\n]*)?\Z)")
_TAGS = re.compile(rf",({_WORD})=({_WORD})")
_FIELDS = re.compile(rf"({_WORD})=({_VALUE})")
_ESCAPED = re.compile(r"\\([,= ])")
_QUOTED = re.compile(r'\\(["\\])')
_WHOLE = re.compile(r"-?[0-9]{1,20}[iu]")


class Metric(NamedTuple):
    """One measurement of one thing at one moment; a whole number is int, a decimal is float."""

    name: str
    tags: Mapping[str, str]
    fields: Mapping[str, object]
    at: datetime | None


def metrics(payload: bytes) -> list[Metric] | Refused:
    """Return the metrics in *payload*, or why it is not line protocol."""
    try:
        text = payload.rstrip(b"\0").decode()
    except UnicodeDecodeError:
        return Refused(reason="undecodable", text="is neither JSON nor line protocol")
    found: list[Metric] = []
    place = 0
    while place < len(text):
        blank = _BLANK.match(text, place)
        if blank is not None:
            place = max(blank.end(), place + 1)
            continue
        line = _LINE.match(text, place)
        one = None if line is None else _metric(line)
        if line is None or one is None:
            n = text.count("\n", 0, place) + 1
            return Refused(reason="undecodable", text=f"is not line protocol in line {n}")
        found.append(one)
        place = line.end()
    return found


def _metric(line: re.Match[str]) -> Metric | None:
    at = moment_in(int(line[4]), "ns") if line[4] else None
    if isinstance(at, Refused):
        return None
    return Metric(
        name=_plain(line[1]),
        tags={_plain(key): _plain(value) for key, value in _TAGS.findall(line[2])},
        fields={_plain(key): _value(value) for key, value in _FIELDS.findall(line[3])},
        at=at,
    )


def _plain(text: str) -> str:
    return _ESCAPED.sub(r"\1", text) if "\\" in text else text


def _value(text: str) -> object:
    if text.startswith('"'):
        return _QUOTED.sub(r"\1", text[1:-1])
    if _WHOLE.fullmatch(text):
        return int(text[:-1])
    try:
        return float(text)
    except ValueError:
        return {"t": True, "true": True, "f": False, "false": False}.get(text.lower(), text)
