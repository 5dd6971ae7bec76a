"""Stage 4: orders become changes on devices, proven by what the device says afterwards."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from capd.model import Device, Order, Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a device said of an order that was carried out some time ago."""

    order: Order
    as_owed: bool | None  # None: it could not be read
    words: str  # the device's own, secrets masked; else why it could not be read
    lacks: str = ""  # what is not there, without which a suspension would stop nothing


class Pusher(Protocol):
    """Anything that can carry out the orders of one device in one session."""

    async def push(self, device: Device, orders: Sequence[Order]) -> Sequence[Outcome]:
        """Return one outcome an order; a device that fails is an outcome, never an exception."""

    async def look(self, device: Device, orders: Sequence[Order]) -> Sequence[Look]:
        """Read back whether *orders* still hold; nothing is changed."""

    async def dry_run(self, device: Device, order: Order) -> Sequence[str]:
        """Return the lines that would be typed, secrets masked."""
