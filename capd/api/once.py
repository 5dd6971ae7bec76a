"""Writes with an Idempotency-Key: asked again, they are answered again and not done again.

The answer is kept in the transaction of what it is about: killed at any instant, capd has done and
kept both, or neither. What was refused is not kept: it changed nothing, and may be asked again.
"""

import hashlib
import json
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from aiohttp import web

from capd.api.calls import Answer, Keep
from capd.api.problems import Problem
from capd.clock import Clock
from capd.model import Token
from capd.store import AnsweredBefore, Desk, Kept, Store

Work = Callable[[Keep | None], Awaitable[Answer]]


def as_json(body: object) -> str:
    """Return *body* as the API writes it."""
    return json.dumps(body, ensure_ascii=False, default=str)


class Once:
    """Does what is asked with a key once."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._under_way: set[tuple[int, str]] = set()

    async def answer(
        self, request: web.Request, token: Token, key: str, raw: bytes, work: Work
    ) -> tuple[Kept, bool]:
        """Do *work*, or return what was answered before (True).

        Raises Problem 422 where the key stands for another request, 409 while that is under way.
        """
        slot = (token.id, key)
        if slot in self._under_way:
            raise Problem(
                HTTPStatus.CONFLICT,
                "a request with this Idempotency-Key is under way",
                headers={"Retry-After": "1"},
            )
        self._under_way.add(slot)
        try:
            return await self._answer(slot, _digest(request, raw), work)
        finally:
            self._under_way.discard(slot)

    async def _answer(self, slot: tuple[int, str], asked: str, work: Work) -> tuple[Kept, bool]:
        before = await self._store.answered.find(*slot)
        if before is not None:
            return _same(before, asked), True
        kept: Kept | None = None

        async def keep(desk: Desk, answer: Answer) -> None:
            nonlocal kept
            one = _kept(slot, asked, answer)
            await desk.keep_answer(one, self._clock())
            kept = one

        try:
            answer = await work(keep)
            if kept is None:  # nothing became different by it
                kept = _kept(slot, asked, answer)
                await self._store.answered.keep(kept, self._clock())
        except AnsweredBefore:  # another capd on the same database was faster
            before = await self._store.answered.find(*slot)
            if before is None:
                raise
            return _same(before, asked), True
        return kept, False


def _same(before: Kept, asked: str) -> Kept:
    if before.asked != asked:
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "this Idempotency-Key stands for another request: take a new one",
        )
    return before


def _kept(slot: tuple[int, str], asked: str, answer: Answer) -> Kept:
    token, key = slot
    return Kept(token=token, key=key, asked=asked, status=answer.status, body=as_json(answer.body))


def _digest(request: web.Request, raw: bytes) -> str:
    words = f"{request.method} {request.path_qs}\n".encode()
    return hashlib.sha256(words + raw).hexdigest()
