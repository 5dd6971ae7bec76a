"""What a poll costs: capd, a plain pysnmp loop and snmp_exporter against the same real snmpd.

    python -m tests.bench.polls [--rate 200] [--seconds 20]

CPU is user + system of all threads of the process that polls, start-up left out; the agent's own is
nobody's. Each contestant runs in a process of its own, one after the other. README.md says how to
read the table.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from capd.cli.books import wait
from tests.bench import contestants, exporter
from tests.servers.snmpd import Snmpd


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How hard, and for how long."""

    rate: int = 200  # polls a second that capd is asked for
    seconds: float = 20.0
    interval_s: float = 4.0  # snmpd keeps counters for three seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What some polls cost."""

    who: str
    polls: int
    cpu_s: float
    remark: str = ""

    @property
    def cpu_us(self) -> float:
        """Return microseconds of CPU a poll."""
        return self.cpu_s / self.polls * 1e6


def own_cpu_s() -> float:
    """Return user + system seconds of this process, all threads."""
    return time.process_time()


@contextmanager
def an_agent(folder: Path) -> Iterator[int]:
    """Run snmpd on loopback; yield its port."""
    agent = Snmpd(folder / "snmpd")
    agent.start()
    try:
        yield agent.port
    finally:
        agent.stop()


def capd(port: int, size: Size) -> Cost:
    """Poller, Asker, gufo-snmp, accounting, SQLite: down to the committed row of the ledger."""
    done = wait(
        contestants.capd_polls(
            port,
            devices=max(1, int(size.rate * size.interval_s)),
            interval_s=size.interval_s,
            seconds=size.seconds,
            cpu_s=own_cpu_s,
        )
    )
    return Cost(
        who="capd, to the committed row",
        polls=done.polls,
        cpu_s=done.cpu_s,
        remark=f"{done.posted} readings posted, {done.oids} OIDs a poll",
    )


def pysnmp(port: int, size: Size) -> Cost:
    """A plain loop of pysnmp's v1arch GET for the same OIDs; the answer is thrown away."""
    polls, cpu_s, oids = wait(
        contestants.pysnmp_polls(
            port, polls=max(20, int(size.rate * size.seconds / 8)), cpu_s=own_cpu_s
        )
    )
    return Cost(who="pysnmp GET loop", polls=polls, cpu_s=cpu_s, remark=f"{oids} OIDs a poll")


def gufo(port: int, size: Size) -> Cost:
    """A plain loop of gufo-snmp's GET for the same OIDs: the floor under capd."""
    polls, cpu_s, oids = wait(
        contestants.gufo_polls(port, polls=max(20, int(size.rate * size.seconds)), cpu_s=own_cpu_s)
    )
    return Cost(who="gufo-snmp GET loop", polls=polls, cpu_s=cpu_s, remark=f"{oids} OIDs a poll")


def if_mib(port: int, size: Size) -> Cost:
    """snmp_exporter's if_mib: walks the tables, as it is used everywhere."""
    return _exporter("snmp_exporter, if_mib", exporter.if_mib(), port, size)


def same_oids(port: int, size: Size) -> Cost:
    """snmp_exporter with a module that GETs capd's OIDs and nothing else."""
    return _exporter(
        "snmp_exporter, the same OIDs", exporter.only(contestants.oids(port)), port, size
    )


def _exporter(who: str, module: exporter.Module, port: int, size: Size) -> Cost:
    probes = max(10, int(size.rate * size.seconds / 8))
    with tempfile.TemporaryDirectory() as folder:
        series, cpu_s = exporter.probe(module, port, probes=probes, folder=Path(folder))
    return Cost(who=who, polls=probes, cpu_s=cpu_s, remark=f"{series} series a probe")


CONTESTANTS: dict[str, Callable[[int, Size], Cost]] = {
    "capd": capd,
    "gufo": gufo,
    "pysnmp": pysnmp,
    "if_mib": if_mib,
    "same_oids": same_oids,
}


def compare(size: Size, names: Sequence[str] = tuple(CONTESTANTS)) -> list[Cost]:
    """Return what each contestant's polls cost, each measured in a process of its own."""
    with tempfile.TemporaryDirectory() as folder, an_agent(Path(folder)) as port:
        costs = []
        for name in names:
            said = subprocess.run(
                [sys.executable, "-m", "tests.bench.polls", "--contestant", name,
                 "--port", str(port), "--size", json.dumps(asdict(size))],
                check=True, stdout=subprocess.PIPE, text=True,
            ).stdout  # fmt: skip
            costs.append(Cost(**json.loads(said)))
        return costs


def table(costs: Sequence[Cost]) -> str:
    """Return the costs as a table; the first is what the others are compared with."""
    lines = [f"{'':30} {'polls':>7} {'CPU us a poll':>14} {'ratio':>7}"]
    for cost in costs:
        ratio = cost.cpu_us / costs[0].cpu_us
        lines.append(
            f"{cost.who:30} {cost.polls:7} {cost.cpu_us:14.0f} {ratio:7.2f}  {cost.remark}".rstrip()
        )
    return "\n".join(lines)


def main() -> None:
    """Compare, or be one contestant."""
    asked = argparse.ArgumentParser(prog="python -m tests.bench.polls", description=__doc__)
    asked.add_argument("--rate", type=int, default=Size().rate)
    asked.add_argument("--seconds", type=float, default=Size().seconds)
    asked.add_argument("--contestant", help=argparse.SUPPRESS)
    asked.add_argument("--port", type=int, help=argparse.SUPPRESS)
    asked.add_argument("--size", help=argparse.SUPPRESS)
    given = asked.parse_args()
    if given.contestant:
        cost = CONTESTANTS[given.contestant](given.port, Size(**json.loads(given.size)))
        print(json.dumps(asdict(cost)))
    else:
        print(table(compare(Size(rate=given.rate, seconds=given.seconds))))


if __name__ == "__main__":
    main()
