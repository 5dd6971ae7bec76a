"""Old records become coarser or go, a little at a time, while everything else goes on (D-6)."""

import asyncio
import logging
import time
from collections.abc import Callable
from datetime import datetime

from capd.account.retention import Cuts, Keep, cuts
from capd.clock import Clock
from capd.house import House
from capd.model import Event
from capd.store import Store
from capd.store.compaction import Compaction, Moved

log = logging.getLogger(__name__)

_LONGEST_S = 20.0  # in one turn; the rest is done in the next


class Retention:
    """One walk over the records a local day; it rests as long as it works, for those who post."""

    def __init__(self, house: House, clock: Clock, keep: Callable[[], Keep]) -> None:
        self._house = house
        self._clock = clock
        self._keep = keep
        self._cuts: Cuts | None = None
        self._work: Compaction | None = None  # None: finished for the day

    async def turn(self) -> None:
        """Go on with today's walk, for some seconds at most."""
        now, store = self._clock(), self._house.store
        today = cuts(self._keep(), now, self._house.zone)
        if today != self._cuts:
            self._cuts, self._work = today, store.history.compaction(today, self._house.zone)
        work = self._work
        if work is None:
            return
        until = time.monotonic() + _LONGEST_S
        while not work.done and time.monotonic() < until:
            began, before = time.monotonic(), work.moved.entries
            await work.step()
            self._house.metrics.compacted(work.moved.entries - before)
            await asyncio.sleep(time.monotonic() - began)
        if work.done:
            self._work = None
            await self._finished(work.moved, now)

    async def _finished(self, moved: Moved, now: datetime) -> None:
        if moved.rows:
            await tell(self._house.store, moved, now, author="capd")
            log.info("%s", sentence(moved))
        self._house.metrics.set_history(await self._house.store.history.sizes())


def sentence(moved: Moved) -> str:
    """Return what became of old records, as a person is told."""
    return (
        f"Old records: {moved.entries} readings became hours, {moved.hours} hours became days, "
        f"{moved.days} days lapsed; {moved.transcripts} transcripts and {moved.deliveries} "
        "deliveries are gone."
    )


def figures(moved: Moved) -> dict[str, int]:
    """Return what became of old records, by kind."""
    return {
        "entries": moved.entries, "hours": moved.hours, "days": moved.days,
        "transcripts": moved.transcripts, "deliveries": moved.deliveries,
    }  # fmt: skip


async def tell(store: Store, moved: Moved, now: datetime, *, author: str) -> None:
    """Write in the audit trail that old records went, and how many: the trail itself stays."""
    event = Event(
        at=now, kind="records_compacted", text=sentence(moved), clause="D-6", author=author,
        figures=figures(moved),
    )  # fmt: skip
    async with store.judging() as desk:
        await desk.record([event])
