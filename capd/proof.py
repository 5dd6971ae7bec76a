"""What devices still do of what was proven: lines that leak, services that were changed by hand."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import orjson

from capd.answers.proof import LEAKS
from capd.clock import Clock
from capd.config.enforcement import EnforceConfig
from capd.enforce import Look, Pusher
from capd.enforce.leaks import leaking
from capd.enforce.worker import Breaker
from capd.house import House
from capd.model import Applied, Device, DeviceId, Event, Order, SubscriberId
from capd.pipeline import decide_turn
from capd.units import rfc3339, size_text

log = logging.getLogger(__name__)

_HOUR = timedelta(hours=1)
_SETTLE = timedelta(seconds=5)  # agents show counters that are up to some seconds old


class Leaks:
    """Watches those whose suspension a device confirmed: their counters must stop."""

    def __init__(
        self, house: House, clock: Clock, allowed: Callable[[], Mapping[DeviceId, int]]
    ) -> None:
        self._house = house
        self._clock = clock
        self._allowed = allowed  # bytes an hour, of each device's walled garden
        self._told: dict[SubscriberId, str] | None = None  # who leaks, and when it was told

    @property
    def leaking(self) -> frozenset[SubscriberId]:
        """Return who should be off, and is not."""
        return frozenset(self._told or ())

    async def turn(self) -> None:
        """Look at the counters; tell once who begins or ceases to leak, with the figures."""
        people = self._house.store.people
        if self._told is None:
            self._told = orjson.loads(await people.recall(LEAKS) or "{}")
        now = self._clock()
        cut_off = await self._house.store.orders.suspended_applied()
        since = {
            one.subscriber: max(one.at + _SETTLE, now - _HOUR)
            for one in cut_off
            if one.at is not None
        }
        passed = await self._house.store.ledger.since(since)
        allowed = self._allowed()
        found = leaking(cut_off, passed, allowed, now)
        rows = {one.subscriber: one for one in cut_off if one.subscriber in found}
        events = [
            _leak(rows[who], passed[who], since[who], allowed[rows[who].device], now)
            for who in sorted(found - self._told.keys())
        ]
        events += [_tight(who, now) for who in sorted(self._told.keys() - found)]
        if events:
            await self._tell(events, {who: self._told.get(who, rfc3339(now)) for who in found})
        self._house.metrics.set_leaking(len(found))

    async def _tell(self, events: Sequence[Event], told: dict[SubscriberId, str]) -> None:
        async with self._house.store.judging() as desk:
            await desk.record(events)
        await self._house.store.people.remember(LEAKS, orjson.dumps(told).decode())
        self._told = told
        for event in events:
            log.log(logging.WARNING if event.kind == "leak" else logging.INFO, "%s", event.text)


def _leak(row: Applied, passed: int, since: datetime, allowed: int, now: datetime) -> Event:
    text = (
        f"{row.subscriber} is suspended, verified on {row.device}, and still passes traffic: "
        f"{size_text(passed)} since {rfc3339(since)}, where {size_text(allowed)} an hour are "
        "explained by the walled garden."
    )
    return Event(
        at=now,
        kind="leak",
        text=text,
        subscriber=row.subscriber,
        device=row.device,
        figures={
            "bytes": passed,
            "since": rfc3339(since),
            "allowed_bytes_per_hour": allowed,
            "order": row.order,
            "applied_at": None if row.at is None else rfc3339(row.at),
        },
    )


def _tight(who: SubscriberId, now: datetime) -> Event:
    text = f"{who} passes no traffic any more that the walled garden does not explain."
    return Event(at=now, kind="leak_over", text=text, subscriber=who)


class Drift:
    """Reads a sample of the devices back: what somebody changed by hand is told, or put right."""

    def __init__(
        self,
        house: House,
        pusher: Pusher,
        breaker: Breaker,
        clock: Clock,
        devices: Callable[[], Mapping[DeviceId, Device]],
        *,
        config: Callable[[], EnforceConfig],
        is_busy: Callable[[DeviceId], bool],
    ) -> None:
        self._house = house
        self._pusher = pusher
        self._breaker = breaker
        self._clock = clock
        self._devices = devices
        self._config = config
        self._is_busy = is_busy

    async def turn(self) -> None:
        """Look at those devices that were not looked at for longest; reading goes on in a pause."""
        sample = await self._house.store.looks.next(self._config().drift_sample)
        windows = await self._house.store.maintenance.windows(self._clock())
        closed = {one.device for one in windows if one.start <= self._clock()}
        async with asyncio.TaskGroup() as group:
            for name, rows in sample.items():
                device = self._devices().get(name)
                if device is None or name in closed or self._is_busy(name):
                    continue
                if self._breaker.allows(device):
                    group.create_task(self._one(device, rows), name=f"look at {name}")

    async def _one(self, device: Device, rows: Sequence[Applied]) -> None:
        orders = {n: await self._order(row) for n, row in enumerate(rows, 1)}
        numbered = [replace(order, id=n) for n, order in orders.items()]
        looks = {look.order.id: look for look in await self._pusher.look(device, numbered)}
        seen = [(row, *_told(looks.get(n))) for n, row in enumerate(rows, 1)]
        for _, as_owed, _words in seen:
            self._house.metrics.brakes.looks.labels(_RESULTS[as_owed]).inc()
        repair = self._config().repair_drift
        whose = await self._house.store.looks.put(seen, repair=repair, at=self._clock())
        if whose:
            await decide_turn(self._house, whose, now=self._clock())

    async def _order(self, row: Applied) -> Order:
        """Return the order that would bring about what *row* says: its read-back is what counts.

        Rates are read back only where the last order set them: others were never proven.
        """
        last = None if row.order is None else await self._house.store.orders.get(row.order)
        before = replace(row.service, suspended=not row.service.suspended)
        if last is not None and _rates(last.before) != _rates(last.after):
            before = replace(before, down_bps=last.before.down_bps, up_bps=last.before.up_bps)
        return Order(
            id=0,
            device=row.device,
            subscriber=row.subscriber,
            meter=row.meter,
            before=before,
            after=row.service,
            reason="",
            clause=None,
            created_at=self._clock(),
        )


_RESULTS = {True: "as_owed", False: "drifted", None: "unreadable"}


def _told(look: Look | None) -> tuple[bool | None, str]:
    return (None, "") if look is None else (look.as_owed, look.words)


def _rates(service: object) -> tuple[object, object]:
    return getattr(service, "down_bps", None), getattr(service, "up_bps", None)
