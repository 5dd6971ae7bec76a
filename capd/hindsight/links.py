"""What hangs on a connection follows its life as that is led again (CT-10). Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from capd.decide.contract import linked
from capd.model import Event, Hold, SubscriberId

Turn = tuple[datetime, Hold | None]
"""When a connection went off, and by which hold, or came on again."""

Links = Mapping[SubscriberId, Sequence[SubscriberId]]
"""What hangs on others: of each, the connections."""


@dataclass(frozen=True, slots=True)
class Lead:
    """A connection went off or came on, and somebody follows."""

    at: datetime
    main: SubscriberId
    hold: Hold | None


def links_of(mains: Mapping[SubscriberId, Iterable[str]]) -> Links:
    """Return what hangs on which of *mains*, each with what is linked to it."""
    found: dict[SubscriberId, list[SubscriberId]] = {}
    for main, several in mains.items():
        for other in several:
            if other != main:
                found.setdefault(SubscriberId(other), []).append(main)
    return found


def leads(mains: Iterable[SubscriberId], turns: Mapping[SubscriberId, list[Turn]]) -> list[Lead]:
    """Return what somebody follows who hangs on *mains*, the oldest first."""
    found = [Lead(at, main, hold) for main in mains for at, hold in turns.get(main, ())]
    return sorted(found, key=lambda lead: lead.at)


def without(trail: Iterable[Event], mains: Iterable[SubscriberId]) -> Iterator[Event]:
    """Yield the events of *trail*, but for those that told of *mains*: they are found anew."""
    known = set(mains)
    for event in trail:
        figures = event.figures
        if figures.get("matter") != linked.KIND or figures.get("key") not in known:
            yield event
