"""Stage 5: what happened becomes messages to people and to their systems."""

from dataclasses import dataclass
from typing import Protocol

from capd.model import Delivery


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Why a delivery was not made, in one line for a person."""

    text: str
    final: bool = False  # no later try can help (UC-7: a refused address)
    silent: bool = False  # nobody answered, so the next one would only wait as long


class Notifier(Protocol):
    """Anything that can tell someone."""

    channel: str
    attempts: int  # then it is given up, recorded and shown (UC-7)

    async def tell(self, delivery: Delivery) -> Problem | None:
        """Deliver; return None when done, else what went wrong. The same twice is harmless."""

    async def close(self) -> None:
        """Hang up."""
