"""Commands whose engine is not part of this version: each says in a line what is missing."""

from typing import Annotated

import typer

from capd.cli.options import ConfigFile, Json, Subscriber
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


def activate(
    subscriber: Subscriber,
    *,
    device: Annotated[str, typer.Option("--device", metavar="ID")],
    serial: Annotated[str | None, typer.Option("--serial", metavar="S")] = None,
    mac: Annotated[str | None, typer.Option("--mac", metavar="M")] = None,
    json: Json = False,
    config: ConfigFile = None,
) -> None:
    """Check a radio, push its configuration, verify, and start the term."""
    del subscriber, device, serial, mac, json, config
    raise CannotBeDone("activate: this version has no activations; `capd import` adds the device")
