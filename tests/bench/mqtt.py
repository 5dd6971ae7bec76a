"""What a message costs: capd against a bare aiomqtt loop, on the same real mosquitto.

    python -m tests.bench.mqtt [--devices 1000] [--rounds 20]

Each contestant runs in a process of its own, one after the other; a further process publishes as
fast as the broker takes it (QoS 1), so that a rate is what the contestant can keep up with.
README.md says how to read the table.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import aiomqtt
from paho.mqtt.client import CallbackAPIVersion, Client

from capd.clock import utc_now
from capd.collect.decode import Refused, collectd
from capd.collect.intake import Intake
from capd.collect.mqtt import MqttSource
from capd.config import MqttConfig
from capd.decide.policy import Policy
from capd.house import House
from capd.metrics import Metrics
from capd.pipeline import account_turn
from capd.profiles import load_all
from capd.store import Store
from tests.bench.contestants import an_inventory
from tests.bench.polls import own_cpu_s
from tests.servers.mosquitto import Mosquitto

_BROKER = "max_queued_messages 0\nmax_inflight_messages 0\nset_tcp_nodelay true"


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How many publish, and how often."""

    devices: int = 1000
    rounds: int = 20

    @property
    def messages(self) -> int:
        """Return how many messages there are."""
        return self.devices * self.rounds


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What some messages took."""

    who: str
    messages: int
    wall_s: float
    cpu_s: float
    remark: str = ""

    @property
    def a_second(self) -> float:
        """Return messages a second."""
        return self.messages / self.wall_s

    @property
    def cpu_us(self) -> float:
        """Return microseconds of CPU a message."""
        return self.cpu_s / self.messages * 1e6


def publish(port: int, size: Size) -> None:
    """Publish counters of collectd, *rounds* for each device, as fast as the broker takes them."""
    client = Client(CallbackAPIVersion.VERSION2)
    client.max_inflight_messages_set(1000)
    client.connect("127.0.0.1", port)
    client.loop_start()
    start = utc_now().timestamp() - 3600
    last = None
    for number in range(1, size.rounds + 1):
        for device in range(size.devices):
            payload = f"{start + number:.3f}:{1_000_000 + 40_000 * number}:{4_000 * number}\0"
            last = client.publish(f"collectd/cpe-{device}/interface-lo/if_octets", payload, qos=1)
    if last is not None:
        last.wait_for_publish(600)
    client.loop_stop()
    client.disconnect()


def _a_publisher(port: int, size: Size) -> subprocess.Popen[bytes]:
    arguments = ["--publish", "--port", str(port), "--size", json.dumps(asdict(size))]
    return subprocess.Popen([sys.executable, "-m", "tests.bench.mqtt", *arguments])


async def capd(port: int, size: Size) -> Cost:
    """MqttSource, intake, accounting, SQLite: down to the committed row and the acknowledgement."""
    with tempfile.TemporaryDirectory() as folder:
        store = await Store.open(f"sqlite:///{Path(folder)}/capd.db", upgrade=True)
        try:
            return await _capd(store, port, size)
        finally:
            await store.close()


async def _capd(store: Store, port: int, size: Size) -> Cost:
    inventory = an_inventory(161, size.devices)
    await store.people.apply(inventory, dry_run=False, author="bench", at=utc_now())
    house = House(
        store=store, policy=Policy(), zone=ZoneInfo("Europe/London"), currency="GBP",
        metrics=Metrics(),
    )  # fmt: skip
    await house.look_round()
    posted, up, done = 0, asyncio.Event(), asyncio.Event()

    async def post(readings):
        nonlocal posted
        await account_turn(house, readings)
        posted += len(readings)
        if posted >= size.messages:
            done.set()

    intake = Intake(post)
    source = MqttSource(
        inventory.devices, load_all(), MqttConfig(url=f"mqtt://127.0.0.1:{port}"), utc_now,
        connected=lambda is_up: up.set() if is_up else None,
    )  # fmt: skip
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(intake.run()),
            group.create_task(source.run(intake.pour, intake)),
        ]
        await up.wait()
        await asyncio.sleep(0.5)  # the subscription follows
        wall_s, cpu_s = await _measured(port, size, done)
        for task in tasks:
            task.cancel()
    mistakes = len(await store.ledger.check())
    return Cost(
        who="capd, to the committed row", messages=size.messages, wall_s=wall_s, cpu_s=cpu_s,
        remark=f"{posted} readings posted, {mistakes} mistakes in the ledger",
    )  # fmt: skip


async def bare(port: int, size: Size) -> Cost:
    """A plain loop over aiomqtt's messages that decodes each and throws it away."""
    done = asyncio.Event()
    understood = 0

    async def listen(client: aiomqtt.Client) -> None:
        nonlocal understood
        seen = 0
        async for message in client.messages:
            understood += not isinstance(collectd.octets(bytes(message.payload), 64), Refused)
            seen += 1
            if seen >= size.messages:
                done.set()

    async with aiomqtt.Client("127.0.0.1", port, protocol=aiomqtt.ProtocolVersion.V5) as client:
        await client.subscribe("collectd/+/+/if_octets", qos=1)
        async with asyncio.TaskGroup() as group:
            task = group.create_task(listen(client))
            wall_s, cpu_s = await _measured(port, size, done)
            task.cancel()
    return Cost(
        who="aiomqtt loop, decoding only", messages=size.messages, wall_s=wall_s, cpu_s=cpu_s,
        remark=f"{understood} decoded",
    )  # fmt: skip


async def _measured(port: int, size: Size, done: asyncio.Event) -> tuple[float, float]:
    """Return the seconds, and this process's seconds of CPU, until *done*."""
    began, spent = time.monotonic(), own_cpu_s()
    publisher = _a_publisher(port, size)
    async with asyncio.timeout(600):
        await done.wait()
    wall_s, cpu_s = time.monotonic() - began, own_cpu_s() - spent
    await asyncio.to_thread(publisher.wait)
    return wall_s, cpu_s


CONTESTANTS: dict[str, Callable[[int, Size], object]] = {"capd": capd, "bare": bare}


def compare(size: Size) -> list[Cost]:
    """Return what messages cost each contestant, each measured in a process of its own."""
    costs = []
    for name in CONTESTANTS:
        with tempfile.TemporaryDirectory() as folder:
            broker = Mosquitto(Path(folder) / "mosquitto", extra=_BROKER)
            broker.start()
            try:
                said = subprocess.run(
                    [sys.executable, "-m", "tests.bench.mqtt", "--contestant", name,
                     "--port", str(broker.port), "--size", json.dumps(asdict(size))],
                    check=True, stdout=subprocess.PIPE, text=True,
                ).stdout  # fmt: skip
            finally:
                broker.stop()
        costs.append(Cost(**json.loads(said)))
    return costs


def table(costs: Sequence[Cost]) -> str:
    """Return the costs as a table; the first is what the others are compared with."""
    lines = [f"{'':28} {'messages':>9} {'a second':>9} {'CPU us each':>12} {'ratio':>6}"]
    lines += [
        f"{cost.who:28} {cost.messages:9} {cost.a_second:9.0f} {cost.cpu_us:12.1f}"
        f" {cost.cpu_us / costs[0].cpu_us:6.2f}  {cost.remark}".rstrip()
        for cost in costs
    ]
    return "\n".join(lines)


def main() -> None:
    """Compare, or be one contestant, or the publisher."""
    asked = argparse.ArgumentParser(prog="python -m tests.bench.mqtt", description=__doc__)
    asked.add_argument("--devices", type=int, default=Size().devices)
    asked.add_argument("--rounds", type=int, default=Size().rounds)
    for hidden in ("--contestant", "--port", "--size"):
        asked.add_argument(hidden, help=argparse.SUPPRESS)
    asked.add_argument("--publish", action="store_true", help=argparse.SUPPRESS)
    given = asked.parse_args()
    if given.publish:
        publish(int(given.port), Size(**json.loads(given.size)))
    elif given.contestant:
        run = CONTESTANTS[given.contestant]
        print(json.dumps(asdict(asyncio.run(run(int(given.port), Size(**json.loads(given.size)))))))
    else:
        print(table(compare(Size(devices=given.devices, rounds=given.rounds))))


if __name__ == "__main__":
    main()
