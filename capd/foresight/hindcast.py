"""What forecasts would have said of past periods, and how good that would have been."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from capd.account.periods import period_of
from capd.foresight.history import History, midnight
from capd.foresight.outlook import look_ahead, run_rate
from capd.foresight.pattern import Population
from capd.foresight.run import (
    Now,
    Progress,
    ahead_of,
    all_do_by,
    histories_of,
    pattern_of,
    seed_of,
)
from capd.foresight.score import Guess, Score
from capd.hindsight.happened import happened
from capd.hindsight.known import Span, Terms
from capd.model import Period
from capd.store import Store

DAYS = (10, 15, 20)
"""The days of a period as of which forecasts are scored."""

_AT_A_TIME = 500
_MOST = 500  # subscribers; of more, every so manieth
_PERIODS = 6
_LEAST_HISTORY = timedelta(days=21)  # before a period that is scored
_DAY = timedelta(days=1)
_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """What forecasts of past periods are worth, beside the straight line."""

    forecast: Score
    line: Score
    subscribers: int


async def scored(store: Store, terms: Terms, span: Span, progress: Progress) -> Scored:
    """Forecast the last whole periods of *span* as of some of their days, and compare."""
    async with store.looking_back() as past:
        whole = await past.how_many()
    step, done, after = max(1, -(-whole // _MOST)), 0, ""
    result = Scored(forecast=Score(), line=Score(), subscribers=-(-whole // step))
    while True:
        async with store.looking_back() as past:
            some = await past.subscribers(after, _AT_A_TIME)
            if not some:
                return result
            chosen = [one for n, one in enumerate(some, done) if n % step == 0]
            found = await histories_of(past, chosen, terms, span)
        _score(list(found.values()), terms, span, result)
        done, after = done + len(some), some[-1].id
        progress(done, whole)


def _score(several: Sequence[History], terms: Terms, span: Span, result: Scored) -> None:
    @cache
    def all_do(at: datetime) -> Population:
        return all_do_by(several, Now(terms=terms, at=at))

    for history in several:
        cycle = history.known.subscriber.cycle
        period = period_of(span.last, cycle, terms.zone)
        for _ in range(_PERIODS):
            period = period_of(period.start - _TICK, cycle, terms.zone)
            if period.start - _LEAST_HISTORY < span.since:
                break
            for day in DAYS:
                first = period.start.astimezone(terms.zone).date()
                at = midnight(first + (day - 1) * _DAY, terms.zone)
                _guess(history, period, Now(terms=terms, at=at), all_do, result)


def _guess(
    history: History,
    period: Period,
    now: Now,
    all_do: Callable[[datetime], Population],
    result: Scored,
) -> None:
    """Say what would have been said *now*; nothing where it was over, or nobody can know."""
    zone = now.terms.zone
    standing, _ = happened(history.known, now.terms, Span(since=now.at, until=now.at + _TICK))
    case, counts = now.terms.case(standing, now.at), standing.product.counts
    allowance, counted = case.allowance, history.used(period, now.today, counts, zone)
    used = history.used(period, period.end.astimezone(zone).date(), counts, zone)
    off = any(start < period.end and stop > period.start for start, stop in history.off)
    if allowance is None or counted > allowance or (off and used <= allowance):
        return
    outlook = look_ahead(
        pattern_of(case, history, now, all_do(now.at)),
        ahead_of(case, now),
        counted=counted,
        allowance=allowance,
        seed=seed_of(case, now),
    )
    line = run_rate(now.at, period, counted)
    for score, probability, expected in (
        (result.forecast, outlook.probability, outlook.p50_bytes),
        (result.line, float(line > allowance), line),
    ):
        guess = Guess(
            day=(now.today - period.start.astimezone(zone).date()).days + 1,
            probability=probability,
            expected_bytes=expected,
            over=used > allowance,
            used_bytes=None if off else used,
        )
        score.guesses.append(guess)
