"""A clock that starts where it is told and runs as fast as it is told."""

import time
from datetime import datetime, timedelta


class FastClock:
    """Tell a pretend time: call it like any `Clock`. It never goes back and never jumps."""

    def __init__(self, start: datetime, *, speed: float = 1.0) -> None:
        self._told, self._speed = start, speed
        self._since_s = time.monotonic()

    def __call__(self) -> datetime:
        """Return the pretend moment, aware."""
        return self._told + timedelta(seconds=(time.monotonic() - self._since_s) * self._speed)

    @property
    def speed(self) -> float:
        """Return how many pretend seconds pass in a real one."""
        return self._speed

    def run_at(self, speed: float) -> None:
        """Go on from the present pretend moment at another *speed*."""
        self._told, self._since_s, self._speed = self(), time.monotonic(), speed
