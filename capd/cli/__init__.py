"""`capd`: what an operator types, and how every mistake becomes a line and an exit code."""

import os
import re
import sys
import traceback
from collections.abc import Sequence
from typing import Annotated

import typer

from capd import __version__
from capd.cli.commands import Commands
from capd.cli.options import ConfigFile
from capd.cli.output import line, problem
from capd.errors import CapdError, ConfigError

_WRONG, _FAILED, _STOPPED = 2, 1, 130
_LOGIN = re.compile(r"://[^/\s@]*@")

app = typer.Typer(
    name="capd",
    cls=Commands,
    help="Meters every subscriber of a wireless ISP and keeps each on the service they are owed.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _version(wanted: bool) -> None:
    if wanted:
        line(f"capd {__version__}")
        raise typer.Exit


@app.callback()
def _before(
    config: ConfigFile = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which it is.")
    ] = False,
) -> None:
    """Meter every subscriber of a wireless ISP; keep each one on the service they are owed."""


def main() -> None:
    """Run the command line and exit: 0 done, 1 it could not be done, 2 something is wrong."""
    sys.exit(code(sys.argv[1:]))


def code(arguments: Sequence[str]) -> int:
    """Run the command line *arguments*; return the exit code, every mistake told in a line."""
    try:
        result = app(args=list(arguments), prog_name="capd", standalone_mode=False)
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read on has gone: `capd events | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _FAILED
    except KeyboardInterrupt:
        return _STOPPED
    except Exception as exc:  # noqa: BLE001 - no traceback ever, but for those who ask
        return told(exc)
    return result if isinstance(result, int) else 0


def told(exc: BaseException) -> int:
    """Print what went wrong, a line each; return the exit code."""
    if isinstance(exc, ExceptionGroup):
        return max(told(each) for each in exc.exceptions)
    if isinstance(exc, CapdError):
        for each in exc.problems if isinstance(exc, ConfigError) else (str(exc),):
            problem(_LOGIN.sub("://***@", each))
        return _WRONG if isinstance(exc, ConfigError) else _FAILED
    if isinstance(exc, typer.TyperException) and hasattr(exc, "format_message"):
        words = exc.format_message().replace("Value error, ", "")
        if words.startswith("Usage:"):  # no command at all: what there is
            sys.stderr.write(f"{words}\n")
        else:
            problem(f"capd: {words}")
        return _WRONG
    if isinstance(exc, typer.Abort):
        return _STOPPED
    if os.environ.get("CAPD_DEBUG"):
        traceback.print_exception(exc)
    words = _LOGIN.sub("://***@", (str(exc).splitlines() or [""])[0])
    problem(
        f"capd: unexpected: {type(exc).__name__}: {words} (set CAPD_DEBUG=1 to see the traceback)"
    )
    return _FAILED
