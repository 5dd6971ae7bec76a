"""Pure: what every payload over MQTT becomes, whatever its format, and what of it is believed.

A counter never goes through float: it would lose bytes above 2^53.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from capd.collect.decode import Refused
from capd.published import TimeUnit
from capd.units import moment

_AHEAD = timedelta(seconds=60)  # CN-16
_HORIZON = timedelta(days=7)  # no broker keeps a session longer than that for capd
_NANOS: Mapping[TimeUnit, int] = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
_RATES = ("rate_not_counter", "fractional")


class Pair(NamedTuple):
    """The two counters of an interface, as the device sees them, and when it says so."""

    rx: int
    tx: int
    at: datetime | None  # None: the device does not say


class Sample(NamedTuple):
    """What a message says of one interface; None of a name: of the one that the topic names."""

    if_name: str | None
    found: Pair | Refused
    uptime_s: float | None = None
    serial: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """All that one message says."""

    samples: tuple[Sample, ...] = ()
    uptime: tuple[float, datetime | None] | None = None  # told on its own, and when
    names: tuple[str, ...] = ()  # what the device calls itself
    seen: tuple[str, ...] = ()  # interfaces that nobody asked for
    refused: tuple[Refused, ...] = ()  # of the message as a whole


@dataclass(frozen=True, slots=True)
class Proof:
    """What a topic has shown of an interface: counters, or rates that pose as counters.

    A rate of zero looks like a counter of zero, and any rate may happen to be whole: who has shown
    one is believed again only after `_ENOUGH` whole pairs in a row, above zero and never falling.
    """

    trusted: bool = False
    rates: Refused | None = None
    row: int = 0
    last: tuple[int, int] = (0, 0)


_ENOUGH = 5


def proven(
    before: Proof, found: Pair | Refused, *, zeros_prove: bool = False
) -> tuple[Proof, Refused | None]:
    """Return what was shown with *found* too, and why it is not believed, if it is not.

    Unless *zeros_prove*, nothing is believed before the first whole number above zero (collectd).
    """
    if isinstance(found, Refused):
        return (Proof(rates=found) if found.reason in _RATES else before), found
    pair = (found.rx, found.tx)
    if before.rates is not None:
        steady = any(pair) and pair[0] >= before.last[0] and pair[1] >= before.last[1]
        row = before.row + 1 if steady else 0
        if row < _ENOUGH:
            return Proof(rates=before.rates, row=row, last=pair), before.rates
    if not zeros_prove and not before.trusted and not any(pair):
        text = "shows nothing but zeros so far: a counter, or a rate?"
        return before, Refused(reason="unproven_zero", text=text)
    return Proof(trusted=True, last=pair), None


def when(said: datetime | None, arrived: datetime) -> tuple[datetime, bool]:
    """Return the moment to believe, and whether the device's was not believed (CN-16)."""
    if said is None:
        return arrived, False
    if arrived - _HORIZON <= said <= arrived + _AHEAD:
        return said, False
    return arrived, True


def moment_in(value: object, unit: TimeUnit = "s") -> datetime | Refused | None:
    """Return the moment: *unit*s since 1970, or RFC 3339 with its zone."""
    refused = Refused(reason="undecodable", text=f"has a time that is none: {value!r:.40}")
    if value is None:
        return None
    if isinstance(value, str):
        try:
            at = datetime.fromisoformat(value)
            return at.astimezone(UTC) if at.tzinfo is not None else refused
        except (ValueError, OverflowError):  # the year 1 in another zone is none
            return refused
    if isinstance(value, bool) or not isinstance(value, int | float):
        return refused
    try:
        nanos = value * _NANOS[unit]
        return moment(nanos // 1000 if isinstance(nanos, int) else int(nanos / 1000))
    except (ValueError, OverflowError):
        return refused
