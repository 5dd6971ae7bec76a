"""Stage 1: devices become polls."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from capd.model import Poll

Pour = Callable[[Poll], Awaitable[None]]
"""Hand a poll to accounting; returns when it may be forgotten (committed, or safely queued)."""


class Source(Protocol):
    """Anything that pours out polls until it is cancelled."""

    async def run(self, pour: Pour) -> None:
        """Pour polls, for ever; end only by cancellation."""
