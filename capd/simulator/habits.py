"""How much a household wants of its line at each hour of the week. Pure, reproducible by seed."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

_OF_THE_DAY = (
    *(0.55, 0.35, 0.25, 0.20, 0.20, 0.25, 0.40, 0.65),  # midnight to eight
    *(0.80, 0.85, 0.85, 0.90, 0.95, 0.95, 1.00, 1.10),  # to four in the afternoon
    *(1.25, 1.50, 1.75, 2.05, 2.25, 2.20, 1.70, 1.05),  # the evening
)
_MEAN = sum(_OF_THE_DAY) / len(_OF_THE_DAY)
_SATURDAY = 5
_WEEKDAY_SHARE, _WEEKEND_SHARE = 0.94, 1.15  # five and two of them make seven days
_SPREAD = 0.35  # sigma of an hour's lognormal mood
_HEAVY, _GREEDIEST = 0.2, 8.0  # how many are; and the most that a line lets anybody take


@lru_cache(maxsize=4096)
def _luck(seed: int, hour: datetime) -> float:
    dice = random.Random(f"{seed} {hour.timestamp()}")  # noqa: S311 - play, not secrets
    return dice.lognormvariate(-(_SPREAD**2) / 2, _SPREAD)


@dataclass(frozen=True, slots=True, kw_only=True)
class Habit:
    """A household: what it takes and gives on an average day."""

    seed: int
    down_bytes_a_day: int
    up_bytes_a_day: int

    def wish(self, start: datetime, end: datetime) -> tuple[float, float]:
        """Return the bytes down and up wanted from *start* to *end* (local, aware moments)."""
        share, at = 0.0, start
        while at < end:
            hour = at.replace(minute=0, second=0, microsecond=0)
            until = min(end, hour + timedelta(hours=1))
            share += (until - at).total_seconds() / 86_400 * self.mood(hour)
            at = until
        return share * self.down_bytes_a_day, share * self.up_bytes_a_day

    def mood(self, hour: datetime) -> float:
        """Return the rate in the *hour* that starts then, against the household's average."""
        day = _WEEKEND_SHARE if hour.weekday() >= _SATURDAY else _WEEKDAY_SHARE
        dice = random.Random(f"{self.seed} {hour.timestamp()}")  # noqa: S311 - play, not secrets
        return (
            day * _OF_THE_DAY[hour.hour] / _MEAN * dice.lognormvariate(-(_SPREAD**2) / 2, _SPREAD)
        )


def households(count: int, *, seed: int) -> list[float]:
    """Return *count* monthly appetites as shares of the cap: most modest, some far over it.

    A lognormal body (median 0.35) with one in five drawn from a Pareto tail of heavy users, as
    operators see it; the same seed gives the same neighbourhood.
    """
    dice = random.Random(seed)  # noqa: S311 - play, not secrets
    return [
        min(1.2 * dice.paretovariate(1.1), _GREEDIEST)
        if dice.random() < _HEAVY
        else dice.lognormvariate(-1.05, 0.6)
        for _ in range(count)
    ]
