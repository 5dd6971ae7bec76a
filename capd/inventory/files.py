"""Inventory files: JSON, TOML, or CSV (one file a kind, or a folder of them)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from capd.errors import ConfigError
from capd.inventory import raw
from capd.inventory.agree import contradictions
from capd.inventory.schema import InventoryFile
from capd.inventory.tables import KINDS, Rows, read_rows
from capd.model import Device, Inventory, Meter
from capd.strict import did_you_mean, parse, read_json, read_toml

_ENDINGS = (".json", ".toml", ".csv")


def read(
    path: Path, *, known: Inventory | None = None, profiles: Collection[str] = ()
) -> Inventory:
    """Return what the file or folder *path* lists.

    *known* is what is in the store already: a meters.csv by itself hangs its meters there. With
    *known* or *profiles*, what a broken file refers to is looked for there as well.
    Raises ConfigError with every mistake, each with its file, key and a guess.
    """
    if path.is_dir():
        return _read_folder(path, known, profiles)
    if path.suffix.lower() == ".csv":
        return _read_tables([path], known, profiles, source=str(path))
    if path.suffix.lower() == ".toml":
        return _whole(read_toml(path), str(path), known, profiles)
    if path.suffix.lower() == ".json":
        return _whole(read_json(path), str(path), known, profiles)
    raise ConfigError(f"{path}: what is in it is told by its ending: {', '.join(_ENDINGS)}")


def _read_folder(folder: Path, known: Inventory | None, profiles: Collection[str]) -> Inventory:
    tables = [folder / f"{kind}.csv" for kind in KINDS if (folder / f"{kind}.csv").is_file()]
    whole = [
        folder / f"inventory{ending}"
        for ending in (".json", ".toml")
        if (folder / f"inventory{ending}").is_file()
    ]
    if len(whole) + bool(tables) > 1:
        names = ", ".join(path.name for path in [*whole, *tables])
        raise ConfigError(f"{folder}: has {names}: name the one to read")
    if whole:
        return read(whole[0], known=known, profiles=profiles)
    if not tables:
        wanted = ", ".join(f"{kind}.csv" for kind in KINDS)
        raise ConfigError(f"{folder}: has no inventory: no inventory.json, none of {wanted}")
    return _read_tables(tables, known, profiles, source=str(folder))


def _whole(
    data: object, source: str, known: Inventory | None, profiles: Collection[str]
) -> Inventory:
    try:
        inventory = parse(InventoryFile, data, source=source).inventory()
    except ConfigError as exc:
        more = raw.mistakes(data, known, profiles)
        raise ConfigError(*exc.problems, *(f"{source}: {one}" for one in more)) from None
    _refuse_contradictions(inventory, source)
    return inventory


def _refuse_contradictions(inventory: Inventory, source: str) -> None:
    problems = contradictions(inventory)
    if problems:
        raise ConfigError(*(f"{source}: {problem}" for problem in problems))


def _read_tables(
    paths: Sequence[Path], known: Inventory | None, profiles: Collection[str], *, source: str
) -> Inventory:
    rows = read_rows(paths)
    whole = InventoryFile.model_construct(
        **{kind: tuple(found) for kind, found in rows.found.items()}  # type: ignore[arg-type]
    )
    inventory = whole.inventory()
    devices, strays = _hang(inventory.devices, rows, known, bare=_lists_no_meters(paths))
    problems = [*rows.problems, *(f"{source}: {stray}" for stray in strays)]
    inventory = replace(inventory, devices=devices)
    problems += [f"{source}: {problem}" for problem in contradictions(inventory)]
    if rows.problems and (known is not None or len(paths) > 1):  # else they may stand elsewhere
        problems += _lost(rows, known, profiles)
    if problems:
        raise ConfigError(*problems)
    return inventory


def _lost(rows: Rows, known: Inventory | None, profiles: Collection[str]) -> list[str]:
    """Return which rows lead to nowhere, where others do not even read."""
    data = {kind: [row for _, row in found] for kind, found in rows.written.items()}
    places = {
        f"{kind}[{number}]": where
        for kind, found in rows.written.items()
        for number, (where, _) in enumerate(found)
    }
    told = []
    for line in raw.lost(data, known, profiles):
        at, _, words = line.partition(".")
        told.append(f"{places[at]}: {words}")
    return told


def _lists_no_meters(paths: Sequence[Path]) -> bool:
    return not any(path.stem.lower() == "meters" for path in paths)


def _hang(
    devices: Sequence[Device], rows: Rows, known: Inventory | None, *, bare: bool
) -> tuple[tuple[Device, ...], list[str]]:
    """Return *devices* with their meters, and the meters that have no device."""
    before: Mapping[str, Device] = {each.id: each for each in known.devices} if known else {}
    meters: dict[str, list[Meter]] = {}
    for device, row in rows.meters:
        meters.setdefault(device, []).append(row.meter())
    listed = {each.id: each for each in devices}
    strays = [
        f"meter {meters[name][0].id}: no device {name!r}.{did_you_mean(name, [*listed, *before])}"
        for name in meters
        if name not in listed and name not in before
    ]
    hung = [
        replace(
            each,
            meters=tuple(
                meters.get(each.id, before[each.id].meters if bare and each.id in before else ())
            ),
        )
        for each in devices
    ]
    hung += [
        replace(before[name], meters=_merged(before[name].meters, meters[name]))
        for name in meters
        if name not in listed and name in before
    ]
    return tuple(hung), [stray.removesuffix(".") for stray in strays]


def _merged(old: Sequence[Meter], new: Sequence[Meter]) -> tuple[Meter, ...]:
    told: dict[str, Any] = {meter.id: meter for meter in old}
    if len({meter.id for meter in new}) < len(new):
        return tuple(new)  # the same id twice: told as a mistake
    return tuple({**told, **{meter.id: meter for meter in new}}.values())
