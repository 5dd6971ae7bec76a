"""How much somebody uses: on an average day, by the day of the week, and how much days differ."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import chain

WEEK = 7
WINDOW = timedelta(days=56)
"""How far back a pattern looks: eight of each day of the week."""

_HALF_LIFE = 14.0  # days after which a day says half as much about the level
_LEAN_WEEKDAY = 3.0  # so many days of everybody's are set beside the own ones of a weekday
_LEAN_LEVEL = 3.0  # and so many average days beside the own ones
_LEAN_RATIOS = 14  # with fewer own days than that, everybody's differences are drawn from as well
_DRIFT = 0.12  # how much levels move by themselves within weeks (sigma of the logarithm)
_MOST_POOLED = 400

Days = Mapping[date, int]
"""Bytes counted on whole local days on which service was on, nought included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """What all do: for those of whom little is known yet."""

    weekday: tuple[float, ...] = (1.0,) * WEEK  # against an average day, from Monday on
    share: float = 0.5  # of what the allowance gives a day
    ratios: tuple[float, ...] = (0.6, 0.8, 1.0, 1.2, 1.4)  # days against what was to be expected


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """How much one subscriber uses."""

    level: float  # bytes on an average day
    weekday: tuple[float, ...]  # against it, from Monday on
    ratios: tuple[float, ...]  # past days against what was to be expected, oldest first
    unsure: float  # sigma of the level's logarithm
    days: int  # that it is learnt from


def learn(days: Days, everybody: Population, *, allowance_a_day: float) -> Pattern:
    """Return the pattern behind *days*, leaning on *everybody*'s the more, the fewer they are."""
    some = sorted(days)
    weekday = _weekdays(days, everybody.weekday)
    level, weight = _level(days, weekday, everybody.share * allowance_a_day)
    ratios = tuple(days[day] / (level * weekday[day.weekday()]) if level else 1.0 for day in some)
    pooled = everybody.ratios if len(some) < _LEAN_RATIOS else ()
    all_ratios = (*ratios, *pooled) or (1.0,)
    spread = _spread(all_ratios)
    return Pattern(
        level=level,
        weekday=weekday,
        ratios=all_ratios,
        unsure=math.hypot(_DRIFT, spread / math.sqrt(weight)),
        days=len(some),
    )


def everybody(several: Iterable[tuple[Days, float]]) -> Population:
    """Return what all do; *several* are each one's days, and what their allowance gives a day."""
    known = [(days, allowance) for days, allowance in several if days]
    if not known:
        return Population()
    sums, counts = [0.0] * WEEK, [0] * WEEK
    shares = []
    for days, allowance in known:
        mean = sum(days.values()) / len(days)
        if mean <= 0:
            continue
        shares.append(mean / allowance if allowance else 0.0)
        for day, count in days.items():
            sums[day.weekday()] += count / mean  # each weighs the same, however much they use
            counts[day.weekday()] += 1
    if not shares:
        return Population()
    weekday = _normal([s / n if n else 1.0 for s, n in zip(sums, counts, strict=True)])
    return Population(
        weekday=weekday,
        share=sum(shares) / len(shares),
        ratios=_pooled([days for days, _ in known], weekday),
    )


def _pooled(several: Sequence[Days], weekday: Sequence[float]) -> tuple[float, ...]:
    each = max(1, _MOST_POOLED // len(several))
    return tuple(
        chain.from_iterable(_ratios(days, weekday)[-each:] for days in several[:_MOST_POOLED])
    ) or (1.0,)


def _ratios(days: Days, weekday: Sequence[float]) -> list[float]:
    level, _ = _level(days, weekday, 0.0)
    return [days[day] / (level * weekday[day.weekday()]) if level else 1.0 for day in sorted(days)]


def _weekdays(days: Days, others: Sequence[float]) -> tuple[float, ...]:
    mean = sum(days.values()) / len(days) if days else 0.0
    if not mean:
        return tuple(others)
    sums, counts = [0.0] * WEEK, [0] * WEEK
    for day, count in days.items():
        sums[day.weekday()] += count / mean
        counts[day.weekday()] += 1
    return _normal(
        [
            (s + _LEAN_WEEKDAY * other) / (n + _LEAN_WEEKDAY)
            for s, n, other in zip(sums, counts, others, strict=True)
        ]
    )


def _level(days: Days, weekday: Sequence[float], typical: float) -> tuple[float, float]:
    """Return the bytes of an average day, newer days weighing more; and how many days that is."""
    weights = value = 0.0
    newest = max(days, default=None)
    for day, count in days.items():
        age = (newest - day).days if newest else 0
        weight = 0.5 ** (age / _HALF_LIFE)
        weights += weight
        value += weight * count / weekday[day.weekday()]
    lean = _LEAN_LEVEL if typical else 0.0
    if not weights + lean:
        return 0.0, 1.0
    return (value + lean * typical) / (weights + lean), max(1.0, weights)


def _normal(factors: Sequence[float]) -> tuple[float, ...]:
    mean = sum(factors) / len(factors)
    return tuple(max(0.05, factor / mean) for factor in factors) if mean else (1.0,) * WEEK


def _spread(ratios: Sequence[float]) -> float:
    mean = sum(ratios) / len(ratios)
    return math.sqrt(sum((ratio - mean) ** 2 for ratio in ratios) / len(ratios))
