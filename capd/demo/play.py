"""The play itself: raise the curtain, let time run fast, count the bytes when it falls."""

import asyncio
import tempfile
import time
from collections import deque
from collections.abc import Collection
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from rich.console import Console

from capd.account.periods import next_period, period_of
from capd.clock import utc_now
from capd.config import Config
from capd.daemon import Daemon
from capd.demo import stage
from capd.demo.board import Board
from capd.demo.customers import Customers
from capd.demo.households import Household
from capd.demo.reckoning import Count, Reckoning
from capd.demo.screen import Screen, Tally
from capd.demo.site import Site
from capd.house import House
from capd.metrics import Metrics
from capd.model import Cycle, Event, Inventory, MeterKey, OrderState, SubscriberId, TokenRole
from capd.opening import open_house
from capd.pipeline import accept_turn
from capd.simulator.pace import FastClock
from capd.store import Store
from capd.tokens import create

SPEED = 4 * 3600  # a second here is four hours there; a month passes in three minutes
_LOOK_S = 0.25
_LOOKS = 12  # polls are averaged over so many looks
_PATIENCE_S = 20.0
_POLLS_A_SECOND = 100  # what two cores carry beside everything else


class Play:
    """One performance for *households*, over when `stop` is called or time is up."""

    def __init__(self, households: list[Household], console: Console) -> None:
        self._zone = ZoneInfo(stage.ZONE)
        today = utc_now().astimezone(self._zone)
        first = today.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        self._start = first.astimezone(UTC)
        self._clock = FastClock(self._start)
        self._households = households
        self._console = console
        self._site = Site(households, self._clock, self._zone)
        self._stop = asyncio.Event()
        self._answers = deque([(time.monotonic(), 0)], maxlen=_LOOKS)
        self._every_s = max(0.5, len(households) / _POLLS_A_SECOND)

    def stop(self) -> None:
        """Let the curtain fall."""
        self._stop.set()

    async def run(self, *, seconds: float | None, port: int | None) -> Reckoning:
        """Play for *seconds*, or until told to stop; return what it came to."""
        with (
            stage.free_port(port) as listen,
            tempfile.TemporaryDirectory(prefix="capd-demo-") as name,
        ):
            folder = Path(name)
            async with self._site:
                settings = stage.write(folder, self._site, port=listen, every_s=self._every_s)
                told = await stage.fill(settings, folder, self._clock)
                return await self._perform(settings, told, seconds)

    async def _perform(self, settings: Config, told: Inventory, seconds: float | None) -> Reckoning:
        house = await open_house(settings, Metrics(), upgrade=False)
        daemon = Daemon(settings, clock=self._clock)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(daemon.run(signals=False), name="daemon")
                site = group.create_task(
                    self._site.run(publish_every_s=self._every_s), name="pretend network"
                )
                await daemon.started.wait()
                reckoning = await self._acts(house, daemon, told, seconds)
                daemon.stop()
                site.cancel()
            return reckoning
        finally:
            await house.store.close()

    async def _acts(
        self, house: House, daemon: Daemon, told: Inventory, seconds: float | None
    ) -> Reckoning:
        store, network = house.store, self._site.network
        board = Board(store, self._households, {product.id: product for product in told.products})
        meters = [
            MeterKey(device.id, meter.id) for device in told.devices for meter in device.meters
        ]
        token = await create(
            store, "demo", TokenRole.NOC, subscriber=None, author="demo", now=self._start
        )
        headline = (
            f"{len(self._households)} pretend subscribers; a second here is four hours there.\n"
            f"In a browser: {daemon.address}/metrics and /api/v1/docs   To end: Ctrl-C\n"
            f'curl -H "Authorization: Bearer {token}" {daemon.address}/api/v1/subscribers'
        )
        with Screen(self._console, headline=headline) as screen:
            screen.say(headline)
            await self._read_since(store, meters, self._start, patient=False)
            self._clock.run_at(SPEED)
            network.open()
            await self._let_time_run(house, board, screen, seconds)
            network.shut()
            end = self._clock()
            self._clock.run_at(1)
            await self._read_since(store, meters, end)
            await self._nothing_under_way(store)
            await self._look(board, screen)
        return await self._reckon(store, board, end)

    async def _let_time_run(
        self, house: House, board: Board, screen: Screen, seconds: float | None
    ) -> None:
        customers = Customers(self._households)
        until = None if seconds is None else time.monotonic() + seconds
        while not self._stop.is_set() and (until is None or time.monotonic() < until):
            for event in await self._look(board, screen):
                customers.hear(event)
            for fact in customers.act(self._clock()):
                await accept_turn(house, fact, now=self._clock())
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_S):
                    await self._stop.wait()

    async def _look(self, board: Board, screen: Screen) -> list[Event]:
        now = self._clock()
        fresh = await board.look(now, self._zone)
        screen.show(board, fresh, now.astimezone(self._zone), self._tally(board))
        return fresh

    def _tally(self, board: Board) -> Tally:
        at, answers = time.monotonic(), self._site.answers()
        then, before = self._answers[0]
        self._answers.append((at, answers))
        return Tally(
            polls_a_second=(answers - before) / max(at - then, 0.1),
            orders=board.under_way(),
            pushes=sum(event.kind == "order_applied" for event in board.events),
            flowing=self._site.flowing(),
        )

    async def _read_since(
        self,
        store: Store,
        meters: Collection[MeterKey],
        moment: datetime,
        *,
        patient: bool = True,
    ) -> None:
        """Wait until every meter has a reading after *moment*; *patient*: though told to stop."""
        until = time.monotonic() + _PATIENCE_S
        while time.monotonic() < until and (patient or not self._stop.is_set()):
            states = await store.ledger.states(meters)
            if sum(state.last.at > moment for state in states.values()) == len(meters):
                return
            await asyncio.sleep(_LOOK_S)

    async def _nothing_under_way(self, store: Store) -> None:
        """Wait until what was ordered is done, or failed; not for ever."""
        until = time.monotonic() + _PATIENCE_S
        while time.monotonic() < until:
            counts = await store.orders.counts()
            if not counts[OrderState.OPEN]:
                return
            await asyncio.sleep(_LOOK_S)

    async def _reckon(self, store: Store, board: Board, end: datetime) -> Reckoning:
        off = {
            one.subscriber: one.at
            for one in await store.orders.suspended_applied()
            if one.at is not None
        }
        return Reckoning(
            households={home.id: home for home in self._households},
            events=board.events,
            counts=[await self._count(store, home, end) for home in self._households],
            cut_off=frozenset(off),
            leaked_bytes=sum((await store.ledger.since(off)).values()),
            refused_bytes=sum(line.refused_bytes for line in self._site.network.lines.values()),
            speed=SPEED,
        )

    async def _count(self, store: Store, home: Household, end: datetime) -> Count:
        """Hold the ledger of every period that the play touched against what flowed."""
        period = period_of(self._start, Cycle(home.cycle_day), self._zone)
        counted = unknown_us = 0
        while period.start <= end:
            usage = await store.ledger.usage(SubscriberId(home.id), period)
            counted += usage.down_bytes + usage.up_bytes
            unknown_us += usage.unknown_us
            period = next_period(period, Cycle(home.cycle_day), self._zone)
        line = self._site.network.lines[home.id]
        true = line.down_bytes + line.up_bytes
        return Count(
            subscriber=home.id, counted=counted, true=true, unknown_s=unknown_us / 1_000_000
        )
