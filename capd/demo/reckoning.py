"""What the demo came to, in words: who was warned, cut off, came back; is the count true? Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from capd.demo.households import Household
from capd.model import Event
from capd.units import size_text

_MOST_NAMES = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """One subscriber's bytes: in the ledger, and in truth."""

    subscriber: str
    counted: int
    true: int
    unknown_s: float  # for which nothing can be known


@dataclass(frozen=True, slots=True, kw_only=True)
class Reckoning:
    """What is told at the end."""

    households: Mapping[str, Household]
    events: Sequence[Event]
    counts: Sequence[Count]
    cut_off: frozenset[str]  # suspended at the end, read back from their routers
    leaked_bytes: int  # counted of those since their suspension was read back
    refused_bytes: int  # wanted by those cut off, and not let through
    speed: float  # pretend seconds in a real one

    def lines(self) -> Iterator[str]:
        """Yield the summary, line by line."""
        applied = [event for event in self.events if event.kind == "order_applied"]
        off = [event for event in applied if event.figures["suspended"]]
        on = [e for e in applied if _restores(e, off)]
        yield f"warned:    {self._names(self._of('notice'))}"
        yield f"suspended: {self._names(off)}"
        yield f"restored:  {self._names(on)}"
        yield from (f"bought:    {line}" for line in self._bought())
        if self.cut_off:
            yield (
                f"still off: {self._people(sorted(self.cut_off))}; {size_text(self.leaked_bytes)} "
                "counted there since their routers said so"
            )
        yield f"held back: {size_text(self.refused_bytes)} that suspended lines asked for"
        yield self._pushes(applied)
        yield from self._against_truth()

    def _of(self, *kinds: str) -> list[Event]:
        return [event for event in self.events if event.kind in kinds]

    def _names(self, events: Iterable[Event]) -> str:
        return self._people(list(dict.fromkeys(e.subscriber for e in events if e.subscriber)))

    def _people(self, who: Sequence[str]) -> str:
        named = [f"{one} {self.households[one].name}" for one in who[:_MOST_NAMES]]
        if len(who) > _MOST_NAMES:
            named.append(f"and {len(who) - _MOST_NAMES} more")
        return ", ".join(named) or "nobody"

    def _bought(self) -> Iterator[str]:
        for event in self._of("topup", "plan_changed"):
            who = self._people([event.subscriber or ""])
            if event.kind == "topup":
                yield f"{who}: {size_text(int(event.figures['size_bytes'] or 0))}"
            else:
                yield f"{who}: {event.figures['from']} -> {event.figures['to']}"

    def _pushes(self, applied: Sequence[Event]) -> str:
        opened = {event.figures["order"]: event.at for event in self._of("order_open")}
        took = [
            (event.at - opened[event.figures["order"]]).total_seconds() / self.speed
            for event in applied
            if event.figures["order"] in opened
        ]
        failed = len(self._of("order_failed", "order_unknown"))
        text = f"pushes:    {len(applied)} verified by read-back, {failed} attempts failed"
        if took:
            text += f"; median {median(took):.1f} s from the decision to the router's own word"
        return text

    def _against_truth(self) -> Iterator[str]:
        counted = sum(count.counted for count in self.counts)
        true = sum(count.true for count in self.counts)
        same = "equal" if counted == true else f"NOT equal: {counted - true:+d}"
        yield f"bytes:     counted {counted}, true {true}: {same}"
        for count in self.counts:
            if count.counted != count.true:
                yield (
                    f"           {self._people([count.subscriber])}: counted {count.counted}, true "
                    f"{count.true}, {count.unknown_s:.0f} s in which nothing can be known"
                )


def _restores(event: Event, off: Sequence[Event]) -> bool:
    """Say whether *event* lets somebody back on: an earlier one had cut them off."""
    return not event.figures["suspended"] and any(
        earlier.subscriber == event.subscriber
        and earlier.device == event.device
        and int(earlier.figures["order"] or 0) < int(event.figures["order"] or 0)
        for earlier in off
    )
