"""Judging within a transaction of the desk: verdicts are recorded, differences become orders."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from capd import companions
from capd.decide import late, reconcile
from capd.decide.contract import downgrades
from capd.decide.judge import judge
from capd.decide.standing import apply
from capd.gate import let_go
from capd.house import House, Line
from capd.model import Kind, Part, Product, ProductId, Standing, SubscriberId, Verdict
from capd.store.desk import Desk

_MOMENT = timedelta(microseconds=1)


async def settle_at(
    house: House, desk: Desk, seen: Mapping[SubscriberId, datetime], end: datetime
) -> None:
    """Let late bytes of the period that ended at *end* count against it; they stop nobody now.

    *seen* says of each subscriber when a reading first showed them: what follows is dated so.
    """
    catalogue = await desk.products()
    standings = await desk.standings(
        sorted(seen), now=end - _MOMENT, tz=house.zone, months=house.window_months
    )
    for standing in standings:
        policy = house.policy_of(standing, end - _MOMENT)
        now = seen[standing.subscriber.id]
        events = late.settle(
            standing, catalogue, policy, now, currency=house.currency, zone=house.zone
        )
        await desk.record(events)


async def judge_at(
    house: House, desk: Desk, subscribers: Sequence[SubscriberId], now: datetime
) -> list[Verdict]:
    """Judge *subscribers*; what they are owed and do not have becomes the open orders."""
    catalogue = await desk.products()
    verdicts, after = await _judged(house, desk, subscribers, catalogue, now)
    touched = await companions.follow(house, desk, after, catalogue, now)
    if touched:
        again, _ = await _judged(house, desk, touched, catalogue, now)
        newest = {verdict.subscriber: verdict for verdict in (*verdicts, *again)}
        verdicts = list(newest.values())
    await _order(house, desk, verdicts, now)
    return verdicts


async def _judged(
    house: House,
    desk: Desk,
    subscribers: Sequence[SubscriberId],
    catalogue: Mapping[ProductId, Product],
    now: datetime,
) -> tuple[list[Verdict], list[Standing]]:
    """Return the verdicts on *subscribers*, written down, and what is known after them."""
    memory = house.memory
    standings = await desk.standings(
        subscribers, now=now, tz=house.zone, months=house.window_months
    )
    verdicts, after = [], []
    for standing in standings:
        if house.heard_to is not None and not downgrades.was_asked(standing):
            standing = replace(standing, read_to=house.heard_to)  # noqa: PLW2901
        verdict = verdict_on(house, standing, catalogue, now)
        verdicts.append(verdict)
        after.append(apply(standing, verdict.events, catalogue))
        product = after[-1].product
        memory.lines[verdict.subscriber] = Line(
            period=standing.period,
            counts=product.counts,
            counted=verdict.counted_bytes,
            watch_bytes=verdict.watch_bytes,
            allowance_bytes=verdict.allowance_bytes,
            rates=(product.down_bps, product.up_bps),
            every_period=product.kind is Kind.PREPAID,
        )
        if verdict.awaits_at is None:
            memory.awaited.pop(verdict.subscriber, None)
        else:
            memory.awaited[verdict.subscriber] = verdict.awaits_at
        if verdict.due_at is None:
            memory.due.pop(verdict.subscriber, None)
        else:
            memory.due[verdict.subscriber] = verdict.due_at
    await desk.record([event for verdict in verdicts for event in verdict.events])
    house.metrics.judged(verdicts)
    return verdicts, after


def verdict_on(
    house: House, standing: Standing, catalogue: Mapping[ProductId, Product], now: datetime
) -> Verdict:
    """Return what the policy in force says, after what is to be told of a newer one (CT-6)."""
    case = house.case(standing, catalogue, now)
    told = house.announced(case)
    verdict = judge(
        apply(standing, told, catalogue),
        catalogue,
        case.policy,
        now,
        currency=house.currency,
        zone=house.zone,
    )
    return replace(verdict, events=(*told, *verdict.events)) if told else verdict


async def _order(house: House, desk: Desk, verdicts: Sequence[Verdict], now: datetime) -> None:
    """Write down the differences between owed and applied; the guard may hold some back."""
    subscribers = [verdict.subscriber for verdict in verdicts]
    applied = await desk.applied(subscribers)
    standing_orders = await desk.open_orders(subscribers)
    changes = reconcile.orders(verdicts, applied, standing_orders, now)
    if not changes.add and not changes.supersede:
        return
    leaving = await desk.bindings.leaving()
    if leaving:
        applied = [row for row in applied if (row.device, row.subscriber) not in leaving]
        standing_orders = [o for o in standing_orders if (o.device, o.subscriber) not in leaving]
        changes = reconcile.orders(verdicts, applied, standing_orders, now)
    if changes.supersede:
        await desk.supersede(changes.supersede, now)
    if changes.add:
        await let_go(house, desk, changes.add, now)


async def look_after(house: House, desk: Desk, parts: Iterable[Part], now: datetime) -> None:
    """Judge whom *parts* belong to, and settle the periods of theirs that are over."""
    counting = [part for part in parts if part.counts]
    over = {(part.period.end, part.subscriber) for part in counting if part.period.end <= now}
    for end, who in sorted(over):
        await settle_at(house, desk, {who: now}, end)
    await judge_at(house, desk, sorted({part.subscriber for part in counting}), now)
