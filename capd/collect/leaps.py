"""A clock that is set makes a box look as if it had restarted since, or hides that it did.

Nothing in a reading tells, so what would prove it is left out until the gap with the leap in it is
past: what holds in either case is counted then (CN-4, CN-7).
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from capd.clock import Clock
from capd.model import MeterKey, Poll, Reading

log = logging.getLogger(__name__)

_LEAP = timedelta(seconds=5)  # less is within what an uptime is believed to
_NONE = timedelta(0)
_READINGS = (
    3  # one that was on its way meanwhile, the next, and the one that judges its fall (CN-8)
)


@dataclass(slots=True)
class _Heard:
    """What is remembered of a meter."""

    began: datetime  # what the clock said when the steady seconds began, by its newest reading
    newest: datetime | None = None
    leap: timedelta = _NONE
    left: int = 0  # so many more readings are to be taken with caution


class Leaps:
    """Knows which meters were not read since the clock was last set."""

    def __init__(self, clock: Clock, steady_s: Callable[[], float]) -> None:
        """Compare *clock* with *steady_s*: seconds that go on evenly, whatever the clock says."""
        self._clock, self._steady_s = clock, steady_s
        self._first = self._began = self._beginning()
        self._heard: dict[MeterKey, _Heard] = {}

    def cautious(self, poll: Poll) -> Poll:
        """Return *poll* without what its readings cannot prove, where the clock was set."""
        self._look()
        leaps = [self._leap(reading) for reading in poll.readings]
        if not any(leaps):
            return poll
        careful = [
            _unproven(reading, leap) if leap else reading
            for reading, leap in zip(poll.readings, leaps, strict=True)
        ]
        return replace(poll, readings=tuple(careful))

    def _leap(self, reading: Reading) -> timedelta:
        """Return by how much the clock was set in a gap that *reading* is judged by."""
        heard = self._heard.get(reading.key)
        if heard is None:
            heard = self._heard[reading.key] = _Heard(self._first)
        leap = self._began - heard.began
        if abs(leap) > _LEAP:
            # one forward misleads for as long as its gap is not past, though one back came after
            forward = heard.left and heard.leap > _NONE
            heard.leap, heard.left = max(leap, heard.leap) if forward else leap, _READINGS
        elif not heard.left:
            heard.leap = _NONE
        if heard.newest is None or reading.at > heard.newest:  # else it is dropped (CN-2)
            heard.newest, heard.began = reading.at, self._began
            heard.left = max(0, heard.left - 1)
        return heard.leap

    def _look(self) -> None:
        began = self._beginning()
        leap, self._began = began - self._began, began
        if abs(leap) > _LEAP:
            way = "forward" if leap > _NONE else "back"
            log.warning("the clock was set %s by %s: some restarts are not seen", way, abs(leap))

    def _beginning(self) -> datetime:
        return self._clock() - timedelta(seconds=self._steady_s())


def _unproven(reading: Reading, leap: timedelta) -> Reading:
    """Return *reading* as one whose fall is no proof of a wrap, nor its uptime of a restart.

    Where the clock was set back, an uptime that began again proves it all the same.
    """
    uptime_s = reading.uptime_s if leap < _NONE else None
    return replace(reading, uptime_s=uptime_s, agent_uptime_s=None, counter_bits=64)
