"""The words: one frozen type for each arrow between the stages.

Bytes are int, money is Decimal, moments are aware and in UTC, rates are bits a second. "down" and
"up" are always the subscriber's point of view, whatever the port that counted calls them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple, NewType

from capd.quick import Late, quick

SubscriberId = NewType("SubscriberId", str)
DeviceId = NewType("DeviceId", str)
ProductId = NewType("ProductId", str)
SectorId = NewType("SectorId", str)


# ---- what is sold, to whom, and what it hangs on (the inventory) ---------------------------------


class Counts(StrEnum):
    """Which direction a product's cap counts (UC-1)."""

    DOWNLOAD = "download"
    UPLOAD = "upload"
    BOTH = "both"


class Unit(StrEnum):
    """What the counters of a product's meters count (D-1)."""

    BYTES = "bytes"
    SECONDS = "seconds"


class Kind(StrEnum):
    """How a product is bought."""

    MONTHLY = "monthly"
    PREPAID = "prepaid"  # a balance that purchases fill, without any month (E-1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """What the operator sells.

    Where its unit is seconds, whatever is called bytes of its subscribers is seconds.
    """

    id: ProductId
    name: str
    cap_bytes: int | None = None  # a month; None: unlimited
    counts: Counts = Counts.BOTH
    down_bps: int | None = None
    up_bps: int | None = None
    price: Decimal | None = None  # a month, in the operator's currency
    family: str = "broadband"
    upgrade_to: ProductId | None = None  # UC-4 (a)
    delay_h: int | None = None  # UC-8: hours over the cap before suspension; None: policy's
    unit: Unit = Unit.BYTES
    term_months: int | None = None  # CT-1: the minimum term; None: policy's
    terms_from: date | None = None  # CT-6: up to then whoever had it keeps what it was before
    withdrawn_on: date | None = None  # CT-7: not sold any more from that day on
    replaced_by: ProductId | None = None  # CT-7: None: the nearest equivalent
    kind: Kind = Kind.MONTHLY


@dataclass(frozen=True, slots=True, kw_only=True)
class Sector:
    """An access point's shared capacity."""

    id: SectorId
    capacity_down_bps: int | None = None
    capacity_up_bps: int | None = None


class Cycle(NamedTuple):
    """On which day of the month somebody's periods start, and on which they did before."""

    day: int  # 1 to 31; a shorter month starts its period on its last day
    earlier: tuple[tuple[datetime, int], ...] = ()  # (when it was changed, the day up to then)

    def changed(self, day: int, at: datetime) -> "Cycle":
        """Return the cycle with another *day* from *at* on; the same day changes nothing."""
        if day == self.day:
            return self
        since = max([at, *(changed_at for changed_at, _ in self.earlier)])
        return Cycle(day, (*self.earlier, (since, self.day)))


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Subscriber:
    """Who pays, for what, from which day of the month."""

    id: SubscriberId
    name: str
    product: ProductId
    email: str | None = None
    cycle_day: int = 1  # 1 to 31; a shorter month ends the period on its last day
    sector: SectorId | None = None
    address: str | None = None
    linked: tuple[str, ...] = ()
    shares_address: bool = False  # CT-13: agreed, though somebody else is served there
    earlier_days: tuple[tuple[datetime, int], ...] = field(default=(), compare=False)  # see Cycle

    @property
    def cycle(self) -> Cycle:
        """Return when the subscriber's periods start."""
        return Cycle(self.cycle_day, self.earlier_days)


class MeterKey(NamedTuple):
    """Which counter pair: meters are named within their device."""

    device: DeviceId
    meter: str


class Down(StrEnum):
    """Which of the port's counters is what the subscriber downloads."""

    IN = "in"
    OUT = "out"


class Role(StrEnum):
    """Whether a meter counts, or only stands in for the main one where that is blind (CN-14)."""

    MAIN = "main"
    BACKUP = "backup"


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """A counter pair on a device, and whose bytes it counts."""

    id: str
    subscriber: SubscriberId
    if_name: str | None = None
    table: str | None = None  # one of the profile's, with *row* in it, instead of an interface
    row: str | None = None  # what stays: a MAC address, the name of a queue or session, an ifAlias
    down: Down | None = None  # None: as the profile's table says; of interfaces: in
    role: Role = Role.MAIN
    counter_bits: int | None = None  # None: the profile's
    link_bps: int | None = None  # None: what the device says
    settings: Mapping[str, str] = field(default_factory=dict)  # on top of the device's


class Secret:
    """A credential: prints as ***, and gives itself up only to `reveal`."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text, for the library that needs it and for nothing else."""
        return self._text

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash((Secret, self._text))


@dataclass(frozen=True, slots=True, kw_only=True)
class SnmpAccess:
    """How a device lets itself be read over SNMP; `version` is "1", "2c" or "3"."""

    version: str = "2c"
    port: int = 161
    community: Secret | None = None
    user: str | None = None
    auth: str | None = None  # md5, sha1, sha224, sha256, sha384, sha512
    auth_key: Secret | None = None
    priv: str | None = None  # des, aes128, aes192, aes256
    priv_key: Secret | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SshAccess:
    """How a device lets itself be configured."""

    username: str
    port: int = 22
    password: Secret | None = None
    key_file: str | None = None
    host_key: str | None = None  # "ssh-ed25519 AAAA…"; None: the first one seen is remembered


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A radio or router: where it is, how to talk to it, what it meters."""

    id: DeviceId
    profile: str
    address: str | None = None
    serial: str | None = None
    mac: str | None = None
    snmp: SnmpAccess | None = None
    ssh: SshAccess | None = None
    mqtt_name: str | None = None
    collect: str | None = None  # "snmp" or "mqtt"; None: mqtt where the device has it, else snmp
    settings: Mapping[str, str] = field(default_factory=dict)
    interval_s: int | None = None  # None: [collect.snmp] interval_s
    meters: tuple[Meter, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """All that `capd import` brings and `capd export` takes out."""

    products: tuple[Product, ...] = ()
    sectors: tuple[Sector, ...] = ()
    subscribers: tuple[Subscriber, ...] = ()
    devices: tuple[Device, ...] = ()
    # what a file says beside its rows: keys of subscribers that it leaves out, and whose withdrawal
    # it takes back (CT-7)
    silent: Mapping[SubscriberId, frozenset[str]] = field(default_factory=dict, compare=False)
    sold_again: frozenset[ProductId] = field(default=frozenset(), compare=False)


# ---- collect -> account --------------------------------------------------------------------------


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one meter's raw, cumulative counters showed at one moment."""

    device: DeviceId
    meter: str
    at: datetime
    down_bytes: int
    up_bytes: int
    uptime_s: float | None = None  # since the box booted: trustworthy
    agent_uptime_s: float | None = None  # since its SNMP agent started: proof of nothing by itself
    epoch: str | None = None  # changes when the counter is born again
    counter_bits: int = 64
    link_bps: int | None = None
    identity: str | None = None  # serial of the box: a new one means a new baseline (CN-1)
    retained: bool = False  # an old MQTT message: a baseline at most

    @property
    def key(self) -> MeterKey:
        """Return which meter was read."""
        return MeterKey(self.device, self.meter)


@dataclass(frozen=True, slots=True, kw_only=True)
class Radio:
    """A radio that an access point hears: who it is, what it calls itself."""

    mac: str  # 02:00:00:00:00:01
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """What one device said in one visit or message; silence is a poll with a *problem*."""

    device: DeviceId
    protocol: str  # "snmp" or "mqtt"
    at: datetime
    took_s: float = 0.0
    readings: tuple[Reading, ...] = ()
    problem: str | None = None  # one line for a person
    unreachable: bool = False  # the problem is silence (ask less often), not nonsense
    health: Mapping[str, float | str] = field(default_factory=dict)  # signal_dbm, firmware, …
    meter_health: Mapping[str, Mapping[str, float | str]] = field(default_factory=dict)
    radios: tuple[Radio, ...] | None = None  # who is connected; None: not asked this time
    short: int = 0  # rows that a table's walk did not show, though they are there


# ---- account -> the ledger -----------------------------------------------------------------------


class Quality(StrEnum):
    """What became of a reading; the label of capd_readings_total."""

    COUNTED = "counted"  # CN-3
    BASELINE = "baseline"  # CN-1
    STALE = "stale"  # CN-2: duplicate, late, retained: dropped
    RESTARTED = "restarted"  # CN-4, CN-6
    REBORN = "reborn"  # CN-5
    WRAPPED = "wrapped"  # CN-7
    CANDIDATE = "candidate"  # CN-8: a fall that proves nothing yet
    GLITCH = "glitch"  # CN-8: the fall was one; counted from before it
    REBASED = "rebased"  # CN-8: the candidate became the baseline
    IMPLAUSIBLE = "implausible"  # CN-10


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class MeterState:
    """All that must be remembered of a meter: the last reading, and a fall not yet judged."""

    last: Reading
    candidate: Reading | None = None


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Bytes between two readings of a meter, and how far to trust them.

    The bytes flowed in `flowed_from` to `ended_at`; nothing can be known of `unknown_from` to
    `unknown_to` (both None where everything was counted). All lies in `started_at` to `ended_at`.
    """

    device: DeviceId
    meter: str
    started_at: datetime
    ended_at: datetime
    flowed_from: datetime
    down_bytes: int
    up_bytes: int
    estimated_bytes: int = 0  # the part of down + up that was inferred
    unknown_from: datetime | None = None
    unknown_to: datetime | None = None
    quality: Quality = Quality.COUNTED
    rule: str = "CN-3"


@dataclass(frozen=True, slots=True, kw_only=True)
class Implausible:
    """A reading put aside for a person (CN-10), with its evidence."""

    before: Reading
    after: Reading
    down_bytes: int  # what would have been counted
    up_bytes: int
    most_bytes: int  # what the link can carry in the gap, grace included
    text: str


class DrawerState(StrEnum):
    """What became of a reading that was put aside."""

    OPEN = "open"
    ACCEPTED = "accepted"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Aside:
    """A reading in the drawer, and what a person made of it."""

    id: int
    subscriber: SubscriberId | None  # None: no entry tells any more whose it is
    evidence: Implausible
    state: DrawerState = DrawerState.OPEN
    decided_at: datetime | None = None
    decided_by: str | None = None
    note: str = ""


class Adjustment(StrEnum):
    """Entries that were written after the fact; stands where a meter's entry has its Quality."""

    ACCEPTED = "accepted"  # CN-10: a person vouches for a reading that was put aside
    CORRECTED = "corrected"  # a person's own figures
    TOLD = "told"  # D-1: an event that another system measured, a call
    FILLED = "filled"  # CN-14: a backup meter's bytes, where the main one was blind


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What one reading did to its meter."""

    quality: Quality
    state: MeterState
    entry: Entry | None = None  # None: nothing to write in the ledger
    implausible: Implausible | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A billing month, *start* up to and not including *end*; named by the month it starts in.

    Where a changed cycle day makes a second one start in a month, that one is named by its day.
    """

    name: str  # "2026-03", or "2026-03-25"
    start: datetime
    end: datetime


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """An entry's share of one billing period (CN-12); parts are what the ledger keeps."""

    subscriber: SubscriberId
    period: Period
    started_at: datetime
    ended_at: datetime
    down_bytes: int
    up_bytes: int
    estimated_bytes: int
    unknown_us: int  # microseconds
    counts: bool = True  # False: a backup meter's, kept as evidence only


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """One reading, ready for the ledger: saved whole, or not at all."""

    before: MeterState | None  # what the step was worked out from (compare and set)
    step: Step
    reading: Reading
    parts: tuple[Part, ...] = ()
    backed: bool = False  # there is a backup meter: what the entry does not know may be filled


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a subscriber used in a billing period."""

    subscriber: SubscriberId
    period: Period
    down_bytes: int = 0
    up_bytes: int = 0
    estimated_bytes: int = 0
    unknown_us: int = 0

    def counted(self, counts: Counts) -> int:
        """Return the bytes that a cap with *counts* looks at (UC-1)."""
        if counts is Counts.DOWNLOAD:
            return self.down_bytes
        if counts is Counts.UPLOAD:
            return self.up_bytes
        return self.down_bytes + self.up_bytes


# ---- the ledger -> decide ------------------------------------------------------------------------


class Reason(StrEnum):
    """Why a hold is open."""

    CAP = "cap"
    NON_PAYMENT = "non_payment"
    BREACH = "breach"
    AUP = "aup"
    SECURITY = "security"
    FRAUD = "fraud"
    RESTRICTED = "restricted"  # limits the rate, does not suspend (NM-4)
    MAINTENANCE = "maintenance"
    PREPAID = "prepaid"
    SPIKE = "spike"
    OPERATOR = "operator"
    CREDENTIALS = "credentials"  # log-ins are off, the connection is not touched (AU-5)
    LINKED = "linked"  # with the connection that it hangs on (CT-10)
    ENDED = "ended"  # the contract is over (CT-15, AU-3)


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A reason to keep a subscriber off; service comes back when no blocking hold is left."""

    subscriber: SubscriberId
    reason: Reason
    opened_at: datetime
    clause: str
    text: str
    author: str
    note: str = ""
    until: datetime | None = None
    period: str | None = None  # of a cap hold: the period that was used up
    down_bps: int | None = None  # of a restriction
    up_bps: int | None = None


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A notice that was given: once a period, again only after the allowance grew (UC-11)."""

    notice: str  # "usage_80"
    period: str
    allowance_bytes: int


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """A period in which the allowance was exceeded (UC-4): one a period, its first.

    The store makes one of any event whose figures have `breach` (the period's name), with
    `counted_bytes` and `allowance_bytes` beside it.
    """

    period: str
    at: datetime
    counted_bytes: int
    allowance_bytes: int


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Charged:
    """What was already charged for going over the cap (UC-4 b), so that nothing is charged twice.

    The store makes one of any event of kind `charge` whose figures have `breach`: the event's
    `charge` and `units` stand beside it.
    """

    charge: str  # "overage", "administration"
    breach: str  # the breach's name, which begins with the period's
    units: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Delay:
    """The operator's discretion: no suspension for the cap until then (UC-8)."""

    until: datetime
    author: str
    note: str


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Matter:
    """Something open between operator and subscriber: an invoice, an add-on, a task, the contract.

    The store makes one of any event whose figures have `matter` (its kind) and `key`: the newest
    event says all that is known of it, `open` whether it still is, `due_at` when time alone
    changes something; the rest is *data*.
    """

    kind: str
    key: str  # of its kind, unique for the subscriber
    opened_at: datetime
    due_at: datetime | None = None
    data: Mapping[str, str | int | bool | None] = field(default_factory=dict)


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Everything that is known of one subscriber when they are judged."""

    subscriber: Subscriber
    product: Product
    period: Period  # the one that `now` is in
    usage: Usage  # of that period
    previous: tuple[Usage, ...] = ()  # of earlier periods not yet closed by a judgement
    topup_bytes: int = 0  # bought for this period
    holds: tuple[Hold, ...] = ()  # the open ones
    given: tuple[Given, ...] = ()  # of this period
    breaches: tuple[Breach, ...] = ()  # of the policy's window, oldest first
    delay: Delay | None = None
    charged: tuple[Charged, ...] = ()  # for going over the cap in this period
    matters: tuple[Matter, ...] = ()  # the open ones, oldest first
    last: Usage | None = None  # of the period before this one; only where a matter is open
    read_to: datetime | None = None  # every main meter was read by then; likewise
    lifetime: Usage | None = None  # of all time; only where there is a balance, or is to be (E-1)
    days: tuple[int, int] | None = None  # served, of the whole; None: the period is a whole one


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """What a subscriber has, or is owed. Suspend, upgrade, reactivate: differences between two."""

    product: ProductId
    suspended: bool = False
    down_bps: int | None = None
    up_bps: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """Something that a person, billing or the field told capd; what follows from it is judged."""

    at: datetime
    fact: str  # "topup", "plan", "hold", "release", "delay", "clock", …
    subscriber: SubscriberId | None = None
    details: Mapping[str, str] = field(default_factory=dict)
    author: str = "file"


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that became different, with its reason: the line of the audit trail.

    *figures* are the keys of its kind (notice, reason, from, to, charge, amount, …),
    whole numbers and text only.
    """

    at: datetime
    kind: str
    text: str  # one sentence that could be read to the subscriber
    clause: str | None = None
    subscriber: SubscriberId | None = None
    device: DeviceId | None = None
    author: str = "capd"
    figures: Mapping[str, str | int | bool | None] = field(default_factory=dict)


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a judgement found: what became different, what is owed now, when to look again."""

    subscriber: SubscriberId
    owed: Service
    why: Late[tuple[str, str | None]]  # the sentence behind *owed*, and its clause
    allowance_bytes: int | None  # None: unlimited
    counted_bytes: int
    events: tuple[Event, ...] = ()
    watch_bytes: int | None = None  # judge again when counted usage reaches this
    due_at: datetime | None = None  # judge again then, at the latest
    awaits_at: datetime | None = None  # judge again when every main meter was read by then
    other_ways: Late[tuple[str, ...]] = field(default_factory=lambda: Late(tuple))

    @property
    def reason(self) -> str:
        """Return the sentence behind what is owed."""
        return self.why()[0]

    @property
    def clause(self) -> str | None:
        """Return the clause behind what is owed."""
        return self.why()[1]

    @property
    def ways(self) -> tuple[str, ...]:
        """Return what would change what is owed, beside usage: for a debt."""
        return self.other_ways()


# ---- decide -> enforce ---------------------------------------------------------------------------


class OrderState(StrEnum):
    """Where an order stands; the label of capd_orders."""

    OPEN = "open"  # to be carried out
    HELD = "held"  # the guard wants a person to look
    APPLIED = "applied"  # the device's own words say so
    FAILED = "failed"  # refused, or given up: a person must look
    UNKNOWN = "unknown"  # the session was lost: what the device has is not known
    SUPERSEDED = "superseded"  # something else is owed by now
    REFUSED = "refused"  # a person said no


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A difference between what is owed and what is applied, for one device to carry out."""

    id: int  # 0 until the service book has given it one
    device: DeviceId
    subscriber: SubscriberId
    meter: str  # whose settings render it
    before: Service
    after: Service
    reason: str
    clause: str | None
    created_at: datetime
    state: OrderState = OrderState.OPEN
    attempts: int = 0
    next_at: datetime | None = None  # not to be tried before
    detail: str = ""  # the last outcome, one line
    begun: bool = False  # it is being carried out, or was when capd was killed


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of an order."""

    order: Order
    state: OrderState  # APPLIED, FAILED or UNKNOWN
    detail: str  # one line for a person
    at: datetime
    took_s: float = 0.0
    before: str = ""  # what the device said of itself before anything was typed, secrets masked
    transcript: str = ""  # what was typed and answered, secrets masked
    retry: bool = False  # try again later (with backoff)
    unreachable: bool = False  # nobody refused anything: it is tried for as long as it is owed


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What a device was last known to give a subscriber."""

    device: DeviceId
    subscriber: SubscriberId
    meter: str
    service: Service
    state: str = "assumed"  # assumed (never pushed), applied, unknown, drifted (changed by hand)
    at: datetime | None = None  # of the read-back
    order: int | None = None


# ---- who may ask over HTTP -----------------------------------------------------------------------


class TokenRole(StrEnum):
    """What an API token is for; what each may do is in `capd/api/roles.py`."""

    NOC = "noc"
    TECH = "tech"
    BILLING = "billing"
    VIEWER = "viewer"
    PORTAL = "portal"  # of one subscriber


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """An API token, without its text: that is shown once, and only its digest is kept."""

    id: int
    name: str
    role: TokenRole
    subscriber: SubscriberId | None  # whose portal
    created_at: datetime
    created_by: str
    last_used_at: datetime | None = None  # to the minute
    revoked_at: datetime | None = None


# ---- a radio goes into service ------------------------------------------------------------------


class StepState(StrEnum):
    """What became of a step of an activation."""

    DONE = "done"
    NOTED = "noted"  # could not be looked at, and stands in nobody's way
    REFUSED = "refused"  # something to put right on the roof or in the books
    FAILED = "failed"  # tried, and it did not work


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivationStep:
    """One thing that was looked at or done, and what to do about it where it is not well."""

    name: str  # "supplied", "signal", "configured", …
    state: StepState
    text: str
    fix: str = ""


class ActivationState(StrEnum):
    """Where an activation stands."""

    WAITING = "waiting"  # pressed, nobody has begun
    RUNNING = "running"
    DONE = "done"
    REFUSED = "refused"  # nothing was changed
    FAILED = "failed"
    UNDO_WAITING = "undo_waiting"  # to be taken back, nobody has begun
    UNDOING = "undoing"  # nothing is ordered of the device meanwhile but what puts it back
    UNDONE = "undone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Former:
    """What an activation found when it came: what goes back where it is undone."""

    orders: tuple[int, ...] = ()  # that configured the device: they know what it had before
    has_contract: bool = False  # over another radio, or over none that was told
    device: str | None = None  # of the contract
    serial: str | None = None
    mac: str | None = None
    signal: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Undo:
    """Somebody's word that an activation is to be taken back."""

    author: str
    at: datetime
    note: str = ""
    by_hand: bool = False  # somebody put the device back: it is only looked at


@dataclass(frozen=True, slots=True, kw_only=True)
class Activation:
    """A field tech's press: this radio, for this subscriber (CT-1); safe to press twice."""

    id: str
    subscriber: SubscriberId
    device: DeviceId
    author: str
    at: datetime
    serial: str | None = None  # as read off the radio
    mac: str | None = None
    state: ActivationState = ActivationState.WAITING
    steps: tuple[ActivationStep, ...] = ()
    ended_at: datetime | None = None
    former: Former | None = None  # None: it was refused, or nobody has looked yet
    undo: Undo | None = None


# ---- what happened -> people ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One event on its way to one channel; each once by its id, in order for a subscriber."""

    id: int
    event_id: int
    channel: str  # "email", "webhook"
    event: Event
    to: str | None = None  # the e-mail address
    attempts: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """An event that a subscriber was to be told about, and what became of that: the proof."""

    event_id: int
    event: Event
    digest: str  # of the event in the audit trail, chained to the one before
    unbroken: bool  # the digest is that of the event as it stands, after the one before it
    delivery: int | None = None  # None: none is on record
    channel: str | None = None
    to: str | None = None  # the address
    state: str = "none"  # open, done, given_up; none: no delivery is on record
    attempts: int = 0
    ended_at: datetime | None = None  # when it was taken, or given up
    answer: str = ""  # how the mail server took it
    message_id: str | None = None
    problem: str = ""  # why it was not delivered yet, or at all
    bounced: Event | None = None  # kind notice_bounced (UC-7)
