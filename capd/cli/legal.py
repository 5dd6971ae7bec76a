"""`capd legal-hold`: keeps all records of a subscriber, until somebody says otherwise (AU-3)."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from capd.cli.books import author, opened, wait
from capd.cli.options import ConfigFile, Json, Note, Subscriber
from capd.cli.output import as_json, line, table
from capd.clock import utc_now
from capd.decide.legal import legal_hold as hold_event
from capd.errors import ConfigError
from capd.lines import event_record
from capd.model import SubscriberId
from capd.units import rfc3339


def legal_hold(
    subscriber: Subscriber,
    state: Annotated[Literal["on", "off"], typer.Argument(help="Keep all records, or no more.")],
    note: Note,
    json: Json = False,
    config: ConfigFile = None,
) -> None:
    """Keep every record of a subscriber, however old; service is not touched by it."""
    if not note.strip():
        raise ConfigError("capd legal-hold: --note: say why; it is kept in the audit trail")
    wait(_legal_hold(config, SubscriberId(subscriber), note, on=state == "on", json=json))


async def _legal_hold(
    path: Path | None, who: SubscriberId, note: str, *, on: bool, json: bool
) -> None:
    async with opened(path, change=True) as books:
        if await books.store.people.subscriber(who) is None:
            raise await books.nobody(who)
        before = await books.store.trail.last_id()
        if (await books.store.history.legal_hold(who) is not None) != on:
            event = hold_event(who, on=on, note=note, author=author(), now=utc_now())
            async with books.store.judging() as desk:
                await desk.record([event])
        found = await books.store.trail.events(after=before, subscriber=who)
    if json:
        as_json([event_record(event, id_=number) for number, event in found])
        return
    for _, event in found:
        line(event.text)
    if not found:
        line(f"{who} is under {'a' if on else 'no'} legal hold already; nothing changed")


def legal_holds(json: Json = False, config: ConfigFile = None) -> None:
    """List whose records are all kept, since when, by whom and why."""
    wait(_legal_holds(config, json=json))


async def _legal_holds(path: Path | None, *, json: bool) -> None:
    async with opened(path) as books:
        found = [
            {
                "subscriber": one.subscriber, "since": rfc3339(one.since),
                "author": one.author, "note": one.note,
            }
            for one in await books.store.history.legal_holds()
        ]  # fmt: skip
    if json:
        as_json(found)
        return
    columns = ("subscriber", "since", "author", "note")
    table(columns, [[one[name] for name in columns] for one in found], empty="No legal holds.")
