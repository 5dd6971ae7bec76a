"""Every turn taken once, by hand: collect, account, decide, enforce, notify; then a summary."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass

from capd.clock import Clock
from capd.config import Config
from capd.fill import fill_all_turn
from capd.metrics import Metrics
from capd.model import Device, OrderState, Poll, Reading
from capd.parts import Parts
from capd.pipeline import account_turn
from capd.review import everyone_turn
from capd.rounds import Enforcement

Progress = Callable[[str, int, int], None]
"""Told which turn is taken, how much of it is done, and how much there is."""

_LONGEST_S = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What one round of everything did."""

    polled: int = 0
    silent: int = 0
    readings: int = 0
    heard_only_by_the_daemon: int = 0  # devices that publish: there is nothing to ask
    judged: int = 0
    events: int = 0
    orders_applied: int = 0
    orders_failed: int = 0
    orders_held: int = 0
    orders_waiting: int = 0  # paused, or to be tried again
    told: int = 0
    paused: bool = False
    problems: tuple[str, ...] = ()

    def record(self) -> dict[str, object]:
        """Return it as JSON wants it."""
        return asdict(self)


async def once(config: Config, clock: Clock, progress: Progress) -> Summary:
    """Take every turn once and return what came of it. Raises CapdError when it cannot start."""
    parts = await Parts.open(config, clock, Metrics(clock=clock))
    try:
        await parts.note_paused()
        return await _round(parts, progress)
    finally:
        await parts.close()


async def _round(parts: Parts, progress: Progress) -> Summary:
    house = parts.house
    before = await house.store.trail.last_id()
    polls = await _polls(parts, progress)
    readings: list[Reading] = [reading for poll in polls for reading in poll.readings]
    await account_turn(house, readings)
    for poll in polls:
        parts.fieldbook.hear(poll)
    await parts.fieldbook.turn()
    await fill_all_turn(house, now=parts.clock())
    progress("decide", 0, len(await house.store.people.ids()))
    judged = await everyone_turn(house, now=parts.clock())
    progress("decide", judged, judged)
    paused = bool(await house.store.people.paused())
    outcomes = Counter[OrderState]() if paused else await _enforce(parts, progress)
    told = await parts.tell()
    counts = await house.store.orders.counts()
    return Summary(
        polled=len(polls),
        silent=sum(poll.unreachable for poll in polls),
        readings=len(readings),
        heard_only_by_the_daemon=len(parts.network.heard),
        judged=judged,
        events=await house.store.trail.last_id() - before,
        orders_applied=outcomes[OrderState.APPLIED],
        orders_failed=outcomes[OrderState.FAILED] + outcomes[OrderState.UNKNOWN],
        orders_held=counts[OrderState.HELD],
        orders_waiting=counts[OrderState.OPEN] + counts[OrderState.UNKNOWN],
        told=told,
        paused=paused,
        problems=tuple(f"{poll.device}: {poll.problem}" for poll in polls if poll.problem),
    )


async def _polls(parts: Parts, progress: Progress) -> list[Poll]:
    few = asyncio.Semaphore(parts.config.collect.snmp.at_once)
    polls: list[Poll] = []
    devices = parts.network.polled

    async def ask(device: Device) -> None:
        async with few:
            polls.append(await parts.asker.ask(device))
        progress("collect", len(polls), len(devices))

    async with asyncio.TaskGroup() as group:
        for device in devices:
            group.create_task(ask(device), name=f"ask {device.id}")
    return polls


async def _enforce(parts: Parts, progress: Progress) -> Counter[OrderState]:
    quiet = parts.config.enforce.quiet
    enforcement = Enforcement(
        parts.house, parts.pusher, parts.breaker, parts.clock, parts.devices, quiet=quiet
    )
    due = await enforcement.due()
    progress("enforce", 0, len(due))
    async with asyncio.timeout(_LONGEST_S):
        outcomes = await enforcement.push(due)
    progress("enforce", len(due), len(due))
    return Counter(outcome.state for outcome in outcomes)
