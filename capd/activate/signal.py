"""The signal of a radio, every second, for whoever turns it."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from capd.activate.run import Field
from capd.model import Device, DeviceId
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


async def signals(
    known: Field, device: Device, *, every_s: float = _EVERY_S
) -> AsyncIterator[Measured]:
    """Yield what *device* shows every *every_s* seconds, for ever; silence is told as well."""
    while True:
        known.asker.forget(device.id)  # what its radios show is looked at anew each time
        poll = await known.asker.ask(device)
        figures: dict[str, Mapping[str, float | str]] = dict(poll.meter_health)
        if poll.health:
            figures[_ITSELF] = poll.health
        yield Measured(device=device.id, at=poll.at, figures=figures, problem=poll.problem)
        await asyncio.sleep(max(0.0, every_s - poll.took_s))
