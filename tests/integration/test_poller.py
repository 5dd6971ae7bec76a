"""The poller's own loop: many devices, few at once, nobody forgotten."""

import asyncio
import logging
from contextlib import asynccontextmanager, suppress

from capd.clock import utc_now
from capd.collect.poller import Poller
from capd.config import SnmpConfig
from capd.model import Poll
from tests.builders import NOON, a_device

PATIENCE_S = 20


class Network:
    """Devices that answer at once, after a while, or never; notes who was asked."""

    def __init__(self, takes_s=0.0):
        self.takes_s = takes_s
        self.silent = set()
        self.problems = {}
        self.asked = []
        self.now = set()
        self.most_at_once = 0
        self.forgotten = []

    async def ask(self, device):
        assert device.id not in self.now, "asked twice at once"
        self.now.add(device.id)
        self.most_at_once = max(self.most_at_once, len(self.now))
        self.asked.append(device.id)
        await asyncio.sleep(self.takes_s)
        self.now.discard(device.id)
        silent = device.id in self.silent
        return Poll(
            device=device.id, protocol="snmp", at=utc_now(), unreachable=silent,
            problem="no answer" if silent else self.problems.get(device.id),
        )  # fmt: skip

    def forget(self, device):
        self.forgotten.append(device)


@asynccontextmanager
async def polling(network, devices, **config):
    """Poll until the block ends; yields the poller and what it poured."""
    settings = SnmpConfig(**{"interval_s": 0.1, "silent_interval_s": 0.1, **config})
    observed = []
    poller = Poller(
        devices, network, settings, utc_now, observe=lambda *what: observed.append(what)
    )
    poured = []

    async def pour(poll):
        poured.append(poll)

    task = asyncio.ensure_future(poller.run(pour))
    try:
        yield poller, poured, observed
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(true):
    async with asyncio.timeout(PATIENCE_S):
        while not true():  # noqa: ASYNC110 - what is watched tells nobody
            await asyncio.sleep(0.005)


def devices(n):
    return [a_device(f"cpe-{i}") for i in range(n)]


async def test_everybody_is_asked_again_and_again():
    network = Network()
    async with polling(network, devices(50)) as (_, poured, observed):
        await until(lambda: min(network.asked.count(f"cpe-{i}") for i in range(50)) >= 3)
    assert {poll.device for poll in poured} == {f"cpe-{i}" for i in range(50)}
    assert {name for name, _ in observed} == {"lag_s"}
    assert all(lag >= 0 for _, lag in observed)


async def test_no_more_than_allowed_are_asked_at_once():
    network = Network(takes_s=0.02)
    async with polling(network, devices(60), at_once=7):
        await until(lambda: len(network.asked) >= 120)
    assert network.most_at_once == 7


async def test_a_slow_device_holds_up_nobody_else():
    class OneSlow(Network):
        async def ask(self, device):
            if device.id == "cpe-0":
                self.asked.append("cpe-0")
                await asyncio.sleep(PATIENCE_S)
            return await super().ask(device)

    network = OneSlow()
    async with polling(network, devices(5), at_once=2):
        await until(lambda: network.asked.count("cpe-4") >= 5)
    assert network.asked.count("cpe-0") == 1


async def test_going_silent_and_coming_back_are_each_said_once(caplog):
    caplog.set_level(logging.INFO, "capd.collect.poller")
    network = Network()
    network.silent.add("cpe-0")
    async with polling(network, devices(2)) as (_, _, observed):
        await until(lambda: network.asked.count("cpe-0") >= 6)
        network.silent.clear()
        await until(lambda: ("silent", 0) in observed)
    said = [record.getMessage() for record in caplog.records]
    assert said == [
        "cpe-0: no answer (3 in a row), asked every 0.00166667 min from now",
        "cpe-0: answers again",
    ]
    assert [value for name, value in observed if name == "silent"] == [1, 0]


async def test_a_lasting_problem_is_said_once(caplog):
    caplog.set_level(logging.INFO, "capd.collect.poller")
    network = Network()
    network.problems["cpe-0"] = "there is no interface wan0"
    async with polling(network, devices(1)):
        await until(lambda: len(network.asked) >= 4)
        network.problems.clear()
        await until(lambda: len(caplog.records) == 2)
    assert [record.getMessage() for record in caplog.records] == [
        "cpe-0: there is no interface wan0",
        "cpe-0: reads well again",
    ]


async def test_a_new_inventory_takes_over_while_running():
    network = Network()
    async with polling(network, devices(3)) as (poller, _, _):
        await until(lambda: len(network.asked) >= 3)
        poller.replace([a_device("cpe-9")])
        await until(lambda: network.asked.count("cpe-9") >= 2)
        network.asked.clear()
        await until(lambda: len(network.asked) >= 3)
    assert set(network.asked) == {"cpe-9"}
    assert sorted(network.forgotten) == ["cpe-0", "cpe-1", "cpe-2"]


async def test_an_empty_inventory_waits_for_devices():
    network = Network()
    async with polling(network, []) as (poller, _, _):
        await asyncio.sleep(0)
        poller.replace(devices(1))
        await until(lambda: network.asked == ["cpe-0"] * len(network.asked) and network.asked)


async def test_somebody_may_be_asked_out_of_turn():
    network = Network()
    async with polling(network, devices(3), interval_s=86_400) as (poller, _, _):
        await asyncio.sleep(0.02)
        network.asked.clear()
        assert poller.poll_now("cpe-1")
        assert not poller.poll_now("nobody")
        await until(lambda: network.asked == ["cpe-1"])


async def test_accounting_that_is_slow_slows_the_polling_down_instead_of_piling_up():
    network, gate, waiting = Network(), asyncio.Event(), []

    async def pour(poll):
        waiting.append(poll)
        await gate.wait()

    poller = Poller(devices(20), network, SnmpConfig(interval_s=0.05, at_once=4), utc_now)
    task = asyncio.ensure_future(poller.run(pour))
    await until(lambda: len(waiting) == 4)
    await asyncio.sleep(0.2)
    assert len(waiting) == 4
    gate.set()
    await until(lambda: len(waiting) >= 20)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_hundred_thousand_devices_need_no_task_each():
    network = Network()
    async with polling(network, devices(100_000), interval_s=300, at_once=50) as (poller, _, _):
        await until(lambda: len(network.asked) >= 50)
        assert len(asyncio.all_tasks()) < 60
        assert len(poller._schedule) == 100_000


async def test_it_ends_though_a_library_swallows_the_cancellation():
    """As asyncio.wait_for does on Python 3.11, when the answer comes in the same moment."""

    class Deaf:
        asked = 0

        async def ask(self, device):
            self.asked += 1
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(0.01)
            return Poll(device=device.id, protocol="snmp", at=NOON)

        def forget(self, device):
            raise AssertionError(device)

    deaf = Deaf()
    config = SnmpConfig(interval_s=0.01, at_once=5)
    devices = [a_device(f"cpe-{n}") for n in range(20)]
    poller = Poller(devices, deaf, config, utc_now)

    async def pour(poll):
        assert poll.device

    task = asyncio.get_running_loop().create_task(poller.run(pour))
    await asyncio.sleep(0.2)  # long enough that some are being asked
    task.cancel()
    await asyncio.wait_for(asyncio.wait([task]), 10)
    assert task.cancelled()
