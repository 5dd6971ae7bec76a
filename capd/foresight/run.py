"""Outlooks of everybody in the store, and how good earlier ones would have been."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from capd.decide import upgrades
from capd.decide.case import Case, allowance_with
from capd.foresight.history import History, histories
from capd.foresight.outlook import Ahead, Outlook, ahead, look_ahead, may_go_over
from capd.foresight.pattern import WINDOW, Pattern, Population, everybody, learn
from capd.hindsight.known import Known, Span, Terms
from capd.model import Product, Standing, Subscriber, SubscriberId
from capd.store import Past, Store

_AT_A_TIME = 500
_SAMPLE = 200  # subscribers of whom what all do is learnt
_DAY = timedelta(days=1)
_MONTH = 30.4  # days

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prospect:
    """One subscriber's running period: what was used, what may come, what would cover it."""

    standing: Standing
    allowance_bytes: int | None
    counted_bytes: int
    outlook: Outlook | None  # None: over it already, or far from it
    learnt_days: int
    covered_by: Product | None  # the next product that would cover nine in ten of what may come

    @property
    def is_over(self) -> bool:
        """Say whether the cap is reached already."""
        return self.allowance_bytes is not None and self.counted_bytes > self.allowance_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Now:
    """What every prospect is worked out by."""

    terms: Terms
    at: datetime

    @property
    def today(self) -> date:
        """Return the local day."""
        return self.at.astimezone(self.terms.zone).date()

    @property
    def span(self) -> Span:
        """Return the time that patterns are learnt from."""
        return Span(since=self.at - WINDOW, until=self.at)


async def prospects(store: Store, now: Now, progress: Progress) -> AsyncIterator[Prospect]:
    """Yield the prospect of each subscriber, in the order of their ids."""
    all_do = await _population(store, now)
    async with store.looking_back() as past:
        whole = await past.how_many()
    done, after = 0, ""
    while True:
        async with store.looking_back() as past:
            some = await past.subscribers(after, _AT_A_TIME)
            if not some:
                return
            found = await _prospects(past, some, now, all_do)
        for one in found:
            yield one
        done, after = done + len(some), some[-1].id
        progress(done, whole)


async def prospect(store: Store, now: Now, subscriber: Subscriber) -> Prospect:
    """Return the prospect of one subscriber, however far from the cap they are."""
    all_do = await _population(store, now)
    async with store.looking_back() as past:
        [found] = await _prospects(past, [subscriber], now, all_do, closely=True)
    return found


async def _population(store: Store, now: Now) -> Population:
    """Return what all do, learnt of the first few."""
    async with store.looking_back() as past:
        some = await past.subscribers("", _SAMPLE)
        found = await histories_of(past, some, now.terms, now.span)
    return all_do_by(list(found.values()), now)


def all_do_by(several: Sequence[History], now: Now) -> Population:
    """Return what all do, by the first few of *several*."""
    terms, known = now.terms, []
    for one in several[:_SAMPLE]:
        product = terms.catalogue[one.known.subscriber.product]
        days = one.between(now.today - WINDOW, now.today, product.counts, terms.zone)
        known.append((days, (product.cap_bytes or 0) / _MONTH))
    return everybody(known)


async def histories_of(
    past: Past, some: Sequence[Subscriber], terms: Terms, span: Span
) -> dict[SubscriberId, History]:
    """Return the days of *span* of *some*, out of the store."""
    ids = [one.id for one in some]
    trails = await past.trails(ids)
    counted = await past.counted(ids, span.since, span.until)
    known = [
        Known(subscriber=one, trail=trails.get(one.id, ()), periods=counted.get(one.id, {}))
        for one in some
    ]
    return await histories(past, known, terms, span)


async def _prospects(
    past: Past,
    some: Sequence[Subscriber],
    now: Now,
    all_do: Population,
    *,
    closely: bool = False,
) -> list[Prospect]:
    ids = [one.id for one in some]
    terms = now.terms
    found = await past.standings(ids, now=now.at, tz=terms.zone, months=terms.policy.window_months)
    known = await histories_of(past, some, terms, now.span)
    return [
        _prospect(each, known[each.subscriber.id], now, all_do, closely=closely) for each in found
    ]


def _prospect(
    standing: Standing, history: History, now: Now, all_do: Population, *, closely: bool
) -> Prospect:
    case = now.terms.case(standing, now.at)
    pattern, left = pattern_of(case, history, now, all_do), ahead_of(case, now)
    counted, allowance, outlook = case.counted, case.allowance, None
    if closely or (
        not case.is_over and may_go_over(pattern, left, counted=counted, allowance=allowance)
    ):
        seed = seed_of(case, now)
        outlook = look_ahead(pattern, left, counted=counted, allowance=allowance, seed=seed)
    return Prospect(
        standing=standing,
        allowance_bytes=allowance,
        counted_bytes=counted,
        outlook=outlook,
        learnt_days=pattern.days,
        covered_by=None if outlook is None else _covering(case, outlook.p90_bytes),
    )


def pattern_of(case: Case, history: History, now: Now, all_do: Population) -> Pattern:
    """Return the pattern of the days up to *now*."""
    period, counts = case.standing.period, case.standing.product.counts
    days = history.between(now.today - WINDOW, now.today, counts, now.terms.zone)
    allowance_a_day = (case.allowance or 0) / ((period.end - period.start) / _DAY)
    return learn(days, all_do, allowance_a_day=allowance_a_day)


def ahead_of(case: Case, now: Now) -> Ahead:
    """Return what is left of the period."""
    return ahead(now.at, case.standing.period, now.terms.zone)


def seed_of(case: Case, now: Now) -> str:
    """Return the seed by which all draw the same on one day."""
    return f"{case.standing.subscriber.id} {case.period} {now.today}"


def _covering(case: Case, used: int) -> Product | None:
    """Return the next product up whose cap covers *used* bytes with what was bought."""
    for product in upgrades.above(case):
        allowance = allowance_with(case.standing, product, case.policy)
        if allowance is None or allowance >= used:
            return product
    return None
