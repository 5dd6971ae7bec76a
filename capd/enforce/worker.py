"""Open orders go to their devices: few devices at once, one session at a time on each."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from capd.clock import Clock
from capd.config.enforcement import EnforceConfig
from capd.enforce import Pusher
from capd.enforce.backoff import next_try
from capd.model import Device, DeviceId, Order, OrderState, Outcome

log = logging.getLogger(__name__)

Done = Callable[[Outcome, datetime | None], Awaitable[None]]
"""Write down what became of an order, and when it may be tried again (None: not by itself)."""


Begin = Callable[[Sequence[Order]], Awaitable[Sequence[Order]]]
"""Return which orders are to be carried out at this moment, and note that it begins."""


async def _all(orders: Sequence[Order]) -> Sequence[Order]:
    return orders


@dataclass(frozen=True, slots=True)
class _Rest:
    """A device that did not do what was asked: how often in a row, and what it was then."""

    failures: int
    until: datetime
    device: Device
    silent: bool = False


class Breaker:
    """Leaves a device that fails alone for a while, and gives an order up after some tries.

    A device that is merely silent is tried for as long as something is owed, at once when it is
    heard of again: a router that was off for the night must not come back with the service that
    its subscriber lost in the meantime.
    """

    def __init__(self, config: EnforceConfig, clock: Clock) -> None:
        self._config = config
        self._clock = clock
        self._rests: dict[DeviceId, _Rest] = {}

    def allows(self, device: Device) -> bool:
        """Tell whether *device* may be visited now; a change in the inventory ends its rest."""
        rest = self._rests.get(device.id)
        return rest is None or rest.until <= self.now() or rest.device != device

    def answers(self, device: DeviceId) -> bool:
        """End the rest of a device that was silent and is heard of again; say if there was one."""
        rest = self._rests.get(device)
        if rest is None or not rest.silent:
            return False
        del self._rests[device]
        return True

    def judge(
        self, device: Device, outcomes: Sequence[Outcome]
    ) -> list[tuple[Outcome, datetime | None]]:
        """Return each outcome, given up if tried too often, and when to try it again if ever."""
        now = self.now()
        until = self._rest(device, outcomes, now)
        return [self._again(outcome, now, until) for outcome in outcomes]

    def now(self) -> datetime:
        """Return the present moment."""
        return self._clock()

    def _again(
        self, outcome: Outcome, now: datetime, until: datetime | None
    ) -> tuple[Outcome, datetime | None]:
        tries = outcome.order.attempts + 1
        if not outcome.retry:
            return outcome, None
        if tries >= self._config.attempts and not outcome.unreachable:
            return _given_up(outcome, tries), None
        again = next_try(now, failures=tries, backoff_s=self._config.backoff_s)
        return outcome, max(again, until or again)

    def _rest(self, device: Device, outcomes: Sequence[Outcome], now: datetime) -> datetime | None:
        """Return until when *device* is left alone; one that did anything is not."""
        before = self._rests.pop(device.id, None)
        if any(outcome.state is OrderState.APPLIED for outcome in outcomes):
            if before is not None:
                log.info("%s: does as it is told again", device.id)
            return None
        failures = before.failures + 1 if before is not None and before.device == device else 1
        until = next_try(now, failures=failures, backoff_s=self._config.backoff_s)
        silent = all(outcome.unreachable for outcome in outcomes)
        self._rests[device.id] = _Rest(failures, until, device, silent)
        if failures == 1:
            log.warning("%s", outcomes[0].detail)
        return until


async def carry_out(
    orders: Sequence[Order],
    devices: Mapping[DeviceId, Device],
    pusher: Pusher,
    done: Done,
    *,
    breaker: Breaker,
    begin: Begin = _all,
    at_once: int = 20,
) -> None:
    """Carry out *orders*, *at_once* devices at a time; *done* hears of each as it is known.

    Orders of a device that is left alone for now are not touched, and nothing is heard of them; nor
    of those that *begin* leaves out when their turn comes: they may have waited for long.
    """
    few = asyncio.Semaphore(at_once)

    async def visit(device: Device, its: Sequence[Order]) -> None:
        async with few:
            if not breaker.allows(device):
                return
            its = sorted(await begin(its), key=_restores_first)
            if not its:
                return
            for outcome, again in breaker.judge(device, await pusher.push(device, its)):
                await done(outcome, again)

    async with asyncio.TaskGroup() as group:
        for name, its in _by_device(orders).items():
            if (device := devices.get(name)) is not None:
                group.create_task(visit(device, its), name=f"push {name}")
                continue
            for order in its:
                await done(_no_device(order, breaker.now()), None)


def _by_device(orders: Sequence[Order]) -> dict[DeviceId, list[Order]]:
    grouped: dict[DeviceId, list[Order]] = {}
    for order in orders:
        grouped.setdefault(order.device, []).append(order)
    return grouped


def _restores_first(order: Order) -> tuple[bool, int]:
    """Order a session: nobody who is owed service waits for those who lose theirs."""
    return order.after.suspended, order.id


def _given_up(outcome: Outcome, tries: int) -> Outcome:
    return replace(
        outcome,
        state=OrderState.FAILED,
        retry=False,
        detail=f"{outcome.detail}; given up after {tries} tries: a person must look",
    )


def _no_device(order: Order, now: datetime) -> Outcome:
    return Outcome(
        order=order,
        state=OrderState.FAILED,
        detail=f"{order.device}: no such device in the inventory",
        at=now,
    )
