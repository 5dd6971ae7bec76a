"""Rows become words of the model, and back: whole numbers, text and JSON, nothing else."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeVar

import orjson
from sqlalchemy import RowMapping

from capd.model import (
    Applied,
    Aside,
    Delivery,
    DeviceId,
    DrawerState,
    Event,
    Hold,
    Implausible,
    Matter,
    MeterState,
    Order,
    OrderState,
    Period,
    ProductId,
    Reading,
    Reason,
    Service,
    SubscriberId,
)
from capd.units import micros, moment

Row = RowMapping | Mapping[str, Any]
_T = TypeVar("_T")
_SIGN = 1 << 63
_WHOLE = (1 << 64) - 1


def signed(raw: int) -> int:
    """Return the 64-bit counter *raw* as a BIGINT column can hold it."""
    return raw if raw < _SIGN else raw - _WHOLE - 1


def unsigned(kept: int) -> int:
    """Return the counter that `signed` made *kept* of."""
    return kept & _WHOLE


def micros_or_none(at: datetime | None) -> int | None:
    """Return *at* for a column that may be empty."""
    return None if at is None else micros(at)


def moment_or_none(count: int | None) -> datetime | None:
    """Return the moment of a column that may be empty."""
    return None if count is None else moment(count)


def json_text(value: object) -> str:
    """Return *value* in the one JSON text that it has: keys sorted."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def chunks(several: Sequence[_T], size: int = 500) -> Iterator[Sequence[_T]]:
    """Yield *several*, *size* at a time: a statement takes so many values and no more."""
    for start in range(0, len(several), size):
        yield several[start : start + size]


@lru_cache(maxsize=4096)
def period(name: str, start: int, end: int) -> Period:
    """Return a period that many have in common, once."""
    return Period(name=name, start=moment(start), end=moment(end))


# ---- readings ------------------------------------------------------------------------------------


def reading_json(reading: Reading) -> str:
    """Return *reading* whole, for a column that is rarely filled."""
    return json_text(_reading_fields(reading))


def reading_of(text: str) -> Reading:
    """Return the reading that `reading_json` wrote."""
    return _reading(orjson.loads(text))


def _reading_fields(reading: Reading) -> dict[str, Any]:
    return asdict(reading) | {"at": micros(reading.at)}


def _reading(fields: dict[str, Any]) -> Reading:
    return Reading(**fields | {"at": moment(fields["at"])})


def meter_state(row: Row) -> MeterState:
    """Return what is remembered of a meter."""
    last = Reading(
        device=DeviceId(row["device"]),
        meter=row["meter"],
        at=moment(row["last_at"]),
        down_bytes=unsigned(row["down_raw"]),
        up_bytes=unsigned(row["up_raw"]),
        uptime_s=row["uptime_s"],
        agent_uptime_s=row["agent_uptime_s"],
        epoch=row["epoch"],
        counter_bits=row["counter_bits"],
        link_bps=row["link_bps"],
        identity=row["identity"],
        retained=row["retained"],
    )
    candidate = None if row["candidate"] is None else reading_of(row["candidate"])
    return MeterState(last=last, candidate=candidate)


def implausible_json(evidence: Implausible) -> str:
    """Return a reading that was put aside, with its evidence."""
    fields = asdict(evidence)
    fields["before"] = _reading_fields(evidence.before)
    fields["after"] = _reading_fields(evidence.after)
    return json_text(fields)


def implausible_of(text: str) -> Implausible:
    """Return what `implausible_json` wrote."""
    fields = orjson.loads(text)
    before, after = _reading(fields.pop("before")), _reading(fields.pop("after"))
    return Implausible(before=before, after=after, **fields)


def aside(row: Row) -> Aside:
    """Return a reading of the drawer, and what became of it."""
    return Aside(
        id=row["id"],
        subscriber=row["subscriber"],
        evidence=implausible_of(row["evidence"]),
        state=DrawerState(row["state"]),
        decided_at=moment_or_none(row["decided_at"]),
        decided_by=row["decided_by"],
        note=row["note"] or "",
    )


# ---- what is known of subscribers, and of what their devices have --------------------------------


def event(row: Row) -> Event:
    """Return a line of the audit trail."""
    return Event(
        at=moment(row["at"]),
        kind=row["kind"],
        text=row["text"],
        clause=row["clause"],
        subscriber=row["subscriber"],
        device=row["device"],
        author=row["author"],
        figures=orjson.loads(row["figures"]),
    )


def hold(row: Row) -> Hold:
    """Return a hold."""
    return Hold(
        subscriber=SubscriberId(row["subscriber"]),
        reason=Reason(row["reason"]),
        opened_at=moment(row["opened_at"]),
        clause=row["clause"],
        text=row["text"],
        author=row["author"],
        note=row["note"],
        until=moment_or_none(row["until"]),
        period=row["period"],
        down_bps=row["down_bps"],
        up_bps=row["up_bps"],
    )


def _service(fields: Row) -> Service:
    return Service(
        product=ProductId(fields["product"]),
        suspended=fields["suspended"],
        down_bps=fields["down_bps"],
        up_bps=fields["up_bps"],
    )


def applied_row(applied: Applied) -> dict[str, Any]:
    """Return *applied* as its table keeps it."""
    return {
        "device": applied.device,
        "subscriber": applied.subscriber,
        "meter": applied.meter,
        **asdict(applied.service),
        "state": applied.state,
        "at": micros_or_none(applied.at),
        "order_id": applied.order,
    }


def applied(row: Row) -> Applied:
    """Return what a device was last known to give a subscriber."""
    return Applied(
        device=DeviceId(row["device"]),
        subscriber=SubscriberId(row["subscriber"]),
        meter=row["meter"],
        service=_service(row),
        state=row["state"],
        at=moment_or_none(row["at"]),
        order=row["order_id"],
    )


def order_row(order: Order) -> dict[str, Any]:
    """Return *order* as its table keeps it."""
    held = order.state is OrderState.HELD
    return {
        "id": order.id,
        "device": order.device,
        "subscriber": order.subscriber,
        "meter": order.meter,
        "before": json_text(asdict(order.before)),
        "after": json_text(asdict(order.after)),
        "suspends": order.after.suspended and not order.before.suspended,
        "reason": order.reason,
        "clause": order.clause,
        "created_at": micros(order.created_at),
        "released_at": None if held else micros(order.created_at),
        "state": order.state,
        "attempts": order.attempts,
        "next_at": micros_or_none(order.next_at),
        "detail": order.detail,
        "begun": order.begun,
        "transcript": "",
    }


def renumbered(order: Order, number: int) -> Order:
    """Return *order* with the id that the book gives it."""
    return replace(order, id=number)


def order(row: Row) -> Order:
    """Return an order."""
    return Order(
        id=row["id"],
        device=DeviceId(row["device"]),
        subscriber=SubscriberId(row["subscriber"]),
        meter=row["meter"],
        before=_service(orjson.loads(row["before"])),
        after=_service(orjson.loads(row["after"])),
        reason=row["reason"],
        clause=row["clause"],
        created_at=moment(row["created_at"]),
        state=OrderState(row["state"]),
        attempts=row["attempts"],
        next_at=moment_or_none(row["next_at"]),
        detail=row["detail"],
        begun=row["begun"],
    )


def delivery(row: Row) -> Delivery:
    """Return an event on its way to a channel; *row* is of the outbox, joined to the event."""
    return Delivery(
        id=row["delivery"],
        event_id=row["event"],
        channel=row["channel"],
        event=event(row),
        to=row["recipient"],
        attempts=row["attempts"],
    )


def matter(row: Row) -> Matter:
    """Return the matter that a row is."""
    return Matter(
        kind=row["kind"],
        key=row["key"],
        opened_at=moment(row["opened_at"]),
        due_at=moment_or_none(row["due_at"]),
        data=orjson.loads(row["data"]),
    )
