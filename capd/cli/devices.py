"""`capd devices`: the devices of the inventory, what they say, and radios that are none of them."""

from pathlib import Path
from typing import Annotated

import typer

from capd.answers import network
from capd.cli.books import opened, wait
from capd.cli.options import ConfigFile, Json
from capd.cli.output import as_json, table

_COLUMNS = (
    "id", "profile", "address", "subscribers", "last reading", "serial", "mac", "firmware",
    "health",
)  # fmt: skip
_WORTH = ("signal_dbm", "snr_db", "stations")


def devices(
    unknown: Annotated[
        bool, typer.Option("--unknown", help="Radios that access points hear and nobody supplied.")
    ] = False,
    behind: Annotated[
        bool, typer.Option("--behind", help="Only those whose firmware is behind the minimum.")
    ] = False,
    json: Json = False,
    config: ConfigFile = None,
) -> None:
    """List the devices: where they are, whom they serve, when they were last read, how they are."""
    if unknown:
        _say_unknown(wait(_unknown(config)), json=json)
        return
    records = wait(_devices(config))
    if behind:
        records = [record for record in records if record["firmware_minimum"]]
    if json:
        as_json(records)
        return
    empty = "None is behind." if behind else "No devices."
    table(_COLUMNS, [_row(record) for record in records], empty=empty)


def _row(record: dict[str, object]) -> tuple[str, ...]:
    return (
        str(record["id"]),
        str(record["profile"]),
        str(record["address"] or ""),
        ", ".join(_texts(record["subscribers"])),
        str(record["last_reading_at"] or "never"),
        str(record["serial"] or record["serial_read"] or ""),
        str(record["mac"] or record["mac_read"] or ""),
        _firmware(record),
        _health(record["health"]),
    )


async def _devices(path: Path | None) -> list[dict[str, object]]:
    async with opened(path) as books:
        return await network.devices(books.house)


async def _unknown(path: Path | None) -> list[dict[str, object]]:
    async with opened(path) as books:
        return await network.unknown_radios(books.house)


def _say_unknown(records: list[dict[str, object]], *, json: bool) -> None:
    if json:
        as_json(records)
        return
    table(
        ("heard by", "mac", "name", "first", "last"),
        [
            tuple(str(record[key]) for key in ("device", "mac", "name", "first_at", "last_at"))
            for record in records
        ],
        empty="Every radio that was heard is in the inventory.",
    )


def _firmware(record: dict[str, object]) -> str:
    found = str(record["firmware"] or "")
    minimum = record["firmware_minimum"]
    return f"{found} (behind {minimum})" if minimum else found


def _health(figures: object) -> str:
    if not isinstance(figures, dict):
        return ""
    told = [(name, figures[name]) for name in _WORTH if name in figures]
    return ", ".join(f"{name} {value:g}" for name, value in told if isinstance(value, int | float))


def _texts(value: object) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else []
