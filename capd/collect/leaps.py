"""A clock that is set forward makes a box look as if it had restarted since it was last read.

Nothing in a reading tells the two apart, so what would prove it is left out until the gap with the
leap in it is past: the difference is counted then, which holds in either case (CN-4, CN-7). A clock
that is set back needs no care: what is older than the last reading is dropped (CN-2).
"""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from capd.clock import Clock
from capd.model import DeviceId, Poll, Reading

log = logging.getLogger(__name__)

_LEAP = timedelta(seconds=5)  # less is within what an uptime is believed to
_READINGS = 2  # after a leap: the first, and the one that judges it if it fell (CN-8)


class Leaps:
    """Knows which devices were not read since the clock was last set forward."""

    def __init__(self, clock: Clock, steady_s: Callable[[], float]) -> None:
        """Compare *clock* with *steady_s*: seconds that go on evenly, whatever the clock says."""
        self._clock, self._steady_s = clock, steady_s
        self._began = self._beginning()
        self._leaps = 0
        self._leapt_to: datetime | None = None
        self._past: dict[DeviceId, tuple[int, int]] = {}  # which leap, and how many polls since

    def cautious(self, poll: Poll) -> Poll:
        """Return *poll* without what its readings cannot prove, where the clock has leapt."""
        self._look()
        if self._leapt_to is None or not poll.readings:
            return poll
        leap, polls = self._past.get(poll.device, (0, 0))
        if leap != self._leaps:
            polls = 0
        if polls >= _READINGS:
            return poll
        after = poll.at >= self._leapt_to  # surely: not one that was on its way meanwhile
        self._past[poll.device] = (self._leaps, polls + after)
        return replace(poll, readings=tuple(_unproven(reading) for reading in poll.readings))

    def _look(self) -> None:
        began = self._beginning()
        leap, self._began = began - self._began, began
        if leap > _LEAP:
            self._leaps += 1
            self._leapt_to = self._clock() - leap / 2
            log.warning("the clock was set forward by %s: restarts in that time are not seen", leap)

    def _beginning(self) -> datetime:
        """Return what the clock would have said when the steady seconds began."""
        return self._clock() - timedelta(seconds=self._steady_s())


def _unproven(reading: Reading) -> Reading:
    """Return *reading* without uptimes, and as one whose fall is no proof of a wrap."""
    return replace(reading, uptime_s=None, agent_uptime_s=None, counter_bits=64)
