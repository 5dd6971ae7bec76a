"""What a request says, checked: its token, its places, its query, its body."""

import asyncio
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Annotated, TypeVar

from aiohttp import web
from pydantic import AfterValidator, BaseModel, Field

from capd import tokens
from capd.api.calls import JSON, AnyCall, Asked
from capd.api.problems import Problem
from capd.api.roles import MAY, roles_with
from capd.errors import ConfigError
from capd.model import Token, TokenRole
from capd.store import Store
from capd.strict import json_of, parse

_M = TypeVar("_M", bound=BaseModel)
_REALM = 'Bearer realm="capd"'
READ_S = 20.0  # for a body, however slow the line
_SOURCE = "-"  # of mistakes: left out again
_LONGEST_KEY = 255


def _said(text: str) -> str:
    if not text.strip():
        raise ValueError("wants the reason, in words")
    return text


Note = Annotated[str, AfterValidator(_said), Field(description="Why; kept in the audit trail.")]


class NoteBody(Asked):
    """Why; whoever looks in a year wants to know."""

    note: Note


class MayNoteBody(Asked):
    """Why, where there is time to say it."""

    note: str = Field(default="", description="Why; kept in the audit trail.")


def mistaken(*lines: str) -> Problem:
    """Return the problem of a request with these mistakes, `KEY: what is wrong` each."""
    detail = lines[0] if len(lines) == 1 else f"{len(lines)} mistakes, each in errors"
    return Problem(HTTPStatus.BAD_REQUEST, detail, errors=lines)


async def token_of(request: web.Request, store: Store) -> Token:
    """Return whose token came with *request*. Raises Problem 401."""
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise Problem(
            HTTPStatus.UNAUTHORIZED,
            "wants a token: Authorization: Bearer TOKEN (`capd token create` makes one)",
            headers={"WWW-Authenticate": _REALM},
        )
    found = await tokens.recognised(store, text.strip())
    if found is None:
        raise Problem(
            HTTPStatus.UNAUTHORIZED,
            "the token is not known, or was revoked",
            headers={"WWW-Authenticate": f'{_REALM}, error="invalid_token"'},
        )
    return found


def expect_allowed(call: AnyCall, token: Token, path: Mapping[str, str]) -> None:
    """Raise Problem 403 unless *token* may make that call."""
    if call.right in MAY[token.role]:
        return
    if token.role is TokenRole.PORTAL and call.own:
        if token.subscriber is not None and path.get("id", token.subscriber) == token.subscriber:
            return
        whose = token.subscriber or "no subscriber"
        raise Problem(HTTPStatus.FORBIDDEN, f"the token {token.name} is of {whose} alone")
    roles = " or ".join(roles_with(call.right))
    raise Problem(
        HTTPStatus.FORBIDDEN, f"the token {token.name} is for {token.role}; this takes {roles}"
    )


def path_of(request: web.Request) -> dict[str, str]:
    """Return what stands in the places of the path. Raises Problem 404 for what no id is."""
    places = dict(request.match_info)
    if not all(text.isprintable() for text in places.values()):
        raise Problem(HTTPStatus.NOT_FOUND, "there is nothing of that name")
    return places


def query_of(request: web.Request, model: type[_M]) -> _M:
    """Return the query. Raises Problem 400 with every mistake in it."""
    given = request.query
    twice = sorted({name for name in given if len(given.getall(name)) > 1})
    unfit = [f"{name}: is given twice" for name in twice]
    unfit += [f"{name}: {_UNFIT}" for name, text in given.items() if not text.isprintable()]
    return _parsed(model, dict(given), unfit, texts=True)


def body_of(raw: bytes, model: type[_M]) -> _M:
    """Return the body *raw*. Raises Problem 400 with every mistake in it."""
    try:
        data = json_of(raw.decode("utf-8-sig"), source=_SOURCE)
    except UnicodeDecodeError as exc:
        raise Problem(
            HTTPStatus.BAD_REQUEST, f"the body is not UTF-8 text (byte {exc.start})"
        ) from None
    except ConfigError as exc:
        words = str(exc).removeprefix(f"{_SOURCE}: ")
        raise Problem(HTTPStatus.BAD_REQUEST, f"the body is no JSON: {words}") from None
    return _parsed(model, data, list(_unfit(data, "")))


async def raw_of(request: web.Request, call: AnyCall, *, within_s: float = READ_S) -> bytes:
    """Return the bytes of the body; where nothing must stand in it, it may be left out.

    Raises Problem 408 where they do not come, 413 where they are too many, 415 of a wrong kind.
    """
    if not request.body_exists and not call.needs_body:
        return b"" if call.body is None else b"{}"
    if (call.body is not None or call.takes != JSON) and request.content_type != call.takes:
        raise Problem(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            f"wants a body of Content-Type: {call.takes}",
            headers={"Accept-Post": call.takes},
        )
    found = bytearray()
    try:
        async with asyncio.timeout(within_s):
            async for chunk in request.content.iter_any():
                found += chunk
                if len(found) > call.largest:
                    raise Problem(
                        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                        f"the body is larger than the {call.largest} bytes that this call takes",
                    )
        return bytes(found)
    except TimeoutError:
        raise Problem(
            HTTPStatus.REQUEST_TIMEOUT, f"the body did not come in {within_s:g} s"
        ) from None


def key_of(request: web.Request) -> str | None:
    """Return the Idempotency-Key. Raises Problem 400 for what is none."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not key.strip() or len(key) > _LONGEST_KEY or not (key.isascii() and key.isprintable()):
        raise Problem(
            HTTPStatus.BAD_REQUEST, f"Idempotency-Key wants 1 to {_LONGEST_KEY} printable letters"
        )
    return key.strip()


_UNFIT = "wants text without control characters"


def _unfit(data: object, key: str) -> Iterator[str]:
    """Yield a line for each text that no book and no mail should have in it."""
    if isinstance(data, str):
        lines = data.replace("\r\n", "\n").split("\n") if key.endswith("note") else [data]
        if not all(line.isprintable() for line in lines):
            yield f"{key}: {_UNFIT}" if key else _UNFIT
    elif isinstance(data, dict):
        for name, value in data.items():
            if not name.isprintable():
                yield _UNFIT
            yield from _unfit(value, f"{key}.{name}" if key else name)
    elif isinstance(data, list):
        for n, value in enumerate(data):
            yield from _unfit(value, f"{key}[{n}]")


def _parsed(model: type[_M], data: object, unfit: list[str], *, texts: bool = False) -> _M:
    if unfit:
        raise _bad(ConfigError(*unfit))
    try:
        return parse(model, data, source=_SOURCE, texts=texts)
    except ConfigError as exc:
        raise _bad(exc) from None


def _bad(exc: ConfigError) -> Problem:
    return mistaken(*(line.removeprefix(f"{_SOURCE}: ") for line in exc.problems))
