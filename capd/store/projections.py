"""Events change the books: each kind makes the rows that a later judgement reads."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from sqlalchemy import Executable, bindparam, case, delete, insert, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from capd.decide import legal
from capd.decide import standing as read
from capd.decide.contract import cycle_days
from capd.model import Event, Matter
from capd.store import cycle_days as changed_days
from capd.store import suspensions
from capd.store.memos import remember
from capd.store.rows import json_text, micros_or_none
from capd.store.tables import (
    breaches,
    charges,
    delays,
    given,
    holds,
    legal_holds,
    matters,
    seen,
    subscribers,
    topups,
)
from capd.units import micros, rfc3339

PAUSED = "paused"
"""The key of the brake's memo."""

Write = tuple[Executable, Mapping[str, Any]]

_CLOSE = (
    update(holds)
    .where(
        holds.c.subscriber == bindparam("who"),
        holds.c.reason == bindparam("why"),
        holds.c.closed_at.is_(None),
    )
    .values(closed_at=bindparam("ended_at"), closed_by=bindparam("ended_by"))
)
_MOVE = (
    update(subscribers)
    .where(subscribers.c.id == bindparam("who"))
    .values(product=bindparam("to_product"))
)
_ADDRESS = (
    update(subscribers)
    .where(subscribers.c.id == bindparam("who"))
    .values(address=bindparam("at_address"))
)
_HOLD, _GIVEN, _TOPUP = insert(holds), insert(given), insert(topups)
_CHARGE, _DELAY = insert(charges), insert(delays)
_KEEP_ALL = insert(legal_holds)
_KEEP_ALL_NO_MORE = delete(legal_holds).where(legal_holds.c.subscriber == bindparam("who"))


def _newest(statement: sqlite.Insert | postgresql.Insert) -> Executable:
    """Let the newest word on a matter replace the one before; it stays open since it was opened."""
    new = statement.excluded
    since = case((matters.c.open, matters.c.opened_at), else_=new.opened_at)
    told = {name: new[name] for name in ("open", "changed_at", "due_at", "data", "event")}
    return statement.on_conflict_do_update(
        index_elements=["subscriber", "kind", "key"], set_={"opened_at": since, **told}
    )


# the first breach and reference of a name is kept, on either database
_ONCE = {
    name: {
        **{
            table.name: dialect.insert(table).on_conflict_do_nothing() for table in (breaches, seen)
        },
        matters.name: _newest(dialect.insert(matters)),
    }
    for name, dialect in (("sqlite", sqlite), ("postgresql", postgresql))
}


async def project(conn: AsyncConnection, written: Sequence[tuple[int, Event]]) -> None:
    """Make the rows that *written* events (with their ids) stand for, in their order."""
    once = _ONCE[conn.dialect.name]
    writes = [write for number, event in written for write in _writes(number, event, once)]
    for statement, some in groupby(writes, key=lambda write: write[0]):
        await conn.execute(statement, [row for _, row in some])
    for _, event in written:
        if event.kind in {"paused", "resumed"}:
            await remember(conn, PAUSED, _brake(event))
        if event.kind in {suspensions.STOPPED, suspensions.CLEARED}:
            await suspensions.note(conn, event)
        if event.kind == cycle_days.KIND and event.subscriber is not None:
            await changed_days.note(conn, event)


def _writes(number: int, event: Event, once: Mapping[str, Executable]) -> Iterator[Write]:
    make = _KINDS.get(event.kind)
    if make is not None and event.subscriber is not None:
        yield from make(number, event)
    breach = read.breach_of(event)
    if breach is not None and event.subscriber is not None and "counted_bytes" in event.figures:
        row = {
            "subscriber": event.subscriber,
            "period": breach.period,
            "at": micros(breach.at),
            "counted_bytes": breach.counted_bytes,
            "allowance_bytes": breach.allowance_bytes,
            "event": number,
        }
        yield once["breaches"], row
    matter = read.matter_of(event)
    if matter is not None and event.subscriber is not None:
        yield once["matters"], _matter_row(number, event, matter)
    reference = event.figures.get("reference")
    if reference is not None:
        yield once["seen"], {"kind": event.kind, "reference": str(reference), "event": number}


def _matter_row(number: int, event: Event, matter: Matter) -> Mapping[str, Any]:
    return {
        "subscriber": event.subscriber,
        "kind": matter.kind,
        "key": matter.key,
        "open": bool(event.figures["open"]),
        "opened_at": micros(matter.opened_at),
        "changed_at": micros(event.at),
        "due_at": micros_or_none(matter.due_at),
        "data": json_text(dict(matter.data)),
        "event": number,
    }


def _hold_opened(number: int, event: Event) -> Iterator[Write]:
    hold = read.hold_of(event)
    yield from _hold_closed(number, event)  # the newest word on a reason replaces the one before
    row = {
        "event": number,
        "subscriber": hold.subscriber,
        "reason": hold.reason,
        "opened_at": micros(hold.opened_at),
        "clause": hold.clause,
        "text": hold.text,
        "author": hold.author,
        "note": hold.note,
        "until": micros_or_none(hold.until),
        "period": hold.period,
        "down_bps": hold.down_bps,
        "up_bps": hold.up_bps,
    }
    yield _HOLD, row


def _hold_closed(number: int, event: Event) -> Iterator[Write]:
    row = {
        "who": event.subscriber,
        "why": str(event.figures["reason"]),
        "ended_at": micros(event.at),
        "ended_by": number,
    }
    yield _CLOSE, row


def _notice(number: int, event: Event) -> Iterator[Write]:
    notice = read.given_of(event)
    row = {
        "event": number,
        "subscriber": event.subscriber,
        "notice": notice.notice,
        "period": notice.period,
        "allowance_bytes": notice.allowance_bytes,
    }
    yield _GIVEN, row


def _topup(number: int, event: Event) -> Iterator[Write]:
    row = {
        "event": number,
        "subscriber": event.subscriber,
        "period": str(event.figures["period"]),
        "size_bytes": read.topup_of(event),
        "reference": str(event.figures["reference"]),
    }
    yield _TOPUP, row


def _plan_changed(_number: int, event: Event) -> Iterator[Write]:
    yield _MOVE, {"who": event.subscriber, "to_product": str(event.figures["to"])}


def _moved(_number: int, event: Event) -> Iterator[Write]:
    yield _ADDRESS, {"who": event.subscriber, "at_address": str(event.figures["address"])}


def _charge(number: int, event: Event) -> Iterator[Write]:
    charged = read.charged_of(event)
    row = {
        "event": number,
        "subscriber": event.subscriber,
        "charge": charged.charge,
        "amount": str(event.figures["amount"]),
        "currency": str(event.figures["currency"]),
        "breach": charged.breach or None,
        "period": charged.breach.split("/")[0] or None,
        "units": charged.units,
        "charge_id": event.figures.get("charge_id"),
    }
    yield _CHARGE, row


def _delay(number: int, event: Event) -> Iterator[Write]:
    delay = read.delay_of(event)
    row = {
        "event": number,
        "subscriber": event.subscriber,
        "until": micros(delay.until),
        "author": delay.author,
        "note": delay.note,
    }
    yield _DELAY, row


def _legal_hold_opened(number: int, event: Event) -> Iterator[Write]:
    yield from _legal_hold_closed(number, event)  # the newest word replaces the one before
    row = {
        "event": number,
        "subscriber": event.subscriber,
        "since": micros(event.at),
        "author": event.author,
        "note": str(event.figures["note"]),
    }
    yield _KEEP_ALL, row


def _legal_hold_closed(_number: int, event: Event) -> Iterator[Write]:
    yield _KEEP_ALL_NO_MORE, {"who": event.subscriber}


_KINDS: Mapping[str, Callable[[int, Event], Iterator[Write]]] = {
    "hold_opened": _hold_opened,
    "hold_closed": _hold_closed,
    "notice": _notice,
    "topup": _topup,
    "plan_changed": _plan_changed,
    "charge": _charge,
    "moved": _moved,
    "delay": _delay,
    legal.OPENED: _legal_hold_opened,
    legal.CLOSED: _legal_hold_closed,
}


def _brake(event: Event) -> str:
    return json_text(
        {
            "paused": event.kind == "paused",
            "by": event.figures.get("by"),
            "at": rfc3339(event.at),
            "author": event.author,
            "text": event.text,
        }
    )
