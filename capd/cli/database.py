"""`capd db`: migrations, and the proof that the books add up."""

from pathlib import Path

import typer

from capd import config as configuration
from capd.cli.books import open_store, wait
from capd.cli.options import ConfigFile, Json
from capd.cli.output import as_json, line, problem
from capd.store import upgrade as upgrade_store

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
def check(json: Json = False, config: ConfigFile = None) -> None:
    """Prove that the ledger adds up and that the audit trail is unbroken."""
    mistakes = wait(_mistakes(config))
    if json:
        as_json({"ok": not mistakes, "mistakes": mistakes})
    for mistake in mistakes if not json else ():
        problem(mistake)
    if mistakes:
        raise typer.Exit(1)
    if not json:
        line("the ledger adds up, and the audit trail is unbroken")


async def _mistakes(path: Path | None) -> list[str]:
    settings = configuration.load(path)
    async with open_store(settings) as store:
        return [*await store.ledger.check(), *await store.trail.check()]
