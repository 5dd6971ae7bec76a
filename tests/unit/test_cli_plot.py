"""Usage by hour or day as a drawing: as wide as it may be, and honest about small things."""

import io
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from capd.cli.plot import Usages, lines, plot
from capd.model import Counts
from tests.builders import GB, LONDON

START = datetime(2026, 11, 1, tzinfo=UTC)


def rows(*figures, hours=24, start=START):
    return [
        (start + timedelta(hours=hours * n), start + timedelta(hours=hours * (n + 1)), *pair, 0, 0)
        for n, pair in enumerate(figures)
    ]


def usages(*figures, by="day", allowance=100 * GB, counts=Counts.BOTH, **more):
    return Usages(
        rows=rows(*figures, **more), by=by, zone=LONDON, counts=counts, allowance_bytes=allowance
    )


def drawn(*figures, width=80, **more):
    return [line.plain for line in lines(usages(*figures, **more), width)]


def test_the_peak_is_marked_and_shares_of_the_allowance_add_up():
    _, first, second = drawn((10 * GB, 0), (30 * GB, 10 * GB))
    assert first.startswith("2026-11-01 ")
    assert "<- peak" not in first
    assert first.rstrip().endswith("10 %")
    assert second.endswith("50 % <- peak")


def test_a_line_is_drawn_where_the_allowance_is_used_up():
    found = drawn((60 * GB, 0), (60 * GB, 0), (1, 0))
    assert [n for n, line in enumerate(found) if "over the allowance of 100 GB" in line] == [3]


def test_only_what_counts_counts():
    assert not any("over" in line for line in drawn((1, 200 * GB), counts=Counts.DOWNLOAD))
    assert any("over" in line for line in drawn((1, 200 * GB), counts=Counts.UPLOAD))


def test_what_is_unlimited_has_no_share_and_no_line():
    text = "\n".join(drawn((GB, GB), allowance=None))
    assert "unlimited" in text
    assert "%" not in text


def test_the_hour_that_a_clock_change_repeats_is_told_apart():
    figures = [(1, 1)] * 4
    found = drawn(*figures, by="hour", hours=1, start=datetime(2026, 10, 24, 23, tzinfo=UTC))
    assert [line[:21].rstrip(" #=") for line in found[1:]] == [
        "2026-10-25 00:00", "2026-10-25 01:00+0100", "2026-10-25 01:00+0000", "2026-10-25 02:00",
    ]  # fmt: skip


def test_what_is_kept_coarser_says_how_far_it_goes():
    (_, day) = drawn((1, 1), by="hour")
    assert day.startswith("2026-11-01 ")
    (_, month) = drawn((1, 1), by="day", hours=24 * 30)
    assert month.startswith("2026-11-01..11-30 ")


def test_nothing_is_said_in_words():
    assert drawn() == ["Nothing was counted."]


def test_a_terminal_gets_blocks_and_colours_and_a_file_gets_plain_letters():
    for terminal, sign in ((True, "█"), (False, "#")):
        raw = io.BytesIO()
        file = io.TextIOWrapper(raw, encoding="utf-8")
        console = Console(
            file=file,
            force_terminal=terminal,
            width=60,
            color_system="standard" if terminal else "auto",
        )
        plot(usages((GB, GB)), console)
        file.flush()
        text = raw.getvalue().decode()
        assert sign in text
        assert ("\x1b[" in text) == terminal


figures = st.lists(
    st.tuples(st.integers(0, 10**13), st.integers(0, 10**12)), min_size=1, max_size=12
)


@given(figures, st.integers(20, 200))
def test_no_line_is_wider_than_the_terminal_and_what_is_something_is_seen(figures, width):
    _, *found = lines(usages(*figures, allowance=None), width)
    widest = max(width, 11 + 10 + 1 + 17 + 8)
    for (down, up), line in zip(figures, found, strict=True):
        assert len(line.plain.rstrip()) <= widest
        assert ("#" in line.plain) == (down > 0)
        assert ("=" in line.plain) == (up > 0)
