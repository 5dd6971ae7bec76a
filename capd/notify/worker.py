"""One channel's deliveries: few at once, in order for a subscriber, again later when they fail."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Protocol

from capd.clock import Clock
from capd.model import Delivery
from capd.notify import Done, Notifier, Problem
from capd.told import TOLD, notice_of

log = logging.getLogger(__name__)

Told = Callable[[str, str], None]
"""Count a notice: which one, and what became of it (sent, retry, failed)."""

_AT_A_TIME = 100
_FIRST_S, _FACTOR, _LONGEST_S = 5, 3, 6 * 3600  # twelve attempts last for a day


class Outbox(Protocol):
    """What is still to be told; at most the oldest for each subscriber and channel is due."""

    async def due(self, now: datetime, limit: int, *, channel: str | None) -> list[Delivery]:
        """Return what may be delivered now."""

    async def done(
        self, delivery_id: int, at: datetime, *, answer: str, message_id: str | None
    ) -> None:
        """Write down that it was delivered, and what was answered."""

    async def failed(
        self,
        delivery_id: int,
        problem: str,
        next_at: datetime | None,
        at: datetime,
        *,
        tried: bool,
    ) -> None:
        """Write down that it was not; without *next_at* it is given up.

        *tried*: it was put to whoever takes mail for that address.
        """


def wait_s(tries: int) -> int:
    """Return the seconds until the next attempt after *tries* failed ones: 5, 15, 45 … 6 hours."""
    steps = min(tries - 1, 8)  # beyond, it is the longest anyway
    return min(_FIRST_S * int(_FACTOR**steps), _LONGEST_S)


def next_try(
    delivery: Delivery, problem: Problem, most: int, now: datetime, patience: timedelta
) -> datetime | None:
    """Return when to try again after *problem*; None: given up, a person can see why (UC-7).

    Where nobody answers at all it is not given up before what is told is *patience* old.
    """
    tries = delivery.attempts + 1
    waits = problem.silent and now - delivery.event.at < patience
    if problem.final or (tries >= most and not waits):
        return None
    return now + timedelta(seconds=wait_s(tries))


class Worker:
    """Empties the outbox of one channel, turn by turn; a slow one delays no other."""

    def __init__(
        self,
        outbox: Outbox,
        notifier: Notifier,
        *,
        clock: Clock,
        told: Told | None = None,
        at_once: int = 8,
    ) -> None:
        self._outbox = outbox
        self._notifier = notifier
        self._clock = clock
        self._told = told or (lambda _notice, _result: None)
        self._at_once = at_once
        self._silent = False  # as far as the last answers tell

    @property
    def channel(self) -> str:
        """Return which channel it is."""
        return self._notifier.channel

    async def turn(self) -> int:
        """Deliver all that is due and return how many arrived.

        A channel that does not answer ends the turn: what was not tried keeps its attempts.
        """
        arrived, silent = 0, False
        while not silent:
            now, channel = self._clock(), self.channel
            due = await self._outbox.due(now, _AT_A_TIME, channel=channel)
            if not due:
                return arrived
            heard, silent = await self._batch(due)
            arrived += heard
        return arrived

    async def _batch(self, due: list[Delivery]) -> tuple[int, bool]:
        """Deliver *due*, a few at once; return how many arrived, and whether there was silence."""
        line, arrived, silent = iter(due), 0, False

        async def lane() -> None:
            nonlocal arrived, silent
            for delivery in line:
                told = await self._notifier.tell(delivery)
                await self._write_down(delivery, told)
                arrived += isinstance(told, Done)
                silent = silent or (isinstance(told, Problem) and told.silent)
                if silent:
                    return

        async with asyncio.TaskGroup() as lanes:
            for n in range(min(self._at_once, len(due))):
                lanes.create_task(lane(), name=f"notify {self.channel} {n}")
        return arrived, silent

    async def _write_down(self, delivery: Delivery, told: Done | Problem) -> None:
        now = self._clock()
        if isinstance(told, Done):
            self._notice_change(None)
            await self._outbox.done(
                delivery.id, now, answer=told.answer, message_id=told.message_id
            )
            self._count(delivery, "sent")
            return
        await self._not_delivered(delivery, told, now)

    async def _not_delivered(self, delivery: Delivery, problem: Problem, now: datetime) -> None:
        self._notice_change(problem)
        most, patience = self._notifier.attempts, self._notifier.patience
        again = next_try(delivery, problem, most, now, patience)
        await self._outbox.failed(delivery.id, problem.text, again, now, tried=problem.refused)
        self._count(delivery, "failed" if again is None else "retry")
        if again is None:
            who = delivery.event.subscriber or "no subscriber"
            log.warning(
                "%s: event %d (%s, %s) given up after %d attempts: %s",
                self.channel, delivery.event_id, delivery.event.kind, who,
                delivery.attempts + 1, problem.text,
            )  # fmt: skip

    def _count(self, delivery: Delivery, result: str) -> None:
        event = delivery.event
        if event.kind in TOLD:
            self._told(notice_of(event), result)

    def _notice_change(self, problem: Problem | None) -> None:
        silent = problem is not None and problem.silent
        if silent and not self._silent:
            log.warning("%s: %s; tried again later", self.channel, problem.text if problem else "")
        elif self._silent and not silent:
            log.info("%s: answers again", self.channel)
        self._silent = silent


async def deliver(workers: Iterable[Worker]) -> int:
    """Let every channel take one turn, side by side; return how many deliveries arrived."""
    async with asyncio.TaskGroup() as group:
        turns = [group.create_task(w.turn(), name=f"notify {w.channel}") for w in workers]
    return sum(turn.result() for turn in turns)
