"""What is known of a subscriber's past, by what terms they are judged, and what came of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from capd.account.course import Course
from capd.account.history import Figures
from capd.account.periods import period_of
from capd.decide import holds
from capd.decide.book import Book
from capd.decide.case import Case
from capd.decide.contract import linked
from capd.decide.policy import Policy
from capd.decide.prepaid.balance import has_balance
from capd.decide.told import CHARGE_FROM
from capd.hindsight.links import Turn
from capd.model import (
    Event,
    Hold,
    Period,
    Product,
    ProductId,
    Standing,
    Subscriber,
    SubscriberId,
    Usage,
)
from capd.quick import replace

_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """By what everybody is judged."""

    policy: Policy
    catalogue: Mapping[ProductId, Product]
    zone: ZoneInfo
    currency: str
    book: Book | None = None  # where several policies hold; else *policy* does for everybody

    def policy_of(self, standing: Standing, now: datetime) -> Policy:
        """Return the policy that holds for who stands so at *now* (CT-6)."""
        return self.policy if self.book is None else self.book.of(standing, now)

    def case(self, standing: Standing, now: datetime) -> Case:
        """Return *standing* as it is judged at *now*, by the policy that holds for it (CT-6)."""
        return Case(
            standing=standing,
            catalogue=self.catalogue,
            policy=self.policy_of(standing, now),
            now=now,
            currency=self.currency,
            zone=self.zone,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """From when on, and up to (not including) when a life is led again."""

    since: datetime
    until: datetime

    @property
    def last(self) -> datetime:
        """Return the last moment in it."""
        return self.until - _TICK


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the store knows of one subscriber."""

    subscriber: Subscriber
    trail: Sequence[Event]  # all of it, in the order in which it was written
    periods: Mapping[datetime, tuple[Period, Figures]]  # by start; those with usage


@dataclass(slots=True)
class Told:
    """What happened in a span, or would have."""

    events: list[Event] = field(default_factory=list)
    off: list[tuple[datetime, bool]] = field(default_factory=list)  # when that changed, to what
    turns: list[Turn] = field(default_factory=list)  # what those who hang on it follow (CT-10)
    refused: int = 0  # facts that the terms do not allow

    def look(self, at: datetime, standing: Standing, policy: Policy) -> None:
        """Note whether service is off from *at* on."""
        off = bool(standing.holds) and bool(holds.blocking(standing.holds, policy))
        if off != (bool(self.off) and self.off[-1][1]):
            self.off.append((at, off))
        if standing.subscriber.linked:
            self._turn(at, linked.off(standing, policy))

    def _turn(self, at: datetime, hold: Hold | None) -> None:
        before = self.turns[-1][1] if self.turns else None
        same = (before and before.reason) == (hold and hold.reason)
        if not self.turns or not same:
            self.turns.append((at, hold))


def recalled(wanted: Mapping[str, tuple[str, str]], *trails: Sequence[Event]) -> dict[str, Event]:
    """Return of each thing *wanted* its newest event in *trails*, the last of which is the newest.

    As the books do: a thing is a charge, by its id, or a matter of that kind.
    """
    found: dict[str, Event] = {}
    for name, (kind, key) in wanted.items():
        newest = (event for trail in reversed(trails) for event in reversed(trail))
        event = next((event for event in newest if _is(event, kind, key)), None)
        if event is not None:
            found[name] = event
    return found


def _is(event: Event, kind: str, key: str) -> bool:
    if kind == CHARGE_FROM:
        return event.kind == "charge" and str(event.figures.get("charge_id")).startswith(key)
    if kind == "charge":
        return event.kind == "charge" and event.figures.get("charge_id") == key
    return (event.figures.get("matter"), event.figures.get("key")) == (kind, key)


def period_in(known: Known, zone: ZoneInfo, at: datetime) -> Period:
    """Return the period that *at* is in: as it was counted then, where it was."""
    period = period_of(at, known.subscriber.cycle, zone)
    counted = known.periods.get(period.start)
    return period if counted is None else counted[0]


def course_of(known: Known, period: Period) -> Course:
    """Return how usage came about in *period*."""
    counted = known.periods.get(period.start)
    if counted is None:
        return Course(known.subscriber.id, period)
    return Course(known.subscriber.id, period, counted[1])


def lifetime_of(known: Known, standing: Standing) -> Usage | None:
    """Return what was used in all periods up to this one, where a balance asks for it (E-1)."""
    if not has_balance(standing.product, standing.matters):
        return None
    usage = standing.usage
    earlier = [f for start, (_, f) in known.periods.items() if start < standing.period.start]
    return replace(
        usage,
        down_bytes=usage.down_bytes + sum(figures[0] for figures in earlier),
        up_bytes=usage.up_bytes + sum(figures[1] for figures in earlier),
    )


def usage_of(who: SubscriberId, period: Period, figures: Figures) -> Usage:
    """Return *figures* as the usage of a period."""
    down, up, estimated, unknown_us = figures
    return Usage(
        subscriber=who,
        period=period,
        down_bytes=down,
        up_bytes=up,
        estimated_bytes=estimated,
        unknown_us=unknown_us,
    )
