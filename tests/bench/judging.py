"""What it costs to judge everybody again, and how long nothing else gets its turn meanwhile.

    python -m tests.bench.judging [--subscribers 1000 10000]

Everybody has a meter, some usage and nothing special, as most have; README.md says how to read the
table.
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from capd.house import House
from capd.quick import seldom_collected
from capd.review import LOOK_S, Judging
from capd.rounds import Turn
from tests.bench.ledger import START, a_house, post
from tests.bench.polls import own_cpu_s

_TICK_S = 0.002


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """What one pass over everybody took."""

    how: str  # judged, as at the start; or looked at, as later on
    subscribers: int
    wall_s: float
    cpu_us: float  # of one subscriber
    longest_ms: float  # that the loop was late
    longest_pen_ms: float  # that somebody else waited to write


async def measure(subscribers: int, folder: Path) -> list[Sweep]:
    """Judge everybody once more, then look at everybody as the daemon does later on."""
    async with a_house(f"sqlite:///{folder}/capd.db", subscribers) as house:
        for number in range(2):
            await post(house, subscribers, number)
        judging = Judging(house, lambda: START, every_s=LOOK_S)
        passes = {"judged": judging.everyone, "looked at": judging.some}
        return [await _pass(house, subscribers, how, turn) for how, turn in passes.items()]


async def _pass(house: House, subscribers: int, how: str, turn: Turn) -> Sweep:
    late, waits = [0.0], [0.0]
    tasks = [asyncio.create_task(_tick(late)), asyncio.create_task(_write(house, waits))]
    began, spent = time.monotonic(), own_cpu_s()
    await turn()
    wall_s, cpu_s = time.monotonic() - began, own_cpu_s() - spent
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return Sweep(
        how=how, subscribers=subscribers, wall_s=wall_s, cpu_us=cpu_s / subscribers * 1e6,
        longest_ms=max(late) * 1e3, longest_pen_ms=max(waits) * 1e3,
    )  # fmt: skip


async def _tick(late: list[float]) -> None:
    while True:
        due = time.monotonic() + _TICK_S
        await asyncio.sleep(_TICK_S)
        late.append(time.monotonic() - due)


async def _write(house: House, waits: list[float]) -> None:
    while True:
        began = time.monotonic()
        async with house.store.judging():
            waits.append(time.monotonic() - began)
        await asyncio.sleep(0.02)


def compare(several: Sequence[int]) -> Iterator[Sweep]:
    """Yield what each number of subscribers takes."""
    for count in several:
        with tempfile.TemporaryDirectory() as folder, seldom_collected():
            yield from asyncio.run(measure(count, Path(folder)))


def table(sweeps: Sequence[Sweep]) -> str:
    """Return the sweeps as a table."""
    lines = [
        f"{'':10} {'subscribers':>11} {'wall s':>8} {'CPU us':>8} {'loop ms':>8} {'pen ms':>8}"
    ]
    lines += [
        f"{one.how:10} {one.subscribers:11} {one.wall_s:8.2f} {one.cpu_us:8.1f}"
        f" {one.longest_ms:8.0f} {one.longest_pen_ms:8.0f}"
        for one in sweeps
    ]
    return "\n".join(lines)


def main() -> None:
    """Print the table."""
    asked = argparse.ArgumentParser(prog="python -m tests.bench.judging", description=__doc__)
    asked.add_argument("--subscribers", type=int, nargs="+", default=[1_000, 10_000])
    print(table(list(compare(asked.parse_args().subscribers))))


if __name__ == "__main__":
    main()
