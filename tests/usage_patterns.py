"""Households with habits by the day of the week, moods that last, and times that differ."""

import math
import random
from dataclasses import dataclass
from datetime import date, timedelta

from tests.builders import GB

_WEEKENDS = (0.75, 0.75, 0.8, 0.85, 1.15, 1.4, 1.3)  # home on weekends
_OFFICES = (1.25, 1.25, 1.2, 1.2, 1.1, 0.5, 0.5)  # works at home from Monday to Friday


@dataclass(frozen=True)
class Household:
    """How much on an average day, and when."""

    mean_bytes: float
    weekday: tuple[float, ...]
    seed: str


def households(count, *, seed=1, cap_bytes=100 * GB):
    """Return *count* households, the middle one using some two thirds of the cap a month."""
    dice = random.Random(seed)
    return [
        Household(
            mean_bytes=cap_bytes / 30 * dice.lognormvariate(math.log(0.7), 0.6),
            weekday=dice.choice((_WEEKENDS, _WEEKENDS, _OFFICES)),
            seed=f"{seed} {n}",
        )
        for n in range(count)
    ]


def days_of(household, first, count):
    """Return what *household* uses on each of *count* days from *first* on."""
    dice = random.Random(household.seed)
    found: dict[date, int] = {}
    mood = drift = 0.0
    for n in range(count):
        day = first + timedelta(days=n)
        if n % 10 == 0:  # habits change, and not with the billing month
            drift = 0.85 * drift + dice.gauss(0, 0.1)
        mood = 0.4 * mood + dice.gauss(0, 0.3)
        usual = household.mean_bytes * household.weekday[day.weekday()]
        found[day] = int(usual * math.exp(drift + mood - 0.07))
    return found
