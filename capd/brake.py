"""The brake: everything is still seen, judged and shown; nothing is pushed."""

from datetime import datetime

from capd.house import House
from capd.model import Event
from capd.store.desk import Witness


async def brake_turn(
    house: House,
    *,
    paused: bool,
    note: str,
    author: str,
    by: str,
    now: datetime,
    witness: Witness | None = None,
) -> None:
    """Pull the brake or let it go, where it is not so already; *by* is the door it came through."""
    if await house.store.people.paused() == paused:
        return
    effect = "nothing is pushed until it is resumed" if paused else "orders are carried out again"
    why = f" ({note})" if note else ""
    event = Event(
        at=now,
        kind="paused" if paused else "resumed",
        text=f"{'Paused' if paused else 'Resumed'}: {effect}{why}.",
        author=author,
        figures={"by": by, "note": note},
    )
    async with house.store.judging() as desk:
        await desk.record([event])
        if witness is not None:
            await witness(desk)
