"""Stage 4: orders become changes on devices, proven by what the device says afterwards."""

from collections.abc import Sequence
from typing import Protocol

from capd.model import Device, Order, Outcome


class Pusher(Protocol):
    """Anything that can carry out the orders of one device in one session."""

    async def push(self, device: Device, orders: Sequence[Order]) -> Sequence[Outcome]:
        """Return one outcome an order; a device that fails is an outcome, never an exception."""

    async def dry_run(self, device: Device, order: Order) -> Sequence[str]:
        """Return the lines that would be typed, secrets masked."""
