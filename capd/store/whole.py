"""Whole entries around a moment: the ledger keeps an entry's parts by billing period (CN-12)."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from capd.account.backup import Span
from capd.model import Adjustment, MeterKey, Part, SubscriberId
from capd.store import rows
from capd.store.adjusting import period_of_row, same_period
from capd.store.tables import entries, totals
from capd.units import micros, moment

_LONGEST_PART = timedelta(days=32)  # of an entry: a billing period, a clock change included
_NOT_READ = (Adjustment.FILLED, Adjustment.CORRECTED, Adjustment.TOLD)


async def around(
    conn: AsyncConnection, who: SubscriberId, start: datetime, end: datetime
) -> list[rows.Row]:
    """Return the parts of every entry that touches that time, whole entries only."""
    since, until = micros(start), micros(end)
    began = _began()
    wanted: list[ColumnElement[bool]] = [and_(entries.c.ended_at > since, began < until)]
    found: dict[int, rows.Row] = {}
    first = start - _LONGEST_PART
    while wanted:
        query = _parts(who, first).where(or_(*wanted))
        new = [row for row in (await conn.execute(query)).mappings() if row["id"] not in found]
        found |= {row["id"]: row for row in new}
        wanted = [where for row in new for where in _other_parts(row)]
        first = min([first, *(moment(row["period_start"]) - _LONGEST_PART for row in new)])
    return list(found.values())


def _began() -> ColumnElement[int]:
    """Return where a part's time begins: the unknown time before its bytes is its own."""
    return entries.c.started_at - func.abs(entries.c.unknown_us)


def _parts(who: SubscriberId, since: datetime) -> Select[Any]:
    return (
        select(entries, totals.c.period, totals.c.period_end, _began().label("began"))
        .join_from(entries, totals, same_period())
        .where(
            entries.c.subscriber == who,
            entries.c.started_at >= micros(since),
            entries.c.quality.not_in(_NOT_READ),
        )
    )


def _other_parts(row: rows.Row) -> list[ColumnElement[bool]]:
    """Return where parts of the same entry in the period before, and after, would be (CN-12)."""
    own = and_(entries.c.device == row["device"], entries.c.meter == row["meter"])
    found = []
    if row["began"] <= row["period_start"]:
        found.append(and_(own, entries.c.ended_at == row["period_start"]))
    if row["ended_at"] == row["period_end"]:
        after = and_(entries.c.period_start == row["period_end"], _began() <= row["period_end"])
        found.append(and_(own, after))
    return found


def spans(found: Sequence[rows.Row], *, backups: bool) -> dict[MeterKey, list[Span]]:
    """Return whole entries by meter, oldest first: those that count, or those that do not."""
    several: dict[tuple[MeterKey, bool], list[rows.Row]] = defaultdict(list)
    for row in sorted(found, key=lambda row: (row["ended_at"], row["id"])):
        accepted = row["quality"] == Adjustment.ACCEPTED
        if row["counts"] != backups and not (backups and accepted):
            several[MeterKey(row["device"], row["meter"]), accepted].append(row)
    whole: dict[MeterKey, list[Span]] = defaultdict(list)
    for (key, _), parts in several.items():
        whole[key] += _joined(parts)
    return whole


def _joined(parts: Sequence[rows.Row]) -> list[Span]:
    whole: list[list[rows.Row]] = []
    for part in parts:
        if whole and _continues(whole[-1][-1], part):
            whole[-1].append(part)
        else:
            whole.append([part])
    return [
        Span(
            start=moment(min(part["began"] for part in some)),
            end=moment(some[-1]["ended_at"]),
            down=sum(part["down"] for part in some),
            up=sum(part["up"] for part in some),
            known=not any(part["unknown_us"] for part in some),
        )
        for some in whole
    ]


def _continues(one: Mapping[Any, Any], other: Mapping[Any, Any]) -> bool:
    same = ("down_raw", "up_raw", "uptime_s")
    return (
        one["ended_at"] == one["period_end"] == other["period_start"]
        and other["began"] <= other["period_start"]
        and all(one[name] == other[name] for name in same)
    )


def part(row: rows.Row) -> Part:
    """Return a part; sums in *row* may be of several that cancel each other."""
    return Part(
        subscriber=SubscriberId(row["subscriber"]),
        period=period_of_row(row),
        started_at=moment(row["started_at"]),
        ended_at=moment(row["ended_at"]),
        down_bytes=int(row["down"]),
        up_bytes=int(row["up"]),
        estimated_bytes=int(row["estimated"]),
        unknown_us=int(row["unknown_us"]),
    )
