"""What an access point with hundreds of stations costs: requests, and CPU a reading.

    python -m tests.bench.stations [--stations 200] [--polls 100]

The agent runs in a process of its own; CPU is user + system of the process that asks. README.md
says how to read the table.
"""

import argparse
import asyncio
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from gufo.snmp import SnmpVersion
from gufo.snmp.aio.client import SnmpSession

from capd.cli.books import wait
from capd.clock import utc_now
from capd.collect.snmp import Asker
from capd.collect.snmp_gufo import GufoEngine
from capd.model import Device, DeviceId, Meter, Secret, SnmpAccess
from capd.profiles import load_all
from tests.servers.snmpagent import COMMUNITY, TableAgent

PROFILE = "ubiquiti_af60"  # 64 bits, keyed by MAC, with the age of each association
COLUMN = "1.3.6.1.4.1.41112.1.11.1.3.1"
COLUMNS = tuple(f"{COLUMN}.{n}" for n in (10, 9, 17))


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a poll of all stations cost."""

    who: str
    requests: float
    readings: int
    cpu_s: float  # a poll
    took_s: float

    @property
    def cpu_us(self) -> float:
        """Return microseconds of CPU a reading."""
        return self.cpu_s / self.readings * 1e6


def mac(n: int) -> str:
    """Return the MAC of the station *n*."""
    return f"02:00:00:00:{n >> 8:02x}:{n & 255:02x}"


def objects(stations: int) -> dict[str, object]:
    """Return what an access point with so many stations shows."""
    shown: dict[str, object] = {"1.3.6.1.2.1.1.3.0": 4200, "1.3.6.1.2.1.25.1.1.0": 8_640_000}
    for n in range(stations):
        row = ".".join(str(int(octet, 16)) for octet in mac(n).split(":")) + ".1"
        shown |= {f"{COLUMN}.10.{row}": f"c64:{n}", f"{COLUMN}.9.{row}": f"c64:{n * 10**10}"}
        shown |= {f"{COLUMN}.17.{row}": 600, f"{COLUMN}.14.{row}": f"station {n}"}
    return shown


@dataclass(slots=True)
class Counting:
    """GufoEngine, counting what it asks; notes the OIDs of each GET."""

    engine: GufoEngine
    requests: int = 0
    gets: list[list[str]] = field(default_factory=list)

    async def get(self, access, address, oids):
        self.requests += 1
        self.gets.append(list(oids))
        return await self.engine.get(access, address, oids)

    async def first(self, access, address, column):
        self.requests += 1
        return await self.engine.first(access, address, column)

    async def walk(self, access, address, column, *, bulk, max_repetitions):
        rows = await self.engine.walk(
            access, address, column, bulk=bulk, max_repetitions=max_repetitions
        )
        self.requests += -(-(len(rows) + 1) // (max_repetitions if bulk else 1))
        return rows

    async def close(self):
        await self.engine.close()


async def measured(who: str, polls: int, ask: Callable[[], Awaitable[tuple[int, float]]]) -> Cost:
    """Return what *ask* costs, which returns its readings and its requests."""
    await ask()
    began, spent = time.monotonic(), time.process_time()
    for _ in range(polls):
        readings, requests = await ask()
    return Cost(
        who=who,
        requests=requests,
        readings=readings,
        cpu_s=(time.process_time() - spent) / polls,
        took_s=(time.monotonic() - began) / polls,
    )


def access_point(port: int, stations: int) -> Device:
    """Return the access point, each station a subscriber's meter."""
    return Device(
        id=DeviceId("ap"),
        profile=PROFILE,
        address="127.0.0.1",
        snmp=SnmpAccess(version="2c", community=Secret(COMMUNITY), port=port),
        meters=tuple(
            Meter(id=f"m{n}", subscriber=f"S-{n}", table="stations", row=mac(n))
            for n in range(stations)
        ),
    )


async def compare(port: int, stations: int, polls: int) -> list[Cost]:
    """Return what each contestant's polls cost."""
    engine = Counting(GufoEngine(timeout_s=2.0, retries=1))
    asker = Asker(engine, load_all(), utc_now)
    device = access_point(port, stations)

    async def capd() -> tuple[int, float]:
        engine.requests, engine.gets = 0, []
        poll = await asker.ask(device)
        assert poll.problem is None, poll.problem
        assert len(poll.readings) == stations
        return len(poll.readings), engine.requests

    first = await measured("capd, decoded to readings", polls, capd)
    session = SnmpSession(
        addr="127.0.0.1", port=port, community=COMMUNITY, version=SnmpVersion.v2c, timeout=2.0
    )
    asked = engine.gets

    async def gets() -> tuple[int, float]:
        for oids in asked:
            await session.get_many(oids)
        return stations, len(asked)

    async def walks() -> tuple[int, float]:
        for column in COLUMNS:
            cells = [cell async for cell in session.getbulk(column, 20)]
            assert len(cells) == stations
        return stations, len(COLUMNS) * -(-(stations + 1) // 20)

    costs = [
        first,
        await measured("gufo-snmp, the same GETs", polls, gets),
        await measured("gufo-snmp, GETBULK of the columns", polls, walks),
    ]
    await engine.close()
    return costs


def table(costs: list[Cost]) -> str:
    """Return the costs as a table; the first is what the others are compared with."""
    lines = [f"{'':34} {'requests':>8} {'CPU us a reading':>17} {'ms a poll':>10} {'ratio':>6}"]
    lines += [
        f"{cost.who:34} {cost.requests:8.0f} {cost.cpu_us:17.1f} {cost.took_s * 1000:10.1f} "
        f"{cost.cpu_us / costs[0].cpu_us:6.2f}"
        for cost in costs
    ]
    return "\n".join(lines)


async def _serve(stations: int) -> None:
    agent = await TableAgent.start(objects(stations))
    print(agent.port, flush=True)
    await asyncio.Event().wait()


def run(stations: int, polls: int) -> list[Cost]:
    """Compare against an agent in a process of its own."""
    serve = [sys.executable, "-m", "tests.bench.stations", "--agent", "--stations", str(stations)]
    with subprocess.Popen(serve, stdout=subprocess.PIPE, text=True) as agent:
        try:
            assert agent.stdout is not None
            port = int(agent.stdout.readline())
            return wait(compare(port, stations, polls))
        finally:
            agent.terminate()


def main() -> None:
    """Compare, or be the agent."""
    asked = argparse.ArgumentParser(prog="python -m tests.bench.stations", description=__doc__)
    asked.add_argument("--stations", type=int, default=200)
    asked.add_argument("--polls", type=int, default=100)
    asked.add_argument("--agent", action="store_true", help=argparse.SUPPRESS)
    given = asked.parse_args()
    if given.agent:
        asyncio.run(_serve(given.stations))
    else:
        print(table(run(given.stations, given.polls)))


if __name__ == "__main__":
    main()
