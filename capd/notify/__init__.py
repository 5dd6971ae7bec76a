"""Stage 5: what happened becomes messages to people and to their systems."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from capd.model import Delivery


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Why a delivery was not made, in one line for a person."""

    text: str
    final: bool = False  # no later try can help (UC-7: a refused address)
    refused: bool = False  # it was put to whoever takes mail for that address, who said no
    silent: bool = False  # nobody answered, so the next one would only wait as long


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A delivery was made: what the other end said to it, as proof."""

    answer: str = ""  # "250 2.0.0 Ok: queued as 4FxQ"; one line
    message_id: str | None = None  # of a mail: what a delivery-failure report names


class Notifier(Protocol):
    """Anything that can tell someone."""

    channel: str
    attempts: int  # then it is given up, recorded and shown (UC-7)
    patience: timedelta  # but not while nobody answers at all, and what is told is no older

    async def tell(self, delivery: Delivery) -> Done | Problem:
        """Deliver; return how that was taken, or what went wrong. The same twice is harmless."""

    async def close(self) -> None:
        """Hang up."""
