"""What can be typed, and in which file it is: a command loads what it needs, and nothing else.

Loading everything takes seconds of a processor, at each command; so a file of commands is read only
when one of them is called, or when all are listed.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

from capd.strict import did_you_mean

PLACES: Mapping[str, str] = {
    "init": "setup:init",
    "check": "checking:check",
    "import": "setup:import_",
    "export": "setup:export",
    "run": "running:run",
    "once": "running:once",
    "demo": "running:demo",
    "replay": "running:replay",
    "simulate": "simulate:simulate",
    "forecast": "forecast:forecast",
    "usage": "usage:usage",
    "explain": "looks:explain",
    "subscribers": "looks:subscribers",
    "devices": "devices:devices",
    "events": "looks:events",
    "discover": "discover:discover",
    "matters": "matters:matters",
    "charges": "charges:charges",
    "clauses": "clauses:clauses",
    "fact": "telling:fact",
    "topup": "facts:topup",
    "plan": "facts:plan",
    "hold": "facts:hold",
    "release": "facts:release",
    "delay": "facts:delay",
    "pause": "facts:pause",
    "resume": "facts:resume",
    "correct": "amending:correct",
    "activate": "activating:activate",
    "signal": "activating:signal",
    "legal-hold": "legal:legal_hold",
    "legal-holds": "legal:legal_holds",
    "orders": "orders:app",
    "guard": "guard:app",
    "maintenance": "maintenance:app",
    "notices": "notices:app",
    "report": "report:app",
    "implausible": "amending:app",
    "products": "products:app",
    "profiles": "profiles:app",
    "db": "database:app",
    "device": "device:app",
    "mqtt": "mqtt:app",
    "token": "tokens:app",
}
"""Each command, in the order in which they are listed, with its file and its name there."""


class Commands(TyperGroup):
    """The commands of PLACES."""

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]
        """Return the names of all commands."""
        del ctx
        return list(PLACES)

    def get_command(self, ctx: typer.Context, cmd_name: str) -> object:  # type: ignore[override]
        """Return the command of that name, loaded; None where there is none."""
        del ctx
        place = PLACES.get(cmd_name)
        if place is None:
            return None
        module, name = place.split(":")
        thing = getattr(import_module(f"capd.cli.{module}"), name)
        holder = typer.Typer(
            add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None
        )
        if isinstance(thing, typer.Typer):
            holder.add_typer(thing, name=cmd_name)
            return typer.main.get_group(holder).commands[cmd_name]
        holder.command(cmd_name)(thing)
        return typer.main.get_command(holder)

    def resolve_command(self, ctx: typer.Context, args: list[str]) -> Any:  # type: ignore[override] # noqa: ANN401
        """Return the command that *args* begin with; one that is not there gets a guess."""
        if args and not args[0].startswith("-") and args[0] not in PLACES:
            guess = did_you_mean(args[0], PLACES)
            ctx.fail(f"No such command {args[0]!r}.{guess}")
        return super().resolve_command(ctx, args)
