"""What devices are known to have, looked at again: what somebody changed by hand is found."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import and_, func, not_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from capd.model import Applied, DeviceId, Event, OrderState, SubscriberId
from capd.store import rows
from capd.store.database import Database
from capd.store.outbox import Outbox
from capd.store.tables import applied, orders
from capd.store.trail import append
from capd.units import micros

_PROVEN = ("applied", "drifted")
_LONGEST_EVIDENCE = 500


class Looks:
    """Which services to read back next, and what became of them."""

    def __init__(self, database: Database, outbox: Outbox) -> None:
        self._database = database
        self._outbox = outbox

    async def drifted(self) -> int:
        """Return how many services were changed by hand."""
        query = select(func.count()).select_from(applied).where(applied.c.state == "drifted")
        async with self._database.read() as conn:
            return int((await conn.execute(query)).scalar_one())

    async def next(self, devices: int) -> dict[DeviceId, list[Applied]]:
        """Return what the *devices* that were not looked at for longest were proven to have.

        A device with orders under way is left out: it is read back for them.
        """
        last = func.min(func.coalesce(applied.c.looked_at, applied.c.at, 0))
        moving = select(orders.c.device).where(
            orders.c.state.in_((OrderState.OPEN, OrderState.UNKNOWN))
        )
        chosen = (
            select(applied.c.device)
            .where(applied.c.state.in_(_PROVEN), not_(applied.c.device.in_(moving)))
            .group_by(applied.c.device)
            .order_by(last, applied.c.device)
            .limit(devices)
        )
        query = select(applied).where(applied.c.device.in_(chosen), applied.c.state.in_(_PROVEN))
        found: dict[DeviceId, list[Applied]] = {}
        async with self._database.read() as conn:
            for row in (await conn.execute(query.order_by(applied.c.subscriber))).mappings():
                found.setdefault(DeviceId(row["device"]), []).append(rows.applied(row))
        return found

    async def put(
        self,
        seen: Sequence[tuple[Applied, bool | None, str]],
        *,
        repair: bool,
        at: datetime,
    ) -> list[SubscriberId]:
        """Write down what was *seen*: as owed or not (None: not read), in the device's words.

        Returns whose service is to be put right. One that was changed through capd meanwhile is
        left as it is.
        """
        to_repair: list[SubscriberId] = []
        async with self._database.write() as conn:
            events: list[Event] = []
            for row, as_owed, words in seen:
                state = _state(row, as_owed, repair=repair)
                if not await _keep(conn, row, state, at):
                    continue
                if state == "unknown":
                    to_repair.append(row.subscriber)
                if (row.state == "drifted") != (as_owed is False) and as_owed is not None:
                    events.append(_event(row, words, at, drifted=not as_owed, repair=repair))
            written = list(zip(await append(conn, events), events, strict=True))
            await self._outbox.enqueue(conn, written)
        return to_repair

    async def repair(
        self, subscriber: SubscriberId | None, *, author: str, note: str, at: datetime
    ) -> list[SubscriberId]:
        """Let what was changed by hand be put right: of one subscriber, or of all (None)."""
        which = applied.c.state == "drifted"
        if subscriber is not None:
            which = and_(which, applied.c.subscriber == subscriber)
        async with self._database.write() as conn:
            query = select(applied).where(which).order_by(applied.c.subscriber)
            found = [rows.applied(row) for row in (await conn.execute(query)).mappings()]
            await conn.execute(update(applied).where(which).values(state="unknown"))
            events = [
                Event(
                    at=at,
                    kind="drift_repair",
                    text=f"{row.device}: {_what(row)} is put right ({note}).",
                    subscriber=row.subscriber,
                    device=row.device,
                    author=author,
                    figures={"note": note},
                )
                for row in found
            ]
            written = list(zip(await append(conn, events), events, strict=True))
            await self._outbox.enqueue(conn, written)
        return [row.subscriber for row in found]


def _state(row: Applied, as_owed: bool | None, *, repair: bool) -> str:  # noqa: FBT001
    if as_owed is None:
        return row.state
    if as_owed:
        return "applied"
    return "unknown" if repair else "drifted"


async def _keep(conn: AsyncConnection, row: Applied, state: str, at: datetime) -> bool:
    """Set the state of what was read back, if it is still the same; say whether it was."""
    here = and_(
        applied.c.device == row.device,
        applied.c.subscriber == row.subscriber,
        applied.c.state == row.state,
        applied.c.at == rows.micros_or_none(row.at),
    )
    changed = await conn.execute(
        update(applied).where(here).values(state=state, looked_at=micros(at))
    )
    return bool(changed.rowcount)


def _what(row: Applied) -> str:
    return f"{row.subscriber}'s {'suspension' if row.service.suspended else 'service'}"


def _event(row: Applied, words: str, at: datetime, *, drifted: bool, repair: bool) -> Event:
    told = " / ".join(line.strip() for line in words.splitlines() if line.strip())
    then = "it is put right" if repair else "it is left as it is (`capd orders repair`)"
    text = (
        f"{row.device}: {_what(row)} was changed by hand: {then}."
        if drifted
        else f"{row.device}: {_what(row)} is as it was left again."
    )
    return Event(
        at=at,
        kind="drifted" if drifted else "drift_over",
        text=text,
        subscriber=row.subscriber,
        device=row.device,
        figures={
            "suspended": row.service.suspended,
            "order": row.order,
            "evidence": told[:_LONGEST_EVIDENCE],
            "repair": repair,
        },
    )
