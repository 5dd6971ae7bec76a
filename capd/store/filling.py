"""The gaps of main meters, and what backup meters know of them (CN-14)."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import and_, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from capd.account.backup import Backup, Fill, Gap, Span
from capd.model import (
    Adjustment,
    DeviceId,
    MeterKey,
    Part,
    Role,
    SubscriberId,
)
from capd.store import rows, whole
from capd.store.adjusting import same_period
from capd.store.tables import adjustments, entries, gaps, meter_states, meters, totals
from capd.units import micros, moment

WAITING, FILLED, LEFT, KNOWN = "waiting", "filled", "left", "known"


@dataclass(frozen=True, slots=True, kw_only=True)
class GapRow:
    """A gap in the books."""

    id: int
    key: MeterKey
    gap: Gap


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the meters of a subscriber say about a gap."""

    mains_until: datetime | None  # up to where every main meter was read; None: nowhere
    backups: tuple[Backup, ...]


class Filling:
    """What a judgement's transaction may read and write about gaps."""

    def __init__(self, conn: AsyncConnection) -> None:
        self._conn = conn

    async def waiting(self, who: SubscriberId) -> list[GapRow]:
        """Return the gaps of *who* that nobody judged yet, oldest first."""
        query = select(gaps).where(gaps.c.subscriber == who, gaps.c.state == WAITING)
        found = await self._conn.execute(query.order_by(gaps.c.unknown_from, gaps.c.id))
        return [_gap_row(row) for row in found.mappings()]

    async def seen(self, who: SubscriberId, gap: Gap) -> Seen:
        """Return how far the meters of *who* were read, and what backups showed around *gap*."""
        query = (
            select(meters.c.device, meters.c.id, meters.c.role, meter_states.c.last_at)
            .join_from(
                meters,
                meter_states,
                and_(meters.c.device == meter_states.c.device, meters.c.id == meter_states.c.meter),
            )
            .where(meters.c.subscriber == who)
            .order_by(meters.c.device, meters.c.id)
        )
        read = (await self._conn.execute(query)).all()
        mains = [row.last_at for row in read if row.role == Role.MAIN]
        spans = whole.spans(await whole.around(self._conn, who, gap.start, gap.end), backups=True)
        backups = [
            Backup(key=key, until=moment(row.last_at), spans=tuple(spans.get(key, ())))
            for row in read
            if row.role == Role.BACKUP
            for key in (MeterKey(DeviceId(row.device), row.id),)
        ]
        return Seen(mains_until=moment(min(mains)) if mains else None, backups=tuple(backups))

    async def counted(self, who: SubscriberId, start: datetime, end: datetime) -> list[Span]:
        """Return all that was counted for *who* and touches that time: whole entries, and fills."""
        found = whole.spans(await whole.around(self._conn, who, start, end), backups=False)
        query = select(gaps).where(
            gaps.c.subscriber == who,
            gaps.c.state == FILLED,
            gaps.c.window_from < micros(end),
            gaps.c.window_to > micros(start),
        )
        filled = (await self._conn.execute(query)).all()
        began, links = await self._began(who, start), await self._links(who)
        entries_ = [
            replace(one, start=began.get((key, one.end), one.start), link_bps=links.get(key))
            for key, spans in found.items()
            for one in spans
        ]
        return entries_ + [
            Span(start=moment(row.window_from), end=moment(row.window_to), down=row.down, up=row.up)
            for row in filled
        ]

    async def _links(self, who: SubscriberId) -> dict[MeterKey, int | None]:
        """Return how fast the links of *who*'s meters are, as they were last read."""
        state = meter_states.c
        its_own = and_(state.device == meters.c.device, state.meter == meters.c.id)
        query = select(state.device, state.meter, state.link_bps)
        query = query.join_from(meter_states, meters, its_own).where(meters.c.subscriber == who)
        found = await self._conn.execute(query)
        return {MeterKey(DeviceId(row.device), row.meter): row.link_bps for row in found}

    async def _began(
        self, who: SubscriberId, start: datetime
    ) -> dict[tuple[MeterKey, datetime], datetime]:
        """Return where entries with unknown time began: their parts alone do not tell."""
        query = select(gaps).where(gaps.c.subscriber == who, gaps.c.ended_at > micros(start))
        found = [_gap_row(row) for row in (await self._conn.execute(query)).mappings()]
        return {(one.key, one.gap.end): one.gap.start for one in found}

    async def blind(self, who: SubscriberId, one: GapRow) -> list[Part]:
        """Return the parts of the gap's own entry, oldest first: where its time is unknown."""
        since, until = micros(one.gap.start), micros(one.gap.end)
        found = await whole.around(self._conn, who, one.gap.start, one.gap.end)
        return [
            whole.part(row)
            for row in sorted(found, key=lambda row: (row["ended_at"], row["id"]))
            if (row["device"], row["meter"]) == one.key
            and row["counts"]
            and row["quality"] != Adjustment.ACCEPTED
            and since < row["ended_at"] <= until
        ]

    async def close(self, one: GapRow, fill: Fill | None) -> bool:
        """Put down what a waiting gap was filled with, if with anything; say whether it waited."""
        change: dict[str, Any] = {"state": LEFT}
        if fill is not None:
            window = {"window_from": micros(fill.start), "window_to": micros(fill.end)}
            change = {"state": FILLED, "down": fill.down, "up": fill.up, **window}
        closed = await self._conn.execute(
            update(gaps).where(gaps.c.id == one.id, gaps.c.state == WAITING).values(**change)
        )
        return closed.rowcount == 1

    async def reopen(
        self, who: SubscriberId, start: datetime, end: datetime
    ) -> list[tuple[GapRow, list[Part]]]:
        """Let the gaps filled by windows that touch that time wait again.

        Return each with what it was filled with: the caller takes that back out.
        """
        query = select(gaps).where(
            gaps.c.subscriber == who,
            gaps.c.state == FILLED,
            gaps.c.window_from < micros(end),
            gaps.c.window_to > micros(start),
        )
        found = [_gap_row(row) for row in (await self._conn.execute(query)).mappings()]
        reopened = [(one, await self._filled_with(one)) for one in found]
        again = {"state": WAITING, "down": 0, "up": 0, "window_from": None, "window_to": None}
        for one in found:
            await self._conn.execute(update(gaps).where(gaps.c.id == one.id).values(**again))
        return reopened

    async def _filled_with(self, one: GapRow) -> list[Part]:
        figures = [
            func.sum(entries.c[name]).label(name)
            for name in ("down", "up", "estimated", "unknown_us")
        ]
        period = (totals.c.period_start, totals.c.period, totals.c.period_end)
        query = (
            select(
                *period, entries.c.subscriber, entries.c.started_at, entries.c.ended_at, *figures
            )
            .join_from(adjustments, entries, adjustments.c.entry == entries.c.id)
            .join(totals, same_period())
            .where(adjustments.c.kind == Adjustment.FILLED, adjustments.c.source == one.id)
            .group_by(*period, entries.c.subscriber, entries.c.started_at, entries.c.ended_at)
        )
        return [whole.part(row) for row in (await self._conn.execute(query)).mappings()]

    async def now_known(self, key: MeterKey, end: datetime, unknown_to: datetime | None) -> None:
        """Say that the gap of the entry ending at *end* is known, but for what is up to then."""
        its_own = and_(gaps.c.device == key.device, gaps.c.meter == key.meter)
        its_own = and_(its_own, gaps.c.ended_at == micros(end), gaps.c.state != FILLED)
        cut = 0 if unknown_to is None else micros(unknown_to)
        await self._conn.execute(
            update(gaps)
            .where(its_own, gaps.c.unknown_from < cut)
            .values(unknown_to=cut, state=WAITING)
        )
        await self._conn.execute(
            update(gaps).where(its_own, gaps.c.unknown_from >= cut).values(state=KNOWN)
        )


def _gap_row(row: rows.Row) -> GapRow:
    return GapRow(
        id=row["id"],
        key=MeterKey(DeviceId(row["device"]), row["meter"]),
        gap=Gap(
            start=moment(row["started_at"]),
            end=moment(row["ended_at"]),
            unknown_from=moment(row["unknown_from"]),
            unknown_to=moment(row["unknown_to"]),
        ),
    )


async def blind(conn: AsyncConnection, *, ready: bool) -> dict[SubscriberId, datetime]:
    """Return who has a gap that a backup meter may fill, and the end of the last such entry.

    Where *ready*, only those of whom a backup meter was read since.
    """
    query = (
        select(gaps.c.subscriber, func.max(gaps.c.ended_at))
        .join(meters, and_(meters.c.subscriber == gaps.c.subscriber, meters.c.role == Role.BACKUP))
        .where(gaps.c.state == WAITING)
        .group_by(gaps.c.subscriber)
        .order_by(gaps.c.subscriber)
    )
    if ready:
        state = meter_states.c
        its_own = and_(state.device == meters.c.device, state.meter == meters.c.id)
        query = query.join(meter_states, its_own).where(state.last_at >= gaps.c.ended_at)
    found = await conn.execute(query)
    return {SubscriberId(who): moment(at) for who, at in found}
