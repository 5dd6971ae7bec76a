"""What waits for a person: orders to devices, readings that were put aside, lost deliveries."""

from capd.answers.subscribers import service_record
from capd.model import Aside, Delivery, Order, Reading
from capd.units import rfc3339

_COUNTERS = ("at", "down_bytes", "up_bytes", "uptime_s", "agent_uptime_s", "epoch", "link_bps")


def order_record(order: Order) -> dict[str, object]:
    """Return an order as JSON wants it."""
    return {
        "id": order.id,
        "state": order.state.value,
        "device": order.device,
        "subscriber": order.subscriber,
        "meter": order.meter,
        "change": change(order),
        "before": service_record(order.before),
        "after": service_record(order.after),
        "reason": order.reason,
        "clause": order.clause,
        "created_at": rfc3339(order.created_at),
        "attempts": order.attempts,
        "next_at": None if order.next_at is None else rfc3339(order.next_at),
        "detail": order.detail,
    }


def change(order: Order) -> str:
    """Return in a word or two what an order does."""
    before, after = order.before, order.after
    if before.suspended != after.suspended:
        return "suspend" if after.suspended else "restore"
    if before.product != after.product:
        return f"{before.product} -> {after.product}"
    return "rates"


def aside_record(one: Aside) -> dict[str, object]:
    """Return a reading that was put aside, with its evidence (CN-10), as JSON wants it."""
    evidence = one.evidence
    return {
        "id": one.id,
        "state": one.state.value,
        "subscriber": one.subscriber,
        "device": evidence.after.device,
        "meter": evidence.after.meter,
        "at": rfc3339(evidence.after.at),
        "down_bytes": evidence.down_bytes,
        "up_bytes": evidence.up_bytes,
        "most_bytes": evidence.most_bytes,
        "before": reading_record(evidence.before),
        "after": reading_record(evidence.after),
        "text": evidence.text,
        "decided_at": None if one.decided_at is None else rfc3339(one.decided_at),
        "decided_by": one.decided_by,
        "note": one.note or None,
    }


def reading_record(reading: Reading) -> dict[str, object]:
    """Return what a meter showed, as JSON wants it."""
    return {name: getattr(reading, name) for name in _COUNTERS} | {"at": rfc3339(reading.at)}


def delivery_record(delivery: Delivery, problem: str) -> dict[str, object]:
    """Return a delivery that was given up (UC-7), as JSON wants it."""
    return {
        "id": delivery.id,
        "event": delivery.event_id,
        "channel": delivery.channel,
        "kind": delivery.event.kind,
        "subscriber": delivery.event.subscriber,
        "to": delivery.to,
        "at": rfc3339(delivery.event.at),
        "text": delivery.event.text,
        "problem": problem,
    }
