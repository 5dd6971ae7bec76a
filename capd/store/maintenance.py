"""Maintenance windows (NM-5): in one, nothing is pushed to a device. A short list, kept whole."""

from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import datetime

import orjson
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from capd.errors import CannotBeDone
from capd.model import DeviceId, Event, SectorId, SubscriberId
from capd.store import memos, rows
from capd.store.database import Database
from capd.store.outbox import Outbox
from capd.store.tables import subscribers
from capd.store.trail import append
from capd.units import moment_of, rfc3339

_KEY = "maintenance"


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """From *start* up to *end*, of one device, or of all devices' orders for one sector."""

    id: int
    start: datetime
    end: datetime
    note: str
    author: str
    device: DeviceId | None = None
    sector: SectorId | None = None

    @property
    def place(self) -> str:
        """Return what is worked on."""
        return f"device {self.device}" if self.device is not None else f"sector {self.sector}"

    def record(self) -> dict[str, object]:
        """Return the window as JSON wants it."""
        return asdict(self) | {"start": rfc3339(self.start), "end": rfc3339(self.end)}


class Maintenance:
    """The windows that are planned or open; those that are over go with the next change."""

    def __init__(self, database: Database, outbox: Outbox) -> None:
        self._database = database
        self._outbox = outbox

    async def windows(self, now: datetime) -> list[Window]:
        """Return the windows that are not over at *now*, by their start."""
        async with self._database.read() as conn:
            return [one for one in await _kept(conn) if one.end > now]

    async def lines(self, sectors: Collection[SectorId]) -> set[SubscriberId]:
        """Return whose lines are in *sectors*."""
        if not sectors:
            return set()
        query = select(subscribers.c.id).where(subscribers.c.sector.in_(list(sectors)))
        async with self._database.read() as conn:
            return {SubscriberId(row.id) for row in await conn.execute(query)}

    async def add(
        self,
        *,
        device: DeviceId | None,
        sector: SectorId | None,
        start: datetime,
        end: datetime,
        note: str,
        author: str,
        at: datetime,
    ) -> Window:
        """Plan a window; return it with its number."""
        async with self._database.write() as conn:
            kept = await _kept(conn)
            last = await memos.recall(conn, f"{_KEY}_last")
            window = Window(
                id=int(last or 0) + 1, start=start, end=end, note=note, author=author,
                device=device, sector=sector,
            )  # fmt: skip
            await memos.remember(conn, f"{_KEY}_last", str(window.id))
            await _keep(conn, [*(one for one in kept if one.end > at), window])
            text = (
                f"Maintenance of {window.place} from {rfc3339(start)} to {rfc3339(end)}: "
                f"nothing is pushed there meanwhile ({note})."
            )
            await self._told(conn, _event("maintenance_added", text, window, author, at))
        return window

    async def end(self, number: int, *, note: str, author: str, at: datetime) -> Window:
        """End a window now, or take back one that has not begun.

        Raises CannotBeDone where there is none of that number.
        """
        async with self._database.write() as conn:
            kept = await _kept(conn)
            found = next((one for one in kept if one.id == number and one.end > at), None)
            if found is None:
                raise CannotBeDone(f"there is no maintenance window {number} that is not over")
            await _keep(conn, [one for one in kept if one.id != number and one.end > at])
            text = f"Maintenance of {found.place} is over ({note})."
            await self._told(conn, _event("maintenance_ended", text, found, author, at))
        return found

    async def _told(self, conn: AsyncConnection, event: Event) -> None:
        written = list(zip(await append(conn, [event]), [event], strict=True))
        await self._outbox.enqueue(conn, written)


async def _kept(conn: AsyncConnection) -> list[Window]:
    kept = orjson.loads(await memos.recall(conn, _KEY) or "[]")
    found = [
        Window(**{**one, "start": moment_of(one["start"]), "end": moment_of(one["end"])})
        for one in kept
    ]
    return sorted(found, key=lambda one: (one.start, one.id))


async def _keep(conn: AsyncConnection, windows: list[Window]) -> None:
    await memos.remember(conn, _KEY, rows.json_text([one.record() for one in windows]))


def _event(kind: str, text: str, window: Window, author: str, at: datetime) -> Event:
    return Event(
        at=at,
        kind=kind,
        text=text,
        clause="NM-5",
        device=window.device,
        author=author,
        figures={
            "window": window.id,
            "sector": window.sector,
            "start": rfc3339(window.start),
            "end": rfc3339(window.end),
            "note": window.note,
        },
    )
