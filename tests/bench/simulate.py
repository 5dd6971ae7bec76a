"""What `capd simulate` and `capd forecast` cost over a year of many subscribers.

    python -m tests.bench.simulate [--subscribers 10000] [--months 12] [--keep FILE]

A store is filled with the hours of a year (as retention leaves them), then each command runs in a
process of its own: user CPU, wall time, peak memory. README.md says how to read the table.
"""

import argparse
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from capd.account.periods import period_of
from capd.clock import utc_now
from capd.units import micros
from tests.builders import LONDON
from tests.usage_patterns import days_of, households

_HOUR = 3_600_000_000
_FIRST = 100  # whose days are drawn; the others' are theirs, larger or smaller
_BY_THE_DAY = (3, 2, 1, 1, 1, 1, 2, 3, 4, 4, 4, 4, 5, 5, 5, 6, 7, 9, 11, 12, 13, 12, 9, 6)
_SPAN_COLUMNS = "subscriber, started_at, period_start, ended_at, down, up, estimated, unknown_us"
_TOTAL_COLUMNS = (
    "subscriber, period_start, period, period_end, down, up, estimated, unknown_us, last_at"
)
COMMANDS = (
    ("simulate", "--policy", "other.toml", "--json"),
    ("forecast", "--json"),
    ("forecast", "--score", "--json"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one command took."""

    command: str
    cpu_s: float
    wall_s: float
    peak_mb: float
    printed_mb: float


def compare(subscribers: int, months: int, folder: Path) -> Iterator[Cost]:
    """Fill a store in *folder* and run each command over it."""
    _capd(folder, "init")
    _subscribers(folder, subscribers)
    _fill(folder / "capd.db", subscribers, months)
    policy = (folder / "policy.toml").read_text()
    (folder / "other.toml").write_text(
        policy.replace("shares = [50, 80, 100]", "shares = [60, 90]")
    )
    for command in COMMANDS:
        yield _cost(folder, command)


def table(costs: list[Cost]) -> str:
    """Return *costs* as a table."""
    lines = [f"{'command':<40} {'CPU s':>8} {'wall s':>8} {'peak MB':>8} {'output MB':>10}"]
    lines += [
        f"{cost.command:<40} {cost.cpu_s:>8.1f} {cost.wall_s:>8.1f} {cost.peak_mb:>8.0f} "
        f"{cost.printed_mb:>10.1f}"
        for cost in costs
    ]
    return "\n".join(lines)


def _capd(folder: Path, *arguments: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "capd", *arguments], cwd=folder, check=True, capture_output=True
    )


def _subscribers(folder: Path, count: int) -> None:
    rows = "".join(f"S-{n:06d},Customer {n},home-100\n" for n in range(count))
    (folder / "subscribers.csv").write_text("id,name,product\n" + rows)
    _capd(folder, "import", "inventory.json")
    _capd(folder, "import", "subscribers.csv")


def _fill(file: Path, count: int, months: int) -> None:
    """Write hours and totals as the ledger and its retention would have, up to now."""
    now = utc_now().replace(minute=0, second=0, microsecond=0)
    first = (now - timedelta(days=30.4 * months)).date().replace(day=1)
    with sqlite3.connect(file) as db:
        db.execute("PRAGMA synchronous = OFF")
        for n, household in enumerate(households(min(count, _FIRST))):
            days = days_of(household, first, (now.date() - first).days + 1)
            hours, totals = _rows(f"S-{n:06d}", days, now)
            db.executemany(
                f"INSERT INTO hours ({_SPAN_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", hours
            )
            db.executemany(
                f"INSERT INTO totals ({_TOTAL_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", totals
            )
        for first_of in range(_FIRST, count, _FIRST):
            for name in ("hours", "totals"):
                _again(db, name, first_of, count, 70 + first_of // _FIRST * 7 % 61)
            db.commit()
    db.close()


def _again(db: sqlite3.Connection, name: str, first: int, count: int, per_cent: int) -> None:
    """Let the next few use as much as the first few did, times *per_cent*: quicker than to draw."""
    columns = _SPAN_COLUMNS if name == "hours" else _TOTAL_COLUMNS
    wanted = [
        {
            "subscriber": "printf('S-%06d', substr(subscriber, 3) + :first)",
            "down": "down * :per_cent / 100",
            "up": "up * :per_cent / 100",
        }.get(column, column)
        for column in columns.split(", ")
    ]
    db.execute(
        f"INSERT INTO {name} ({columns}) SELECT {', '.join(wanted)} FROM {name} "
        "WHERE subscriber < printf('S-%06d', :many) ORDER BY subscriber, period_start",
        {"first": first, "per_cent": per_cent, "many": min(_FIRST, count - first)},
    )


def _rows(who: str, days: dict[date, int], now: datetime) -> tuple[list, list]:
    hours, totals, last = [], {}, micros(now)
    for day, used in days.items():
        start = datetime(day.year, day.month, day.day, tzinfo=LONDON).astimezone(UTC)
        after = day + timedelta(days=1)
        next_ = datetime(after.year, after.month, after.day, tzinfo=LONDON)
        period = period_of(start, 1, LONDON)
        begins, ends = micros(period.start), micros(period.end)
        for n, part in enumerate(_BY_THE_DAY):
            at = micros(start) + n * _HOUR
            if at + _HOUR > min(last, micros(next_)):  # a day of 23 hours
                break
            down, up = used * part // 143, used * part // 1430
            hours.append((who, at, begins, at + _HOUR, down, up, 0, 0))
            total = totals.setdefault(begins, [who, begins, period.name, ends, 0, 0, 0, 0, 0])
            total[4] += down
            total[5] += up
            total[8] = at + _HOUR
    return hours, list(totals.values())


def _cost(folder: Path, command: tuple[str, ...]) -> Cost:
    out = folder / "out.json"
    began = time.monotonic()
    with out.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "capd", *command], cwd=folder, stdout=file
        )
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, f"{command}: {process.returncode}"
    return Cost(
        command=" ".join(("capd", *command)),
        cpu_s=usage.ru_utime + usage.ru_stime,
        wall_s=time.monotonic() - began,
        peak_mb=usage.ru_maxrss / 1024,
        printed_mb=out.stat().st_size / 1e6,
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--subscribers", type=int, default=10_000)
    parser.add_argument("--months", type=int, default=12)
    parser.add_argument("--keep", type=Path, help="a folder to fill, and leave behind")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="capd-bench-") as scratch:
        folder = wanted.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        print(table(list(compare(wanted.subscribers, wanted.months, folder))))


if __name__ == "__main__":
    main()
