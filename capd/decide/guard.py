"""The brake: so many suspensions, here and altogether, and the rest waits for a person. Pure.

Four limits hold suspensions back, order by order: of an hour, of an hour in one sector, of a day as
a share of all subscribers. The fifth stops them all, until a person clears it: a jump. That is when
more subscribers went over their caps in a quarter of an hour than `jump` says, than an hour's limit
and than ten times what four weeks were used to; a poller that counts wrong looks like that. So do
many of whom more bytes are read than they would use (`surge`), though few are over their caps yet.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import time, timedelta

from capd.model import Order, OrderState, SectorId, SubscriberId

JUMP_WITHIN = timedelta(minutes=15)
USUAL_OVER = timedelta(days=28)
_TIMES_THE_USUAL = 10
_SHARE_AT_LEAST = 20  # a share of few subscribers would be nobody

Span = tuple[time, time]
"""Hours of the operator's day, from and up to; the second may be the earlier (over midnight)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much may be taken away before a person looks."""

    most_suspensions: int = 20  # in any hour
    most_in_sector: int | None = None  # in any hour, of one sector
    most_share: float | None = None  # of all subscribers, in any 24 hours
    jump: int = 40  # caps exceeded in a quarter of an hour; 0: no jump is looked for
    surge: int = 40  # subscribers with implausible usage in as long; 0: not looked for


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the books say of the suspensions before these."""

    last_hour: int = 0  # let go to devices
    last_day: int = 0
    waiting: int = 0  # let go before the last hour, and not carried out
    paused: bool = False
    subscribers: int = 0
    sectors: Mapping[SubscriberId, SectorId] = field(default_factory=dict)  # of these orders
    last_hour_in: Mapping[SectorId, int] = field(default_factory=dict)
    stopped: str | None = None  # the sentence of a stop that no person has cleared


@dataclass(frozen=True, slots=True, kw_only=True)
class Jump:
    """More caps exceeded at once than customers would."""

    recent: int  # within JUMP_WITHIN
    usual: float  # in as long, over USUAL_OVER
    most: int

    @property
    def sentence(self) -> str:
        """Return why everything is stopped."""
        minutes = int(JUMP_WITHIN / timedelta(minutes=1))
        return (
            f"{self.recent} subscribers went over their caps within {minutes} minutes, where "
            f"{self.usual:.1f} is usual (limit {self.most}): no service is taken away until a "
            "person has looked"
        )


class Surge(Jump):
    """More usage of many at once than their products carry."""

    @property
    def sentence(self) -> str:
        """Return why everything is stopped."""
        minutes = int(JUMP_WITHIN / timedelta(minutes=1))
        return (
            f"of {self.recent} subscribers more bytes were read within {minutes} minutes than they "
            f"would use, where {self.usual:.1f} is usual (limit {self.most}); counters or a poller "
            "may be wrong: no service is taken away until a person has looked"
        )


def surge(recent: int, before: int, limits: Limits) -> Surge | None:
    """Return the surge of *recent* subscribers, if it is one; *before*: of four weeks before.

    Never of fewer than may be suspended in an hour: so many are let through, not stopped with all.
    """
    if not limits.surge:
        return None
    usual, most = _unusual(limits.surge, before, limits)
    return Surge(recent=recent, usual=usual, most=most) if recent > most else None


def jump(recent: int, before: int, limits: Limits) -> Jump | None:
    """Return the jump in *recent* caps exceeded, if it is one; *before*: of four weeks before."""
    if not limits.jump:
        return None
    usual, most = _unusual(limits.jump, before, limits)
    return Jump(recent=recent, usual=usual, most=most) if recent > most else None


def _unusual(setting: int, before: int, limits: Limits) -> tuple[float, int]:
    """Return what is usual, going by four weeks *before*, and beyond which number it is not."""
    usual = before * (JUMP_WITHIN / USUAL_OVER)
    return usual, max(setting, limits.most_suspensions, math.ceil(_TIMES_THE_USUAL * usual))


def release(
    orders: Sequence[Order], limits: Limits, seen: Seen
) -> tuple[tuple[Order, ...], tuple[Order, ...]]:
    """Return the *orders* that may go, and those held for a person (state HELD, with why).

    Only what takes service away counts against the limits; restores and rates are never held. All
    orders of a subscriber go or are held together.

    Pausing holds nothing here: orders stay OPEN, to be seen, and enforcement takes none until the
    operator resumes. While paused, those *waiting* count as well: else they would pile up behind
    the brake and all go at once when it is let off.
    """
    suspending: dict[SubscriberId, list[Order]] = defaultdict(list)
    for order in orders:
        if suspends(order):
            suspending[order.subscriber].append(order)
    tally = _Tally(limits, seen, wanted=sum(len(some) for some in suspending.values()))
    why = {who: tally.refuses(who, len(some)) for who, some in suspending.items()}
    released = tuple(o for o in orders if not (suspends(o) and why[o.subscriber]))
    held = tuple(
        replace(o, state=OrderState.HELD, detail=why[o.subscriber] or "")
        for o in orders
        if suspends(o) and why[o.subscriber]
    )
    return released, held


class _Tally:
    """What is used up of each limit, as suspensions are let go one after the other."""

    def __init__(self, limits: Limits, seen: Seen, *, wanted: int) -> None:
        self._limits, self._seen = limits, seen
        self._hour = seen.last_hour + (seen.waiting if seen.paused else 0)
        self._day = seen.last_day
        self._in = Counter(seen.last_hour_in)
        self._wanted = self._hour + wanted
        share = limits.most_share
        floor = max(_SHARE_AT_LEAST, limits.most_suspensions)
        self._most_day = None if share is None else max(floor, int(share * seen.subscribers))

    def refuses(self, who: SubscriberId, count: int) -> str | None:
        """Say why *count* suspensions of *who* are held; None lets them go, and counts them."""
        limits, sector = self._limits, self._seen.sectors.get(who)
        if self._seen.stopped is not None:
            return self._seen.stopped
        if self._hour + count > limits.most_suspensions:
            return (
                f"{self._wanted} suspensions in an hour, limit {limits.most_suspensions}: "
                "held for a person"
            )
        most = limits.most_in_sector
        if most is not None and sector is not None and self._in[sector] + count > most:
            return f"more than {most} suspensions in an hour in sector {sector}: held for a person"
        if self._most_day is not None and self._day + count > self._most_day:
            share = limits.most_share or 0
            return (
                f"more than {self._most_day} of {self._seen.subscribers} subscribers suspended "
                f"within 24 hours ({share:.0%}): held for a person"
            )
        self._hour += count
        self._day += count
        if sector is not None:
            self._in[sector] += count
        return None


def suspends(order: Order) -> bool:
    """Say whether *order* takes service away from someone who has it."""
    return order.after.suspended and not order.before.suspended


def gives_back(order: Order) -> bool:
    """Say whether *order* brings somebody back into service."""
    return order.before.suspended and not order.after.suspended


def waits(order: Order, *, quiet: bool, maintained: bool) -> bool:
    """Say whether *order* is not to be pushed now.

    Nothing is pushed to a device in a maintenance window (NM-5); in quiet hours nothing but what
    brings somebody back: who has paid at night is not left waiting until the morning.
    """
    return maintained or (quiet and not gives_back(order))


def is_quiet(at: time, spans: Sequence[Span]) -> bool:
    """Say whether the local time *at* is within one of *spans*."""
    return any(
        start <= at < end if start < end else (at >= start or at < end) for start, end in spans
    )
