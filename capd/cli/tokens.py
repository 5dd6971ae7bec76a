"""`capd token`: who may ask over HTTP."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from capd import tokens
from capd.answers.subscribers import known
from capd.cli.books import author, opened, wait
from capd.cli.options import ConfigFile, Json
from capd.cli.output import as_json, line, problem, table
from capd.clock import utc_now
from capd.model import SubscriberId, TokenRole

app = typer.Typer(help="Tokens for the HTTP API.", no_args_is_help=True)


@app.command()
def create(
    role: Annotated[TokenRole, typer.Option("--role", help="What it may do: deploy/README.md.")],
    name: Annotated[
        str, typer.Option("--name", metavar="N", help="Whose it is; shown in the trail.")
    ],
    *,
    subscriber: Annotated[
        str | None,
        typer.Option(
            "--subscriber", metavar="S", help="Whose portal; for that role.", show_default=False
        ),
    ] = None,
    json: Json = False,
    config: ConfigFile = None,
) -> None:
    """Create an API token; it is shown this once."""
    wait(_create(config, role, name, subscriber, json=json))


async def _create(
    path: Path | None, role: TokenRole, name: str, whose: str | None, *, json: bool
) -> None:
    async with opened(path, change=True) as books:
        if whose is not None:
            await known(books.house, whose)
        text = await tokens.create(
            books.store,
            name,
            role,
            subscriber=None if whose is None else SubscriberId(whose),
            author=author(),
            now=utc_now(),
        )
    if json:
        as_json({"name": name, "role": role.value, "subscriber": whose, "token": text})
    else:
        line(text)
        if sys.stdout.isatty():
            problem("It is shown this once: keep it where secrets are kept.")
    if role is TokenRole.PORTAL and whose is None:
        problem(f"{name} is of no subscriber, and is refused everywhere: give --subscriber")


@app.command("list")
def list_(
    every: Annotated[bool, typer.Option("--all", help="Also those revoked.")] = False,
    json: Json = False,
    config: ConfigFile = None,
) -> None:
    """List the tokens: what for, by whom, when last used."""
    wait(_list(config, every=every, json=json))


async def _list(path: Path | None, *, every: bool, json: bool) -> None:
    async with opened(path) as books:
        found = [
            tokens.token_record(each) for each in await books.store.tokens.listing(revoked=every)
        ]
    if json:
        as_json(found)
        return
    columns = ["name", "role", "subscriber", "created_at", "created_by", "last_used_at"]
    columns += ["revoked_at"] if every else []
    table(
        [name.replace("_", " ") for name in columns],
        [[str(one[name] or "") for name in columns] for one in found],
        empty="No tokens.",
    )


@app.command()
def revoke(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The token's name.")],
    json: Json = False,
    config: ConfigFile = None,
) -> None:
    """End a token: its next request is refused."""
    wait(_revoke(config, name, json=json))


async def _revoke(path: Path | None, name: str, *, json: bool) -> None:
    async with opened(path, change=True) as books:
        await tokens.revoke(books.store, name, author=author(), now=utc_now())
    if json:
        as_json({"name": name, "revoked": True})
    else:
        line(f"{name} is revoked: its next request is refused")
