"""Who is suspended, proven so, and passes traffic all the same: what was last found."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import orjson

from capd.model import Order, OrderState, SubscriberId
from capd.store import Store

LEAKS = "leaks"
"""The key by which the books remember who leaks, and since when it is told."""


@dataclass(frozen=True, slots=True)
class LeaksTold:
    """Who leaks, and when that was told."""

    since: Mapping[SubscriberId, str] = field(default_factory=dict)

    def is_of(self, order: Order) -> bool:
        """Say whether *order* is a suspension that leaks."""
        suspended = order.after.suspended and order.state is OrderState.APPLIED
        return suspended and order.subscriber in self.since


async def leaks_of(store: Store) -> LeaksTold:
    """Return who was last found to leak."""
    return LeaksTold(orjson.loads(await store.people.recall(LEAKS) or "{}"))
