"""UC-5: the way back after an upgrade for going over the cap.

The upgrade (UC-4) opens a matter keyed by the product that was left. At each month's end the
finished month is compared with that product's cap; from the first one below it the subscriber may
go back, without charge and inside the minimum term, and each further one says so again. A month
counts as finished when every main meter was read past its end: before, bytes of it may be missing.
Where a meter stays silent the month is over by the clock some days later. What was counted is what
was used, so the way is open if that is below the cap, and would be if the silent time had been like
the rest; else a person is asked, and nothing is given on usage that nobody knows.
The right stays until it is taken or another product is chosen.
"""

from collections.abc import Iterable
from datetime import datetime

from capd.decide import matters, tasks
from capd.decide.case import Case, Figures, covers, needs
from capd.decide.contract import withdrawal
from capd.decide.contract.days import after_days
from capd.decide.holds import has_ended
from capd.decide.wording import amount_text, moment_text, month_text, of_text, price_text
from capd.model import Event, Matter, Product, ProductId, Standing, Unit, Usage
from capd.units import rfc3339

KIND = "downgrade"


def opened(now_on: Product, to: Product) -> Figures:
    """Return the figures by which an upgrade from *now_on* remembers the way back."""
    return matters.change(KIND, now_on.id, on=to.id, first_cap_bytes=now_on.cap_bytes)


def allowed(standing: Standing, product: Product) -> bool:
    """Say whether a month below its cap, or below a lower one, has opened the way to *product*."""
    ways = matters.of_kind(standing, KIND)
    return any(one.key == product.id for one in ways) and any(
        _cap(one) <= (product.cap_bytes or 0) and matters.text(one, "month") for one in ways
    )


def awaited(case: Case) -> datetime | None:
    """Return up to when every main meter must be read before the last month can be judged."""
    last, read_to = case.standing.last, case.standing.read_to
    if last is None or case.unit is Unit.SECONDS or not any(True for _ in _unjudged(case)):
        return None  # of calls each is told, and none is late
    return None if read_to is not None and read_to >= last.period.end else last.period.end


@needs(KIND)
def offers(case: Case) -> tuple[Event, ...]:
    """Offer the way back after a month below the cap; or take it, where the policy says so."""
    if has_ended(case.standing):
        return ()
    below = [one for one in _unjudged(case) if _is_below(case, one)]
    if awaited(case) is not None:
        return _without_a_reading(case, below) if case.now >= _gives_up_at(case) else ()
    lowest = _lowest(below)
    if lowest is None:
        return ()
    to = case.catalogue[ProductId(lowest.key)]
    automatic = case.policy.contract.downgrade.automatic and covers(case.standing, to, case.policy)
    made = _taken(case, to) if automatic else _offered(case, lowest, to)
    return (made, *_answered(case))


def moments(case: Case) -> list[datetime]:
    """Return when a month is over although a meter was not read past its end."""
    return [] if awaited(case) is None else [_gives_up_at(case)]


def _gives_up_at(case: Case) -> datetime:
    days, last = case.policy.contract.downgrade.wait_days, case.standing.last
    return after_days((last or case.standing.usage).period.end, days, case.zone)


def _without_a_reading(case: Case, below: list[Matter]) -> tuple[Event, ...]:
    """Offer what a silent meter hardly changes; ask a person about the rest, once a month."""
    sure = [one for one in below if _would_be_below(case, one)]
    lowest, month = _lowest(sure), _last(case).period.name
    if lowest is not None:
        return (_offered(case, lowest, case.catalogue[ProductId(lowest.key)], silent=True),)
    unsure = _lowest([one for one in below if matters.text(one, "asked") != month])
    return () if unsure is None else _asked(case, unsure)


def _would_be_below(case: Case, one: Matter) -> bool:
    """Say whether the month is below the cap also if the silent time was like the rest."""
    last, known_to = _last(case), case.standing.read_to
    if known_to is None or known_to <= last.period.start:
        return False
    whole, known = last.period.end - last.period.start, known_to - last.period.start
    counted = last.counted(case.catalogue[ProductId(one.key)].counts)
    return counted * (whole / known) < _cap(one)


def _asked(case: Case, one: Matter) -> tuple[Event, ...]:
    last, clause = _last(case), case.policy.clauses.downgrade
    month, name = last.period.name, _name(case, one)
    used = amount_text(last.counted(case.catalogue[ProductId(one.key)].counts), case.unit)
    known = f"{used} of {month_text(month)} are known, and a meter was {_silent_text(case)}"
    what = f"say whether {name} may be gone back to: {known} (a plan that is agreed moves back)"
    figures = matters.change(
        KIND,
        one.key,
        on=matters.text(one, "on"),
        first_cap_bytes=_cap(one),
        month=matters.text(one, "month"),
        asked=month,
    )
    text = f"No way back to {name} is offered for {month_text(month)}: {known} ({clause})."
    at = _gives_up_at(case)
    return (
        case.event("downgrade_unsure", text, clause, figures, at=at),
        tasks.opened(case, KIND, what, clause, at=at),
    )


def _answered(case: Case) -> tuple[Event, ...]:
    """Close the task to decide by hand: the meters were read."""
    task = matters.find(case.standing, tasks.KIND, KIND)
    why, clause = "the month was read to its end", case.policy.clauses.downgrade
    return () if task is None else (tasks.closed(case, task, why, clause),)


def _silent_text(case: Case) -> str:
    known_to = case.standing.read_to
    if known_to is None:
        return "never read"
    return f"not read since {moment_text(known_to, case.zone)}"


def _lowest(ways: list[Matter]) -> Matter | None:
    return min(ways, key=lambda one: (_cap(one), one.key), default=None)


def _last(case: Case) -> Usage:
    return case.standing.last or case.standing.usage


def was_asked(standing: Standing) -> bool:
    """Say whether a person is to decide about the last month: a meter stayed silent in it."""
    month = None if standing.last is None else standing.last.period.name
    ways = matters.of_kind(standing, KIND)
    return any(month is not None and matters.text(one, "asked") == month for one in ways)


@needs(KIND)
def over(case: Case) -> tuple[Event, ...]:
    """Close the ways back that no longer lead down from the present product."""
    ways = {matters.text(one, "on"): one for one in matters.of_kind(case.standing, KIND)}
    here, kept = str(case.standing.product.id), set()
    while here in ways and here not in kept:
        kept.add(here)
        here = ways[here].key
    clause = case.policy.clauses.downgrade
    return tuple(
        case.event(
            "downgrade_ended",
            f"The way back to {_name(case, one)} is over: {case.standing.product.name} "
            f"was chosen since ({clause}).",
            clause,
            matters.change(KIND, one.key, is_open=False),
        )
        for on, one in ways.items()
        if on not in kept
    )


def way_back_text(case: Case) -> str | None:
    """Return what would lead back to the lowest product that an upgrade left; None: nothing."""
    lowest = min(matters.of_kind(case.standing, KIND), key=_cap, default=None)
    if lowest is None:
        return None
    name, clause = _name(case, lowest), case.policy.clauses.downgrade
    month = matters.text(lowest, "month")
    if month is not None:
        since = f"{month_text(month)} stayed below {amount_text(_cap(lowest), case.unit)}"
        return f"Going back to {name} is free of charge: {since} ({clause})."
    below = amount_text(_cap(lowest), case.unit)
    return f"A month below {below} opens the way back to {name} ({clause})."


def _unjudged(case: Case) -> Iterable[Matter]:
    """Yield the ways back that the last month may open, and has not."""
    last, ways = case.standing.last, matters.of_kind(case.standing, KIND)
    if last is None:
        return
    told = [_cap(one) for one in ways if matters.text(one, "month") == last.period.name]
    for one in ways:
        is_told = any(cap <= _cap(one) for cap in told)  # below a lower cap is below this one
        if _is_sold(case, one) and one.opened_at < last.period.end and not is_told:
            yield one


def _is_sold(case: Case, one: Matter) -> bool:
    product = case.catalogue.get(ProductId(one.key))
    return product is not None and withdrawal.is_sold(product, case)


def _is_below(case: Case, one: Matter) -> bool:
    last = case.standing.last
    counts = case.catalogue[ProductId(one.key)].counts
    return last is not None and last.counted(counts) < _cap(one)


def _offered(case: Case, one: Matter, to: Product, *, silent: bool = False) -> Event:
    last, clause = _last(case), case.policy.clauses.downgrade
    counted, month = last.counted(to.counts), last.period.name
    used = f"{of_text(counted, _cap(one), to.unit)} used in {month_text(month)}"
    known_to = case.standing.read_to if silent else None
    if known_to is not None:
        used += f", as far as is known: a meter was {_silent_text(case)}"
    text = (
        f"{used}: you may go back to {to.name}, at "
        f"{price_text(to, case.currency)}, without charge ({clause})."
    )
    figures: Figures = {
        **matters.change(KIND, one.key, on=matters.text(one, "on"), first_cap_bytes=_cap(one)),
        "to": to.id,
        "month": month,
        "counted_bytes": counted,
        "price": None if to.price is None else str(to.price),
        "currency": case.currency,
        **({} if known_to is None else {"known_to": rfc3339(known_to)}),
    }
    at = last.period.end if known_to is None else _gives_up_at(case)
    return case.event("downgrade_offered", text, clause, figures, at=at)


def _taken(case: Case, to: Product) -> Event:
    last = _last(case)
    clause, month = case.policy.clauses.downgrade, last.period.name
    text = (
        f"Moved from {case.standing.product.name} back to {to.name}, at "
        f"{price_text(to, case.currency)} and without charge: {month_text(month)} stayed below "
        f"{amount_text(to.cap_bytes or 0, to.unit)} ({clause})."
    )
    figures: Figures = {
        **matters.change(KIND, to.id, is_open=False),
        "from": case.standing.product.id,
        "to": to.id,
        "price": None if to.price is None else str(to.price),
        "currency": case.currency,
    }
    return case.event("plan_changed", text, clause, figures, at=last.period.end)


def _cap(one: Matter) -> int:
    return matters.number(one, "first_cap_bytes") or 0


def _name(case: Case, one: Matter) -> str:
    product = case.catalogue.get(ProductId(one.key))
    return one.key if product is None else product.name
