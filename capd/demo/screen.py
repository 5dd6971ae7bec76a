"""The audience's view: a live table in a terminal, a line an event everywhere else."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from capd.demo.board import Board, Row
from capd.model import Event
from capd.units import size_text

_BAR, _SHORT_BAR = 20, 8
_WIDE = 110  # columns of a terminal that has room for sentences
_COLOURS = {"in service": "green", "over the cap": "yellow", "suspended": "red"}
_UNSAID = ("order_open", "order_superseded")  # what becomes of them is said
_WARN, _FULL = 0.8, 1.0
_OF_EVENTS = 8  # lines of the screen
_FEWEST = 5  # subscribers, however small the terminal
_FRAME = 6  # lines of the screen that are neither subscribers nor events


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """The figures under the table."""

    polls_a_second: float
    orders: int  # under way
    pushes: int  # read back and found as ordered
    flowing: frozenset[str]  # subscribers whose router lets traffic through, in truth


class Screen:
    """Shows the board: `show` after each look; `say` for what stands above or below."""

    def __init__(self, console: Console, *, headline: str) -> None:
        self._console = console
        self._headline = headline
        self._live: Live | None = None

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live = Live(console=self._console, screen=True, auto_refresh=False)
            self._live.__enter__()
        return self

    def __exit__(self, *problem: object) -> None:
        if self._live is not None:
            self._live.__exit__(None, None, None)
            self._live = None

    def show(self, board: Board, fresh: Sequence[Event], now: datetime, tally: Tally) -> None:
        """Draw the board anew, or print what is fresh where there is no terminal."""
        if self._live is not None:
            size = self._console.size
            drawn = picture(
                board,
                now,
                tally,
                headline=self._headline,
                rows=max(size.height - _OF_EVENTS - _FRAME, _FEWEST),
                columns=size.width,
            )
            self._live.update(drawn, refresh=True)
            return
        for event in fresh:
            if event.kind not in _UNSAID:
                self.say(event_line(event, now))

    def say(self, line: str) -> None:
        """Print a line, unless the screen is drawn."""
        if self._live is None:
            self._console.print(line, markup=False, highlight=False, soft_wrap=True)


def event_line(event: Event, now: datetime) -> str:
    """Return *event* as one line, its moment in *now*'s zone."""
    who = event.subscriber or event.device or ""
    return f"{event.at.astimezone(now.tzinfo):%a %d %b %H:%M}  {who:<6} {event.text}"


def picture(
    board: Board, now: datetime, tally: Tally, *, headline: str, rows: int, columns: int
) -> RenderableType:
    """Return the whole screen; at most *rows* subscribers, those nearest to their cap first."""
    said = (event for event in reversed(board.events) if event.kind not in _UNSAID)
    latest = [event_line(event, now) for event in islice(said, _OF_EVENTS)][::-1]
    return Group(
        Text(f"{now:%A %d %B %Y  %H:%M}", style="bold"),
        Text(headline, style="dim", no_wrap=True),
        _table(board.rows.values(), tally, rows, wide=columns >= _WIDE),
        _sums(board, tally),
        Text("\n".join(latest), no_wrap=True, overflow="ellipsis"),
    )


def _table(everyone: Iterable[Row], tally: Tally, rows: int, *, wide: bool) -> Table:
    table = Table(box=None, expand=True, pad_edge=False)
    bar = _BAR if wide else _SHORT_BAR
    for heading, width in (("subscriber", 18), ("product", 8), ("used of the cap", bar + 21)):
        table.add_column(heading, width=width, no_wrap=True)
    table.add_column("capd says", width=12, no_wrap=True)
    table.add_column("line", width=7, no_wrap=True)
    if wide:
        table.add_column("last sentence", ratio=1, no_wrap=True, overflow="ellipsis")
    ranked = sorted(everyone, key=lambda row: (-row.share, row.household.id))
    for row in ranked[:rows]:
        flows = row.household.id in tally.flowing
        cells = (
            f"{row.household.id} {row.household.name}",
            row.product.name,
            _bar(row, bar),
            Text(row.state, style=_COLOURS.get(row.state, "cyan")),
            Text("flows" if flows else "stopped", style="green" if flows else "red"),
            Text(row.sentence, style="dim"),
        )
        table.add_row(*cells[: len(table.columns)])
    if len(ranked) > rows:
        table.add_row(f"… and {len(ranked) - rows} more")
    return table


def _bar(row: Row, width: int) -> Text:
    used = size_text(row.counted_bytes)
    if row.allowance_bytes is None:
        return Text(f"{'no cap':<{width}} {used}", style="dim")
    full = min(int(row.share * width), width)
    colour = "red" if row.share > _FULL else "yellow" if row.share >= _WARN else "green"
    bar = Text("█" * full, style=colour)
    bar.append("░" * (width - full), style="dim")
    bar.append(f" {used} of {size_text(row.allowance_bytes)}", style="default")
    return bar


def _sums(board: Board, tally: Tally) -> Text:
    counted = sum(usage.down_bytes + usage.up_bytes for usage in board.usage.values())
    suspended = sum(row.suspended for row in board.rows.values())
    return Text(
        f"{tally.polls_a_second:.0f} polls/s · {size_text(counted)} counted · {suspended} off"
        f" · {tally.orders} orders under way · {tally.pushes} verified pushes",
        style="bold",
        no_wrap=True,
    )
