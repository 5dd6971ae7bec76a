"""`capd charges`: what was charged, why, and what was taken back."""

from typing import Annotated

import typer

from capd.answers.subscribers import known
from capd.cli.books import opened, wait
from capd.cli.options import ConfigFile, Json
from capd.cli.output import as_json, table
from capd.lines import event_record
from capd.model import Event

_PAGE = 1000


def charges(
    subscriber: Annotated[
        str | None, typer.Option("--subscriber", metavar="ID", show_default=False)
    ] = None,
    json: Json = False,
    config: ConfigFile = None,
) -> None:
    """List the charges: each once, by its id; a counter-charge says which one it reverses."""

    async def found() -> list[tuple[int, Event]]:
        async with opened(config) as books:
            whose = None if subscriber is None else (await known(books.house, subscriber)).id
            several: list[tuple[int, Event]] = []
            while page := await books.store.charges.find(
                subscriber=whose, after=several[-1][0] if several else 0, limit=_PAGE
            ):
                several += page
            return several

    several = wait(found())
    if json:
        as_json([event_record(event, id_=number) for number, event in several])
        return
    rows = [_row(event) for _, event in several]
    columns = ("at", "subscriber", "charge", "amount", "clause", "id", "why")
    table(columns, rows, empty="Nothing was charged.")


def _row(event: Event) -> tuple[str, ...]:
    figures = event.figures
    return (
        f"{event.at:%Y-%m-%d %H:%M}Z",
        str(event.subscriber or ""),
        str(figures["charge"]),
        f"{figures['amount']} {figures['currency']}",
        event.clause or "",
        str(figures.get("charge_id") or ""),
        event.text,
    )
