"""One subscriber's life, led again under given terms: from judgement to judgement. Pure.

Judgements say when to look again: at so many bytes, or at a moment. So a life is led in steps from
one to the next, whatever the rules are; facts that people told come in between, as they were told.
"""

from collections import Counter
from collections.abc import Generator, Hashable, Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime, time, timedelta
from operator import attrgetter
from types import MappingProxyType

from capd.account.course import NOTHING, Answer, Ask
from capd.account.history import Figures
from capd.decide import facts, late, retell
from capd.decide.contract import linked, product_terms
from capd.decide.judge import judge
from capd.decide.standing import apply, turned
from capd.hindsight import links
from capd.hindsight.known import (
    Known,
    Span,
    Terms,
    Told,
    course_of,
    lifetime_of,
    period_in,
    recalled,
    usage_of,
)
from capd.hindsight.links import Lead, Turn
from capd.model import (
    Event,
    Fact,
    Period,
    Standing,
    SubscriberId,
    Usage,
    Verdict,
)
from capd.quick import replace
from capd.units import micros, moment

_DAY = timedelta(days=1)
_PLAIN = frozenset({"subscriber", "product", "period", "usage", "topup_bytes"})
_MARKS = attrgetter(*(each.name for each in fields(Standing) if each.name not in _PLAIN))
Alike = dict[Hashable, Verdict]
"""The verdicts on those who begin a period with a clean sheet, shared by a whole run."""

_TICK = timedelta(microseconds=1)


def led_again(
    known: Known,
    standing: Standing,
    terms: Terms,
    span: Span,
    alike: Alike,
    *,
    mains: Mapping[SubscriberId, list[Turn]] = MappingProxyType({}),
) -> Generator[Ask, Answer, Told]:
    """Lead a life again from *standing* on; yields what it must know of the usage.

    *mains* are the connections that it hangs on, as their own lives were led again (CT-10).
    """
    row = terms.catalogue[standing.product.id]
    product = product_terms.in_force(row, standing.matters, standing.period)
    life = _Life(known, replace(standing, product=product), terms, alike)
    trail = links.without(known.trail, mains)
    told = retell.tellings(e for e in trail if span.since <= e.at < span.until)
    yield from life.lead(span, told, links.leads(mains, mains))
    return life.told


class _Life:
    def __init__(self, known: Known, standing: Standing, terms: Terms, alike: Alike) -> None:
        self.told = Told()
        self._known = known
        self._terms = terms
        self._alike = alike
        self._before: Sequence[Event] = ()  # of the trail, what was before
        self._standing = standing
        self._course = course_of(known, standing.period)
        self._until = standing.period.end
        self._late = False  # bytes that showed only after the period's end led somewhere

    def lead(
        self, span: Span, told: Sequence[Sequence[Event]], leads: Sequence[Lead]
    ) -> Generator[Ask, Answer, None]:
        """Go from judgement to judgement; what is told then comes after what fell due."""
        waiting, self._until = list(reversed(told)), span.until
        self._before = [event for event in self._known.trail if event.at < span.since]
        followed = list(reversed(leads))
        now = span.since
        while now < span.until:
            yield from self._come_to(now)
            verdict = self._judge(now)
            while waiting and waiting[-1][0].at <= now:
                verdict = self._tell(waiting.pop(), now) or verdict
            while followed and followed[-1].at <= now:
                verdict = self._follow(followed.pop(), now) or verdict
            after = yield from self._after(verdict, now)
            now = min([after, *(telling[0].at for telling in waiting[-1:])])
            now = min([now, *(lead.at for lead in followed[-1:])])

    def _come_to(self, now: datetime) -> Generator[Ask, Answer, None]:
        while now >= self._standing.period.end:
            self._turn()
        figures = yield from self._course.until(micros(now))
        self._use(figures, now)

    def _turn(self) -> None:
        """Leave a period behind: late bytes count against it, and stop nobody any more."""
        end, terms = self._standing.period.end, self._terms
        self._use(self._course.whole, end)
        if self._late:
            policy = terms.policy_of(self._standing, end - _TICK)
            self._note(
                late.settle(
                    self._standing,
                    terms.catalogue,
                    policy,
                    end,
                    currency=terms.currency,
                    zone=terms.zone,
                )
            )
        self._standing = turned(self._standing, period_in(self._known, terms.zone, end))
        self._course = course_of(self._known, self._standing.period)

    def _judge(self, now: datetime) -> Verdict:
        """Judge, but for those who begin a period with a clean sheet: all of them are alike."""
        key = _clean(self._standing, now)
        found = None if key is None else self._alike.get(key)
        if found is None:
            found = self._judged(now)
            if key is not None and not found.events:
                self._alike[key] = found
        return found

    def _judged(self, now: datetime) -> Verdict:
        terms = self._terms
        policy = terms.policy_of(self._standing, now)
        if terms.book is not None:
            self._note(terms.book.announced(terms.case(self._standing, now)))
        verdict = judge(
            self._standing,
            terms.catalogue,
            policy,
            now,
            currency=terms.currency,
            zone=terms.zone,
        )
        self._note(verdict.events)
        self.told.look(now, self._standing, policy)
        return verdict

    def _tell(self, telling: Sequence[Event], now: datetime) -> Verdict | None:
        """Take in what somebody told; return what it led to, None where it changed nothing."""
        verdict, came_of_it = None, Counter[str]()
        for step in retell.steps(telling):
            if isinstance(step, Fact) and came_of_it[step.fact]:
                came_of_it[step.fact] -= 1  # it was no fact of its own
                continue
            events = self._accepted(step, now) if isinstance(step, Fact) else step
            came_of_it.update(fact.fact for fact in map(retell.fact_of, events[1:]) if fact)
            before = self._standing
            self._note(events)
            if self._standing is not before:
                verdict = self._judge(now)
        return verdict

    def _follow(self, lead: Lead, now: datetime) -> Verdict | None:
        """Follow a connection that went off or came on (CT-10); None where nothing comes of it."""
        found = linked.follow(self._terms.case(self._standing, now), lead.main, lead.hold)
        self._note(found)
        return self._judge(now) if found else None

    def _accepted(self, fact: Fact, now: datetime) -> tuple[Event, ...]:
        found = self._answer(fact, now)
        if isinstance(found, facts.Refused) and fact.details.get("charges"):
            # an invoice stands, also where what it bills would not have been charged
            plain = {name: text for name, text in fact.details.items() if name != "charges"}
            found = self._answer(replace(fact, details=plain), now)
        if isinstance(found, facts.Refused):
            self.told.refused += 1
            return ()
        return found

    def _answer(self, fact: Fact, now: datetime) -> tuple[Event, ...] | facts.Refused:
        terms = self._terms
        return facts.accept(
            self._standing,
            fact,
            terms.catalogue,
            terms.policy_of(self._standing, now),
            now,
            currency=terms.currency,
            zone=terms.zone,
            past=recalled(facts.recalled(fact), self._before, self.told.events),
        )

    def _after(self, verdict: Verdict, now: datetime) -> Generator[Ask, Answer, datetime]:
        """Return when to look again: usage at a line, or time alone; at the latest a new period."""
        end = self._standing.period.end
        soonest = end if verdict.due_at is None else min(verdict.due_at, end)
        self._late = False
        if verdict.watch_bytes is not None:
            counts = self._standing.product.counts
            at = yield from self._course.reaches(verdict.watch_bytes, counts, after=micros(now))
            if at is not None:
                self._late = moment(at) >= end
                soonest = min(soonest, self._of_the_day(verdict, moment(at), end))
        return max(soonest, now + _TICK)

    def _of_the_day(self, verdict: Verdict, at: datetime, end: datetime) -> datetime:
        """Return when to look because of usage at *at*: unit after unit is charged by the day.

        A subscriber far over the cap would else be judged at every gigabyte.
        """
        charged = verdict.events and all(event.kind == "charge" for event in verdict.events)
        if not charged or at >= end:
            return at
        local = at.astimezone(self._terms.zone)
        midnight = datetime.combine(local.date() + _DAY, time(), self._terms.zone)
        return min(end, midnight.astimezone(UTC), self._until) - _TICK

    def _use(self, figures: Figures, now: datetime) -> None:
        standing = self._standing
        used = usage_of(standing.subscriber.id, standing.period, figures)
        last = read_to = None
        if standing.matters:
            last, read_to = self._last(standing.period), now
        standing = replace(standing, usage=used, last=last, read_to=read_to)
        self._keep(standing)  # its product may be another by now: a balance counts for a lifetime

    def _keep(self, standing: Standing) -> None:
        lifetime = lifetime_of(self._known, standing)
        same = lifetime == standing.lifetime
        self._standing = standing if same else replace(standing, lifetime=lifetime)

    def _last(self, period: Period) -> Usage:
        """Return the usage of the period before *period*."""
        known, zone = self._known, self._terms.zone
        before = period_in(known, zone, period.start - _TICK)
        counted = known.periods.get(before.start)
        return usage_of(known.subscriber.id, before, NOTHING if counted is None else counted[1])

    def _note(self, events: Sequence[Event]) -> None:
        if events:
            self.told.events += events
            self._keep(apply(self._standing, events, self._terms.catalogue))


def _clean(standing: Standing, now: datetime) -> Hashable | None:
    """Return what a verdict on somebody depends on of whom nothing is known but the product."""
    used = standing.usage
    if now != standing.period.start or used.down_bytes or used.up_bytes or standing.topup_bytes:
        return None
    if any(_MARKS(standing)):
        return None
    who = standing.subscriber
    return standing.product.id, standing.period.start, standing.period.end, who.linked, who.sector
