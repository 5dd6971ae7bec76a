"""What calls answer of what waits for a person: orders, readings, notices, matters."""

from typing import Any

from pydantic import BaseModel, Field

from capd.api.shapes import Moment, ServiceRecord, Told
from capd.model import DrawerState, OrderState


class OrderRecord(Told):
    """What a device is to be told."""

    id: int
    state: OrderState
    device: str
    subscriber: str
    meter: str
    change: str
    before: ServiceRecord
    after: ServiceRecord
    reason: str
    clause: str | None
    created_at: Moment
    attempts: int
    next_at: Moment | None
    detail: str


class CounterRecord(Told):
    """What a meter showed."""

    at: Moment
    down_bytes: int
    up_bytes: int
    uptime_s: float | None
    agent_uptime_s: float | None
    epoch: str | None
    link_bps: int | None


class AsideRecord(Told):
    """A reading that no link can carry (CN-10), with its evidence."""

    id: int
    state: DrawerState
    subscriber: str | None
    device: str
    meter: str
    at: Moment
    down_bytes: int
    up_bytes: int
    most_bytes: int
    before: CounterRecord
    after: CounterRecord
    text: str
    decided_at: Moment | None
    decided_by: str | None
    note: str | None


class DeliveryRecord(Told):
    """What could not be delivered (UC-7)."""

    id: int
    event: int
    channel: str
    kind: str
    subscriber: str | None
    to: str | None
    at: Moment
    text: str
    problem: str


class NoticeRecord(Told):
    """What a subscriber was told, and what became of it."""

    id: int
    event: int
    subscriber: str | None
    notice: str
    kind: str
    decided_at: Moment
    text: str
    clause: str | None
    channel: str | None
    to: str | None
    state: str = Field(description="waiting, accepted (by the mail server), bounced, failed, none")
    attempts: int
    accepted_at: Moment | None
    answer: str | None
    message_id: str | None
    problem: str | None
    bounced_at: Moment | None
    bounce_status: str | int | None
    bounce_diagnostic: str | int | None


class BounceRecord(BaseModel):
    """What a report says, and what became of it."""

    became: str = Field(description="failed, delayed, delivered, other")
    recorded: bool = Field(description="false: no failure, or on record already")
    text: str


class MatterRecord(Told):
    """Something that is open, or was: an invoice, an add-on, a job, a contract."""

    subscriber: str
    kind: str
    key: str
    open: bool
    opened_at: Moment
    due_at: Moment | None
    event: int = Field(description="The newest that told of it.")
    data: dict[str, Any]
