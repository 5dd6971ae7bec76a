"""The inventory as CSV: one file a kind, a nested key as a dotted column (`snmp.version`)."""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel

from capd.errors import ConfigError
from capd.inventory.access import MqttRow, SnmpRow, SshRow
from capd.inventory.schema import (
    DeviceRow,
    MeterRow,
    ProductRow,
    SectorRow,
    SubscriberRow,
)
from capd.strict import did_you_mean, parse, read_text

KINDS: Mapping[str, type[BaseModel]] = {
    "products": ProductRow,
    "sectors": SectorRow,
    "subscribers": SubscriberRow,
    "devices": DeviceRow,
    "meters": MeterRow,
}
_NESTED: Mapping[str, type[BaseModel]] = {"snmp": SnmpRow, "ssh": SshRow, "mqtt": MqttRow}
_EMPTY = '""'  # a cell that is an empty text; an empty cell says nothing
_KEPT = ("password", "community", "auth_key", "priv_key")  # blanks may belong to a secret


@dataclass(slots=True)
class Rows:
    """What was read of each kind, and which device each meter is on."""

    found: dict[str, list[BaseModel]] = field(default_factory=dict)
    meters: list[tuple[str, MeterRow]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    written: dict[str, list[tuple[str, Mapping[str, object]]]] = field(default_factory=dict)
    """Every row as it stands there, right or wrong, and where that is."""


def columns(kind: str) -> list[str]:
    """Return the columns of a kind's file, but for its settings."""
    names = ["device"] if kind == "meters" else []
    for name, info in KINDS[kind].model_fields.items():
        if name in _NESTED:
            names += [f"{name}.{inner}" for inner in _NESTED[name].model_fields]
        elif name not in ("meters", "settings"):
            names.append(info.alias or name)
    return names


def read_rows(paths: Sequence[Path]) -> Rows:
    """Return all rows of *paths*; every mistake is in `problems`."""
    rows = Rows()
    for path in paths:
        try:
            _read(path, rows)
        except ConfigError as exc:
            rows.problems.extend(exc.problems)
    return rows


def _read(path: Path, rows: Rows) -> None:
    text = read_text(path)
    first = text.partition("\n")[0]
    comma = max(",;\t", key=first.count)  # spreadsheets write what their locale says
    try:
        lines = list(csv.reader(io.StringIO(text), delimiter=comma, strict=True))
    except csv.Error as exc:
        raise ConfigError(f"{path}: is not CSV: {exc}") from None
    if not lines:
        raise ConfigError(f"{path}: is empty: the first line names the columns")
    head = [name.strip() for name in lines[0]]
    kind = _kind(path, head)
    rows.problems.extend(_head_problems(path, kind, head))
    for number, cells in enumerate(lines[1:], 2):
        if any(cell.strip() for cell in cells):
            _row(f"{path}: row {number}", kind, head, cells, rows)


def _kind(path: Path, head: Sequence[str]) -> str:
    """Return what the file lists, known by its name, else by its columns."""
    if path.stem.lower() in KINDS:
        return path.stem.lower()
    names = {name for name in head if not name.startswith("settings.")}
    for kind in ("meters", "devices", "subscribers", "products", "sectors"):
        needed = {k for k, info in KINDS[kind].model_fields.items() if info.is_required()}
        needed |= {"device"} if kind == "meters" else set()
        if needed <= names <= set(columns(kind)):
            return kind
    raise ConfigError(
        f"{path}: what it lists is not known by its columns;"
        f" call it {', '.join(f'{kind}.csv' for kind in KINDS)}"
    )


def _head_problems(path: Path, kind: str, head: Sequence[str]) -> Iterator[str]:
    known = columns(kind)
    for name in dict.fromkeys(head):
        if head.count(name) > 1:
            yield f"{path}: row 1: column {name!r} is there twice"
        settings = kind in ("devices", "meters") and name.startswith("settings.")
        if name not in known and not settings:
            guess = did_you_mean(name, known)
            yield f"{path}: row 1: unknown column {name!r}.{guess}".removesuffix(".")


def _row(where: str, kind: str, head: Sequence[str], cells: Sequence[str], rows: Rows) -> None:
    if len(cells) > len(head):
        rows.problems.append(f"{where}: has {len(cells)} cells under {len(head)} columns")
        return
    known = [*columns(kind), "settings."]
    told = {
        name: cell if name.rpartition(".")[2] in _KEPT else cell.strip()
        for name, cell in zip(head, cells, strict=False)
        if cell.strip() and name.startswith(tuple(known))
    }
    device = told.pop("device", None) if kind == "meters" else ""
    if device is None:
        rows.problems.append(f"{where}: device: is missing")
        return
    data = _nested(told)
    rows.written.setdefault(kind, []).append((where, data))
    try:
        row = parse(KINDS[kind], data, source=where, texts=True)
    except ConfigError as exc:
        rows.problems.extend(exc.problems)
        return
    if isinstance(row, MeterRow):
        rows.meters.append((device, row))
    else:
        rows.found.setdefault(kind, []).append(row)


def _nested(told: Mapping[str, str]) -> dict[str, object]:
    data: dict[str, object] = {}
    for name, cell in told.items():
        outer, _, inner = name.partition(".")
        value = "" if cell == _EMPTY else cell
        table = data.setdefault(outer, {}) if inner else data
        if isinstance(table, dict):
            table[inner or outer] = _typed(name, value)
    return data


def _typed(name: str, cell: str) -> object:
    """Return *cell* as what a JSON file would have; pydantic makes numbers of most by itself."""
    if name == "counter_bits" and cell.isascii() and cell.isdigit():
        return int(cell)
    if name != "linked":
        return cell
    if cell.startswith("["):
        try:
            return json.loads(cell)
        except ValueError:
            return [cell]
    return [each.strip() for each in cell.split(";")]


def write_rows(kind: str, written: Sequence[Mapping[str, object]]) -> str:
    """Return the CSV text of *written*, rows as the JSON file has them (meters: with `device`)."""
    flat = [dict(_flat(row)) for row in written]
    settings = sorted({name for row in flat for name in row if name.startswith("settings.")})
    text = io.StringIO()
    table = csv.DictWriter(text, [*columns(kind), *settings], lineterminator="\n")
    table.writeheader()
    table.writerows(flat)
    return text.getvalue()


def _flat(row: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    for name, value in row.items():
        if isinstance(value, Mapping):
            yield from ((f"{name}.{inner}", _cell(value[inner])) for inner in value)
        elif name != "meters":
            yield name, _cell(value)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        plain = not any(";" in each or each.startswith("[") for each in value)
        return ";".join(value) if plain else json.dumps(value)
    return str(value) or _EMPTY
