"""A clock that is set makes a box look as if it had restarted since, or hides that it did.

Nothing in a reading tells, so what would prove it is left out until the gap with the leap in it is
past: what holds in either case is counted then (CN-4, CN-7).
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from capd.clock import Clock
from capd.model import DeviceId, Poll, Reading

log = logging.getLogger(__name__)

_LEAP = timedelta(seconds=5)  # less is within what an uptime is believed to
_NONE = timedelta(0)
_POLLS = 3  # one that was on its way meanwhile, the next, and the one that judges its fall (CN-8)


@dataclass(slots=True)
class _Heard:
    """What is remembered of a device."""

    began: datetime  # what the clock said when the steady seconds began, by its newest poll
    newest: datetime | None = None
    leap: timedelta = _NONE
    left: int = 0  # so many more polls are to be taken with caution


class Leaps:
    """Knows which devices were not read since the clock was last set."""

    def __init__(self, clock: Clock, steady_s: Callable[[], float]) -> None:
        """Compare *clock* with *steady_s*: seconds that go on evenly, whatever the clock says."""
        self._clock, self._steady_s = clock, steady_s
        self._first = self._began = self._beginning()
        self._heard: dict[DeviceId, _Heard] = {}

    def cautious(self, poll: Poll) -> Poll:
        """Return *poll* without what its readings cannot prove, where the clock was set."""
        self._look()
        if not poll.readings:
            return poll
        heard = self._heard.get(poll.device)
        if heard is None:
            heard = self._heard[poll.device] = _Heard(self._first)
        leap = self._began - heard.began
        if abs(leap) > _LEAP:
            heard.leap, heard.left = leap, _POLLS
        elif not heard.left:
            heard.leap = _NONE
        if heard.newest is None or poll.at > heard.newest:  # else it is dropped (CN-2)
            heard.newest, heard.began = poll.at, self._began
            heard.left = max(0, heard.left - 1)
        if heard.leap == _NONE:
            return poll
        readings = tuple(_unproven(reading, heard.leap) for reading in poll.readings)
        return replace(poll, readings=readings)

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
