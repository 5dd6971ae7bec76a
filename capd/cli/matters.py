"""`capd matters`: what is open with subscribers, of every kind or one."""

from typing import Annotated

import typer

from capd.answers.matters import matter_record
from capd.cli.books import Books, opened, wait
from capd.cli.options import ConfigFile, Json
from capd.cli.output import as_json, table
from capd.model import SubscriberId
from capd.store.matters import Kept
from capd.units import rfc3339

_PAGE = 1000


def matters(
    kind: Annotated[
        str | None,
        typer.Argument(metavar="KIND", help="Such as invoice, addon, job.", show_default=False),
    ] = None,
    subscriber: Annotated[
        str | None, typer.Option("--subscriber", metavar="ID", show_default=False)
    ] = None,
    closed: Annotated[bool, typer.Option("--closed", help="Closed ones as well.")] = False,
    json: Json = False,
    config: ConfigFile = None,
) -> None:
    """List what is open with subscribers: contracts, invoices, add-ons, jobs, tasks."""

    async def found() -> list[Kept]:
        async with opened(config) as books:
            return await _all(books, kind, subscriber, closed_too=closed)

    kept = wait(found())
    if json:
        as_json([matter_record(one) for one in kept])
        return
    rows = [
        (
            one.subscriber,
            one.matter.kind,
            one.matter.key,
            "open" if one.is_open else "closed",
            rfc3339(one.matter.opened_at),
            "" if one.matter.due_at is None else rfc3339(one.matter.due_at),
            " ".join(f"{name}={value}" for name, value in one.matter.data.items()),
        )
        for one in kept
    ]
    columns = ("subscriber", "kind", "key", "state", "opened", "due", "what is known")
    table(columns, rows, empty="Nothing is open.")


async def _all(
    books: Books, kind: str | None, subscriber: str | None, *, closed_too: bool
) -> list[Kept]:
    found: list[Kept] = []
    after = ("", "", "")
    while page := await books.store.matters.find(
        kind=kind,
        subscriber=None if subscriber is None else SubscriberId(subscriber),
        closed_too=closed_too,
        after=after,
        limit=_PAGE,
    ):
        found += page
        after = (page[-1].subscriber, page[-1].matter.kind, page[-1].matter.key)
    return found
