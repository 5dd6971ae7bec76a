"""What calls answer, for the document: the records themselves are made in `capd/answers`."""

from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from capd.model import Counts, Kind, Reason

_T = TypeVar("_T")

Moment = str  # RFC 3339, UTC


class Told(BaseModel):
    """A record of an answer; further keys may come with a later capd."""

    model_config = ConfigDict(extra="allow")


class Page(BaseModel, Generic[_T]):
    """A part of a list."""

    items: list[_T]
    next: str | None = Field(description="The cursor of the next part; null at the end.")


class HoldRecord(Told):
    """Why service is kept off, or limited."""

    reason: Reason
    clause: str
    opened_at: Moment
    until: Moment | None
    author: str
    note: str
    text: str


class ServiceRecord(Told):
    """What a subscriber has, or is owed."""

    product: str
    suspended: bool
    down_bps: int | None
    up_bps: int | None


class AppliedRecord(ServiceRecord):
    """What a device was last known to give."""

    device: str
    state: str = Field(description="assumed (never pushed), applied (it said so), unknown")
    at: Moment | None
    order: int | None


class FiguresRecord(Told):
    """What was used in a billing period."""

    period: str
    start: Moment
    end: Moment
    down_bytes: int
    up_bytes: int
    counted_bytes: int = Field(description="What the cap looks at.")
    allowance_bytes: int | None = Field(description="null: unlimited")
    estimated_bytes: int = Field(description="The part that was inferred.")
    unknown_s: float = Field(description="The time of which nothing can be known.")
    remaining_bytes: int | None
    balance_bytes: int | None = Field(default=None, description="Of a prepaid product (E-1).")
    state: Literal["active", "restricted", "suspended"]
    holds: list[HoldRecord]


class PartRecord(Told):
    """What was used in an hour or a day."""

    start: Moment
    end: Moment
    down_bytes: int
    up_bytes: int
    counted_bytes: int
    estimated_bytes: int
    unknown_s: float


class UsageRecord(FiguresRecord):
    """As `capd usage --json` prints it."""

    kind: Literal["usage"]
    subscriber: str
    parts: list[PartRecord] | None = Field(default=None, description="With `by`.")


class SubscriberRecord(FiguresRecord):
    """A subscriber, with the figures of the running period."""

    id: str
    name: str
    email: str | None
    product: str
    sector: str | None
    cycle_day: int
    owed: ServiceRecord
    applied: list[AppliedRecord]


class ExplainRecord(Told):
    """As `capd explain --json` prints it."""

    subscriber: str
    state: str
    reason: str
    clause: str | None
    owed: ServiceRecord
    applied: list[AppliedRecord]
    holds: list[dict[str, Any]]
    figures: dict[str, Any]
    what_would_change: list[str]
    readings: list[dict[str, Any]]


class ProductRecord(Told):
    """What the operator sells."""

    id: str
    name: str
    family: str
    cap_bytes: int | None
    counts: Counts
    down_bps: int | None
    up_bps: int | None
    price: str | None
    upgrade_to: str | None
    delay_h: int | None
    terms_from: str | None = Field(description="Up to then whoever had it keeps what it was.")
    withdrawn_on: str | None
    replaced_by: str | None
    kind: Kind


class ChangedProduct(Told):
    """A product as it is from now on, and what follows for those who have it."""

    product: ProductRecord
    changes: list[str]
    notes: list[str] = Field(description="Who is told, and from when it holds for them.")


class SectorRecord(Told):
    """An access point's shared capacity."""

    id: str
    capacity_down_bps: int | None
    capacity_up_bps: int | None


class DeviceRecord(Told):
    """A radio or router; never its credentials."""

    id: str
    profile: str
    address: str | None
    serial: str | None
    mac: str | None
    mqtt_name: str | None
    subscribers: list[str]
    meters: list[str]
    last_reading_at: Moment | None
    firmware: str | None
    health: dict[str, Any] = Field(description="Signal, rates and the like, as last told.")
    health_at: Moment | None


class EventRecord(Told):
    """A line of the audit trail; further keys are the figures of its kind."""

    id: int
    at: Moment
    kind: str
    clause: str | None
    text: str
    author: str


class Outcome(BaseModel):
    """What became different by a write."""

    changed: bool = Field(description="false: it was so already")
    events: list[EventRecord]


class FactRecord(BaseModel):
    """A kind of fact that may be told."""

    fact: str
    help: str
    required: list[str]
    optional: list[str]
    path: str
    roles: list[str] = Field(description="Who may tell it.")
    yours: bool = Field(description="Whether this token may.")


class Facts(BaseModel):
    """Every kind of fact."""

    items: list[FactRecord]


class ProblemDocument(BaseModel):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str | None = None
    errors: list[dict[str, str]] | None = Field(
        default=None, description="Each mistake: the key it is in, and the detail."
    )
