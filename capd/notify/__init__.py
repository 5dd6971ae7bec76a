"""Stage 5: what happened becomes messages to people and to their systems."""

from typing import Protocol

from capd.model import Delivery


class Notifier(Protocol):
    """Anything that can tell someone."""

    channel: str

    async def tell(self, delivery: Delivery) -> str | None:
        """Deliver; return None when done, else one line saying what went wrong (try again)."""
