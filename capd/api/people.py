"""Subscribers: the service owed and applied, the figures, and why."""

from typing import Any, Literal

from pydantic import Field

from capd.account.history import By
from capd.answers import subscribers, usage, why
from capd.api.calls import Answer, AnyCall, Ask, Asked, Call, Nothing, Paged
from capd.api.cursors import after, page
from capd.api.requests import mistaken
from capd.api.roles import Right
from capd.api.shapes import ExplainRecord, Page, SubscriberRecord, UsageRecord

_INNER = frozenset({"author", "note"})


class SubscribersQuery(Paged):
    """Which subscribers are wanted."""

    state: Literal["active", "restricted", "suspended"] | None = Field(
        default=None, description="Only those in this state."
    )


class UsageQuery(Asked):
    """Which figures are wanted."""

    period: str | None = Field(
        default=None,
        max_length=20,
        description="Such as 2026-11; else the running one.",
    )
    by: By | None = Field(default=None, description="Parts, in local time.")


async def listing(ask: Ask[SubscribersQuery, None]) -> Answer:
    """Return a page of subscribers."""
    query = ask.query
    found = await subscribers.subscribers(
        ask.house, ask.now, state=query.state, after=after(query.cursor), limit=query.limit + 1
    )
    return Answer(page(found, query.limit))


async def one(ask: Ask[Nothing, None]) -> Answer:
    """Return a subscriber."""
    return Answer(_told(ask, await subscribers.subscriber(ask.house, ask.path["id"], ask.now)))


async def figures(ask: Ask[UsageQuery, None]) -> Answer:
    """Return what a subscriber used."""
    try:
        found = await usage.usage(
            ask.house, ask.path["id"], ask.now, period=ask.query.period, by=ask.query.by
        )
    except ValueError as exc:
        raise mistaken(f"period: {exc}") from None
    return Answer(_told(ask, found.record))


async def explain(ask: Ask[Nothing, None]) -> Answer:
    """Return why a subscriber has what they have."""
    return Answer(_told(ask, await why.explain(ask.house, ask.path["id"], ask.now)))


def _told(ask: Ask[Any, None], record: dict[str, object]) -> dict[str, object]:
    """Return *record*; to the subscriber's own portal without what the staff wrote for itself."""
    if not ask.own:
        return record
    return {name: _bare(value) for name, value in record.items()}


def _bare(value: object) -> object:
    """Return *value* with every author and note in it emptied, however deep."""
    if isinstance(value, list):
        return [_bare(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {name: "" if name in _INNER else _bare(each) for name, each in value.items()}


_SUBJECT = "Subscribers"
CALLS: tuple[AnyCall, ...] = (
    Call(
        method="GET",
        path="/subscribers",
        subject=_SUBJECT,
        right=Right.PEOPLE,
        help="List the subscribers",
        more="By id, with the running period's figures, the service owed and applied, the holds.",
        query=SubscribersQuery,
        answer=Page[SubscriberRecord],
        handle=listing,
    ),
    Call(
        method="GET",
        path="/subscribers/{id}",
        subject=_SUBJECT,
        right=Right.PEOPLE,
        own=True,
        help="Show a subscriber",
        query=Nothing,
        answer=SubscriberRecord,
        handle=one,
    ),
    Call(
        method="GET",
        path="/subscribers/{id}/usage",
        subject=_SUBJECT,
        right=Right.PEOPLE,
        own=True,
        help="Show what a subscriber used in a billing period",
        more="The very figures of `capd usage --json`. A period that has not begun is a 409.",
        query=UsageQuery,
        answer=UsageRecord,
        problems=(409,),
        handle=figures,
    ),
    Call(
        method="GET",
        path="/subscribers/{id}/explain",
        subject=_SUBJECT,
        right=Right.PEOPLE,
        own=True,
        help="Explain why a subscriber has what they have, and what would change it",
        more="The very record of `capd explain --json`.",
        query=Nothing,
        answer=ExplainRecord,
        handle=explain,
    ),
)
