"""How far a long command is, on a terminal's standard error; nothing where there is none."""

import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

Done = Callable[[int, int], None]
"""Told how many subscribers are done, and of how many."""


@contextmanager
def bar(doing: str) -> Iterator[Done]:
    """Show how many subscribers are done, while most of the memory is left alone.

    Millions of small values come and go; looking for circles among them would find none, and take
    a fifth of the time.
    """
    often = gc.get_threshold()
    gc.set_threshold(50_000, 20, 100)
    try:
        yield from _bar(doing)
    finally:
        gc.set_threshold(*often)


def _bar(doing: str) -> Iterator[Done]:
    console = Console(file=sys.stderr)
    columns = (
        TextColumn(doing), BarColumn(), MofNCompleteColumn(), TextColumn("subscribers"),
        TimeRemainingColumn(),
    )  # fmt: skip
    off = not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=off) as shown:
        task = shown.add_task("", total=None)

        def done(count: int, whole: int) -> None:
            shown.update(task, completed=count, total=whole)

        yield done
