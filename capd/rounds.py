"""What is done again and again while capd runs: judge, notice changes, push, tell, take stock."""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from capd.clock import Clock
from capd.decide import guard
from capd.enforce import Pusher
from capd.enforce.worker import Breaker, carry_out
from capd.errors import StoreError
from capd.house import House
from capd.metrics import Metrics
from capd.model import Device, DeviceId, Order, OrderState, Outcome, SubscriberId
from capd.pipeline import decide_turn
from capd.proof import Leaks
from capd.store.notices import BOUNCED
from capd.told import notice_of

log = logging.getLogger(__name__)

Turn = Callable[[], Awaitable[object]]

_QUIET = ("order_",)  # events of these kinds change nobody's standing
# whose meters there are, and to which period their bytes belong
_REWIRED = ("imported", "activation_undone", "radio_put_back", "cycle_day")
_PAGE = 1000
_CANCEL_S = 1.0
_EVERY = 1_000_000  # where some wait: what may go is not to wait behind them


async def keep(name: str, turn: Turn, *, every_s: float, metrics: Metrics) -> None:
    """Take *turn* again and again; one that fails is logged once a kind, and taken again."""
    failed: str | None = None
    while True:
        began = time.monotonic()
        try:
            await turn()
        except Exception as exc:
            metrics.turned(name, time.monotonic() - began, failed=True)
            if repr(exc) != failed and isinstance(exc, StoreError):  # it says what is wrong
                log.error("%s waits, next try in %.1f s: %s", name, every_s, exc)  # noqa: TRY400
            elif repr(exc) != failed:
                log.exception("%s failed, next try in %.1f s", name, every_s)
            failed = repr(exc)
        else:
            metrics.turned(name, time.monotonic() - began)
            if failed is not None:
                log.info("%s works again", name)
            failed = None
        await asyncio.sleep(every_s)


async def end(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Cancel *tasks* until they are done: a library may swallow a cancellation, but not many."""
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=_CANCEL_S)


class Watch:
    """Notices within a second what a command, or another capd, wrote in the books."""

    def __init__(self, house: House, clock: Clock, *, inventory_changed: Turn) -> None:
        self._house = house
        self._clock = clock
        self._inventory_changed = inventory_changed
        self._seen: int | None = None

    async def turn(self) -> None:
        """Judge again whoever something was written about since the last look."""
        trail = self._house.store.trail
        last = await trail.last_id()
        if self._seen is None:
            self._seen = last
        if last == self._seen:
            return
        touched: set[SubscriberId] = set()
        imported = False
        while page := await trail.events(after=self._seen, limit=_PAGE):
            for number, event in page:
                self._seen = number
                imported = imported or event.kind in _REWIRED
                if event.kind == BOUNCED:  # told by a command, or over the API (UC-7)
                    self._house.metrics.noticed(notice_of(event), "bounced")
                if event.subscriber is not None and not event.kind.startswith(_QUIET):
                    touched.add(event.subscriber)
        if imported:
            await self._inventory_changed()
        if touched:
            await decide_turn(self._house, touched, now=self._clock())


class Enforcement:
    """Hands open orders to the pusher: a device at a time, a slow one delays nobody else."""

    def __init__(
        self,
        house: House,
        pusher: Pusher,
        breaker: Breaker,
        clock: Clock,
        devices: Callable[[], Mapping[DeviceId, Device]],
        *,
        quiet: Sequence[guard.Span] = (),
    ) -> None:
        self._quiet = quiet
        self._house = house
        self._pusher = pusher
        self._breaker = breaker
        self._clock = clock
        self._devices = devices
        self._busy: set[DeviceId] = set()
        self._group: asyncio.TaskGroup | None = None
        self._ending = False
        self._idle = asyncio.Event()
        self._idle.set()

    async def finish(self, *, within_s: float) -> None:
        """Begin nothing new, and wait for what is being pushed; what takes longer is cut off."""
        self._ending = True
        try:
            async with asyncio.timeout(within_s):
                await self._idle.wait()
        except TimeoutError:
            log.warning("still configuring %s: cut off", ", ".join(sorted(self._busy)))

    async def run(self, *, every_s: float) -> None:
        """Look for orders every *every_s*, for ever."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            await keep("enforce", self.turn, every_s=every_s, metrics=self._house.metrics)

    async def turn(self) -> None:
        """Start on the orders that are due, unless the operator holds the brake."""
        if self._group is None or self._ending or await self._house.store.people.paused():
            return
        by_device: dict[DeviceId, list[Order]] = defaultdict(list)
        for order in await self.due():
            if order.device not in self._busy:
                by_device[order.device].append(order)
        for device, orders in by_device.items():
            self._busy.add(device)
            self._idle.clear()
            self._group.create_task(self._one(device, orders), name=f"push to {device}")

    async def due(self) -> list[Order]:
        """Return what may be pushed now: no maintenance (NM-5), and in quiet hours no bad news."""
        store, now = self._house.store, self._clock()
        quiet = guard.is_quiet(now.astimezone(self._house.zone).time(), self._quiet)
        windows = [one for one in await store.maintenance.windows(now) if one.start <= now]
        limit = _EVERY if quiet or windows else _PAGE
        due = await store.orders.due(now, limit)
        if not due or not (quiet or windows):
            return due
        devices = {one.device for one in windows}
        lines = await store.maintenance.lines({one.sector for one in windows if one.sector})
        return [
            order
            for order in due
            if not guard.waits(
                order,
                quiet=quiet,
                maintained=order.device in devices or order.subscriber in lines,
            )
        ]

    def is_busy(self, device: DeviceId) -> bool:
        """Say whether *device* is being configured."""
        return device in self._busy

    async def _one(self, device: DeviceId, orders: Sequence[Order]) -> None:
        try:
            await self.push(orders)
        except StoreError as exc:
            log.error("%s: pushing waits for the books: %s", device, exc)  # noqa: TRY400
        except Exception:
            log.exception("%s: pushing failed", device)
        finally:
            self._busy.discard(device)
            if not self._busy:
                self._idle.set()

    async def heard_of(self, device: DeviceId) -> None:
        """Try what waits for *device* now, where it was silent and has just answered a poll."""
        if self._breaker.answers(device):
            await self._house.store.orders.hurry(device)

    async def push(self, orders: Sequence[Order]) -> list[Outcome]:
        """Carry out *orders*, and write down what became of each as it is known."""
        outcomes: list[Outcome] = []

        async def done(outcome: Outcome, next_at: datetime | None) -> None:
            outcome = self._of_the_same(outcome, devices)
            order = outcome.order
            await self._house.store.orders.close([outcome], next_at={order.id: next_at})
            self._count(outcome)
            outcomes.append(outcome)

        devices = dict(self._devices())
        await carry_out(
            orders, devices, self._pusher, done, breaker=self._breaker, begin=self._begin
        )
        # what was pushed may not be owed any more: a top-up while the session was open
        told = {outcome.order.subscriber for outcome in outcomes}
        await decide_turn(self._house, sorted(told), now=self._clock())
        return outcomes

    async def _begin(self, orders: Sequence[Order]) -> Sequence[Order]:
        """Return what is still to be carried out: much may have happened while they waited."""
        store = self._house.store
        if self._ending or await store.people.paused():
            return []
        return await store.orders.begin([order.id for order in orders])

    def _of_the_same(self, outcome: Outcome, devices: Mapping[DeviceId, Device]) -> Outcome:
        """Return *outcome*, which proves nothing where the inventory names another box by now."""
        order = outcome.order
        before, now = devices.get(order.device), self._devices().get(order.device)
        if before is None or now is None or _box(before) == _box(now):
            return outcome
        detail = f"{order.device}: its address or serial was changed meanwhile: it is asked again"
        return replace(outcome, state=OrderState.UNKNOWN, detail=detail, retry=True)

    def _count(self, outcome: Outcome) -> None:
        metrics, order = self._house.metrics, outcome.order
        device = self._devices().get(order.device)
        metrics.pushed(outcome, device.profile if device else "unknown")
        cut_off = order.after.suspended and not order.before.suspended
        if outcome.state is OrderState.APPLIED and cut_off:
            metrics.breach_to_applied((outcome.at - order.created_at).total_seconds())


def _box(device: Device) -> tuple[object, ...]:
    return device.profile, device.address, device.serial, device.mac


class Stock:
    """Takes stock: how many are in which state, and who should be off and is not."""

    def __init__(
        self, house: House, clock: Clock, allowed_leaks: Callable[[], Mapping[DeviceId, int]]
    ) -> None:
        self._house = house
        self._clock = clock
        self._leaks = Leaks(house, clock, allowed_leaks)

    @property
    def leaking(self) -> frozenset[SubscriberId]:
        """Return who should be off, and is not."""
        return self._leaks.leaking

    async def turn(self) -> None:
        """Set the gauges; say once who begins or ceases to leak."""
        store, metrics, now = self._house.store, self._house.metrics, self._clock()
        orders = await store.orders.counts()
        metrics.set_orders(orders)
        metrics.set_guard_held(orders.get(OrderState.HELD, 0))
        async with store.looking() as book:
            metrics.brakes.stopped.set((await book.stop()).sentence is not None)
        metrics.brakes.drifted.set(await store.looks.drifted())
        windows = await store.maintenance.windows(now)
        metrics.brakes.windows.set(sum(one.start <= now for one in windows))
        metrics.set_subscribers(await store.people.states())
        metrics.set_holds(await store.people.hold_counts())
        metrics.set_implausible_open(await store.ledger.drawer_open())
        metrics.set_paused(bool(await store.people.paused()))
        await self._leaks.turn()
