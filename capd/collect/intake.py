"""Polls in, batches out: many readings share one transaction (group commit)."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from capd.errors import StoreError
from capd.model import Poll, Reading

log = logging.getLogger(__name__)

_LONGEST_WAIT_S = 30.0


class Intake:
    """Gather readings for at most *batch_ms*, or *batch_readings* of them, then post them at once.

    A full intake makes the sources wait: back-pressure instead of a queue that grows. A store that
    cannot be written is tried again with the same batch; nothing newer overtakes it.
    """

    def __init__(
        self,
        post: Callable[[Sequence[Reading]], Awaitable[None]],
        *,
        batch_ms: int = 250,
        batch_readings: int = 2000,
    ) -> None:
        self._post = post
        self._batch_s = batch_ms / 1000
        self._most = batch_readings
        self._gathered: list[Reading] = []
        self._something = asyncio.Event()
        self._full = asyncio.Event()
        self._committed = asyncio.Condition()
        self._poured = 0
        self._done = 0

    async def pour(self, poll: Poll) -> None:
        """Take the readings of *poll*; returns at once unless the intake is full."""
        while len(self._gathered) >= 2 * self._most:
            async with self._committed:
                await self._committed.wait()
        if poll.readings:
            self._gathered.extend(poll.readings)
            self._poured += len(poll.readings)
            self._something.set()
            if len(self._gathered) >= self._most:
                self._full.set()

    async def pour_through(self, poll: Poll) -> None:
        """Take the readings of *poll*; returns when they are in the ledger."""
        await self.pour(poll)
        await self.committed(self.mark())

    def mark(self) -> int:
        """Return the place of what was poured last, for `committed`."""
        return self._poured

    async def committed(self, mark: int) -> None:
        """Return when all that was poured up to *mark* is in the ledger."""
        async with self._committed:
            await self._committed.wait_for(lambda: self._done >= mark)

    def hurry(self) -> None:
        """Post what was gathered without waiting for more."""
        if self._gathered:
            self._full.set()

    async def run(self) -> None:
        """Post batch after batch, for ever."""
        while True:
            await self._something.wait()
            try:
                async with asyncio.timeout(self._batch_s):
                    await self._full.wait()
            except TimeoutError:
                pass
            await self.flush()

    async def flush(self) -> None:
        """Post what was gathered up to now."""
        batch, self._gathered = self._gathered, []
        self._something.clear()
        self._full.clear()
        try:
            if batch:
                await self._until_posted(batch)
        except BaseException:
            self._gathered = [*batch, *self._gathered]  # posted twice counts once (CN-2)
            raise
        else:
            async with self._committed:
                self._done += len(batch)
                self._committed.notify_all()

    async def _until_posted(self, batch: Sequence[Reading]) -> None:
        wait_s = 0.5
        while True:
            try:
                await self._post(batch)
            except StoreError as exc:
                log.error("cannot post %d readings, trying again: %s", len(batch), exc)  # noqa: TRY400
                await asyncio.sleep(wait_s)
                wait_s = min(2 * wait_s, _LONGEST_WAIT_S)
            else:
                return
