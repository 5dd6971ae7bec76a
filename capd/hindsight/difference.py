"""What would have been beside what was: event by event, and added up. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise
from zoneinfo import ZoneInfo

from capd.decide.contract import linked
from capd.decide.retell import ITSELF, was_told
from capd.hindsight.known import Span, Told
from capd.model import Event

_ABOUT = ("notice", "reason", "to", "charge")
_DAY = timedelta(days=1)
_NONE = timedelta(0)

Spell = tuple[datetime, datetime]


class Which(StrEnum):
    """On which side an event is."""

    BOTH = "both"  # on the same local day
    WOULD = "would"
    DID = "did"


@dataclass(frozen=True, slots=True)
class Compared:
    """An event, the local day that it belongs to, and which side it is on."""

    event: Event
    day: date
    which: Which


@dataclass(slots=True)
class Sums:
    """One side of the comparison, added up."""

    events: Counter[tuple[str, str]] = field(default_factory=Counter)  # by kind, and about what
    money: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))  # by charge
    suspensions: Counter[date] = field(default_factory=Counter)  # service went off, by local day
    suspended: int = 0  # subscribers
    off: timedelta = _NONE  # together

    @property
    def suspended_days(self) -> float:
        """Return for how many days of a subscriber service was off."""
        return round(self.off / _DAY, 3)

    def add(self, events: Iterable[Event], spells: Iterable[Spell], zone: ZoneInfo) -> None:
        """Add what one subscriber was told, and while service was off."""
        for event in events:
            self.events[event.kind, about(event)] += 1
            if event.kind == "charge":
                self.money[about(event)] += Decimal(str(event.figures["amount"]))
        before = self.off
        for start, end in spells:
            self.off += end - start
            self.suspensions[start.astimezone(zone).date()] += 1
        self.suspended += self.off > before


@dataclass(slots=True, kw_only=True)
class Difference:
    """All subscribers' would-be beside what was."""

    zone: ZoneInfo
    span: Span
    would: Sums = field(default_factory=Sums)
    did: Sums = field(default_factory=Sums)
    subscribers: int = 0
    different: int = 0  # those for whom anything is
    refused: int = 0  # facts that the terms do not allow
    unseen: timedelta = _NONE  # service was off, and would have been on: usage nobody can know

    @property
    def unseen_days(self) -> float:
        """Return for how many days of a subscriber nobody knows what would have been used."""
        return round(self.unseen / _DAY, 3)

    def add(self, would: Told, did: Told) -> list[Compared]:
        """Take in one subscriber; return what capd concluded, oldest first."""
        sides = conclusions(would), conclusions(did)
        off, was_off = spells(would, self.span), spells(did, self.span)
        self.would.add(sides[0], off, self.zone)
        self.did.add(sides[1], was_off, self.zone)
        found = compared(*sides, self.zone)
        self.subscribers += 1
        self.different += any(one.which is not Which.BOTH for one in found)
        self.refused += would.refused
        seen = (_common(one, other) for one in off for other in was_off)
        self.unseen += _together(was_off) - sum(seen, _NONE)
        return found


def about(event: Event) -> str:
    """Return what *event* is about: the notice, the hold's reason, the product, the charge."""
    return next((str(event.figures[key]) for key in _ABOUT if event.figures.get(key)), "")


def conclusions(told: Told) -> list[Event]:
    """Return what capd concluded, and all charges: other facts are the same on both sides.

    What followed a connection that it hangs on is a conclusion (CT-10).
    What has no clause behind it is no decision: a gap that was filled, a leak that was seen.
    """
    return [
        event
        for event in told.events
        if event.kind == "charge" or _followed(event) or not (was_told(event) or not event.clause)
    ]


def _followed(event: Event) -> bool:
    return event.author == ITSELF and event.figures.get("matter") == linked.KIND


def compared(would: Iterable[Event], did: Iterable[Event], zone: ZoneInfo) -> list[Compared]:
    """Return the events of both sides, each once, oldest first."""
    left: dict[tuple[str, str, str, date], list[Event]] = defaultdict(list)
    for event in did:
        left[_key(event, zone)].append(event)
    found = []
    for event in would:
        key = _key(event, zone)
        both = bool(left.get(key))
        if both:
            left[key].pop()
        found.append(Compared(event, key[-1], Which.BOTH if both else Which.WOULD))
    for key, events in left.items():
        found += [Compared(event, key[-1], Which.DID) for event in events]
    return sorted(found, key=lambda one: one.event.at)


def spells(told: Told, span: Span) -> list[Spell]:
    """Return from when to when service was off, within *span*."""
    turns = [*told.off, (span.until, False)]
    return [
        (at, min(end, span.until))
        for (at, off), (end, _) in pairwise(turns)
        if off and at < span.until
    ]


def days(span: Span, zone: ZoneInfo) -> Iterator[date]:
    """Yield the local days of *span*."""
    day, last = span.since.astimezone(zone).date(), span.last.astimezone(zone).date()
    while day <= last:
        yield day
        day += _DAY


def _key(event: Event, zone: ZoneInfo) -> tuple[str, str, str, date]:
    amount = str(event.figures.get("amount") or "")
    return event.kind, about(event), amount, event.at.astimezone(zone).date()


def _together(several: Iterable[Spell]) -> timedelta:
    return sum((end - start for start, end in several), _NONE)


def _common(one: Spell, other: Spell) -> timedelta:
    return max(_NONE, min(one[1], other[1]) - max(one[0], other[0]))
