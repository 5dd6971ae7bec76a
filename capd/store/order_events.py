"""What became of an order, as a line of the audit trail."""

from datetime import datetime

from capd.model import Event, Order, OrderState


def order_event(
    order: Order,
    *,
    at: datetime,
    state: OrderState | None = None,
    detail: str | None = None,
    author: str = "capd",
) -> Event:
    """Return the event `order_STATE`; *state* and *detail* are the order's unless given."""
    state = state or order.state
    detail = order.detail if detail is None else detail
    text = f"{order.device}: {_service(order)} {state}: {detail or order.reason}"
    return Event(
        at=at,
        kind=f"order_{state}",
        text=text,
        clause=order.clause,
        subscriber=order.subscriber,
        device=order.device,
        author=author,
        figures={
            "order": order.id,
            "state": state.value,
            "detail": detail,
            "suspended": order.after.suspended,
            "product": order.after.product,
            "attempts": order.attempts,
        },
    )


def _service(order: Order) -> str:
    if order.after.suspended:
        return "suspension"
    return "restoring" if order.before.suspended else f"service {order.after.product}"
