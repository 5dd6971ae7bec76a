"""Stage 1: devices become polls."""

from collections.abc import Awaitable, Callable
from typing import Literal, Protocol

from capd.model import Device, Poll

Pour = Callable[[Poll], Awaitable[None]]
"""Hand a poll to accounting; returns when it may be forgotten (committed, or safely queued)."""


class Source(Protocol):
    """Anything that pours out polls until it is cancelled."""

    async def run(self, pour: Pour) -> None:
        """Pour polls, for ever; end only by cancellation."""


def way(device: Device) -> Literal["snmp", "mqtt"]:
    """Return how *device* is read: as it says, else MQTT where it has that, else SNMP."""
    if device.collect == "snmp":
        return "snmp"
    if device.collect == "mqtt":
        return "mqtt"
    return "mqtt" if device.mqtt_name is not None else "snmp"
