"""The pretend hill: towers, and routers and radios behind them, all listening on loopback."""

import asyncio
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from types import TracebackType
from typing import Self
from zoneinfo import ZoneInfo

from capd.clock import Clock
from capd.demo.households import PRODUCTS, Home, Household
from capd.model import Down
from capd.simulator.box import LINUX, ROUTEROS, Box, Port
from capd.simulator.broker import EmbeddedBroker
from capd.simulator.cli import Cli, CliServer
from capd.simulator.linux_cli import LinuxRouter
from capd.simulator.network import Line, Network
from capd.simulator.publisher import Publisher, Style
from capd.simulator.routeros_cli import RouterOs
from capd.simulator.snmp_agent import SnmpAgent
from capd.units import bps_of

_HOST, _LOGIN = "127.0.0.1", "capd"
_COMMUNITY = "pretend"
_PORTS_OF_A_TOWER = 16
_FASTEST_BPS = 1_000_000_000
_BEFORE = 2_000_000_000_000  # bytes, at most
_SERIAL, _VERSION = "1.3.6.1.4.1.14988.1.1.7.3.0", "1.3.6.1.4.1.14988.1.1.4.4.0"


@dataclass(slots=True, kw_only=True)
class Node:
    """One device: what the inventory says of it, and the parts that play it."""

    box: Box
    profile: str
    meters: list[dict[str, object]] = field(default_factory=list)
    settings: Mapping[str, str] = field(default_factory=dict)
    style: Style | None = None  # it publishes; None: it is polled
    cli: Cli | None = None  # None: nothing can be typed into it
    ssh: Mapping[str, object] | None = None
    agent: SnmpAgent | None = None
    publisher: Publisher | None = None

    def row(self) -> dict[str, object]:
        """Return the device as `capd import` reads it."""
        row: dict[str, object] = {
            "id": self.box.name,
            "profile": self.profile,
            "address": _HOST,
            "settings": dict(self.settings),
            "meters": self.meters,
        }
        if self.style is not None:
            row |= {"mqtt": {"name": self.box.name}, "collect": "mqtt"}
        if self.agent is not None:
            row["snmp"] = {"community": _COMMUNITY, "port": self.agent.port}
        if self.ssh is not None:
            row["ssh"] = self.ssh
        return row


class Site:
    """All pretend devices of the *households*; they listen while the context is open."""

    def __init__(self, households: Sequence[Household], clock: Clock, zone: ZoneInfo) -> None:
        self._households = households
        self._clock = clock
        self.network = Network(clock, zone)
        self.nodes: list[Node] = []
        self._towers: list[tuple[Node, RouterOs]] = []
        self.broker = EmbeddedBroker()
        self._stack = AsyncExitStack()
        self._password = secrets.token_urlsafe()
        for number, home in enumerate(households, 1):
            self._connect(number, home)

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self.broker)
        for node in self.nodes:
            if node.style is None:
                node.agent = await SnmpAgent.start(node.box, community=_COMMUNITY)
                self._stack.push_async_callback(node.agent.stop)
            if node.cli is not None:
                await self._listen(node, node.cli)
        return self

    async def _listen(self, node: Node, cli: Cli) -> None:
        server = CliServer(cli, username=_LOGIN, password=self._password)
        port = await server.start(_HOST)
        self._stack.push_async_callback(server.stop)
        node.ssh = {"username": _LOGIN, "password": self._password, "port": port}

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.__aexit__(kind, problem, trace)

    async def run(self, *, publish_every_s: float) -> None:
        """Let traffic flow and routers publish, for ever; end only by cancellation."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.network.run(), name="traffic")
            for node in self.nodes:
                if node.style is not None:
                    node.publisher = Publisher(
                        node.box,
                        node.style,
                        host=_HOST,
                        port=self.broker.port,
                        every_s=publish_every_s,
                    )
                    group.create_task(node.publisher.run(), name=f"{node.box.name} publishes")

    def inventory(self) -> dict[str, object]:
        """Return what `capd import` reads: the whole neighbourhood."""
        return {
            "products": list(_products()),
            "subscribers": [
                {
                    "id": home.id,
                    "name": home.name,
                    "product": home.product,
                    "cycle_day": home.cycle_day,
                    "email": f"{home.id.lower()}@example.net",
                }
                for home in self._households
            ],
            "devices": [node.row() for node in self.nodes],
        }

    def flowing(self) -> frozenset[str]:
        """Return whose router lets traffic through just now."""
        return frozenset(name for name, line in self.network.lines.items() if line.passes())

    def answers(self) -> int:
        """Return how many questions were answered and messages published up to now."""
        return sum(
            (node.agent.answered if node.agent else 0)
            + (node.publisher.published if node.publisher else 0)
            for node in self.nodes
        )

    def _connect(self, number: int, home: Household) -> None:
        if home.home in (Home.ROUTER_SNMP, Home.ROUTER_MQTT):
            line = self._behind_a_router(number, home)
        else:
            line = self._on_a_tower(home)
        if home.home is Home.RADIO:
            line.ports.append(self._radio(number, home))
        self.network.lines[home.id] = line

    def _behind_a_router(self, number: int, home: Household) -> Line:
        name, lan, wan = f"cpe-{number:03}", _port("lan0", 2), _port("wan0", 3)
        router = LinuxRouter(name=name)
        self.nodes.append(
            Node(
                box=Box(name, clock=self._clock, ports=(lan, wan), sys_object_id=LINUX),
                profile="linux_router",
                settings={"wan": wan.name, "lan": lan.name},
                meters=[_meter("wan", home, wan.name, Down.IN)],
                style=Style.COLLECTD if home.home is Home.ROUTER_MQTT else None,
                cli=router,
            )
        )
        return Line(
            subscriber=home.id,
            habit=home.habit,
            ports=[(wan, Down.IN), (lan, Down.OUT)],
            passes=partial(router.passes, lan.name),
            limits=partial(router.limits, wan.name, lan.name),
        )

    def _radio(self, number: int, home: Household) -> tuple[Port, Down]:
        port = _port("eth0", 1)
        node = Node(
            box=Box(f"radio-{number:03}", clock=self._clock, ports=(port,)),
            profile="generic_mqtt_json",
            meters=[_meter("eth0", home, port.name, Down.IN)],
            style=Style.JSON,
        )
        self.nodes.append(node)
        return port, Down.IN

    def _on_a_tower(self, home: Household) -> Line:
        tower, router = self._tower()
        index = len(tower.meters) + 1
        port = _port(f"vlan{100 + index}", index + 1)
        tower.box.ports.append(port)
        address, queue = f"100.64.{len(self._towers)}.{index}", f"q-{home.id}"
        meter = _meter(port.name, home, port.name, Down.OUT)
        meter["role"] = "backup" if home.home is Home.RADIO else "main"
        meter["settings"] = {"address": address, "queue": queue}
        tower.meters.append(meter)
        router.add("/queue simple", name=queue, target=f"{address}/32", max_limit=_rates(home))
        return Line(
            subscriber=home.id,
            habit=home.habit,
            ports=[(port, Down.OUT)],
            passes=partial(router.passes, address),
            limits=partial(router.limits, queue),
        )

    def _tower(self) -> tuple[Node, RouterOs]:
        """Return a tower with a free port; a new one where all are full."""
        if self._towers and len(self._towers[-1][0].meters) < _PORTS_OF_A_TOWER:
            return self._towers[-1]
        name = f"tower-{len(self._towers) + 1}"
        box = Box(
            name,
            clock=self._clock,
            sys_object_id=ROUTEROS,
            sys_descr="RouterOS simulated",
            scalars={_SERIAL: f"SIM-{name}", _VERSION: "7.18"},
        )
        router = RouterOs(name=name)
        self._towers.append((Node(box=box, profile="mikrotik_routeros", cli=router), router))
        self.nodes.append(self._towers[-1][0])
        return self._towers[-1]


def _port(name: str, index: int) -> Port:
    """Return a port that has counted for weeks already."""
    before = secrets.randbelow(_BEFORE)
    return Port(
        name=name, index=index, in_bytes=before, out_bytes=before // 7, speed_bps=_FASTEST_BPS
    )


def _meter(name: str, home: Household, port: str, down: Down) -> dict[str, object]:
    return {"id": name, "subscriber": home.id, "ifName": port, "down": down.value}


def _rates(home: Household) -> str:
    """Return the rates of their product as a queue has them: up first."""
    down, up = next((down, up) for name, _, down, up, *_ in PRODUCTS if name == home.product)
    return f"{bps_of(up)}/{bps_of(down)}"


def _products() -> Iterator[dict[str, object]]:
    for product, cap, down, up, price, following in PRODUCTS:
        row: dict[str, object] = {
            "id": product,
            "name": product.replace("-", " ").title(),
            "cap": cap,
            "counts": "both",
            "down": down,
            "up": up,
            "price": price,
        }
        yield row if following is None else row | {"upgrade_to": following}
