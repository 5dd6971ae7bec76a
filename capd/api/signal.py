"""The signal of a radio over HTTP: once, or every second for whoever turns it on a roof."""

import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

from aiohttp import web
from pydantic import BaseModel, Field

from capd.api.calls import Answer, AnyCall, Ask, Call, Nothing
from capd.api.once import as_json
from capd.api.problems import Problem
from capd.api.requests import token_of
from capd.api.roles import Right
from capd.api.server import CLOSING
from capd.api.stream import RETRY, EventStream, Seats
from capd.errors import StoreError
from capd.metrics import Metrics
from capd.model import DeviceId

Show = Callable[[DeviceId, int], Awaitable[tuple[int, Mapping[str, object]]]]
"""Return the first measurement of a device after that number, and its own; NoSuch: no device."""

_CHECK_S = 15.0  # how often it is looked whether the token was revoked
_FULL = "watch a signal already: [field] signal_watchers says how many may"


class SignalRecord(BaseModel):
    """What a radio showed at one moment."""

    device: str
    at: str
    problem: str | None = Field(description="Why there is nothing, or less than all, to show.")
    figures: dict[str, dict[str, float | str]] = Field(
        description="By `radio`, and by meter where an access point tells of its stations: "
        "`signal_dbm`, `snr_db`, rates, … as the device tells them."
    )


class Signals(Seats):
    """Who watches a signal: so many at once, each for so long."""

    def __init__(
        self, show: Show, metrics: Metrics, *, most: int = 20, longest_s: float = 600
    ) -> None:
        super().__init__(most, metrics, full=_FULL)
        self.show = show
        self.longest_s = longest_s


Asks = Ask[Nothing, None]


async def _watch(ask: Asks, signals: Signals) -> web.StreamResponse:
    """Send what the radio shows until the client goes, or the time is over."""
    device, stream = DeviceId(ask.path["id"]), EventStream(ask.request)
    with signals.seat():
        number, shown = await signals.show(device, 0)  # before the answer: is there such a device?
        await stream.begin()
        with suppress(ConnectionError, StoreError, Problem):  # it comes again by itself
            await stream.send(RETRY)
            began = checked = time.monotonic()
            while not ask.request.app[CLOSING].is_set() and not stream.is_gone:
                await stream.send(f"id: {number}\nevent: signal\ndata: {as_json(shown)}\n\n")
                now = time.monotonic()
                if now - began >= signals.longest_s:
                    reason = as_json({"reason": f"{signals.longest_s:g} s are over: ask again"})
                    await stream.send(f"event: over\ndata: {reason}\n\n")
                    break
                if now - checked >= _CHECK_S:
                    await token_of(ask.request, ask.house.store)
                    checked = now
                number, shown = await signals.show(device, number)
    return stream.response


def calls(signals: Signals) -> tuple[AnyCall, ...]:
    """Return the one call."""

    async def once(ask: Asks) -> Answer:
        with signals.seat():
            return Answer((await signals.show(DeviceId(ask.path["id"]), 0))[1])

    async def watch(ask: Asks) -> web.StreamResponse:
        return await _watch(ask, signals)

    return (
        Call(
            method="GET",
            path="/devices/{id}/signal",
            subject="Field",
            right=Right.FIELD,
            help="Read the signal of a radio, for whoever aligns it",
            more=(
                "With `Accept: text/event-stream` it is read every second and sent as event "
                "`signal`, until the client hangs up or the event `over` says that the time is "
                "([field] signal_minutes). Several who watch one radio share its polls, and "
                "nobody polls it when all are gone. At most [field] signal_watchers at once."
            ),
            query=Nothing,
            answer=SignalRecord,
            problems=(404, 503),
            handle=once,
            stream=watch,
        ),
    )
