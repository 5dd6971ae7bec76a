"""What a suspension costs: capd against a plain Netmiko script that opens a session for each.

    python -m tests.bench.push [--orders 500] [--routers 200] [--plain 50]

The routers are command lines in memory behind real SSH on loopback, in a process of their own, so
that CPU (user + system, all threads) is the contestant's. The plain script types the same lines and
the same read-back with `send_command`, one subscriber a session, and is given --plain of them: what
it needs for each does not depend on how many there are. README.md says how to read the table.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace

from netmiko import ConnectHandler

from capd.clock import utc_now
from capd.config.enforcement import EnforceConfig
from capd.enforce.render import script
from capd.enforce.ssh import NetmikoPusher
from capd.model import Device, Order, OrderState, Secret, SshAccess
from capd.profiles import load_all
from capd.simulator.cli import CliServer
from capd.simulator.linux_cli import LinuxRouter
from capd.simulator.routeros_cli import RouterOs
from tests.bench.polls import own_cpu_s
from tests.builders import a_device, a_meter, an_order

_PASSWORD = "bench"
_AT_ONCE = 20
_FAMILIES = {"mikrotik_routeros": ("admin", RouterOs), "linux_router": ("root", LinuxRouter)}
_ALL = {name: profile for name, profile in load_all().items() if name in _FAMILIES}


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How many suspensions on one router, on how many routers one each, and the plain script's."""

    orders: int = 500
    routers: int = 200
    plain: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What some suspensions took."""

    what: str
    who: str
    orders: int
    wall_s: float
    cpu_s: float

    @property
    def wall_ms(self) -> float:
        """Return milliseconds a suspension."""
        return self.wall_s / self.orders * 1e3

    @property
    def cpu_ms(self) -> float:
        """Return milliseconds of CPU a suspension."""
        return self.cpu_s / self.orders * 1e3


async def serve(family: str, count: int) -> None:
    """Run that many routers; print their ports, and end with standard input."""
    user, kind = _FAMILIES[family]
    servers = [CliServer(kind(), username=user, password=_PASSWORD) for _ in range(count)]
    ports = [await server.start() for server in servers]
    print(json.dumps(ports), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    for server in servers:
        await server.stop()


@contextmanager
def routers(family: str, count: int) -> Iterator[list[int]]:
    """Run routers in a process of their own; yield their ports."""
    command = [sys.executable, "-m", "tests.bench.push", "--serve", family, str(count)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.communicate()


def a_job(family: str, port: int, router: int, orders: int) -> tuple[Device, list[Order]]:
    """Return a router, and the suspensions of its subscribers."""
    names = [f"S-{router}-{n}" for n in range(orders)]
    settings = (
        (lambda n: {"address": f"10.{n // 250}.{n % 250}.2"})
        if family == "mikrotik_routeros"
        else (lambda n: {"wan": "wan0", "lan": f"lan{n}"})
    )
    access = SshAccess(username=_FAMILIES[family][0], password=Secret(_PASSWORD), port=port)
    device = a_device(
        f"r-{router}", profile=family, address="127.0.0.1", ssh=access, settings={},
        meters=tuple(
            a_meter(f"m{n}", name, settings=settings(n)) for n, name in enumerate(names)
        ),
    )  # fmt: skip
    made = [an_order(number=n, subscriber=name, device=device.id) for n, name in enumerate(names)]
    return device, [replace(order, meter=f"m{n}") for n, order in enumerate(made)]


Job = tuple[Device, Sequence[Order]]


def by_capd(jobs: Sequence[Job]) -> None:
    """Push as the daemon does: a device at a time for each, all orders of one in one session."""
    config = EnforceConfig(at_once=_AT_ONCE)

    async def push() -> None:
        pusher = NetmikoPusher(_ALL, config, utc_now)
        done = await asyncio.gather(*(pusher.push(device, orders) for device, orders in jobs))
        pusher.close()
        states = {outcome.state for outcomes in done for outcome in outcomes}
        if states != {OrderState.APPLIED}:
            raise RuntimeError(f"not all are applied: {states}")

    asyncio.run(push())


def by_script(jobs: Sequence[Job]) -> None:
    """Push as a script of an afternoon does: a session for each subscriber, as many at once."""
    every = [(device, order) for device, orders in jobs for order in orders]
    with ThreadPoolExecutor(_AT_ONCE if len(jobs) > 1 else 1) as pool:
        for _ in pool.map(lambda job: _one(*job), every):
            pass


def _one(device: Device, order: Order) -> None:
    typed = script(order, device, _ALL[device.profile])
    session = ConnectHandler(
        device_type=typed.netmiko,
        host="127.0.0.1",
        port=device.ssh.port,
        username=device.ssh.username,
        password=_PASSWORD,
    )
    answers = []
    for line in (*typed.opening, *typed.suspend, *typed.verify):
        ends = typed.answer_ends or r"\] >\s*$"
        answers.append(session.send_command(line + typed.line_end, expect_string=ends))
    session.paramiko_cleanup()
    if typed.missing("\n".join(answers[-len(typed.verify) :])):
        raise RuntimeError(f"{order.subscriber} is not suspended")


def _cost(what: str, who: str, act: Callable[[Sequence[Job]], None], jobs: Sequence[Job]) -> Cost:
    began, cpu = time.monotonic(), own_cpu_s()
    act(jobs)
    return Cost(
        what=what,
        who=who,
        orders=sum(len(orders) for _, orders in jobs),
        wall_s=time.monotonic() - began,
        cpu_s=own_cpu_s() - cpu,
    )


def compare(size: Size) -> list[Cost]:
    """Return what each contestant takes, on routers that nobody has touched before."""
    costs = []
    what = f"{size.orders} on one router"
    for who, act, orders in (
        ("capd", by_capd, size.orders), ("a session each", by_script, min(size.plain, size.orders)),
    ):  # fmt: skip
        with routers("mikrotik_routeros", 1) as (port,):
            costs.append(_cost(what, who, act, [a_job("mikrotik_routeros", port, 0, orders)]))
    what = f"one on each of {size.routers} routers"
    for who, act, count in (
        ("capd", by_capd, size.routers), ("a session each", by_script, size.routers),
    ):  # fmt: skip
        with routers("linux_router", count) as ports:
            jobs = [a_job("linux_router", port, n, 1) for n, port in enumerate(ports)]
            costs.append(_cost(what, who, act, jobs))
    return costs


def table(costs: Sequence[Cost]) -> str:
    """Return the comparison as lines."""
    lines = [
        f"{'what':<28} {'who':<15} {'orders':>6} {'wall s':>8} {'ms each':>8} {'CPU ms each':>12}"
    ]
    lines += [
        f"{c.what:<28} {c.who:<15} {c.orders:>6} {c.wall_s:>8.1f} {c.wall_ms:>8.1f} "
        f"{c.cpu_ms:>12.1f}"
        for c in costs
    ]
    for ours, theirs in zip(costs[::2], costs[1::2], strict=True):
        wall, cpu = theirs.wall_ms / ours.wall_ms, theirs.cpu_ms / ours.cpu_ms
        lines.append(f"ratio, {ours.what}: {wall:.1f} in time, {cpu:.1f} in CPU")
    return "\n".join(lines)


def main() -> None:
    """Measure, and print the table."""
    options = argparse.ArgumentParser(description=__doc__)
    for name, default in (("orders", 500), ("routers", 200), ("plain", 50)):
        options.add_argument(f"--{name}", type=int, default=default)
    options.add_argument("--serve", nargs=2, metavar=("FAMILY", "COUNT"), help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.serve:
        asyncio.run(serve(given.serve[0], int(given.serve[1])))
        return
    print(table(compare(Size(orders=given.orders, routers=given.routers, plain=given.plain))))


if __name__ == "__main__":
    main()
