"""The audit trail over HTTP: page by page, or as server-sent events while it happens."""

import asyncio
import time
from contextlib import suppress
from dataclasses import replace

from aiohttp import web
from pydantic import Field

from capd.api.calls import Answer, AnyCall, Ask, Call, Paged
from capd.api.cursors import cursor_of, number_after
from capd.api.once import as_json
from capd.api.problems import Problem
from capd.api.requests import mistaken, token_of
from capd.api.roles import Right
from capd.api.server import CLOSING
from capd.api.shapes import EventRecord, Page
from capd.api.stream import RETRY, SLOW_S, EventStream, Seats
from capd.errors import StoreError
from capd.lines import event_record
from capd.metrics import Metrics
from capd.model import Event, SubscriberId
from capd.store import Store
from capd.told import is_told

_LARGEST = (1 << 63) - 1
_AT_A_TIME = 200
_LOOK_S = 0.5
_BEAT_S = 15.0  # a proxy closes what is silent for a minute


class EventsQuery(Paged):
    """Which events are wanted."""

    after: int | None = Field(
        default=None, ge=0, le=_LARGEST, description="Only those with an id above this one."
    )
    subscriber: str | None = Field(default=None, description="Only those of this subscriber.")


Asks = Ask[EventsQuery, None]


class Streams(Seats):
    """Who follows the trail: so many at once, and one look at the books for all of them."""

    def __init__(
        self, most: int, metrics: Metrics, *, beat_s: float = _BEAT_S, slow_s: float = SLOW_S
    ) -> None:
        super().__init__(
            most, metrics, full="follow the events already: [api] streams says how many may"
        )
        self.beat_s, self.slow_s = beat_s, slow_s
        self._looked_s = 0.0
        self._newest = 0
        self._look = asyncio.Lock()

    async def newest(self, store: Store) -> int:
        """Return the newest event's id, as it was half a second ago at the latest."""
        async with self._look:
            if time.monotonic() - self._looked_s >= _LOOK_S:
                self._newest = await store.trail.last_id()
                self._looked_s = time.monotonic()
        return self._newest


async def listing(ask: Asks) -> Answer:
    """Return a page of events, oldest first."""
    query = ask.query
    since = number_after(query.cursor)
    found = await ask.house.store.trail.events(
        after=since if since is not None else query.after or 0,
        limit=query.limit + 1,
        subscriber=_whose(ask),
    )
    shown = found[: query.limit]
    items = [event_record(_seen(ask, event), id_=n) for n, event in shown if _may(ask, event)]
    return Answer(
        {
            "items": items,
            "next": cursor_of(shown[-1][0]) if len(found) > query.limit else None,
        }
    )


def _whose(ask: Asks) -> SubscriberId | None:
    if ask.own:
        return ask.token.subscriber
    return None if ask.query.subscriber is None else SubscriberId(ask.query.subscriber)


def _may(ask: Asks, event: Event) -> bool:
    """Say whether it may be shown: a portal sees what its subscriber was told (AU-1)."""
    return not ask.own or is_told(event, "email")


def _seen(ask: Asks, event: Event) -> Event:
    if not ask.own:
        return event
    figures = {name: value for name, value in event.figures.items() if name != "note"}
    return replace(event, figures=figures, author="")


class Following:
    """One client that follows the trail."""

    def __init__(self, ask: Asks, streams: Streams) -> None:
        self._ask = ask
        self._streams = streams
        self._stream = EventStream(ask.request, slow_s=streams.slow_s)

    async def run(self) -> web.StreamResponse:
        """Send what happens until the client goes, its token is revoked, or the server ends."""
        store = self._ask.house.store
        after = self._since()
        if after is None:
            after = await store.trail.last_id()
        with self._streams.seat():
            await self._stream.begin()
            with suppress(ConnectionError, StoreError, Problem):  # it comes again by itself
                await self._stream.send(RETRY)
                await self._follow(after)
        return self._stream.response

    def _since(self) -> int | None:
        last = self._ask.request.headers.get("Last-Event-ID", "").strip()
        if not last:
            return self._ask.query.after
        if not (last.isascii() and last.isdigit()) or int(last) > _LARGEST:
            raise mistaken("Last-Event-ID: wants the id of an event")
        return int(last)

    async def _follow(self, after: int) -> None:
        store, closing = self._ask.house.store, self._ask.request.app[CLOSING]
        whose = _whose(self._ask)
        while not closing.is_set():
            newest = await self._streams.newest(store)  # before the look: nothing is left out
            if newest > after:
                found = await store.trail.events(after=after, limit=_AT_A_TIME, subscriber=whose)
                lines = [self._line(n, event) for n, event in found if _may(self._ask, event)]
                if lines:
                    await self._stream.send("".join(lines))
                last = found[-1][0] if found else after
                after = last if len(found) == _AT_A_TIME else max(last, newest)
                continue
            if time.monotonic() - self._stream.said_s >= self._streams.beat_s:
                await token_of(self._ask.request, store)  # revoked in the meantime?
                await self._stream.send(": still here\n\n")
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_S):
                    await closing.wait()

    def _line(self, number: int, event: Event) -> str:
        record = as_json(event_record(_seen(self._ask, event), id_=number))
        return f"id: {number}\nevent: {event.kind}\ndata: {record}\n\n"


def calls(streams: Streams) -> tuple[AnyCall, ...]:
    """Return the one call."""

    async def follow(ask: Asks) -> web.StreamResponse:
        return await Following(ask, streams).run()

    return (
        Call(
            method="GET",
            path="/events",
            subject="Events",
            right=Right.EVENTS,
            own=True,
            help="Read the audit trail: notices, charges, holds, orders, outcomes",
            more=(
                "Oldest first. With `Accept: text/event-stream` they are sent as they happen: "
                "after `Last-Event-ID` or `after`, else from now on."
            ),
            query=EventsQuery,
            answer=Page[EventRecord],
            handle=listing,
            stream=follow,
        ),
    )
