"""A legal hold keeps all records of a subscriber, whatever their age (AU-3, D-6)."""

from datetime import datetime

from capd.model import Event, SubscriberId

OPENED, CLOSED = "legal_hold_opened", "legal_hold_closed"


def legal_hold(
    subscriber: SubscriberId, *, on: bool, note: str, author: str, now: datetime
) -> Event:
    """Return the event that puts *subscriber* under a legal hold, or ends it; service stays."""
    effect = (
        "is under a legal hold: all records are kept"
        if on
        else "is under no legal hold any more: records are kept as long as everybody's"
    )
    return Event(
        at=now,
        kind=OPENED if on else CLOSED,
        text=f"{subscriber} {effect} ({note}).",
        clause="AU-3",
        subscriber=subscriber,
        author=author,
        figures={"note": note},
    )
