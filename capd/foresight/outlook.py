"""The rest of a period, drawn many times over from a pattern: how likely is what."""

import math
import random
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import accumulate
from operator import mul
from zoneinfo import ZoneInfo

from capd.foresight.pattern import Pattern
from capd.model import Period

DRAWS = 300
_BLOCK = 3  # days in a row that are drawn together: a good day is seldom alone
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ahead:
    """What is left of a period: its days, and how much of each."""

    days: tuple[date, ...]
    parts: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What may be used by the period's end, in bytes; and whether it is more than the allowance."""

    expected_bytes: int
    p10_bytes: int
    p50_bytes: int
    p90_bytes: int
    probability: float  # of going over the allowance; 0 where there is none
    likely_day: date | None  # on which that most likely happens, if it does


def ahead(now: datetime, period: Period, zone: ZoneInfo) -> Ahead:
    """Return what is left of *period* at *now*, by local days."""
    days, parts = [], []
    day = now.astimezone(zone).date()
    while (start := datetime.combine(day, time(), zone)) < period.end:
        end = datetime.combine(day + _DAY, time(), zone)
        left = min(end, period.end).timestamp() - max(start, now).timestamp()
        if left > 0:
            days.append(day)
            parts.append(left / (end.timestamp() - start.timestamp()))
        day += _DAY
    return Ahead(days=tuple(days), parts=tuple(parts))


def look_ahead(
    pattern: Pattern, left: Ahead, *, counted: int, allowance: int | None, seed: str
) -> Outlook:
    """Return what may come; the same *seed* draws the same."""
    weights = [
        part * pattern.weekday[day.weekday()]
        for day, part in zip(left.days, left.parts, strict=True)
    ]
    dice = random.Random(seed)  # noqa: S311 - a forecast, not a secret
    sums, over = [], Counter[int]()
    for _ in range(DRAWS):
        level = pattern.level * math.exp(dice.gauss(0.0, pattern.unsure))
        drawn = _drawn(pattern.ratios, len(weights), dice)
        sum_ = counted + level * sum(map(mul, weights, drawn))
        sums.append(sum_)
        if allowance is not None and sum_ > allowance and level:
            used = list(accumulate(map(mul, weights, drawn)))
            over[min(len(used) - 1, bisect_right(used, (allowance - counted) / level))] += 1
    sums.sort()
    return Outlook(
        expected_bytes=round(sum(sums) / DRAWS),
        p10_bytes=_share(sums, 10),
        p50_bytes=_share(sums, 50),
        p90_bytes=_share(sums, 90),
        probability=_likely(over.total(), counted, allowance),
        likely_day=left.days[_mode(over)] if over else None,
    )


def may_go_over(pattern: Pattern, left: Ahead, *, counted: int, allowance: int | None) -> bool:
    """Say whether going over is worth a closer look: not even very bad luck leads there, if not."""
    if allowance is None:
        return False
    weight = sum(
        part * pattern.weekday[day.weekday()]
        for day, part in zip(left.days, left.parts, strict=True)
    )
    worst = sorted(pattern.ratios)[-(len(pattern.ratios) // 4 + 1) :]
    bad = sum(worst) / len(worst)  # each day as the worst quarter of all
    return counted + pattern.level * math.exp(2 * pattern.unsure) * weight * bad > allowance


def run_rate(now: datetime, period: Period, counted: int) -> int:
    """Return the period's usage if it goes on as it did so far: the straight line."""
    gone = (now - period.start) / (period.end - period.start)
    return round(counted / gone) if gone > 0 else counted


def _drawn(ratios: Sequence[float], count: int, dice: random.Random) -> list[float]:
    """Return *count* ratios: some days in a row, then some other ones."""
    drawn: list[float] = []
    many = len(ratios)
    while len(drawn) < count:
        first = int(dice.random() * many)
        drawn += ratios[first : first + _BLOCK]
    return drawn


def _likely(over: int, counted: int, allowance: int | None) -> float:
    if allowance is None:
        return 0.0
    return 1.0 if counted > allowance else over / DRAWS


def _mode(over: Counter[int]) -> int:
    """Return the likeliest day; its neighbours count for half, so that chance counts for less."""
    return max(over, key=lambda n: (2 * over[n] + over[n - 1] + over[n + 1], -n))


def _share(sums: Sequence[float], per_cent: int) -> int:
    return round(sums[len(sums) * per_cent // 100])
