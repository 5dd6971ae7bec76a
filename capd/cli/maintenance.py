"""Maintenance windows (NM-5): while one is open, nothing is pushed to its devices."""

from pathlib import Path
from typing import Annotated

import typer

from capd.cli.books import author, local_moment, opened, wait
from capd.cli.options import ConfigFile, Json, Note
from capd.cli.output import as_json, line, table
from capd.clock import utc_now
from capd.errors import CannotBeDone, ConfigError
from capd.model import DeviceId, SectorId
from capd.strict import did_you_mean
from capd.units import rfc3339

app = typer.Typer(help="When devices are worked on: nothing is pushed to them then.")

Moment = typer.Option(metavar="TIME", help="2026-03-01T22:00 (local) or with its zone.")


@app.command()
def add(
    note: Note,
    until: Annotated[str, typer.Option("--until", metavar="TIME", help="When it is over.")],
    start: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="TIME", help="When it begins; else now.", show_default=False
        ),
    ] = None,
    *,
    device: Annotated[
        str | None,
        typer.Option("--device", metavar="ID", help="Of one device.", show_default=False),
    ] = None,
    sector: Annotated[
        str | None,
        typer.Option("--sector", metavar="ID", help="Of a sector's lines.", show_default=False),
    ] = None,
    json: Json = False,
    config: ConfigFile = None,
) -> None:
    """Plan a window; orders wait until it is over, and readings go on."""
    wait(_add(config, device, sector, (start, until), note, json=json))


@app.command("list")
def list_(json: Json = False, config: ConfigFile = None) -> None:
    """List the windows that are open or planned."""
    wait(_list(config, json=json))


@app.command()
def end(
    window: Annotated[int, typer.Argument(metavar="NUMBER", help="As `list` shows it.")],
    note: Note,
    json: Json = False,
    config: ConfigFile = None,
) -> None:
    """End a window now, or take back one that has not begun."""
    wait(_end(config, window, note, json=json))


async def _add(
    path: Path | None,
    device: str | None,
    sector: str | None,
    span: tuple[str | None, str],
    note: str,
    *,
    json: bool,
) -> None:
    if (device is None) == (sector is None):
        raise ConfigError("capd maintenance add: give either --device ID or --sector ID")
    now = utc_now()
    async with opened(path, change=True) as books:
        begins = now if span[0] is None else local_moment(span[0], books.config, option="--from")
        ends = local_moment(span[1], books.config)
        if ends <= max(begins, now):
            raise ConfigError("--until: must be after the window begins, and not be over yet")
        inventory = await books.store.people.inventory()
        known = [x.id for x in (inventory.sectors if device is None else inventory.devices)]
        named = device or sector or ""
        if named not in known:
            kind = "sector" if device is None else "device"
            raise CannotBeDone(f"there is no {kind} {named!r}.{did_you_mean(named, known)}")
        window = await books.store.maintenance.add(
            device=None if device is None else DeviceId(device),
            sector=None if sector is None else SectorId(sector),
            start=begins, end=ends, note=note, author=author(), at=now,
        )  # fmt: skip
    if json:
        as_json(window.record())
    else:
        line(f"{window.id}: {window.place}, {rfc3339(window.start)} to {rfc3339(window.end)}")


async def _list(path: Path | None, *, json: bool) -> None:
    now = utc_now()
    async with opened(path) as books:
        windows = await books.store.maintenance.windows(now)
    if json:
        as_json([window.record() | {"open": window.start <= now} for window in windows])
        return
    table(
        ("number", "of", "from", "until", "open", "note"),
        [
            (str(w.id), w.place, rfc3339(w.start), rfc3339(w.end),
             "yes" if w.start <= now else "no", w.note)
            for w in windows
        ],
        empty="No maintenance is planned.",
    )  # fmt: skip


async def _end(path: Path | None, number: int, note: str, *, json: bool) -> None:
    async with opened(path, change=True) as books:
        window = await books.store.maintenance.end(number, note=note, author=author(), at=utc_now())
    if json:
        as_json(window.record())
    else:
        line(f"{window.id}: {window.place}: over")
