"""FU-3: who has used nothing for months: listed, and never removed by itself."""

from datetime import datetime

from capd.decide.book import book_of
from capd.decide.breaches import months_after
from capd.house import House
from capd.model import Period, Subscriber, SubscriberId
from capd.units import rfc3339


async def idle(house: House, now: datetime) -> list[dict[str, object]]:
    """Return who is idle for the months that the policy of their product says, to the day.

    `read_until` says by when all their meters were read: who was not read may not be idle. Those
    whose contract has ended are not listed.
    """
    there = await house.store.people.present()
    book, products = house.book or book_of([house.policy]), there.inventory.products
    months = {one.id: book.line_of(one.family)[-1].fair_use.idle_months for one in products}
    found: dict[SubscriberId, dict[str, object]] = {}
    for count in sorted(set(months.values())):
        since = months_after(now, -count, house.zone)
        maybe = await house.store.people.idle(since)
        for one in there.inventory.subscribers:
            if one.id not in maybe or months[one.product] != count or one.id in there.ended:
                continue
            used_until = await _used_until(house, one.id, maybe[one.id])
            if used_until is None or used_until <= since:
                found[one.id] = _record(one, count, used_until)
    read = await house.store.people.read_to(list(found))
    return [found[who] | {"read_until": _moment(read.get(who))} for who in sorted(found)]


async def _used_until(house: House, who: SubscriberId, period: Period | None) -> datetime | None:
    """Return the end of the last day with usage, which is in *period*."""
    if period is None:
        return None
    days = await house.store.history.by_time(who, period, "day", house.zone)
    used = [end for _, end, down, up, *_ in days if down + up > 0]
    return max(used, default=period.end)


def _record(one: Subscriber, months: int, used_until: datetime | None) -> dict[str, object]:
    used = _moment(used_until)
    return {"id": one.id, "name": one.name, "idle_months": months, "used_until": used}


def _moment(at: datetime | None) -> str | None:
    return None if at is None else rfc3339(at)
