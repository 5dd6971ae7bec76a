"""Events change what is known of a subscriber: the same change in a judgement, a replay, the store.

Each `*_of` function reads one event as the thing that it makes; the books keep just those things.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import reduce

from capd.decide.contract import cycle_days, product_terms
from capd.model import (
    Breach,
    Charged,
    Delay,
    Event,
    Given,
    Hold,
    Matter,
    Period,
    Product,
    ProductId,
    Reason,
    Standing,
    Usage,
)
from capd.quick import replace
from capd.units import moment_of


def apply(
    standing: Standing, events: Iterable[Event], catalogue: Mapping[ProductId, Product]
) -> Standing:
    """Return *standing* as it is after *events*; all of them are of its subscriber and period."""
    return reduce(lambda known, event: _after(known, event, catalogue), events, standing)


def turned(standing: Standing, period: Period) -> Standing:
    """Return *standing* as it enters *period*: what belongs to a period stays behind.

    The usage of the old one is kept as long as a hold is open for it.
    """
    left, named = standing.usage, standing.period.name
    previous = tuple(
        usage
        for usage in (*standing.previous, left)
        if any(hold.period == usage.period.name for hold in standing.holds)
    )
    return replace(
        standing,
        period=period,
        usage=Usage(subscriber=left.subscriber, period=period),
        previous=previous,
        last=left if standing.matters else None,
        topup_bytes=0,
        given=tuple(given for given in standing.given if given.period != named),
        charged=tuple(
            charged for charged in standing.charged if charged.breach.split("/")[0] != named
        ),
    )


def _after(standing: Standing, event: Event, catalogue: Mapping[ProductId, Product]) -> Standing:
    breach = breach_of(event)
    if breach is not None and all(b.period != breach.period for b in standing.breaches):
        standing = replace(standing, breaches=(*standing.breaches, breach))
    standing = _with_matter(standing, event)
    if event.kind == "plan_changed":
        product = catalogue[ProductId(str(event.figures["to"]))]
        subscriber = replace(standing.subscriber, product=product.id)
        return _on(replace(standing, subscriber=subscriber), product)
    if event.figures.get("matter") == product_terms.KIND:
        return _on(standing, catalogue[standing.product.id])
    change = _CHANGES.get(event.kind)
    return change(standing, event) if change else standing


def _on(standing: Standing, row: Product) -> Standing:
    """Return *standing* on the product of *row*, as it is for them in the period (CT-6)."""
    product = product_terms.in_force(row, standing.matters, standing.period)
    return replace(standing, product=product)


def _with_matter(standing: Standing, event: Event) -> Standing:
    changed = matter_of(event)
    if changed is None:
        return standing
    same = [m for m in standing.matters if (m.kind, m.key) == (changed.kind, changed.key)]
    others = tuple(m for m in standing.matters if m not in same)
    if not event.figures["open"]:
        return replace(standing, matters=others)
    if not same:
        return replace(standing, matters=(*others, changed))
    kept = replace(changed, opened_at=same[0].opened_at)
    matters = tuple(kept if m in same else m for m in standing.matters)
    return replace(standing, matters=matters)


def _opened(standing: Standing, event: Event) -> Standing:
    return replace(standing, holds=(*standing.holds, hold_of(event)))


def _closed(standing: Standing, event: Event) -> Standing:
    left = tuple(h for h in standing.holds if h.reason.value != event.figures["reason"])
    return replace(standing, holds=left)


def _topped_up(standing: Standing, event: Event) -> Standing:
    if event.figures.get("period") != standing.period.name:
        return standing  # a purchase for a balance (E-1)
    return replace(standing, topup_bytes=standing.topup_bytes + topup_of(event))


def _delayed(standing: Standing, event: Event) -> Standing:
    return replace(standing, delay=delay_of(event))


def _noticed(standing: Standing, event: Event) -> Standing:
    return replace(standing, given=(*standing.given, given_of(event)))


def _charged(standing: Standing, event: Event) -> Standing:
    return replace(standing, charged=(*standing.charged, charged_of(event)))


def _moved(standing: Standing, event: Event) -> Standing:
    subscriber = replace(standing.subscriber, address=_text(event, "address"))
    return replace(standing, subscriber=subscriber)


def _another_day(standing: Standing, event: Event) -> Standing:
    """Change the cycle day; which period that makes of the running one, the books say."""
    there = standing.subscriber
    cycle = there.cycle.changed(_number(event, "day") or 1, event.at)
    subscriber = replace(there, cycle_day=cycle.day, earlier_days=cycle.earlier)
    return replace(standing, subscriber=subscriber)


_CHANGES: Mapping[str, Callable[[Standing, Event], Standing]] = {
    "hold_opened": _opened,
    "hold_closed": _closed,
    "topup": _topped_up,
    "delay": _delayed,
    "notice": _noticed,
    "charge": _charged,
    "moved": _moved,
    cycle_days.KIND: _another_day,
}


def hold_of(event: Event) -> Hold:
    """Return the hold that a `hold_opened` event opened."""
    if event.subscriber is None:
        raise ValueError("a hold without a subscriber")
    until = _text(event, "until")
    return Hold(
        subscriber=event.subscriber,
        reason=Reason(str(event.figures["reason"])),
        opened_at=event.at,
        clause=event.clause or "",
        text=event.text,
        author=event.author,
        note=_text(event, "note") or "",
        until=None if until is None else moment_of(until),
        period=_text(event, "period"),
        down_bps=_number(event, "down_bps"),
        up_bps=_number(event, "up_bps"),
    )


def breach_of(event: Event) -> Breach | None:
    """Return the breach that *event* is about; only the first with its name is kept (UC-4)."""
    name = _text(event, "breach")
    if name is None:
        return None
    return Breach(
        period=name,
        at=event.at,
        counted_bytes=_number(event, "counted_bytes") or 0,
        allowance_bytes=_number(event, "allowance_bytes") or 0,
    )


def matter_of(event: Event) -> Matter | None:
    """Return the matter that *event* opened, changed or closed, as it is after it."""
    kind = _text(event, "matter")
    if kind is None:
        return None
    due_at = _text(event, "due_at")
    return Matter(
        kind=kind,
        key=str(event.figures["key"]),
        opened_at=event.at,
        due_at=None if due_at is None else moment_of(due_at),
        data={name: value for name, value in event.figures.items() if name not in OF_MATTER},
    )


OF_MATTER = frozenset({"matter", "key", "open", "due_at"})
"""The figures that say which matter an event changes; the rest is what is known of it."""


def given_of(event: Event) -> Given:
    """Return what a `notice` event gave (UC-11)."""
    return Given(
        notice=str(event.figures["notice"]),
        period=_text(event, "period") or "",
        allowance_bytes=_number(event, "allowance_bytes") or 0,
    )


def charged_of(event: Event) -> Charged:
    """Return what a `charge` event charged (UC-4 b)."""
    return Charged(
        charge=str(event.figures["charge"]),
        breach=_text(event, "breach") or "",
        units=_number(event, "units") or 1,
    )


def delay_of(event: Event) -> Delay:
    """Return the delay that a `delay` event granted (UC-8)."""
    until = moment_of(str(event.figures["until"]))
    return Delay(until=until, author=event.author, note=_text(event, "note") or "")


def topup_of(event: Event) -> int:
    """Return the bytes that a `topup` event added to its period (UC-3)."""
    return _number(event, "size_bytes") or 0


def _text(event: Event, key: str) -> str | None:
    value = event.figures.get(key)
    return None if value is None else str(value)


def _number(event: Event, key: str) -> int | None:
    value = event.figures.get(key)
    return None if value is None else int(value)
