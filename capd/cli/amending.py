"""`capd implausible` and `capd correct`: what a person says of the ledger after the fact."""

from pathlib import Path
from typing import Annotated

import typer

from capd import config as configuration
from capd.account.periods import is_name
from capd.amend import Correction, correct_turn, drawer_turn
from capd.answers.desk import aside_record, reading_record
from capd.cli.books import author, local_moment, opened, wait
from capd.cli.options import ConfigFile, Json, Note, Subscriber
from capd.cli.output import as_json, line, table
from capd.clock import utc_now
from capd.errors import CannotBeDone, ConfigError
from capd.lines import event_record
from capd.model import Event, SubscriberId
from capd.units import rfc3339, signed_bytes_of, size_text

app = typer.Typer(help="Readings that no link can carry: put aside until a person decides.")

Number = Annotated[int, typer.Argument(metavar="ID", help="The reading's number.")]


@app.callback(invoke_without_command=True)
def implausible(
    ctx: typer.Context,
    every: Annotated[bool, typer.Option("--all", help="Also those decided on.")] = False,
    json: Json = False,
    config: ConfigFile = None,
) -> None:
    """List the readings that were put aside, newest first."""
    if ctx.invoked_subcommand is None:
        wait(_list(config, every=every, json=json))


@app.command()
def show(number: Number, json: Json = False, config: ConfigFile = None) -> None:
    """Show a reading with its evidence: both readings, and what the link can carry."""
    wait(_show(config, number, json=json))


@app.command()
def accept(number: Number, note: Note, json: Json = False, config: ConfigFile = None) -> None:
    """Count it: an entry of its own, under your name."""
    wait(_decide(config, number, note, accepted=True, json=json))


@app.command()
def refuse(number: Number, note: Note, json: Json = False, config: ConfigFile = None) -> None:
    """Close it: nothing is counted, its time stays unknown."""
    wait(_decide(config, number, note, accepted=False, json=json))


async def _list(path: Path | None, *, every: bool, json: bool) -> None:
    async with opened(path) as books:
        found = await books.store.ledger.drawer(closed=every)
    if json:
        as_json([aside_record(one) for one in found])
        return
    table(
        ("id", "state", "subscriber", "at", "evidence"),
        [
            (
                str(one.id),
                one.state.value,
                one.subscriber or "",
                rfc3339(one.evidence.after.at),
                one.evidence.text,
            )
            for one in found
        ],
        empty="Nothing was put aside." if every else "Nothing waits for you.",
    )


async def _show(path: Path | None, number: int, *, json: bool) -> None:
    async with opened(path) as books:
        one = await books.store.ledger.aside(number)
    if one is None:
        raise CannotBeDone(f"nothing was put aside with the number {number}")
    if json:
        as_json(aside_record(one))
        return
    line(f"{one.id}, {one.subscriber or 'of nobody known'}: {one.state.value}")
    line(one.evidence.text)
    for name, reading in (("before", one.evidence.before), ("after", one.evidence.after)):
        told = ", ".join(f"{k} {v}" for k, v in reading_record(reading).items() if v is not None)
        line(f"{name}: {told}")
    down, up = size_text(one.evidence.down_bytes), size_text(one.evidence.up_bytes)
    line(f"would count {down} down and {up} up")
    if one.decided_at is not None:
        line(f"{one.state.value} by {one.decided_by} at {rfc3339(one.decided_at)}: {one.note}")


async def _decide(path: Path | None, number: int, note: str, *, accepted: bool, json: bool) -> None:
    _expect_reason(note)
    async with opened(path, change=True) as books:
        event = await drawer_turn(
            books.house, number, accept=accepted, author=author(), note=note, now=utc_now()
        )
    _say(event, json=json)


def correct(
    subscriber: Subscriber,
    note: Note,
    *,
    down: Annotated[str, typer.Option(metavar="[-]SIZE", help="Such as 10GB or -500MB.")] = "0",
    up: Annotated[str, typer.Option(metavar="[-]SIZE", help="Such as 10GB or -500MB.")] = "0",
    period: Annotated[
        str | None,
        typer.Option(
            "--period", metavar="2026-03", help="Else the running one.", show_default=False
        ),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="TIME", help="To date it then.", show_default=False),
    ] = None,
    json: Json = False,
    config: ConfigFile = None,
) -> None:
    """Add to what was counted, or take away from it: an entry of its own, under your name."""
    wait(_correct(config, subscriber, (down, up), (period, at), note, json=json))


async def _correct(
    path: Path | None,
    who: str,
    sizes: tuple[str, str],
    when: tuple[str | None, str | None],
    note: str,
    *,
    json: bool,
) -> None:
    _expect_reason(note)
    settings = configuration.load(path)
    period, at = when
    down, up = (_signed(name, text) for name, text in zip(("down", "up"), sizes, strict=True))
    if period is not None and not is_name(period):
        raise ConfigError(f"--period: wants a period such as 2026-03, not {period!r}")
    correction = Correction(
        subscriber=SubscriberId(who),
        down_bytes=down,
        up_bytes=up,
        note=note,
        author=author(),
        period=period,
        at=None if at is None else local_moment(at, settings, option="--at"),
    )
    async with opened(path, change=True) as books:
        if await books.store.people.subscriber(correction.subscriber) is None:
            raise await books.nobody(who)
        event = await correct_turn(books.house, correction, now=utc_now())
    _say(event, json=json)


def _signed(name: str, text: str) -> int:
    """Return the bytes that *text* names, with a minus or a plus before it, or neither."""
    try:
        return signed_bytes_of(text)
    except ValueError as exc:
        raise ConfigError(f"--{name}: {exc}") from None


def _expect_reason(note: str) -> None:
    if not note.strip():
        raise ConfigError("--note: must say why")


def _say(event: Event, *, json: bool) -> None:
    if json:
        as_json(event_record(event) | {"author": event.author})
    else:
        line(event.text)
