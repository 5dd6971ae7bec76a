"""How fast the ledger is: readings a second, CPU a reading, on SQLite and on PostgreSQL.

    python -m tests.bench.ledger [--meters 1000 10000 100000]

Every meter is read once so that the ledger knows it, then in rounds in which each counts some
bytes. Readings come in batches, as the daemon's intake hands them over. CPU is this process's own,
all threads; PostgreSQL's own is not in it. README.md says how to read the table.
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from capd.decide.policy import Policy
from capd.metrics import Metrics
from capd.model import Reading
from capd.pipeline import House, account_turn, decide_turn
from capd.quick import seldom_collected
from capd.store import Store
from tests.bench.contestants import an_inventory
from tests.bench.polls import own_cpu_s
from tests.servers import postgres

START = datetime(2026, 3, 1, tzinfo=UTC)
_BATCH = 2000  # [collect] batch_readings


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """What posting took."""

    store: str
    meters: int
    readings: int
    wall_s: float
    cpu_s: float

    @property
    def a_second(self) -> float:
        """Return readings posted and judged a second."""
        return self.readings / self.wall_s

    @property
    def cpu_us(self) -> float:
        """Return microseconds of this process's CPU a reading."""
        return self.cpu_s / self.readings * 1e6


async def measure(url: str, meters: int, *, rounds: int) -> Speed:
    """Return how fast *rounds* readings of each of *meters* meters are posted."""
    with seldom_collected():  # as in the daemon
        return await _measured(url, meters, rounds)


async def _measured(url: str, meters: int, rounds: int) -> Speed:
    async with a_house(url, meters) as house:
        await post(house, meters, 0)
        began, spent = time.monotonic(), own_cpu_s()
        for number in range(1, rounds + 1):
            await post(house, meters, number)
        wall_s, cpu_s = time.monotonic() - began, own_cpu_s() - spent
        mistakes = await house.store.ledger.check()
        assert not mistakes, mistakes
    return Speed(
        store=url.partition(":")[0], meters=meters, readings=meters * rounds,
        wall_s=wall_s, cpu_s=cpu_s,
    )  # fmt: skip


@asynccontextmanager
async def a_house(url: str, meters: int) -> AsyncIterator[House]:
    store = await Store.open(url, upgrade=True)
    try:
        inventory = an_inventory(161, meters)
        await store.people.apply(inventory, dry_run=False, author="bench", at=START)
        house = House(
            store=store, policy=Policy(), zone=ZoneInfo("Europe/London"), currency="GBP",
            metrics=Metrics(),
        )  # fmt: skip
        await house.look_round()
        await decide_turn(house, await store.people.ids(), now=START)
        yield house
    finally:
        await store.close()


async def post(house: House, meters: int, number: int) -> None:
    """Post the round *number* of everyone, batch by batch."""
    for first in range(0, meters, _BATCH):
        batch = list(_readings(range(first, min(first + _BATCH, meters)), number))
        await account_turn(house, batch)


def _readings(meters: range, number: int) -> Iterator[Reading]:
    at = START + timedelta(minutes=5 * number)
    for meter in meters:
        yield Reading(
            device=f"cpe-{meter}", meter="wan", at=at,
            down_bytes=1_000_000 + number * (40_000 + meter), up_bytes=1_000 + number * 4_000,
            uptime_s=86_400.0 + 300 * number, agent_uptime_s=86_000.0 + 300 * number,
            epoch="2", link_bps=1_000_000_000,
        )  # fmt: skip


def table(speeds: Sequence[Speed]) -> str:
    """Return the speeds as a table; `growth` is CPU against the store's fewest meters."""
    lines = [f"{'store':12} {'meters':>8} {'readings':>9} {'readings/s':>11} {'CPU us':>8} growth"]
    least: dict[str, Speed] = {}
    for speed in sorted(speeds, key=lambda one: one.meters):
        least.setdefault(speed.store, speed)
    lines += [
        f"{speed.store:12} {speed.meters:8} {speed.readings:9} {speed.a_second:11.0f}"
        f" {speed.cpu_us:8.1f} {speed.cpu_us / least[speed.store].cpu_us:6.2f}"
        for speed in speeds
    ]
    return "\n".join(lines)


def compare(meters: Sequence[int], server: str | None, *, least: int = 50_000) -> Iterator[Speed]:
    """Yield the speed of each store with each number of meters, over at least *least* readings."""
    for count in meters:
        rounds = max(2, least // count)
        with tempfile.TemporaryDirectory() as folder:
            yield asyncio.run(measure(f"sqlite:///{Path(folder)}/capd.db", count, rounds=rounds))
        if server is not None:
            with postgres.a_database(server) as url:
                yield asyncio.run(measure(url, count, rounds=rounds))


def main() -> None:
    """Compare, and print each row as it is there."""
    asked = argparse.ArgumentParser(prog="python -m tests.bench.ledger", description=__doc__)
    asked.add_argument("--meters", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    given = asked.parse_args()
    with postgres.a_server() if postgres.wheel() else nullcontext() as server:
        print(table(list(compare(given.meters, server))))


if __name__ == "__main__":
    main()
