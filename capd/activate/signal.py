"""The signal of a radio, every second, for whoever turns it."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from capd.activate.run import Field
from capd.errors import NoSuch
from capd.model import Device, DeviceId
from capd.strict import did_you_mean
from capd.units import rfc3339

_EVERY_S = 1.0
_ITSELF = "radio"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a radio showed at one moment, of itself and of each of its meters."""

    device: DeviceId
    at: datetime
    figures: Mapping[str, Mapping[str, float | str]] = field(default_factory=dict)
    problem: str | None = None

    def record(self) -> dict[str, object]:
        """Return it as JSON wants it."""
        return {
            "device": self.device,
            "at": rfc3339(self.at),
            "problem": self.problem,
            "figures": {whose: dict(each) for whose, each in self.figures.items()},
        }


async def measured(known: Field, device: Device) -> Measured:
    """Return what *device* shows now; silence is a problem of it."""
    known.asker.forget(device.id)  # what its radios show is looked at anew each time
    poll = await known.asker.ask(device)
    figures: dict[str, Mapping[str, float | str]] = dict(poll.meter_health)
    if poll.health:
        figures[_ITSELF] = poll.health
    return Measured(device=device.id, at=poll.at, figures=figures, problem=poll.problem)


async def signals(
    known: Field, device: Device, *, every_s: float = _EVERY_S
) -> AsyncIterator[Measured]:
    """Yield what *device* shows every *every_s* seconds, for ever; silence is told as well."""
    while True:
        began = time.monotonic()
        yield await measured(known, device)
        await asyncio.sleep(max(0.0, began + every_s - time.monotonic()))


@dataclass(slots=True)
class _Watched:
    """A device that is looked at: what it showed last, the how-manieth time, and when."""

    number: int = 0
    record: Mapping[str, object] = field(default_factory=dict)
    began_s: float = -math.inf
    polling: asyncio.Lock = field(default_factory=asyncio.Lock)


class Watching:
    """Signals for several who watch: a poll a second of each device, and none when all are gone.

    Whoever waits for the next one takes it for all: there is nothing that goes on by itself.
    """

    def __init__(self, known: Field, *, every_s: float = _EVERY_S) -> None:
        self._known = known
        self._every_s = every_s
        self._watched: dict[DeviceId, _Watched] = {}

    async def next(self, device: DeviceId, after: int) -> tuple[int, Mapping[str, object]]:
        """Return the first measurement of *device* after number *after*, and its own number.

        One that is no older than two seconds may be taken by whoever comes anew (*after* is 0).
        Raises NoSuch where there is no such device.
        """
        there = self._known.devices().get(device)
        if there is None:
            guess = did_you_mean(device, self._known.devices())
            raise NoSuch(f"there is no device {device!r}.{guess}".removesuffix("."))
        one = self._watched.setdefault(device, _Watched())
        if self._is_new(one, after):
            return one.number, one.record
        async with one.polling:
            if not self._is_new(one, after):  # nobody took it while this one waited
                await asyncio.sleep(max(0.0, one.began_s + self._every_s - time.monotonic()))
                one.began_s = time.monotonic()
                one.record = (await measured(self._known, there)).record()
                one.number += 1
        return one.number, one.record

    def _is_new(self, one: _Watched, after: int) -> bool:
        return one.number > after and time.monotonic() <= one.began_s + 2 * self._every_s
