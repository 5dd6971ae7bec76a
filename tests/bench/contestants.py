"""Who polls in the comparison: capd's own parts, and the two SNMP libraries on their own."""

import asyncio
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

from gufo.snmp import SnmpVersion
from gufo.snmp.aio.client import SnmpSession
from pysnmp.hlapi.v1arch import asyncio as v1arch

from capd import profiles
from capd.clock import utc_now
from capd.collect.intake import Intake
from capd.collect.poller import Poller
from capd.collect.snmp import Asker
from capd.collect.snmp_gufo import GufoEngine
from capd.config import SnmpConfig
from capd.decide.policy import Policy
from capd.house import House
from capd.metrics import Metrics
from capd.model import (
    Device,
    DeviceId,
    Inventory,
    Meter,
    Poll,
    Product,
    ProductId,
    Secret,
    SnmpAccess,
    Subscriber,
    SubscriberId,
)
from capd.pipeline import account_turn, decide_turn
from capd.store import Store
from tests.servers.snmpd import COMMUNITY

CpuS = Callable[[], float]
_GB = 10**9


@dataclass(frozen=True, slots=True)
class Done:
    """What capd did between two moments at which nothing was waiting to be posted."""

    polls: int
    posted: int
    cpu_s: float
    oids: int


@dataclass(slots=True)
class _Noting:
    """GufoEngine, noting the OIDs of its last GET, so that the others can ask the same."""

    engine: GufoEngine
    oids: list[str] = field(default_factory=list)

    async def get(self, access, address, oids):
        self.oids = list(oids)
        return await self.engine.get(access, address, oids)

    async def first(self, access, address, column):
        return await self.engine.first(access, address, column)

    async def walk(self, access, address, column, *, bulk, max_repetitions):
        return await self.engine.walk(
            access, address, column, bulk=bulk, max_repetitions=max_repetitions
        )

    async def close(self):
        await self.engine.close()


def an_inventory(port: int, devices: int) -> Inventory:
    """Return *devices* routers, which are all the same agent, each with a subscriber's meter."""
    product = Product(id=ProductId("big"), name="Big", cap_bytes=1000 * _GB)
    numbers = range(devices)
    return Inventory(
        products=(product,),
        subscribers=tuple(
            Subscriber(id=SubscriberId(f"S-{n}"), name=f"Customer {n}", product=product.id)
            for n in numbers
        ),
        devices=tuple(_device(port, n) for n in numbers),
    )


def _device(port: int, number: int) -> Device:
    meter = Meter(id="wan", subscriber=SubscriberId(f"S-{number}"), if_name="lo")
    return Device(
        id=DeviceId(f"cpe-{number}"),
        profile="linux_router",
        address="127.0.0.1",
        snmp=SnmpAccess(community=Secret(COMMUNITY), port=port),
        settings={"wan": "lo", "lan": "lan0"},
        meters=(meter,),
    )


def oids(port: int) -> list[str]:
    """Return what capd asks of a router with one meter, in its one GET."""

    async def ask() -> list[str]:
        noting = _Noting(GufoEngine(timeout_s=2.0, retries=1))
        poll = await Asker(noting, profiles.load_all(), utc_now).ask(_device(port, 0))
        assert poll.readings, poll.problem
        return noting.oids

    return asyncio.run(ask())


async def capd_polls(
    port: int, *, devices: int, interval_s: float, seconds: float, cpu_s: CpuS
) -> Done:
    """Poll as the daemon does for *seconds*, after a first round that nobody measures."""
    with tempfile.TemporaryDirectory() as folder:
        store = await Store.open(f"sqlite:///{Path(folder)}/capd.db", upgrade=True)
        try:
            inventory = an_inventory(port, devices)
            await store.people.apply(inventory, dry_run=False, author="bench", at=utc_now())
            metrics = Metrics()
            house = House(
                store=store, policy=Policy(), zone=ZoneInfo("UTC"), currency="GBP", metrics=metrics
            )
            await house.look_round()
            await decide_turn(house, await store.people.ids(), now=utc_now())  # as at the start
            return await _Run(house, inventory, interval_s, cpu_s).measure(seconds)
        finally:
            await store.close()


class _Run:
    """The daemon's collecting half, with a counter at the mouth of the ledger."""

    def __init__(self, house: House, inventory: Inventory, interval_s: float, cpu_s: CpuS) -> None:
        self._house, self._cpu_s, self._interval_s = house, cpu_s, interval_s
        self._engine = _Noting(GufoEngine(timeout_s=2.0, retries=1))
        asker = Asker(self._engine, profiles.load_all(), utc_now)
        self._poller = Poller(inventory.devices, asker, SnmpConfig(interval_s=interval_s), utc_now)
        self._intake = Intake(self._post)
        self._polls = self._posted = 0
        self._posting = asyncio.Event()

    async def measure(self, seconds: float) -> Done:
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(self._intake.run()),
                group.create_task(self._poller.run(self._pour)),
            ]
            await asyncio.sleep(1.25 * self._interval_s)
            before = await self._all_posted()
            await asyncio.sleep(seconds)
            after = await self._all_posted()
            for task in tasks:
                task.cancel()
        mistakes = await self._house.store.ledger.check()
        assert not mistakes, mistakes
        return Done(*(b - a for a, b in zip(before, after, strict=True)), len(self._engine.oids))

    async def _all_posted(self) -> tuple[int, int, float]:
        """Wait until what was polled by now is in the ledger; return polls, readings and CPU."""
        wanted = self._polls
        while self._posted < wanted:
            self._posting.clear()
            await self._posting.wait()
        return self._polls, self._posted, self._cpu_s()

    async def _pour(self, poll: Poll) -> None:
        assert poll.problem is None, poll.problem
        self._polls += 1
        self._house.metrics.polled(poll)
        await self._intake.pour(poll)

    async def _post(self, readings) -> None:
        await account_turn(self._house, readings)
        self._posted += len(readings)
        self._posting.set()


async def pysnmp_polls(port: int, *, polls: int, cpu_s: CpuS) -> tuple[int, float, int]:
    """GET *polls* times with pysnmp's cheaper architecture; nothing is done with the answers."""
    wanted = await asyncio.to_thread(oids, port)
    dispatcher = v1arch.SnmpDispatcher()
    target = await v1arch.UdpTransportTarget.create(("127.0.0.1", port), timeout=2, retries=1)
    community = v1arch.CommunityData(COMMUNITY, mpModel=1)
    asked = [(oid, v1arch.Null("")) for oid in wanted]
    try:
        for n in range(polls + 5):
            if n == 5:  # the first ones load what is needed
                spent = cpu_s()
            problem, status, _, _ = await v1arch.get_cmd(
                dispatcher, community, target, *asked, lookupMib=False
            )
            assert not problem, problem
            assert not status
    finally:
        dispatcher.close()
    return polls, cpu_s() - spent, len(wanted)


async def gufo_polls(port: int, *, polls: int, cpu_s: CpuS) -> tuple[int, float, int]:
    """GET *polls* times with gufo-snmp in one session; nothing is done with the answers."""
    wanted = await asyncio.to_thread(oids, port)
    session = SnmpSession(
        addr="127.0.0.1", port=port, community=COMMUNITY, version=SnmpVersion.v2c, timeout=2.0
    )
    await session.get_many(wanted)
    spent = cpu_s()
    for _ in range(polls):
        await session.get_many(wanted)
    return polls, cpu_s() - spent, len(wanted)
