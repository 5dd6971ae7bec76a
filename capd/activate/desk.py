"""Takes the activations that were pressed, a few at once; each is begun by one capd alone."""

import asyncio
import logging
from collections.abc import Sequence

from capd.activate.run import Field, activate
from capd.activate.undo import take_back
from capd.model import Activation, ActivationState, Order, OrderState
from capd.store import Store

log = logging.getLogger(__name__)

_AT_ONCE = 8
_LOOK_S = 0.2
_LONGEST_S = 120.0
_MOVING = (OrderState.OPEN, OrderState.UNKNOWN)


class ActivationDesk:
    """Looks for what was pressed, and carries it out beside whatever else goes on."""

    def __init__(self, field: Field) -> None:
        self._field = field
        self._first = True

    async def turn(self) -> None:
        """Carry out all that waits; what a restart cut off is begun again."""
        book = self._field.house.store.activations
        if self._first:
            await book.again()
            self._first = False
        waits = (ActivationState.WAITING, ActivationState.UNDO_WAITING)
        waiting = await book.listing(states=waits, limit=_AT_ONCE)
        async with asyncio.TaskGroup() as group:
            for press in waiting:
                if await book.claim(press.id):
                    group.create_task(self._one(press), name=f"activate {press.subscriber}")

    async def _one(self, press: Activation) -> None:
        undone = press.state is ActivationState.UNDO_WAITING
        ended = await (take_back if undone else activate)(self._field, press)
        log.info("activation of %s on %s: %s", ended.subscriber, ended.device, ended.state)


async def until_ended(store: Store, orders: Sequence[Order]) -> None:
    """Return when somebody else has brought *orders* to their end, or after two minutes."""
    try:
        async with asyncio.timeout(_LONGEST_S):
            for order in orders:
                while (now := await store.orders.get(order.id)) and now.state in _MOVING:
                    if now.attempts:  # tried, and to be tried again: the tech should know
                        return
                    await asyncio.sleep(_LOOK_S)
    except TimeoutError:
        return
