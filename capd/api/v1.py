"""/api/v1: every call that is declared, routed, allowed, counted and answered in one way."""

import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from aiohttp import web

from capd.api import documentation, openapi, problems
from capd.api.calls import PREFIX, Answer, AnyCall, Ask, Keep
from capd.api.once import Once, as_json
from capd.api.requests import (
    READ_S,
    body_of,
    expect_allowed,
    key_of,
    path_of,
    query_of,
    raw_of,
    token_of,
)
from capd.clock import Clock
from capd.errors import StoreError
from capd.house import House
from capd.model import Token

_MARK_S = 60.0  # how often the use of a token is written down
_NUMBER = "{number:[0-9]{1,18}}"


class V1:
    """The routes of *calls*, their document, and the page to read it on."""

    def __init__(
        self, house: House, clock: Clock, calls: Iterable[AnyCall], *, read_s: float = READ_S
    ) -> None:
        self.calls = tuple(calls)
        self._read_s = read_s
        self._house = house
        self._clock = clock
        self._once = Once(house.store, clock)
        self._marked: dict[int, float] = {}  # when a token's use was last written down

    def routes(self) -> web.RouteTableDef:
        """Return the route table."""
        table = web.RouteTableDef()
        for call in self.calls:
            path = PREFIX + call.path.replace("{number}", _NUMBER)
            table.route(call.method, path)(self._handler(call))
        documentation.routes(table, openapi.document(self.calls))
        return table

    def _handler(self, call: AnyCall) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            began, status = time.monotonic(), int(HTTPStatus.INTERNAL_SERVER_ERROR)
            try:
                response = await self._answer(call, request)
                status = response.status
            except Exception as exc:
                problem = problems.of(exc)
                if problem is not None:
                    status = problem.status
                raise
            finally:
                took_s = None if streams(call, request) else time.monotonic() - began
                self._house.metrics.http.answered(call.path, call.method, status, took_s)
            return response

        return handle

    async def _answer(self, call: AnyCall, request: web.Request) -> web.StreamResponse:
        path = path_of(request)
        token = await token_of(request, self._house.store)
        expect_allowed(call, token, path)
        await self._mark(token)
        raw = await raw_of(request, call, within_s=self._read_s) if call.writes else b""
        ask = Ask(
            house=self._house,
            token=token,
            now=self._clock(),
            path=path,
            query=query_of(request, call.query),
            body=None if call.body is None else body_of(raw, call.body),
            raw=raw,
            request=request,
        )
        if call.stream is not None and streams(call, request):
            return await call.stream(ask)
        key = key_of(request) if call.writes else None
        if key is None:
            answer = await call.handle(ask)
            return _response(answer.status, as_json(answer.body))
        kept, again = await self._once.answer(request, token, key, raw, _work(call, ask))
        return _response(kept.status, kept.body, again=again)

    async def _mark(self, token: Token) -> None:
        """Write down that *token* is used, once a minute; not being able to stops nobody."""
        now_s = time.monotonic()
        if now_s - self._marked.get(token.id, -_MARK_S) >= _MARK_S:
            self._marked[token.id] = now_s
            with suppress(StoreError):
                await self._house.store.tokens.used(token.id, self._clock())


def streams(call: AnyCall, request: web.Request) -> bool:
    """Say whether the answer is to go on for as long as the client listens."""
    return call.stream is not None and "text/event-stream" in request.headers.get("Accept", "")


def _work(call: AnyCall, ask: Ask[Any, Any]) -> Callable[[Keep | None], Awaitable[Answer]]:
    async def work(keep: Keep | None) -> Answer:
        return await call.handle(replace(ask, keep=keep))

    return work


def _response(status: int, body: str, *, again: bool = False) -> web.Response:
    headers = {"Idempotent-Replayed": "true"} if again else None
    return web.Response(status=status, text=body, content_type="application/json", headers=headers)
