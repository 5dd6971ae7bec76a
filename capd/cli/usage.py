"""`capd usage`: the ledger's figures of one subscriber and period."""

from pathlib import Path
from typing import Annotated

import typer

from capd.account.history import By
from capd.answers.usage import usage as figures
from capd.cli.books import opened, wait
from capd.cli.options import ConfigFile, Json, Subscriber
from capd.cli.output import as_json, line, table
from capd.cli.plot import Usages, plot
from capd.clock import utc_now
from capd.errors import ConfigError
from capd.units import size_text


def usage(  # noqa: PLR0917 - typer makes options of them
    subscriber: Subscriber,
    period: Annotated[
        str | None,
        typer.Option(
            "--period", metavar="2026-11", help="Else the running one.", show_default=False
        ),
    ] = None,
    by: Annotated[
        By | None, typer.Option("--by", help="Parts, in local time.", show_default=False)
    ] = None,
    drawn: Annotated[
        bool, typer.Option("--plot", help="Draw it; by day, unless --by says otherwise.")
    ] = False,
    json: Json = False,
    config: ConfigFile = None,
) -> None:
    """Show what a subscriber used in a billing period.

    The state is `suspended` while a hold keeps service off, `restricted` while one limits its
    rates, else `active`.
    """
    if drawn and json:
        raise ConfigError("capd usage: --plot draws and --json does not: one of them")
    by = by or ("day" if drawn else None)
    record, usages = wait(_usage(config, subscriber, period, by))
    if json:
        as_json(record)
        return
    _say(record, parts=not drawn)
    if usages is not None and drawn:
        plot(usages)


async def _usage(
    path: Path | None, who: str, name: str | None, by: By | None
) -> tuple[dict[str, object], Usages | None]:
    async with opened(path) as books:
        try:
            found = await figures(books.house, who, utc_now(), period=name, by=by)
        except ValueError as exc:
            raise ConfigError(f"--period: {exc}") from None
        if by is None:
            return found.record, None
        return found.record, Usages(
            rows=found.rows,
            by=by,
            zone=books.house.zone,
            counts=found.counts,
            allowance_bytes=found.allowance_bytes,
        )


def _say(record: dict[str, object], *, parts: bool) -> None:
    line(f"{record['subscriber']}, period {record['period']}: {record['state']}")
    line(f"from {record['start']} to {record['end']}")
    for name, key in (
        ("down", "down_bytes"), ("up", "up_bytes"), ("counted", "counted_bytes"),
        ("allowance", "allowance_bytes"), ("remaining", "remaining_bytes"),
        ("estimated", "estimated_bytes"),
    ):  # fmt: skip
        line(f"{name:<10} {_size(record[key])}")
    if isinstance(left := record.get("balance_bytes"), int):
        line(f"{'balance':<10} {_size(max(0, left))}")
    line(f"{'unknown':<10} {record['unknown_s']} s")
    told = record["holds"]
    for hold in told if isinstance(told, list) else ():
        line(f"hold: {hold['reason']}: {hold['text']}")
    shown = record.get("parts")
    if isinstance(shown, list) and parts:
        table(
            ("from", "down", "up", "counted"),
            [
                (part["start"], *(_size(part[f"{k}_bytes"]) for k in ("down", "up", "counted")))
                for part in shown
            ],
            empty="Nothing was counted.",
        )


def _size(count: object) -> str:
    return size_text(count) if isinstance(count, int) else "unlimited"
