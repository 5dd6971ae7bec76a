"""How good forecasts were: against what happened, beside the straight line."""

from collections.abc import Iterable
from dataclasses import dataclass, field

TENTHS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """What was said on some day of a period, and what became of it."""

    day: int  # of the period
    probability: float
    expected_bytes: int
    over: bool  # what happened
    used_bytes: int | None  # None: service was off for a time, so that nobody knows


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenth:
    """Those of whom about the same was said: how often it came true."""

    said: float  # on average
    happened: float
    count: int


@dataclass(slots=True)
class Score:
    """Guesses of one method, added up."""

    guesses: list[Guess] = field(default_factory=list)

    @property
    def brier(self) -> float:
        """Return the mean squared error of the probabilities: 0 is perfect, less is better."""
        return _mean((guess.probability - guess.over) ** 2 for guess in self.guesses)

    @property
    def error_bytes(self) -> int:
        """Return the mean absolute error of what was expected by the period's end."""
        return round(
            _mean(
                abs(guess.expected_bytes - guess.used_bytes)
                for guess in self.guesses
                if guess.used_bytes is not None
            )
        )

    def of_day(self, day: int) -> "Score":
        """Return the score of what was said on that day of the period."""
        return Score([guess for guess in self.guesses if guess.day == day])

    def calibration(self) -> list[Tenth]:
        """Return how often what was said came true, by tenths; empty ones are left out."""
        tenths: list[list[Guess]] = [[] for _ in range(TENTHS)]
        for guess in self.guesses:
            tenths[min(TENTHS - 1, int(guess.probability * TENTHS))].append(guess)
        return [
            Tenth(
                said=_mean(guess.probability for guess in some),
                happened=_mean(guess.over for guess in some),
                count=len(some),
            )
            for some in tenths
            if some
        ]


def _mean(values: Iterable[float]) -> float:
    several = list(values)
    return sum(several) / len(several) if several else 0.0
