"""How a period's usage came about, looked up only as closely as somebody asks.

A course knows the period's total. Where that is not enough it asks, as a generator that yields what
it wants to know: first for the period by day, then for the rows of a day as they are kept. What is
kept by reading was counted at that reading; what only hours or days are left of is spread evenly.
"""

from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, cast

from capd.account.history import Figures
from capd.model import Counts, Period, SubscriberId
from capd.units import micros

NOTHING: Figures = (0, 0, 0, 0)


class ByDay(NamedTuple):
    """Asks for a whole period, summed up by about a day; the answer is `Day`s, oldest first."""

    subscriber: SubscriberId
    start: int  # of the period, in microseconds since 1970 UTC, as all moments here
    since: int
    until: int


class AsKept(NamedTuple):
    """Asks for the rows of a period that started from *since* up to *until*: `Kept`s."""

    subscriber: SubscriberId
    start: int  # of the period
    since: int
    until: int


class Day(NamedTuple):
    """The sum of the rows that started in about a day; there are some."""

    since: int
    until: int
    ended: int  # the last of them ended then
    figures: Figures


class Kept(NamedTuple):
    """A row of the ledger: what one reading added, or what is left of an hour or more."""

    start: int
    end: int
    figures: Figures
    reading: bool  # counted at its end, all at once


Ask = ByDay | AsKept
Answer = Sequence[Day] | Sequence[Kept]


def counted(figures: Figures, counts: Counts) -> int:
    """Return the bytes of *figures* that a cap with *counts* looks at (UC-1)."""
    if counts is Counts.BOTH:
        return figures[0] + figures[1]
    return figures[0] if counts is Counts.DOWNLOAD else figures[1]


@dataclass(slots=True)
class Course:
    """One subscriber's usage in one period."""

    subscriber: SubscriberId
    period: Period
    whole: Figures = NOTHING
    _days: Sequence[Day] | None = None
    _kept: dict[int, Sequence[Kept]] = field(default_factory=dict)

    def until(self, at: int) -> Generator[Ask, Answer, Figures]:
        """Return what was counted from the period's start up to *at*."""
        if not any(self.whole) or at <= micros(self.period.start):
            return NOTHING
        if at >= micros(self.period.end):
            return self.whole
        down = up = estimated = unknown_us = 0
        for day in (yield from self._by_day()):
            if day.ended <= at:
                several: Sequence[Figures] = (day.figures,)
            elif day.since < at:
                several = [_by(at, kept) for kept in (yield from self._rows(day))]
            else:
                break
            for figures in several:
                down += figures[0]
                up += figures[1]
                estimated += figures[2]
                unknown_us += figures[3]
        return down, up, estimated, unknown_us

    def reaches(
        self, line: int, counts: Counts, *, after: int
    ) -> Generator[Ask, Answer, int | None]:
        """Return when, later than *after*, usage came to *line* bytes or more; None: it did not."""
        if counted(self.whole, counts) < line:
            return None
        days = yield from self._by_day()
        begun, best = 0, None
        for n, day in enumerate(days):
            if best is not None and best <= day.since:
                break  # nothing that begins later can have met it before
            begun += counted(day.figures, counts)
            last = n + 1 == len(days)
            if begun >= line and (last or day.until > after):
                found = yield from self._within(days[: n + 1], line, counts, after)
                if found is not None and (last or found <= day.until):
                    return found
                best = found if best is None else best
        return best

    def _within(
        self, days: Sequence[Day], line: int, counts: Counts, after: int
    ) -> Generator[Ask, Answer, int | None]:
        """Return when the line was met by rows that began in *days* and did not end before."""
        ended = 0
        rows: list[Kept] = []
        for day in days:
            if day.ended <= days[-1].since:
                ended += counted(day.figures, counts)
            else:
                rows += yield from self._rows(day)
        return _first(line - ended, counts, after, sorted(rows, key=lambda kept: kept.end))

    def _by_day(self) -> Generator[Ask, Answer, Sequence[Day]]:
        if self._days is None:
            start, end = micros(self.period.start), micros(self.period.end)
            answer = yield ByDay(self.subscriber, start, start, end)
            self._days = cast("Sequence[Day]", answer)  # as it was asked
        return self._days

    def _rows(self, day: Day) -> Generator[Ask, Answer, Sequence[Kept]]:
        if day.since not in self._kept:
            start = micros(self.period.start)
            answer = yield AsKept(self.subscriber, start, day.since, day.until)
            self._kept[day.since] = cast("Sequence[Kept]", answer)
        return self._kept[day.since]


def _by(at: int, kept: Kept) -> Figures:
    """Return what of a row was counted by *at*; a share is rounded up, so that a line is met."""
    start, end, figures, reading = kept
    if end <= at:
        return figures
    if reading or start >= at:
        return NOTHING
    down, up, estimated, unknown_us = (
        -(-count * (at - start) // (end - start)) for count in figures
    )
    return down, up, estimated, unknown_us


def _first(line: int, counts: Counts, after: int, rows: Iterable[Kept]) -> int | None:
    before = 0
    for kept in rows:
        count = counted(kept.figures, counts)
        if before + count >= line:
            at = kept.end if kept.reading else _within(kept, line - before, count)
            at = at if at > after else kept.end
            if at > after:
                return at
        before += count
    return None


def _within(kept: Kept, wanted: int, count: int) -> int:
    if wanted <= 0 or count <= 0:
        return kept.end
    return kept.start - (-wanted * (kept.end - kept.start) // count)
