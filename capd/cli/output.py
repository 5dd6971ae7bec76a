"""What is printed: tables for people, plain columns for pipes, JSON for scripts."""

import csv
import json
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def line(text: str) -> None:
    """Print one line; what a terminal would act upon is made visible."""
    sys.stdout.write(f"{harmless(text)}\n")


def problem(text: str) -> None:
    """Print one line on standard error."""
    sys.stderr.write(f"{harmless(text)}\n")


def as_json(value: object, *, at_once: bool = False) -> None:
    """Print *value* as JSON: on one line, or laid out for a person at a terminal.

    *at_once* is for those who follow: one line, handed over now.
    """
    indent = 1 if sys.stdout.isatty() and not at_once else None
    json.dump(value, sys.stdout, indent=indent, ensure_ascii=False, default=str)
    sys.stdout.write("\n")
    if at_once:
        sys.stdout.flush()


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, empty: str) -> None:
    """Print *rows* under *columns*: drawn on a terminal, else plain and whole; or say *empty*."""
    cells = [[harmless(cell) for cell in row] for row in rows]
    if not cells:
        line(empty)
    elif sys.stdout.isatty() and "NO_COLOR" not in os.environ:
        _drawn(columns, cells)
    else:
        _plain(columns, cells)


def as_csv(columns: Sequence[str], rows: Iterable[Sequence[object]], to: TextIO) -> None:
    """Write *rows* under *columns* as CSV (RFC 4180); no cell is a formula to a spreadsheet."""
    write = csv_writer(to)
    for row in (columns, *rows):
        write(row)


def csv_writer(to: TextIO) -> Callable[[Sequence[object]], object]:
    """Return what writes one row after the other, as `as_csv` does."""
    writer = csv.writer(to, lineterminator="\n")
    return lambda row: writer.writerow([csv_cell(value) for value in row])


def csv_cell(value: object) -> object:
    """Return *value* for a cell: a text that a spreadsheet would work out has a ' before it."""
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULA) else value
    return "" if value is None else value


def _drawn(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    drawn = Table(*columns)
    for row in rows:
        drawn.add_row(*(Text(cell) for cell in row))  # Text: a [bracket] in a name is no colour
    Console().print(drawn)


def _plain(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    lines = [[name.upper() for name in columns], *rows]
    widths = [max(len(row[i]) for row in lines) for i in range(len(columns))]
    for row in lines:
        padded = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        sys.stdout.write("  ".join(padded).rstrip() + "\n")


def listed(value: object) -> list[Any]:
    """Return a list in a record; nothing where it is none."""
    return value if isinstance(value, list) else []


def harmless(text: str) -> str:
    """Return *text* with what a terminal would act upon made visible."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
