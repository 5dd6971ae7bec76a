"""Everybody is looked at again, a few at a time, while the intake goes on: nothing is written.

What changes for somebody changes by usage, by a fact or by time, and each of these makes a
judgement when it happens. A review is the net under that. It finds for whom something would become
different, or whom the memory is wrong about: they are to be judged, and mostly there is nobody.
"""

import asyncio
import math
import time
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from capd.clock import Clock
from capd.companions import pairs
from capd.decide import reconcile
from capd.fill import fill_all_turn
from capd.house import House, Memory
from capd.judgement import verdict_on
from capd.model import Standing, SubscriberId, Verdict
from capd.pipeline import decide_turn

_AT_A_TIME = 500  # subscribers looked at in one go
_WITHOUT_A_PAUSE = 50  # subscribers: others get their turn after some milliseconds


LOOK_S = 1.0
"""How often some of the subscribers are looked at again."""


class Judging:
    """Everyone again within *every_s*; whoever something falls due for, when it does."""

    def __init__(self, house: House, clock: Clock, *, every_s: float = 300.0) -> None:
        self._house = house
        self._clock = clock
        self._every_s = every_s
        self._left: list[SubscriberId] = []  # to be looked at in this pass
        self._share = 0  # of them, in one turn
        self._again_s = 0.0  # when the next pass may begin
        self._hurried = False

    async def everyone(self) -> None:
        """Judge all subscribers, so that nothing depends on an event being seen."""
        await everyone_turn(self._house, now=self._clock())

    async def some(self) -> None:
        """Look at the next few, every LOOK_S, so that all have their turn within *every_s*.

        Only those for whom something is different are judged.
        """
        now_s = time.monotonic()
        if not self._left:
            if now_s < self._again_s:
                return
            self._left = await self._house.store.people.ids()
            self._again_s = now_s + self._every_s
            share = math.ceil(len(self._left) * LOOK_S / self._every_s)
            self._share = len(self._left) if self._hurried else max(_AT_A_TIME, share)
            self._hurried = False
        for _ in range(0, self._share, _AT_A_TIME):
            some = self._left[:_AT_A_TIME]
            if not some:
                return
            found = await review(self._house, some, self._clock())
            await decide_turn(self._house, found, now=self._clock())
            del self._left[: len(some)]

    def hurry(self) -> None:
        """Begin anew with the next turn, and without pauses: by now other terms may hold."""
        self._left, self._again_s, self._hurried = [], 0.0, True

    async def fill(self) -> None:
        """Fill gaps that no reading did: another capd posted it, or this one was ended (CN-14)."""
        await fill_all_turn(self._house, now=self._clock())

    async def due(self) -> None:
        """Judge those for whom time alone changes something by now, dated when it fell due."""
        now = self._clock()
        due: dict[datetime, list[SubscriberId]] = defaultdict(list)
        for who, moment in self._house.memory.due.items():
            if moment <= now:
                due[moment].append(who)
        for moment in sorted(due):
            await decide_turn(self._house, due[moment], now=moment)


async def everyone_turn(house: House, *, now: datetime) -> int:
    """Judge all subscribers, and keep none of the verdicts; return how many there are."""
    ids = await house.store.people.ids()
    for start in range(0, len(ids), _AT_A_TIME):
        await decide_turn(house, ids[start : start + _AT_A_TIME], now=now)
    return len(ids)


async def review(
    house: House, subscribers: Sequence[SubscriberId], now: datetime
) -> list[SubscriberId]:
    """Return who of *subscribers* must be judged; who writes meanwhile does not wait for it."""
    async with house.store.reviewing() as desk:
        catalogue = await desk.products()
        standings = await desk.standings(
            subscribers, now=now, tz=house.zone, months=house.window_months
        )
        applied = await desk.applied(subscribers)
        orders = await desk.open_orders(subscribers)
    verdicts: list[Verdict] = []
    found: set[SubscriberId] = set()
    for number, standing in enumerate(standings):
        if number % _WITHOUT_A_PAUSE == 0:
            await asyncio.sleep(0)
        verdict = verdict_on(house, standing, catalogue, now)
        verdicts.append(verdict)
        if verdict.events or pairs([standing]) or not _remembered(house.memory, standing, verdict):
            found.add(verdict.subscriber)
    changes = reconcile.orders(verdicts, applied, orders, now)
    found |= {order.subscriber for order in (*changes.add, *changes.supersede)}
    return sorted(found)


def _remembered(memory: Memory, standing: Standing, verdict: Verdict) -> bool:
    """Say whether the hints in *memory* lead to the same looks; more may be counted by now."""
    who = verdict.subscriber
    line = memory.lines.get(who)
    return (
        line is not None
        and line.period == standing.period
        and line.watch_bytes == verdict.watch_bytes
        and line.allowance_bytes == verdict.allowance_bytes
        and line.counted >= verdict.counted_bytes
        and memory.due.get(who) == verdict.due_at
        and memory.awaited.get(who) == verdict.awaits_at
    )
