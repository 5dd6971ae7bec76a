"""Commands whose engine is not part of this version: each says in a line what is missing."""

from typing import Annotated

import typer

from capd.cli.options import ConfigFile, Json
from capd.errors import CannotBeDone


def simulate(
    policy: Annotated[str, typer.Option("--policy", metavar="P")],
    since: Annotated[str | None, typer.Option("--from", metavar="D")] = None,
    until: Annotated[str | None, typer.Option("--to", metavar="D")] = None,
    json: Json = False,
    config: ConfigFile = None,
) -> None:
    """Show what a changed policy would have done with the usage in the store."""
    del policy, since, until, json, config
    raise CannotBeDone("simulate: this version has no simulation; `capd replay` takes a file")
