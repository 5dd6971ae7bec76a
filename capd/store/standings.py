"""Everything that is known of some subscribers, in a handful of queries for all of them."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import Select, Table, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from capd.account.periods import days_served, period_before, period_of
from capd.decide.contract import product_terms
from capd.decide.contract.agreement import activated_on
from capd.model import (
    Breach,
    Charged,
    Given,
    Hold,
    Matter,
    Period,
    Product,
    ProductId,
    Standing,
    Subscriber,
    SubscriberId,
    Usage,
)
from capd.store import delays, inventory_rows, reach, rows
from capd.store.lifetimes import lifetimes
from capd.store.tables import (
    breaches,
    charges,
    given,
    holds,
    matters,
    products,
    subscribers,
    topups,
    totals,
)
from capd.units import micros, moment

_T = TypeVar("_T")
_LONGEST_MONTH = timedelta(days=32)  # a clock change included


async def all_products(conn: AsyncConnection) -> dict[ProductId, Product]:
    """Return what is sold, by id."""
    found = (await conn.execute(select(products).order_by(products.c.id))).mappings()
    return {ProductId(row["id"]): inventory_rows.product(row) for row in found}


async def some_subscribers(
    conn: AsyncConnection, ids: Collection[SubscriberId]
) -> dict[SubscriberId, Subscriber]:
    """Return those of *ids* that exist."""
    found: dict[SubscriberId, Subscriber] = {}
    for chunk in rows.chunks(list(ids)):
        query = select(subscribers).where(subscribers.c.id.in_(chunk))
        for row in (await conn.execute(query)).mappings():
            found[SubscriberId(row["id"])] = inventory_rows.subscriber(row)
    return found


def usage_of(row: rows.Row) -> Usage:
    """Return the usage that a row of the totals is."""
    return Usage(
        subscriber=SubscriberId(row["subscriber"]),
        period=rows.period(row["period"], row["period_start"], row["period_end"]),
        down_bytes=row["down"],
        up_bytes=row["up"],
        estimated_bytes=row["estimated"],
        unknown_us=row["unknown_us"],
    )


async def usages(
    conn: AsyncConnection, periods: Mapping[SubscriberId, Period]
) -> dict[SubscriberId, Usage]:
    """Return what each subscriber used in their period; zero where nothing was counted."""
    found = {who: Usage(subscriber=who, period=period) for who, period in periods.items()}
    for chunk in rows.chunks(list(periods)):
        starts = {micros(periods[who].start) for who in chunk}
        query = select(totals).where(
            totals.c.subscriber.in_(chunk), totals.c.period_start.in_(starts)
        )
        for row in (await conn.execute(query)).mappings():
            usage = usage_of(row)
            period = periods[usage.subscriber]
            if usage.period.start == period.start:  # its end may have been changed since
                found[usage.subscriber] = replace(usage, period=period)
    return found


async def load(
    conn: AsyncConnection,
    ids: Sequence[SubscriberId],
    *,
    now: datetime,
    tz: ZoneInfo,
    months: int,
) -> list[Standing]:
    """Return the standing of each of *ids* that exists, in their order.

    Breaches are those of at least the last *months* calendar months, oldest first.
    """
    catalogue = await all_products(conn)
    known = await some_subscribers(conn, ids)
    standings = []
    for chunk in rows.chunks([who for who in dict.fromkeys(ids) if who in known]):
        some = {who: known[who] for who in chunk}
        standings += await _load(conn, some, catalogue, now=now, tz=tz, months=months)
    return standings


async def _load(
    conn: AsyncConnection,
    some: Mapping[SubscriberId, Subscriber],
    catalogue: Mapping[ProductId, Product],
    *,
    now: datetime,
    tz: ZoneInfo,
    months: int,
) -> list[Standing]:
    periods = {who: period_of(now, one.cycle, tz) for who, one in some.items()}
    names = {who: period.name for who, period in periods.items()}
    used = await usages(conn, periods)
    opened = await _holds(conn, list(some))
    previous = await _previous(conn, opened, names)
    bought = await _topups(conn, names)
    notices = await _given(conn, names)
    broken = await _breaches(conn, list(some), now - _LONGEST_MONTH * months)
    charged = await _charged(conn, names)
    delayed = await delays.newest(conn, list(some))
    pending = await _matters(conn, list(some))
    last = await _last(conn, periods, {who: some[who] for who in pending}, tz)
    read_to = await reach.read_to(conn, list(pending))
    sold = _sold(some, catalogue, pending, periods)
    whole = await lifetimes(conn, used, sold, pending)
    return [
        Standing(
            subscriber=one,
            product=sold[who],
            period=periods[who],
            usage=used[who],
            previous=tuple(previous.get(who, ())),
            topup_bytes=bought.get(who, 0),
            holds=tuple(opened.get(who, ())),
            given=tuple(notices.get(who, ())),
            breaches=tuple(broken.get(who, ())),
            delay=delayed.get(who),
            charged=tuple(charged.get(who, ())),
            matters=tuple(pending.get(who, ())),
            last=last.get(who),
            read_to=read_to.get(who),
            lifetime=whole.get(who),
            days=days_served(periods[who], one.cycle, tz, since=activated_on(pending.get(who, ()))),
        )
        for who, one in some.items()
    ]


def _sold(
    some: Mapping[SubscriberId, Subscriber],
    catalogue: Mapping[ProductId, Product],
    pending: Mapping[SubscriberId, Sequence[Matter]],
    periods: Mapping[SubscriberId, Period],
) -> dict[SubscriberId, Product]:
    """Return the product of each: who was told of a change has it as it was (CT-6)."""
    return {
        who: product_terms.in_force(catalogue[one.product], pending.get(who, ()), periods[who])
        for who, one in some.items()
    }


async def _last(
    conn: AsyncConnection,
    periods: Mapping[SubscriberId, Period],
    some: Mapping[SubscriberId, Subscriber],
    tz: ZoneInfo,
) -> dict[SubscriberId, Usage]:
    """Return what each of *some* used in the period before theirs."""
    before = {who: period_before(periods[who], one.cycle, tz) for who, one in some.items()}
    return await usages(conn, before)


def _by_subscriber(pairs: Iterable[tuple[str, _T]]) -> dict[SubscriberId, list[_T]]:
    several: dict[SubscriberId, list[_T]] = defaultdict(list)
    for who, one in pairs:
        several[SubscriberId(who)].append(one)
    return several


def _of(table: Table, who: Collection[SubscriberId]) -> Select[Any]:
    return select(table).where(table.c.subscriber.in_(who))


async def _holds(
    conn: AsyncConnection, who: Collection[SubscriberId]
) -> dict[SubscriberId, list[Hold]]:
    query = _of(holds, who).where(holds.c.closed_at.is_(None)).order_by(holds.c.event)
    found = (await conn.execute(query)).mappings()
    return _by_subscriber((row["subscriber"], rows.hold(row)) for row in found)


async def _previous(
    conn: AsyncConnection,
    opened: Mapping[SubscriberId, Sequence[Hold]],
    names: Mapping[SubscriberId, str],
) -> dict[SubscriberId, list[Usage]]:
    """Return the usage of earlier periods that a hold is still open for."""
    wanted = [
        (who, hold.period)
        for who, several in opened.items()
        for hold in several
        if hold.period is not None and hold.period != names[who]
    ]
    if not wanted:
        return {}
    query = select(totals).where(tuple_(totals.c.subscriber, totals.c.period).in_(wanted))
    found = (await conn.execute(query.order_by(totals.c.period_start))).mappings()
    return _by_subscriber((row["subscriber"], usage_of(row)) for row in found)


async def _topups(
    conn: AsyncConnection, names: Mapping[SubscriberId, str]
) -> dict[SubscriberId, int]:
    query = (
        select(topups.c.subscriber, topups.c.period, func.sum(topups.c.size_bytes))
        .where(topups.c.subscriber.in_(names), topups.c.period.in_(set(names.values())))
        .group_by(topups.c.subscriber, topups.c.period)
    )
    found = await conn.execute(query)
    return {SubscriberId(who): int(size) for who, period, size in found if names[who] == period}


async def _given(
    conn: AsyncConnection, names: Mapping[SubscriberId, str]
) -> dict[SubscriberId, list[Given]]:
    query = _of(given, names).where(given.c.period.in_(set(names.values())))
    found = (await conn.execute(query.order_by(given.c.event))).mappings()
    return _by_subscriber(
        (
            row["subscriber"],
            Given(
                notice=row["notice"],
                period=row["period"],
                allowance_bytes=row["allowance_bytes"],
            ),
        )
        for row in found
        if row["period"] == names[row["subscriber"]]
    )


async def _breaches(
    conn: AsyncConnection, who: Collection[SubscriberId], since: datetime
) -> dict[SubscriberId, list[Breach]]:
    query = _of(breaches, who).where(breaches.c.at >= micros(since))
    found = (await conn.execute(query.order_by(breaches.c.at, breaches.c.event))).mappings()
    return _by_subscriber(
        (
            row["subscriber"],
            Breach(
                period=row["period"],
                at=moment(row["at"]),
                counted_bytes=row["counted_bytes"],
                allowance_bytes=row["allowance_bytes"],
            ),
        )
        for row in found
    )


async def _charged(
    conn: AsyncConnection, names: Mapping[SubscriberId, str]
) -> dict[SubscriberId, list[Charged]]:
    query = _of(charges, names).where(charges.c.period.in_(set(names.values())))
    found = (await conn.execute(query.order_by(charges.c.event))).mappings()
    return _by_subscriber(
        (
            row["subscriber"],
            Charged(charge=row["charge"], breach=row["breach"], units=row["units"]),
        )
        for row in found
        if row["period"] == names[row["subscriber"]]
    )


async def _matters(
    conn: AsyncConnection, who: Collection[SubscriberId]
) -> dict[SubscriberId, list[Matter]]:
    """Return the open matters of each, the oldest first."""
    query = _of(matters, who).where(matters.c.open)
    query = query.order_by(matters.c.opened_at, matters.c.kind, matters.c.key)
    found = (await conn.execute(query)).mappings()
    return _by_subscriber((row["subscriber"], rows.matter(row)) for row in found)
