"""How far a long command is, on a terminal's standard error; nothing where there is none."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from capd.quick import seldom_collected

Done = Callable[[int, int], None]
"""Told how many subscribers are done, and of how many."""


@contextmanager
def bar(doing: str) -> Iterator[Done]:
    """Show how many subscribers are done."""
    console = Console(file=sys.stderr)
    columns = (
        TextColumn(doing), BarColumn(), MofNCompleteColumn(), TextColumn("subscribers"),
        TimeRemainingColumn(),
    )  # fmt: skip
    off = not console.is_terminal
    with (
        seldom_collected(),
        Progress(*columns, console=console, transient=True, disable=off) as shown,
    ):
        task = shown.add_task("", total=None)

        def done(count: int, whole: int) -> None:
            shown.update(task, completed=count, total=whole)

        yield done
