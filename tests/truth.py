"""A box whose true flow is known, all that can befall its readings, and the laws held against it.

What cannot be known by anybody is not played, and stands in `test_account_laws.py` in plain words.
"""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from capd.account.counters import step
from capd.account.rebirth import fell
from capd.collect.leaps import Leaps
from capd.model import MeterState, Poll, Quality, Reading

T0 = datetime(2026, 3, 1, tzinfo=UTC)
ZERO = timedelta(0)
WRAP = 1 << 32
UPTIME_WRAP_S = WRAP / 100
FAULTS = (
    "lose", "twice", "late", "hold", "boot", "agent", "recreate", "swap", "zero", "low", "high",
    "forward", "back", "forgetful",
)  # fmt: skip


@dataclass(frozen=True)
class Birth:
    """The counters began again; *told* is the field of a reading that proves it."""

    at_s: float
    wall: datetime
    told: str


@dataclass
class Shadow:
    """What is remembered of the meter, when that truly was, and what was counted up to then."""

    state: MeterState | None = None
    last_s: float = 0.0
    candidate_s: float | None = None
    doubtful: bool = False  # the newest that was accepted is garbage
    down: int = 0
    up: int = 0
    unknown: timedelta = ZERO
    base: tuple[int, int] = (0, 0)
    entries: tuple = ()


@dataclass
class Box:
    """One meter of one box; *tells* is what its readings have beside the counters."""

    name: str = "cpe-1"
    real_bits: int = 64
    told_bits: int = 64
    link_bps: int = 50_000_000
    tells: frozenset = frozenset({"uptime_s", "agent_uptime_s", "epoch", "link_bps", "identity"})
    uptime_s: float = 86_400.0
    began: datetime = T0
    keeps_entries: bool = True
    now_s: float = 0.0
    ahead_s: float = 0.0  # of capd's clock
    index: int = 2
    serial: int = 1
    raw: list = field(default_factory=lambda: [0, 0])
    flowed: list = field(default_factory=lambda: [0, 0])  # the truth
    shadow: Shadow = field(default_factory=Shadow)
    clean: bool = True  # nothing hid any bytes
    births: list = field(default_factory=list)
    set_s: float = -1.0  # when the clock was last set
    forgot: bool = False  # its uptime was left out once
    garbage: set = field(default_factory=set)
    held: tuple | None = None
    sent: tuple | None = None

    def __post_init__(self):
        self.booted = self.started = -self.uptime_s
        self.leaps = Leaps(self.clock, lambda: self.now_s)

    def clock(self):
        return self.began + timedelta(seconds=self.now_s + self.ahead_s)

    # ---- what truly happens

    def flow(self, seconds, down_share, up_share):
        """Let *seconds* pass in which those shares of the link (0 to 1) flow."""
        self.now_s += seconds
        for way, share in enumerate((down_share, up_share)):
            some = int(self.link_bps / 8 * seconds * share)
            self.raw[way] += some
            self.flowed[way] += some

    def befall(self, what, n=0):
        """Let *what* happen, if it leaves anything to be known; return what arrives, in order."""
        happened = getattr(self, f"_{what}", None)
        if happened is not None:
            return happened(n)
        return self._arrive(self._said())

    def _boot(self, n):
        near_wrap = abs(self.now_s - self.booted - UPTIME_WRAP_S) < 3000
        if near_wrap or (self.told_bits == 32 and "uptime_s" not in self.tells):
            return self._arrive(self._said())
        self.booted = self.started = self.now_s
        return self._reborn("uptime_s")

    def _recreate(self, n):
        if self.told_bits == 32 and "epoch" not in self.tells:
            return self._arrive(self._said())
        self.index += 1
        return self._reborn("epoch")

    def _swap(self, n):
        if "identity" not in self.tells:
            return self._arrive(self._said())
        self.serial += 1
        self.booted = self.started = self.now_s - n % 1_000_000
        return self._reborn("identity", n)

    def _reborn(self, told, count=0):
        self.raw = [count, count // 3]
        self.births.append(Birth(self.now_s, self.clock(), told))
        self.clean = False
        return []

    def _agent(self, n):
        if self.told_bits > self.real_bits:
            return self._arrive(self._said())
        self.started = self.now_s
        self.clean = self.clean and self.told_bits == 64
        return []

    def _forward(self, n):
        return self._set(10 + n % 7200)

    def _back(self, n):
        steady = "uptime_s" in self.tells and self.now_s - self.booted < 1e7 and not self.forgot
        self.clean = self.clean and steady
        return self._set(-10 - n % 7200)

    def _set(self, by_s):
        once = self.set_s < 0  # more often, what was carried in the gap may seem implausible
        self.clean = self.clean and self.told_bits == 64 and once
        self.ahead_s += by_s
        self.set_s = self.now_s
        self.held = self.sent = None
        return []

    # ---- what its agent says of it

    def _said(self):
        mask = (1 << self.real_bits) - 1
        told = {
            "uptime_s": (self.now_s - self.booted) % UPTIME_WRAP_S,
            "agent_uptime_s": (self.now_s - self.started) % UPTIME_WRAP_S,
            "epoch": str(self.index),
            "link_bps": self.link_bps,
            "identity": f"X{self.serial}",
        }
        reading = Reading(
            device=self.name,
            meter="wan",
            at=self.clock(),
            down_bytes=self.raw[0] & mask,
            up_bytes=self.raw[1] & mask,
            counter_bits=self.told_bits,
            **{key: value for key, value in told.items() if key in self.tells},
        )
        if self._uptime_wrapped_unseen():
            return replace(reading, uptime_s=None)
        return reading

    def _uptime_wrapped_unseen(self):
        """An uptime that wrapped while the clock was set, or while it was not told, misleads."""
        shadow = self.shadow
        if shadow.state is None or self.now_s - self.booted < UPTIME_WRAP_S:
            return False
        if shadow.last_s - self.booted >= UPTIME_WRAP_S:
            return False
        return shadow.state.last.uptime_s is None or self.set_s >= shadow.last_s

    def _wraps_soon(self):
        """An agent's uptime that wraps while it was not told is no other than a restart's."""
        return -1e6 < self.now_s - self.started - UPTIME_WRAP_S < 0

    def _forgetful(self, n):
        reading = self._said()
        left_out = [("uptime_s", "agent_uptime_s", "epoch", "link_bps", "identity")[n % 5]]
        swapped = any(b.told == "identity" and b.at_s >= self.shadow.last_s for b in self.births)
        if self.told_bits == 32 or (left_out == ["identity"] and swapped):
            left_out = ["agent_uptime_s"]
            self.clean = self.clean and not self._wraps_soon()
        if left_out == ["uptime_s"]:
            self.forgot, self.clean = True, self.clean and self.set_s < 0
        return self._arrive(replace(reading, **dict.fromkeys(left_out)))

    def _lose(self, n):
        return []

    def _twice(self, n):
        return self._arrive(self._said()) * 2

    def _late(self, n):
        sent = self.sent
        arrived = self._arrive(self._said())
        return [*arrived, sent] if sent is not None else arrived

    def _hold(self, n):
        arrived = self._arrive(self._said())
        self.held = arrived.pop(0)
        return arrived

    def _garbled(self, reading, **values):
        unbounded = self.told_bits > self.real_bits and "link_bps" not in self.tells
        if self._is_in_doubt() or self._swapped_since() or unbounded:
            return self._arrive(reading)
        bad = replace(reading, **values)
        self.garbage.add(bad.at)
        dropped = fell(self.shadow.state.last, bad)  # else all that it hid flows in the next gap
        self.clean = self.clean and dropped and self.told_bits == self.real_bits == 64
        return self._arrive(bad)

    def _is_in_doubt(self):
        """Garbage is played once: not again before the next readings have shown that it was."""
        state = self.shadow.state
        return state is None or self.shadow.doubtful or self._is_garbage(state.last)

    def _is_garbage(self, reading):
        return reading.at in self.garbage

    def _swapped_since(self):
        return any(b.told == "identity" and b.at_s >= self.shadow.last_s for b in self.births)

    def _zero(self, n):
        ways = ({"down_bytes": 0, "up_bytes": 0}, {"down_bytes": 0}, {"up_bytes": 0})
        return self._garbled(self._said(), **ways[n % 3])

    def _low(self, n):
        """A lower value, where a fall tells of no wrap and no restarted agent."""
        reading = self._said()
        if self.told_bits == 32 or self.shadow.state is None:
            return self._arrive(reading)
        reading = replace(reading, agent_uptime_s=None)
        less = {way: getattr(reading, way) * (n % 100) // 100 for way in ("down_bytes", "up_bytes")}
        ways = (less, {"down_bytes": less["down_bytes"]}, {"up_bytes": less["up_bytes"]})
        return self._garbled(reading, **ways[n // 100 % 3])

    def _high(self, n):
        """A value that the link cannot have carried."""
        reading = self._said()
        if self.told_bits == 64:
            self.clean = False
            return self._garbled(reading, down_bytes=(1 << 63) + n)
        shadow = self.shadow
        if shadow.state is None or shadow.candidate_s is not None or reading.link_bps is None:
            return self._arrive(reading)
        gap_s = max(self.now_s - shadow.last_s, (reading.at - shadow.state.last.at).total_seconds())
        most = (gap_s + 30) * self.link_bps / 8 * 1.05
        if WRAP - 1 - shadow.state.last.down_bytes <= most:
            return self._arrive(reading)
        self.clean = False
        return self._garbled(reading, down_bytes=WRAP - 1)

    def _arrive(self, reading):
        """Return (reading, when it truly was, what had truly flowed), and who was held up."""
        self.sent = (reading, self.now_s, tuple(self.flowed))
        arrived = [self.sent] + ([self.held] if self.held is not None else [])
        self.held = None
        return arrived

    def careful(self, arrived):
        """Return what *arrived* as the ledger is given it: without what a set clock misleads to."""

        def one(reading):
            poll = Poll(device=self.name, protocol="snmp", at=reading.at, readings=(reading,))
            return self.leaps.cautious(poll).readings[0]

        return [(one(reading), *truth) for reading, *truth in arrived]

    def begin_again(self):
        """Let capd be started anew, of a clock that was set since the last reading it is told."""
        ahead_s, last = self.ahead_s, self.shadow.state.last
        self.ahead_s = (last.at - self.began).total_seconds() - self.shadow.last_s
        self.leaps = Leaps(self.clock, lambda: self.now_s)
        self.ahead_s = ahead_s

    # ---- the laws

    def after(self, shadow, arrived):
        """Return what *shadow* becomes with one reading; the laws hold on the way."""
        reading, at_s, flowed = arrived
        result = step(shadow.state, reading)
        if result.quality is Quality.STALE:
            assert result.state is shadow.state
            return shadow
        after = replace(shadow, state=result.state)
        after.doubtful = self._is_garbage(reading)
        if shadow.state is None:
            after.base, after.last_s = flowed, at_s
            return after
        ended_s = at_s
        if result.quality is Quality.CANDIDATE:
            if shadow.candidate_s is not None and result.entry is not None:
                after.last_s = ended_s = shadow.candidate_s
            after.candidate_s = at_s
        else:
            after.last_s, after.candidate_s = at_s, None
        entry = result.entry
        if entry is not None:
            after.entries = (*shadow.entries, entry) if self.keeps_entries else ()
            after.unknown += entry.unknown_to - entry.unknown_from if entry.unknown_from else ZERO
            after.down += entry.down_bytes
            after.up += entry.up_bytes
            self._covers_what_is_hidden(shadow, reading, entry, ended_s)
        assert after.down <= flowed[0] - after.base[0], (result.quality, reading)
        assert after.up <= flowed[1] - after.base[1], (result.quality, reading)
        since = (flowed[0] - after.base[0] - shadow.down, flowed[1] - after.base[1] - shadow.up)
        if self.real_bits == 32 and max(since) >= WRAP:  # it may have wrapped more than once
            self.clean = False
        return after

    def _covers_what_is_hidden(self, shadow, reading, entry, ended_s):
        """Every restart that was told lies in unknown time, but for what tolerance allows."""
        last = shadow.state.last
        tolerance = max(timedelta(seconds=12), (reading.at - last.at) / 100)
        for birth in self.births:
            if not shadow.last_s < birth.at_s <= ended_s or self.set_s >= shadow.last_s:
                continue
            if getattr(reading, birth.told) is None or birth.wall - last.at <= tolerance:
                continue
            if birth.told != "uptime_s" and getattr(last, birth.told) is None:
                continue
            assert entry.unknown_from == last.at, (entry, birth)
            assert entry.unknown_to >= birth.wall - tolerance, (entry, birth)

    def deliver(self, arrived):
        """Take what *arrived*, as the daemon does; return what the ledger was given."""
        return self.take(self.careful(arrived))

    def take(self, given):
        """Take what the ledger was *given*."""
        for one in given:
            self.shadow = self.after(self.shadow, one)
        return given

    def end(self):
        """Let two sound readings be the last; what was counted is then all that there is."""
        self.held = None
        for _ in range(8):
            while self.now_s < 1e12:
                self.flow(60, 0, 0)
                if self.shadow.state is None or self.clock() > self._newest():
                    break
            self.deliver(self._arrive(self._said()))
        assert self.shadow.candidate_s is None

    def _newest(self):
        state = self.shadow.state
        return (state.candidate or state.last).at
