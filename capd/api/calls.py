"""A call of the API, declared once: what routes it, checks it, allows it and documents it."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any, Generic, TypeVar

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from capd.api.roles import Right
from capd.house import House
from capd.model import Token, TokenRole
from capd.store import Desk

PREFIX = "/api/v1"
JSON = "application/json"

_Q = TypeVar("_Q", bound=BaseModel)
_B = TypeVar("_B", bound=BaseModel | None)
_PLACE = re.compile(r"\{(\w+)\}")


class Asked(BaseModel):
    """What a caller may write: nothing else."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Nothing(Asked):
    """No query at all."""


class Paged(Asked):
    """Which part of a list is wanted."""

    limit: int = Field(default=100, ge=1, le=1000, description="At most so many.")
    cursor: str | None = Field(
        default=None, max_length=500, description="The `next` of the page before."
    )


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered, ready for JSON."""

    body: Any
    status: int = HTTPStatus.OK


Keep = Callable[[Desk, Answer], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask(Generic[_Q, _B]):
    """One request, checked: who asks for what, and when."""

    house: House
    token: Token
    now: datetime
    path: dict[str, str]
    query: _Q
    body: _B
    raw: bytes = b""
    keep: Keep | None = None  # keeps the answer in the transaction that it is about
    request: web.Request

    @property
    def author(self) -> str:
        """Return who writes, for the audit trail."""
        return f"token:{self.token.name}"

    @property
    def own(self) -> bool:
        """Say whether a subscriber's own portal asks: it sees no notes of the staff."""
        return self.token.role is TokenRole.PORTAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Generic[_Q, _B]):
    """One call: everything that there is to know of it."""

    method: str
    path: str  # below PREFIX; {number} is a number, every other place a text
    subject: str  # under which heading it is documented
    right: Right
    help: str  # one line
    more: str = ""
    query: type[_Q]
    body: type[_B] | None = None
    takes: str = JSON  # another media type comes as it is, in `Ask.raw`
    largest: int = 64 * 1024  # bytes of a body
    answer: type[BaseModel]
    statuses: tuple[int, ...] = (HTTPStatus.OK,)
    problems: tuple[int, ...] = ()  # beside those that every call has
    own: bool = False  # a portal may call it, for its own subscriber
    handle: Callable[[Ask[_Q, _B]], Awaitable[Answer]]
    stream: Callable[[Ask[_Q, _B]], Awaitable[web.StreamResponse]] | None = None

    @property
    def writes(self) -> bool:
        """Say whether something may become different by it."""
        return self.method != "GET"

    @property
    def needs_body(self) -> bool:
        """Say whether something must stand in its body; else it may be left out."""
        if self.body is None or not issubclass(self.body, BaseModel):
            return self.takes != JSON
        return any(field.is_required() for field in self.body.model_fields.values())

    @property
    def places(self) -> list[str]:
        """Return the names of what varies in the path."""
        return _PLACE.findall(self.path)

    @property
    def name(self) -> str:
        """Return a name that no other call has."""
        words = re.findall(r"\w+", self.path)
        return "_".join([self.method.lower(), *words])


AnyCall = Call[Any, Any]
