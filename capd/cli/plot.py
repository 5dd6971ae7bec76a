"""Usage by hour or day, drawn: bars as wide as the terminal; plain letters where there is none."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.text import Text

from capd.account.history import By, Row
from capd.model import Counts
from capd.units import size_text

_SHORTEST = 10  # of the longest bar, however narrow the terminal


@dataclass(frozen=True, slots=True, kw_only=True)
class Usages:
    """What is drawn: rows with something in them, oldest first, and what they count against."""

    rows: Sequence[Row]
    by: By
    zone: ZoneInfo
    counts: Counts
    allowance_bytes: int | None


@dataclass(frozen=True, slots=True)
class _Signs:
    down: str
    up: str
    peak: str
    line: str


_DRAWN = _Signs(down="█", up="▒", peak=" ◀ peak", line="─")
_PLAIN = _Signs(down="#", up="=", peak=" <- peak", line="-")


def plot(usages: Usages, console: Console | None = None) -> None:
    """Draw *usages*: down and up as bars, the share of the allowance, where it was used up."""
    console = console or Console(file=sys.stdout, highlight=False)
    fancy = console.is_terminal and (console.encoding or "").lower().startswith("utf")
    for text in lines(usages, console.width, _DRAWN if fancy else _PLAIN):
        console.print(text, no_wrap=True, overflow="crop", soft_wrap=not console.is_terminal)


def lines(usages: Usages, width: int, signs: _Signs = _PLAIN) -> list[Text]:
    """Return the drawing, line by line, *width* columns wide."""
    if not usages.rows:
        return [Text("Nothing was counted.")]
    most = max(row[2] + row[3] for row in usages.rows)
    labels = [_label(row, usages) for row in usages.rows]
    stamp = max(map(len, labels))
    room = max(_SHORTEST, width - stamp - len(_figures(most, 0, 1)) - len(signs.peak) - 2)
    drawn = [_head(usages, signs)]
    counted, over = 0, False
    for row, label in zip(usages.rows, labels, strict=True):
        counted += _counted(row, usages.counts)
        bar = _bar(row, most, room, signs)
        told = _figures(row[2] + row[3], counted, usages.allowance_bytes)
        peak = signs.peak if row[2] + row[3] == most > 0 else ""
        drawn.append(Text.assemble(f"{label:<{stamp}} ", bar, f" {told}", (peak, "bold")))
        if not over and usages.allowance_bytes is not None and counted > usages.allowance_bytes:
            over = True
            drawn.append(Text(_cap_line(usages.allowance_bytes, width, signs), style="red"))
    return drawn


def _head(usages: Usages, signs: _Signs) -> Text:
    allowance = usages.allowance_bytes
    cap = "unlimited" if allowance is None else f"allowance {size_text(allowance)}"
    return Text.assemble(
        (signs.down, "cyan"), " down  ", (signs.up, "magenta"), f" up  by {usages.by}, {cap}"
    )


def _cap_line(allowance: int, width: int, signs: _Signs) -> str:
    told = f"{signs.line * 3} over the allowance of {size_text(allowance)} "
    return told.ljust(width, signs.line)


def _label(row: Row, usages: Usages) -> str:
    """Return the local hour or day; both ends of what is coarser than asked for."""
    start, end = (at.astimezone(usages.zone) for at in row[:2])
    days = (end.date() - start.date()).days
    if usages.by == "hour" and row[1] - row[0] <= timedelta(hours=1):
        return start.strftime("%Y-%m-%d %H:%M") + _offset(start)
    last = (end - timedelta(microseconds=1)).strftime("..%m-%d") if days > 1 else ""
    return start.strftime("%Y-%m-%d") + last


def _offset(at: datetime) -> str:
    """Return what tells the two hours of a clock change apart."""
    twice = at.replace(fold=0).utcoffset() != at.replace(fold=1).utcoffset()
    return at.strftime("%z") if twice else ""


def _counted(row: Row, counts: Counts) -> int:
    down, up = row[2], row[3]
    return (down if counts is not Counts.UPLOAD else 0) + (
        up if counts is not Counts.DOWNLOAD else 0
    )


def _bar(row: Row, most: int, room: int, signs: _Signs) -> Text:
    """Return the bar, *room* wide for *most* bytes; what is not nothing is at least one sign."""
    down = _length(row[2], most, room)
    whole = max(_length(row[2] + row[3], most, room), min(room, down + (row[3] > 0)))
    down = min(down, whole - (row[3] > 0)) if whole > 1 else down
    bar = Text.assemble((signs.down * down, "cyan"), (signs.up * (whole - down), "magenta"))
    bar.append(" " * (room - whole))
    return bar


def _length(count: int, most: int, room: int) -> int:
    return 0 if count <= 0 or most <= 0 else max(1, count * room // most)


def _figures(count: int, counted: int, allowance: int | None) -> str:
    share = f"{counted * 100 // allowance:>5} %" if allowance else " " * 7
    return f"{size_text(max(0, count)):>10}{share}"
