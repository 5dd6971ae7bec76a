"""When to ask whom: spread over the interval, nobody twice at once, the silent less often.

Devices that see the same subscriber's bytes, where one of them stands in for the other (CN-14), are
asked in the same moment: then what the one was blind to is what the other saw, to the byte.

Thinks only: times are seconds of any steady clock, handed in.
"""

import heapq
import zlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from math import floor

from capd.model import Device, DeviceId, Role, SubscriberId

_MOST_TOGETHER = 200
_FIRST_A_SECOND = 200  # new devices that are asked at once, so that a start shows something soon


class Change(Enum):
    """What became different about a device with its last answer."""

    NONE = "none"
    WENT_SILENT = "went silent"
    CAME_BACK = "came back"


@dataclass(slots=True, eq=False)
class Turn:
    """A device in the schedule; changes as it is asked."""

    device: Device
    leader: DeviceId  # whose phase it has
    interval_s: float
    anchor: float  # a moment of its own on the interval: its phase
    due: float
    running: bool = False
    gone: bool = False
    again: bool = False  # asked for while it was running
    unanswered: int = 0
    problem: str | None = None  # what it last complained of, so that it is said once


class Schedule:
    """A heap of turns; a device's phase comes from its id, so that it survives restarts."""

    def __init__(self, *, interval_s: float, silent_after: int, silent_interval_s: float) -> None:
        self._interval_s = interval_s
        self._silent_after = silent_after
        self._silent_interval_s = silent_interval_s
        self._turns: dict[DeviceId, Turn] = {}
        self._heap: list[tuple[float, int, Turn]] = []
        self._pushed = 0
        self._together: Mapping[DeviceId, Device] = {}
        self.silent = 0  # how many devices are asked less often

    def __len__(self) -> int:
        return len(self._turns)

    def replace(self, devices: Iterable[Device], *, now: float, wall: float) -> list[DeviceId]:
        """Ask exactly *devices* from now on, each keeping its phase; return who has gone.

        *wall* is the time of day at *now*, in seconds since 1970: it fixes the phases.
        """
        wanted = {device.id: device for device in devices}
        self._together = together(wanted.values(), self._interval_s)
        gone = [known for known in self._turns if known not in wanted]
        for known in gone:
            self._drop(self._turns.pop(known))
        new = sum(known not in self._turns for known in wanted)
        for device in wanted.values():
            turn = self._turns.get(device.id)
            if turn is None:
                self._add(device, now, wall, within_s=max(1.0, new / _FIRST_A_SECOND))
            elif turn.device != device or turn.leader != self._leader(device).id:
                self._renew(turn, device, now, wall)
        return gone

    def ask_now(self, device: DeviceId, *, now: float) -> bool:
        """Let *device* be next, or once more if it is being asked; False if it is not known."""
        turn = self._turns.get(device)
        if turn is None:
            return False
        if turn.running:
            turn.again = True
        else:
            self._push(turn, now)
        return True

    def next_due(self) -> float | None:
        """Return when somebody is to be asked; None while there is nobody."""
        while self._heap and self._is_stale(self._heap[0]):
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def take(self, *, now: float) -> Turn | None:
        """Return whose turn it is by *now*; it is running until `done` says otherwise."""
        due = self.next_due()
        if due is None or due > now:
            return None
        turn = heapq.heappop(self._heap)[2]
        turn.running = True
        return turn

    def done(self, turn: Turn, *, unreachable: bool, now: float) -> Change:
        """Put *turn* back for its next slot; slots that passed meanwhile are skipped."""
        turn.running = False
        was_silent = self._is_silent(turn)
        turn.unanswered = turn.unanswered + 1 if unreachable else 0
        silent = self._is_silent(turn)
        if turn.gone:
            return Change.NONE
        self.silent += silent - was_silent
        if turn.again:
            turn.again = False
            self._push(turn, now)
        else:
            rest = max(0.0, self._silent_interval_s - turn.interval_s) if silent else 0.0
            self._push(turn, _slot(turn.anchor, turn.interval_s, now + rest))
        if silent == was_silent:
            return Change.NONE
        return Change.WENT_SILENT if silent else Change.CAME_BACK

    def _is_silent(self, turn: Turn) -> bool:
        return turn.unanswered >= self._silent_after

    def _drop(self, turn: Turn) -> None:
        turn.gone = True
        self.silent -= self._is_silent(turn)

    def _add(self, device: Device, now: float, wall: float, *, within_s: float) -> None:
        """Ask *device* once soon, spread over *within_s*, and from then on in its own slots."""
        interval, anchor = self._phase(device, now, wall)
        first = min(anchor, now + _share(self._leader(device)) * within_s)
        leader = self._leader(device).id
        turn = Turn(device=device, leader=leader, interval_s=interval, anchor=anchor, due=first)
        self._turns[device.id] = turn
        self._push(turn, first)

    def _renew(self, turn: Turn, device: Device, now: float, wall: float) -> None:
        """Ask by *device*'s new data; from its next slot, unless its slots are others now."""
        turn.device = device
        interval, anchor = self._phase(device, now, wall)
        leader = self._leader(device).id
        if (interval, leader) != (turn.interval_s, turn.leader):
            turn.leader = leader
            turn.interval_s, turn.anchor = interval, anchor
            if not turn.running:
                self._push(turn, anchor)

    def _phase(self, device: Device, now: float, wall: float) -> tuple[float, float]:
        """Return the interval of *device*, and its first moment from *now* on."""
        interval, leader = self._interval(device), self._leader(device)
        return interval, now + (_share(leader) * self._interval(leader) - wall) % interval

    def _leader(self, device: Device) -> Device:
        """Return the device whose phase *device* has: its own, or that of those it goes with."""
        return self._together.get(device.id, device)

    def _interval(self, device: Device) -> float:
        return float(device.interval_s or self._interval_s)

    def _push(self, turn: Turn, due: float) -> None:
        turn.due = due
        self._pushed += 1
        heapq.heappush(self._heap, (due, self._pushed, turn))

    @staticmethod
    def _is_stale(entry: tuple[float, int, Turn]) -> bool:
        due, _, turn = entry
        return turn.gone or turn.running or due != turn.due


def together(devices: Iterable[Device], interval_s: float) -> dict[DeviceId, Device]:
    """Return whose phase each of *devices* takes that is not alone with its subscribers.

    Those that main and backup meters of one subscriber bind together follow the one of them that
    is asked most often; where that would be more than a few, each keeps its own.
    """
    on: dict[SubscriberId, list[Device]] = defaultdict(list)
    backed = set()
    for device in devices:
        for meter in device.meters:
            on[meter.subscriber].append(device)
            if meter.role is Role.BACKUP:
                backed.add(meter.subscriber)
    above: dict[DeviceId, DeviceId] = {}

    def top(device: DeviceId) -> DeviceId:
        while device in above:
            device = above[device]
        return device

    for who in sorted(backed):
        first, *others = sorted({top(device.id) for device in on[who]})
        above |= dict.fromkeys(others, first)
    groups: dict[DeviceId, dict[DeviceId, Device]] = defaultdict(dict)
    for who in backed:
        for device in on[who]:
            groups[top(device.id)][device.id] = device
    return {
        device: min(group.values(), key=lambda one: (one.interval_s or interval_s, one.id))
        for group in groups.values()
        if 1 < len(group) <= _MOST_TOGETHER
        for device in group
    }


def _share(device: Device) -> float:
    """Return where on any interval *device* stands, from 0 up to 1: always the same."""
    return zlib.crc32(device.id.encode()) / 2**32


def _slot(anchor: float, interval_s: float, after: float) -> float:
    """Return the first moment later than *after* that is whole intervals from *anchor*."""
    slot = anchor + (floor((after - anchor) / interval_s) + 1) * interval_s
    return slot if slot > after else slot + interval_s  # rounding must not ask twice
