"""An answer that goes on: server-sent events to one client; so many clients, and no more."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

from aiohttp import web

from capd.api.problems import Problem
from capd.metrics import Metrics

SLOW_S = 10.0  # for a client to take what it is sent


class Seats:
    """Places for those who follow something."""

    def __init__(self, most: int, metrics: Metrics, *, full: str) -> None:
        self._most = most
        self._metrics = metrics
        self._full = full  # what is told when all are taken, behind their number
        self._taken = 0

    @contextmanager
    def seat(self) -> Iterator[None]:
        """Take one of the places. Raises Problem 503 when all are taken."""
        if self._taken >= self._most:
            raise Problem(
                HTTPStatus.SERVICE_UNAVAILABLE,
                f"{self._taken} {self._full}",
                headers={"Retry-After": "30"},
            )
        self._taken += 1
        self._metrics.http.streams(1)
        try:
            yield
        finally:
            self._taken -= 1
            self._metrics.http.streams(-1)


RETRY = "retry: 2000\n\n"
"""How soon a client comes again whose connection was lost, in milliseconds."""


class EventStream:
    """What one client is sent."""

    def __init__(self, request: web.Request, *, slow_s: float = SLOW_S) -> None:
        self._slow_s = slow_s
        self.response = web.StreamResponse(
            headers={
                "Content-Type": "text/event-stream; charset=utf-8",
                "X-Accel-Buffering": "no",  # nginx would hold events back
            }
        )
        self.said_s = 0.0  # when something was sent last
        self._request = request

    async def begin(self) -> None:
        """Answer that something will come."""
        await self.response.prepare(self._request)

    @property
    def is_gone(self) -> bool:
        """Say whether the client has hung up."""
        transport = self._request.transport
        return transport is None or transport.is_closing()

    async def send(self, text: str) -> None:
        """Send *text*; ConnectionError where the client is gone, or does not take it in time."""
        try:
            async with asyncio.timeout(self._slow_s):
                await self.response.write(text.encode())
        except TimeoutError:
            if self._request.transport is not None:
                self._request.transport.abort()
            raise ConnectionError from None
        self.said_s = time.monotonic()
