"""Stage 1: devices become polls."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from capd.model import Poll

Pour = Callable[[Poll], Awaitable[None]]
"""Hand a poll to accounting; returns when it may be forgotten (committed, or safely queued)."""


class Commits(Protocol):
    """Knows what of the polls that were poured is in the ledger for good."""

    def mark(self) -> int:
        """Return the place of what was poured last."""

    async def committed(self, mark: int) -> None:
        """Return when all up to *mark* is in the ledger."""

    def hurry(self) -> None:
        """Commit what there is now: somebody is waiting for it."""


class Source(Protocol):
    """Anything that pours out polls until it is cancelled."""

    async def run(self, pour: Pour) -> None:
        """Pour polls, for ever; end only by cancellation."""
