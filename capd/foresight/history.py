"""Many subscribers' past days, as patterns are learnt from them, out of the store."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from capd.account.course import ByDay, Day, counted
from capd.account.history import Figures
from capd.foresight.pattern import Days
from capd.hindsight.difference import Spell, spells
from capd.hindsight.happened import happened
from capd.hindsight.known import Known, Span, Terms
from capd.model import Counts, Period, SubscriberId
from capd.store import Past
from capd.units import micros, moment

_DAY = timedelta(days=1)
_HALF_A_DAY = timedelta(hours=12)
_MOST_UNKNOWN_US = 6 * 3_600_000_000  # of a day, if it is to teach anything


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What one subscriber used day by day, and when service was off."""

    known: Known
    days: Mapping[date, Figures]  # local; those with usage
    off: Sequence[Spell]

    def between(self, first: date, last: date, counts: Counts, zone: ZoneInfo) -> Days:
        """Return the days from *first* up to, not with, *last* that say what is usual."""
        began = min(self.days, default=last)
        off = {day for spell in self.off for day in _touched(spell, zone)}
        found, day = {}, max(first, began + _DAY)  # the first one is hardly whole
        while day < last:
            figures = self.days.get(day, (0, 0, 0, 0))
            if day not in off and figures[3] <= _MOST_UNKNOWN_US:
                found[day] = max(0, counted(figures, counts))
            day += _DAY
        return found

    def used(self, period: Period, until: date, counts: Counts, zone: ZoneInfo) -> int:
        """Return what was counted of *period* before the day *until*."""
        first = period.start.astimezone(zone).date()
        return sum(
            counted(figures, counts) for day, figures in self.days.items() if first <= day < until
        )


async def histories(
    past: Past, several: Sequence[Known], terms: Terms, span: Span
) -> dict[SubscriberId, History]:
    """Return the days of *span* of each; what is left of a day that began before it is not in."""
    days: dict[SubscriberId, dict[date, Figures]] = {one.subscriber.id: {} for one in several}
    waiting = [_asks(one, span) for one in several]
    while asked := {asks[-1].subscriber: asks.pop() for asks in waiting if asks}:
        for who, answer in (await past.answers(asked)).items():
            for day in answer:
                if isinstance(day, Day):
                    local = (moment(day.since) + _HALF_A_DAY).astimezone(terms.zone).date()
                    days[who][local] = day.figures
    return {
        one.subscriber.id: History(
            known=one,
            days=days[one.subscriber.id],
            off=spells(happened(one, terms, span)[1], span),
        )
        for one in several
    }


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """Return when the local *day* begins."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _asks(one: Known, span: Span) -> list[ByDay]:
    """Return the asks for one's days: each period of its own, from a day's beginning on."""
    found = []
    for period, _ in one.periods.values():
        if period.end <= span.since or period.start >= span.until:
            continue
        whole = max(timedelta(0), span.since - period.start) // _DAY
        since = period.start + whole * _DAY
        until = min(period.end, span.until)
        found.append(ByDay(one.subscriber.id, micros(period.start), micros(since), micros(until)))
    return found


def _touched(spell: Spell, zone: ZoneInfo) -> Sequence[date]:
    first, last = (at.astimezone(zone).date() for at in spell)
    return [first + n * _DAY for n in range((last - first).days + 1)]
