"""What devices tell unasked makes capd look at once, and stands in the trail; it decides nothing.

A source of its own: it listens for as long as the daemon runs, and pours no polls.
"""

import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from capd.clock import Clock
from capd.collect.traps import Trap, TrapReceiver
from capd.house import House
from capd.model import Device, DeviceId, Event

log = logging.getLogger(__name__)

_QUIET = timedelta(seconds=60)  # the same again is not told: a flapping link tells by the hundred
_LOOK = timedelta(seconds=5)  # nobody is polled more often because of traps
_MOST = 1000  # events that wait to be written
_TEXTS = {
    "cold_start": "{device} says that it started",
    "warm_start": "{device} says that it started again",
    "link_down": "{device} says that a link went down{what}",
    "link_up": "{device} says that a link came up{what}",
    "authentication_failure": "{device} says that somebody asked it with wrong credentials",
    "other": "{device} sent a notification{what}",
}


class Unasked:
    """Hears traps: polls their device, and keeps what they said for the trail."""

    def __init__(
        self,
        house: House,
        clock: Clock,
        listen: tuple[str | None, int],
        poll_now: Callable[[DeviceId], object],
    ) -> None:
        self._house, self._clock, self._poll_now = house, clock, poll_now
        self.receiver = TrapReceiver(listen, self.hear, self._refused)
        self._told: dict[tuple[DeviceId, str, str], datetime] = {}
        self._looked: dict[DeviceId, datetime] = {}
        self._waiting: list[Event] = []

    def replace(self, devices: Iterable[Device]) -> None:
        """Hear *devices* from now on."""
        self.receiver.replace(devices)

    def hear(self, trap: Trap) -> None:
        """Look at the device, and remember what it said unless it just did."""
        now = self._clock()
        self._house.metrics.field.traps.labels(trap.kind, "heard").inc()
        if now - self._looked.get(trap.device, now - _LOOK) >= _LOOK:
            self._looked[trap.device] = now
            self._poll_now(trap.device)
        key = (trap.device, trap.kind, trap.what)
        if now - self._told.get(key, now - _QUIET) >= _QUIET and len(self._waiting) < _MOST:
            self._told[key] = now
            self._waiting.append(_event(trap, now))

    async def turn(self) -> None:
        """Write down what was heard since the last turn."""
        waiting, self._waiting = self._waiting, []
        now = self._clock()
        self._told = {key: at for key, at in self._told.items() if now - at < _QUIET}
        if not waiting:
            return
        try:
            async with self._house.store.judging() as desk:
                await desk.record(waiting)
        except BaseException:
            self._waiting = [*waiting, *self._waiting]
            raise

    def _refused(self, why: str) -> None:
        self._house.metrics.field.traps.labels("unknown", why).inc()


def _event(trap: Trap, now: datetime) -> Event:
    what = f": {trap.what}" if trap.what else ""
    text = _TEXTS[trap.kind].format(device=trap.device, what=what)
    return Event(
        at=now,
        kind=f"device_{trap.kind}" if trap.kind != "other" else "device_notified",
        text=f"{text}; it is polled now.",
        device=trap.device,
        figures={"what": trap.what or None},
    )
