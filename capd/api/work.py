"""What waits for a person: orders, and readings that were put aside; and the brake."""

from collections.abc import Awaitable, Callable
from typing import Any

from pydantic import Field

from capd.amend import drawer_turn
from capd.answers.desk import aside_record, order_record
from capd.api.calls import Answer, AnyCall, Ask, Call, Nothing, Paged
from capd.api.cursors import number_after, page
from capd.api.desk_shapes import AsideRecord, OrderRecord
from capd.api.outcomes import Witnessed, noted
from capd.api.requests import MayNoteBody, NoteBody
from capd.api.roles import Right
from capd.api.shapes import Page
from capd.brake import brake_turn
from capd.errors import NoSuch
from capd.model import OrderState


class OrdersQuery(Paged):
    """Which orders are wanted."""

    state: OrderState | None = Field(default=None, description="Only those in this state.")


class AsideQuery(Paged):
    """Which readings are wanted."""

    decided: bool = Field(default=False, description="Also those that were decided on.")


async def orders(ask: Ask[OrdersQuery, None]) -> Answer:
    """Return a page of orders, newest first."""
    query = ask.query
    found = await ask.house.store.orders.listing(
        states=None if query.state is None else [query.state],
        before=number_after(query.cursor),
        limit=query.limit + 1,
    )
    return Answer(page([order_record(order) for order in found], query.limit))


async def order(ask: Ask[Nothing, None]) -> Answer:
    """Return an order."""
    return Answer(await _order(ask))


async def _order(ask: Ask[Any, Any]) -> dict[str, object]:
    number = int(ask.path["number"])
    found = await ask.house.store.orders.get(number)
    if found is None:
        raise NoSuch(f"there is no order {number}")
    return order_record(found)


def _deciding(*, approve: bool) -> Callable[[Ask[Nothing, NoteBody]], Awaitable[Answer]]:
    async def decide(ask: Ask[Nothing, NoteBody]) -> Answer:
        await _order(ask)
        await ask.house.store.orders.decide(
            int(ask.path["number"]),
            approve=approve,
            author=ask.author,
            note=ask.body.note,
            at=ask.now,
        )
        return Answer(await _order(ask))

    return decide


async def retry(ask: Ask[Nothing, NoteBody]) -> Answer:
    """Try a failed order afresh."""
    await _order(ask)
    await ask.house.store.orders.retry(
        int(ask.path["number"]), author=ask.author, note=ask.body.note, at=ask.now
    )
    return Answer(await _order(ask))


async def drawer(ask: Ask[AsideQuery, None]) -> Answer:
    """Return a page of readings that were put aside, newest first."""
    query = ask.query
    found = await ask.house.store.ledger.drawer(
        closed=query.decided, before=number_after(query.cursor), limit=query.limit + 1
    )
    return Answer(page([aside_record(one) for one in found], query.limit))


async def aside(ask: Ask[Nothing, None]) -> Answer:
    """Return a reading that was put aside, with its evidence."""
    return Answer(await _aside(ask))


async def _aside(ask: Ask[Any, Any]) -> dict[str, object]:
    number = int(ask.path["number"])
    found = await ask.house.store.ledger.aside(number)
    if found is None:
        raise NoSuch(f"nothing was put aside with the number {number}")
    return aside_record(found)


def _judging(*, accept: bool) -> Callable[[Ask[Nothing, NoteBody]], Awaitable[Answer]]:
    async def judge(ask: Ask[Nothing, NoteBody]) -> Answer:
        await _aside(ask)
        witness = Witnessed(ask.keep)
        await drawer_turn(
            ask.house,
            int(ask.path["number"]),
            accept=accept,
            author=ask.author,
            note=ask.body.note,
            now=ask.now,
            witness=witness,
        )
        return witness.answer

    return judge


def _braking(*, paused: bool) -> Callable[[Ask[Nothing, MayNoteBody]], Awaitable[Answer]]:
    async def brake(ask: Ask[Nothing, MayNoteBody]) -> Answer:
        witness = Witnessed(ask.keep)
        await brake_turn(
            ask.house,
            paused=paused,
            note=ask.body.note,
            author=ask.author,
            by="api",
            now=ask.now,
            witness=witness,
        )
        return witness.answer

    return brake


_ORDERS, _ASIDE, _BRAKE = "Orders", "Readings put aside", "The brake"
CALLS: tuple[AnyCall, ...] = (
    Call(
        method="GET",
        path="/orders",
        subject=_ORDERS,
        right=Right.WORK,
        help="List the orders to devices, newest first",
        query=OrdersQuery,
        answer=Page[OrderRecord],
        handle=orders,
    ),
    Call(
        method="GET",
        path="/orders/{number}",
        subject=_ORDERS,
        right=Right.WORK,
        help="Show an order",
        query=Nothing,
        answer=OrderRecord,
        handle=order,
    ),
    noted(
        "/orders/{number}/approve",
        "Let a held order go",
        Right.ORDERS,
        _deciding(approve=True),
        subject=_ORDERS,
        answer=OrderRecord,
    ),
    noted(
        "/orders/{number}/refuse",
        "Say no to a held order",
        Right.ORDERS,
        _deciding(approve=False),
        subject=_ORDERS,
        answer=OrderRecord,
    ),
    noted(
        "/orders/{number}/retry",
        "Try a failed order afresh",
        Right.ORDERS,
        retry,
        subject=_ORDERS,
        answer=OrderRecord,
    ),
    Call(
        method="GET",
        path="/implausible",
        subject=_ASIDE,
        right=Right.WORK,
        help="List the readings that no link can carry, newest first",
        more="They are put aside until a person decides (CN-10).",
        query=AsideQuery,
        answer=Page[AsideRecord],
        handle=drawer,
    ),
    Call(
        method="GET",
        path="/implausible/{number}",
        subject=_ASIDE,
        right=Right.WORK,
        help="Show a reading that was put aside, with its evidence",
        query=Nothing,
        answer=AsideRecord,
        handle=aside,
    ),
    noted(
        "/implausible/{number}/accept",
        "Count it, as an entry of its own",
        Right.LEDGER,
        _judging(accept=True),
        subject=_ASIDE,
    ),
    noted(
        "/implausible/{number}/refuse",
        "Count nothing of it",
        Right.LEDGER,
        _judging(accept=False),
        subject=_ASIDE,
    ),
    noted(
        "/pause",
        "Pull the brake: nothing is pushed",
        Right.BRAKE,
        _braking(paused=True),
        subject=_BRAKE,
        body=MayNoteBody,
    ),
    noted(
        "/resume",
        "Let the brake go",
        Right.BRAKE,
        _braking(paused=False),
        subject=_BRAKE,
        body=MayNoteBody,
    ),
)
