"""init, import, export: from nothing to a network in the books, and out again."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import typer

from capd import config as configuration
from capd import inventory, policies
from capd.cli import starter
from capd.cli.books import author, open_store, opened, wait
from capd.cli.options import ConfigFile, Json
from capd.cli.output import as_json, line, problem
from capd.clock import utc_now
from capd.config import Config
from capd.errors import CannotBeDone, ConfigError, StoreError
from capd.model import Inventory
from capd.network import enforces
from capd.opening import profiles_of
from capd.review import everyone_turn
from capd.store import Changes
from capd.store.imports import changes_of, plan
from capd.store.new_terms import Notice, Present

_DRY = "would be "
_SHOWN = 3  # names a kind; --json has them all


def init(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="Where to write.")] = Path(),
    config: ConfigFile = None,  # noqa: ARG001 - every command takes -c
) -> None:
    """Write a commented capd.toml, a policy and a small inventory that pass `capd check`."""
    texts = {
        "capd.toml": starter.CONFIG,
        "policy.toml": policies.default_text(),
        "inventory.json": starter.inventory_text(),
    }
    present = [name for name in texts if (folder / name).exists()]
    if present:
        raise CannotBeDone(f"{folder}: has {', '.join(present)} already; nothing was written")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            with (folder / name).open("x", encoding="utf-8") as file:
                (folder / name).chmod(0o600)  # passwords will be written there
                file.write(text)
            line(f"wrote {folder / name}")
    except OSError as exc:
        raise CannotBeDone(f"{folder}: cannot write there: {exc.strerror or exc}") from None
    there = "" if folder == Path() else f"in {folder} "
    line(f"Next, {there}edit them; `capd check`; `capd import inventory.json`; `capd run`.")
    line("It starts paused: nothing is pushed to a device until you say so.")


def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="JSON, TOML, CSV, or a folder.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would change; change nothing.")
    ] = False,
    json: Json = False,
    config: ConfigFile = None,
) -> None:
    """Read products, sectors, subscribers and devices in: all of them, or nothing."""
    wait(_import(file, config, dry_run=dry_run, json=json))


async def _import(file: Path, path: Path | None, *, dry_run: bool, json: bool) -> None:
    settings = configuration.load(path)
    there = await _present(settings, dry_run=dry_run)
    known = None if there is None else there.inventory
    told = inventory.read(file, known=known, profiles=profiles_of(settings))
    changes = _compared(there or Present(), told, settings, source=file)
    if not dry_run:
        changes = await bring_in(path, told)
    show_changes(changes, dry_run=dry_run, json=json)


async def bring_in(path: Path | None, told: Inventory) -> Changes:
    """Write *told* down and judge everybody; ConfigError with every mistake in it."""
    async with opened(path, create=True) as books:
        known = profiles_of(books.config)
        devices = [*(await books.store.people.devices()).values(), *told.devices]
        changes = await books.store.people.apply(
            told,
            dry_run=False,
            author=author(),
            at=utc_now(),
            enforcing={device.id for device in devices if enforces(device, known)},
            notice=books.house.notice,
        )
        if changes:
            await everyone_turn(books.house, now=utc_now())
    return changes


def _compared(there: Present, told: Inventory, settings: Config, *, source: Path) -> Changes:
    """Return what *told* would change; ConfigError with all that points nowhere or does not fit."""
    problems = [*inventory.check(told, profiles_of(settings))]
    changes = Changes()
    try:
        changes = changes_of(plan(there, told, _notice(settings), utc_now()))
    except ConfigError as exc:
        problems.extend(exc.problems)
    if problems:
        raise ConfigError(*(f"{source}: {problem}" for problem in problems))
    return changes


def _notice(settings: Config) -> Notice:
    operator = settings.operator
    book = policies.book(map(Path, settings.decide.policies))
    return Notice(book=book, zone=operator.zone, currency=operator.currency)


async def _present(settings: Config, *, dry_run: bool) -> Present | None:
    """Return what is in the store.

    None where there is no store yet, or one of an older schema.

    An import brings the schema up to date, after it has found no mistake in the file.
    """
    try:
        async with open_store(settings) as store:
            return await store.people.present()
    except CannotBeDone:
        return None
    except StoreError:
        if dry_run:
            raise
        return None


def show_changes(changes: Changes, *, dry_run: bool, json: bool) -> None:
    """Show what was changed, or would be; what to beware of goes to standard error."""
    for each in changes.warnings:
        problem(each)
    if json:
        as_json(_changes_record(changes, dry_run=dry_run))
    else:
        _say_changes(changes, dry_run=dry_run)


def _say_changes(changes: Changes, *, dry_run: bool) -> None:
    """Say what an import did, or would do."""
    would = _DRY if dry_run else ""
    for verb, by_kind in (
        ("added", changes.added), ("changed", changes.changed), ("unchanged", changes.unchanged),
    ):  # fmt: skip
        if any(by_kind.values()):
            line(f"{would}{verb}: {_counts(by_kind)}")
    for change in changes.lines:
        line(f"  {change}")
    if not changes:
        line("nothing to change")
    elif dry_run:
        line("dry run: nothing was changed")


def _counts(by_kind: Mapping[str, tuple[str, ...]]) -> str:
    return ", ".join(_count(kind, names) for kind, names in by_kind.items() if names)


def _count(kind: str, names: tuple[str, ...]) -> str:
    shown = ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
    return f"{len(names)} {kind}{'s' * (len(names) != 1)} ({shown})"


def _changes_record(changes: Changes, *, dry_run: bool) -> dict[str, object]:
    """Return what an import did, as JSON wants it."""
    return {
        "dry_run": dry_run,
        "added": {kind: list(names) for kind, names in changes.added.items() if names},
        "changed": {kind: list(names) for kind, names in changes.changed.items() if names},
        "unchanged": {kind: list(names) for kind, names in changes.unchanged.items() if names},
        "lines": list(changes.lines),
        "warnings": list(changes.warnings),
    }


def export(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where to write.")],
    form: Annotated[
        Literal["json", "csv", "libreqos"],
        typer.Option("--format", help="libreqos: ShapedDevices.csv and network.json."),
    ] = "json",
    json: Json = False,
    config: ConfigFile = None,
) -> None:
    """Write the inventory out again; files that may hold passwords are for their owner only."""
    wait(_export(folder, form, config, json=json))


async def _export(folder: Path, form: str, path: Path | None, *, json: bool) -> None:
    settings = configuration.load(path)
    async with open_store(settings) as store:
        told = await store.people.inventory()
    written = inventory.write(told, form, folder)
    for note in inventory.unshaped(told) if form == "libreqos" else ():
        problem(note)
    if json:
        as_json({"files": [str(file) for file in written]})
    for file in written if not json else ():
        line(f"wrote {file}")
