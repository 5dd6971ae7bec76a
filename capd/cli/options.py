"""The options that many commands have, named and explained once."""

from pathlib import Path
from typing import Annotated

import typer


def _first_given(ctx: typer.Context, value: Path | None) -> Path | None:
    """Remember the -c that stood before the command for the command itself."""
    root = ctx.find_root()
    if value is not None:
        root.obj = value
    found: Path | None = root.obj
    return found


def _said(value: str) -> str:
    """Refuse a reason that says nothing: whoever looks in a year wants to know why (AU-2)."""
    if not value.strip():
        raise typer.BadParameter("wants the reason, in words")
    return value


ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "-c",
        "--config",
        metavar="FILE",
        help="The configuration. Else $CAPD_CONFIG, ./capd.toml, /etc/capd/capd.toml.",
        callback=_first_given,
        show_default=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]
Csv = Annotated[bool, typer.Option("--csv", help="Print CSV and nothing else.")]
From = Annotated[
    str | None,
    typer.Option(
        "--from", metavar="D", show_default=False,
        help="Where it begins: 2026-03-01, or a time such as 2026-03-01T09:00; local time.",
    ),
]  # fmt: skip
To = Annotated[
    str | None,
    typer.Option(
        "--to", metavar="D", show_default=False,
        help="Where it ends: a day is in it as a whole, a time is not.",
    ),
]  # fmt: skip
Subscriber = Annotated[str, typer.Argument(metavar="SUBSCRIBER", help="Whose id.")]
Note = Annotated[
    str,
    typer.Option("--note", metavar="TEXT", help="Why; kept in the audit trail.", callback=_said),
]
Until = Annotated[
    str | None,
    typer.Option(
        "--until",
        metavar="TIME",
        help="The end: 2026-03-01T09:00:00Z, or 2026-03-01 or 2026-03-01T09:00 in local time.",
        show_default=False,
    ),
]
