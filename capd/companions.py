"""What one subscriber's service means for another's: linked services follow (CT-10)."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from capd.decide.contract import linked
from capd.decide.matters import of_kind
from capd.decide.standing import apply
from capd.house import House
from capd.model import Event, Hold, Product, ProductId, Standing, SubscriberId
from capd.store.desk import Desk


async def follow(
    house: House,
    desk: Desk,
    judged: Sequence[Standing],
    catalogue: Mapping[ProductId, Product],
    now: datetime,
) -> list[SubscriberId]:
    """Write down what follows for those linked to *judged*; return who must be judged for it."""
    linked_pairs = pairs(judged)
    if not linked_pairs:
        return []
    known = {standing.subscriber.id: standing for standing in judged}
    missing = sorted({who for pair in linked_pairs for who in pair} - known.keys())
    for standing in await desk.standings(
        missing, now=now, tz=house.zone, months=house.window_months
    ):
        known[standing.subscriber.id] = standing
    events: list[Event] = []
    touched = []
    for main, other in linked_pairs:
        hold = _off(house, known.get(main), other, now)
        if main in known:  # nobody of capd's: it is told of the main one, for whoever runs it
            apart = hold if other not in known else None
            told = linked.outside(house.case(known[main], catalogue, now), other, apart)
            known[main] = apply(known[main], told, catalogue)
            events += told
        if other not in known:
            continue
        found = linked.follow(house.case(known[other], catalogue, now), main, hold)
        known[other] = apply(known[other], found, catalogue)
        events += found
        touched += [other] if found else []
    await desk.record(events)
    return list(dict.fromkeys(touched))


def pairs(judged: Sequence[Standing]) -> list[tuple[SubscriberId, SubscriberId]]:
    """Return the main subscriber and the linked one of each link that *judged* are part of."""
    found = [
        (one.subscriber.id, SubscriberId(other))
        for one in judged
        for other in one.subscriber.linked
    ]
    found += [
        (SubscriberId(matter.key), one.subscriber.id)
        for one in judged
        for matter in of_kind(one, linked.KIND)
    ]
    found += [
        (one.subscriber.id, SubscriberId(matter.key))
        for one in judged
        for matter in of_kind(one, linked.OUTSIDE)
    ]
    return [pair for pair in dict.fromkeys(found) if pair[0] != pair[1]]


def _off(house: House, leads: Standing | None, other: SubscriberId, now: datetime) -> Hold | None:
    """Return what *other* follows of the one that *leads*; nothing where it is not linked."""
    if leads is None or other not in leads.subscriber.linked:
        return None
    return linked.off(leads, house.policy_of(leads, now))
