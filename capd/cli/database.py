"""`capd db`: migrations, and the proof that the books add up."""

import sys
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from capd import config as configuration
from capd import retention
from capd.account.retention import cuts
from capd.cli.books import author, open_store, wait
from capd.cli.options import ConfigFile, Json
from capd.cli.output import as_json, line, problem
from capd.clock import utc_now
from capd.store import check as check_store
from capd.store import upgrade as upgrade_store
from capd.store.compaction import Moved

app = typer.Typer(help="The database: its schema, and whether it adds up.", no_args_is_help=True)


@app.command()
def upgrade(json: Json = False, config: ConfigFile = None) -> None:
    """Bring the database to the newest schema; nothing happens where it is there already."""
    settings = configuration.load(config)
    before, after = wait(upgrade_store(settings.store.url))
    if json:
        as_json({"from": before, "to": after})
    else:
        line(f"at {after} already" if before == after else f"from {before} to {after}")


@app.command()
def compact(json: Json = False, config: ConfigFile = None) -> None:
    """Do now what a running capd does by and by: old readings become hours, hours days.

    `[store.retention]` says how old; a legal hold keeps all of a subscriber. Totals stay for ever.
    """
    moved = wait(_compact(config))
    if json:
        as_json(retention.figures(moved))
    else:
        line(retention.sentence(moved))


async def _compact(path: Path | None) -> Moved:
    settings = configuration.load(path)
    now, zone = utc_now(), settings.operator.zone
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
        TextColumn("subscribers, {task.fields[rows]} rows"),
    )  # fmt: skip
    shown = Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty())
    async with open_store(settings) as store:
        work = store.history.compaction(cuts(settings.store.retention.keep, now, zone), zone)
        with shown:
            bar = shown.add_task("compacting", total=await work.subscribers(), rows=0)
            while not work.done:
                await work.step()
                shown.update(bar, completed=work.seen, rows=work.moved.rows)
        if work.moved.rows:
            await retention.tell(store, work.moved, now, author=author())
    return work.moved


@app.command()
def check(json: Json = False, config: ConfigFile = None) -> None:
    """Prove that the ledger adds up, the audit trail is unbroken, and the books are what it says.

    The trail is played again beside the books, so a large database takes a while.
    """
    mistakes = wait(_mistakes(config))
    if json:
        as_json({"ok": not mistakes, "mistakes": mistakes})
    for mistake in mistakes if not json else ():
        problem(mistake)
    if mistakes:
        raise typer.Exit(1)
    if not json:
        line("the ledger adds up, the audit trail is unbroken, and the books are what it says")


async def _mistakes(path: Path | None) -> list[str]:
    settings = configuration.load(path)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    shown = Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty())
    async with open_store(settings) as store:
        with shown:
            bar = shown.add_task("playing the audit trail", total=None)
            return await check_store(
                store, lambda done, whole: shown.update(bar, completed=done, total=whole)
            )
