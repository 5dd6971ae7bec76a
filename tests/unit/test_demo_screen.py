"""The demo's picture in a terminal, and its lines everywhere else."""

import io
from datetime import UTC, datetime

import pytest
from rich.console import Console

from capd.demo.board import Board
from capd.demo.households import neighbourhood
from capd.demo.screen import Screen, Tally, picture
from capd.model import Event
from tests.builders import GB, LONDON, a_product

NOW = datetime(2026, 6, 3, 12, tzinfo=UTC).astimezone(LONDON)
TALLY = Tally(polls_a_second=80, orders=1, pushes=3, flowing=frozenset({"S-002"}))


def a_board(count=3, *, events=()):
    products = {name: a_product(name, 50) for name in ("home-50", "home-150", "home-400")}
    products["home-max"] = a_product("home-max", None)
    board = Board(None, neighbourhood(count), products)
    board.events.extend(events)
    for row in board.rows.values():
        row.allowance_bytes = row.product.cap_bytes
    return board


def an_event(kind, text, **figures):
    return Event(at=NOW, kind=kind, text=text, subscriber="S-001", figures=figures)


def drawn(board, *, columns=160, rows=20):
    console = Console(file=io.StringIO(), width=columns, height=50)
    console.print(picture(board, NOW, TALLY, headline="A demo", rows=rows, columns=columns))
    return console.file.getvalue()


def test_who_is_over_the_cap_stands_at_the_top_and_is_said_to_be_stopped():
    board = a_board()
    board.rows["S-001"].counted_bytes = 51 * GB
    board.rows["S-001"].holds.add("cap")
    board.rows["S-001"].suspended = True
    board.rows["S-002"].counted_bytes = 25 * GB

    first, second = [line for line in drawn(board).splitlines() if "S-00" in line][:2]

    assert "Amara Okafor" in first
    assert "51 GB of 50 GB" in first
    assert "suspended" in first
    assert "stopped" in first
    assert "in service" in second
    assert "flows" in second
    assert first.count("█") == 2 * second.count("█")


@pytest.mark.parametrize("columns", [80, 100, 160])
def test_the_picture_fits_a_terminal(columns):
    board = a_board(40, events=[an_event("notice", "x" * 300)] * 20)

    lines = drawn(board, columns=columns, rows=10).splitlines()

    assert len(lines) == 23  # date, headline, headings, ten rows and how many more, sums, events
    assert max(len(line) for line in lines) <= columns
    assert "… and 30 more" in "\n".join(lines)


def test_a_product_without_a_cap_has_no_bar():
    board = a_board(40)
    unlimited = next(row for row in board.rows.values() if row.product.cap_bytes is None)

    (line,) = [x for x in drawn(board, rows=40).splitlines() if unlimited.household.id in x]

    assert "no cap" in line
    assert "█" not in line


def test_without_a_terminal_each_event_is_a_line_and_orders_are_told_when_they_came_true():
    console = Console(file=io.StringIO(), width=20)
    fresh = [
        an_event("order_open", "not yet"),
        an_event("order_applied", "a long line that is never broken"),
    ]

    with Screen(console, headline="A demo") as screen:
        screen.show(a_board(), fresh, NOW, TALLY)

    assert console.file.getvalue() == (
        "Wed 03 Jun 13:00  S-001  a long line that is never broken\n"
    )
