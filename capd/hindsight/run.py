"""The store's subscribers, some at a time, led through their lives again; nothing is written."""

from collections.abc import AsyncIterator, Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from capd.account.course import Answer, Ask
from capd.hindsight.difference import Compared, Difference
from capd.hindsight.happened import happened
from capd.hindsight.known import Known, Span, Terms, Told
from capd.hindsight.life import Alike, led_again
from capd.hindsight.links import Links, Turn, links_of
from capd.model import Standing, Subscriber, SubscriberId
from capd.store import Past, Store

_AT_A_TIME = 500  # subscribers in memory
_TICK = timedelta(microseconds=1)

Progress = Callable[[int, int], None]
"""Told how many subscribers are done, and of how many."""

_Life = Generator[Ask, Answer, Told]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Which terms are looked at, beside which, and from when to when."""

    would: Terms
    did: Terms  # those in force
    span: Span


async def range_of(store: Store) -> Span | None:
    """Return from when to when there is usage; None: there is none at all."""
    async with store.looking_back() as past:
        found = await past.range()
    return None if found is None else Span(since=found[0], until=found[1] + _TICK)


async def lives(
    store: Store, question: Question, difference: Difference, progress: Progress
) -> AsyncIterator[Compared]:
    """Yield what would have been and what was, a subscriber after the other; add it up.

    What hangs on a connection comes after all connections: it follows what would become of those.
    """
    async with store.looking_back() as past:
        whole, mains = await past.how_many(), await past.linked()
    run = _Run(question, links_of(mains))
    progress(0, whole)
    await _lead_the_way(store, run, [main for main in mains if main in run.links])
    async for some in _portions(store, run.links):
        async with store.looking_back() as past:
            found = await run.portion(past, await past.some(some))
        for would, did in found:
            for one in difference.add(would, did):
                yield one
        progress(difference.subscribers, whole)


async def _lead_the_way(store: Store, run: "_Run", both: Sequence[SubscriberId]) -> None:
    """Lead the lives of those that hang on others and have others hang on them.

    What those follow does not depend on what these follow themselves: nothing is passed on.
    """
    for some in _chunks(both):
        async with store.looking_back() as past:
            await run.portion(past, await past.some(some))


async def _portions(store: Store, links: Links) -> AsyncIterator[Sequence[SubscriberId]]:
    """Yield everybody, some at a time: those that hang on others after all the rest."""
    after = ""
    while True:
        async with store.looking_back() as past:
            some = await past.subscribers(after, _AT_A_TIME)
        if not some:
            break
        after = some[-1].id
        yield [one.id for one in some if one.id not in links]
    for several in _chunks(sorted(links)):
        yield several


def _chunks(several: Sequence[SubscriberId]) -> Iterator[Sequence[SubscriberId]]:
    for start in range(0, len(several), _AT_A_TIME):
        yield several[start : start + _AT_A_TIME]


class _Run:
    """What is kept from one portion to the next."""

    def __init__(self, question: Question, links: Links) -> None:
        self.links = links
        self._question = question
        self._alike = Alike()
        self._turns: dict[SubscriberId, list[Turn]] = {}  # of connections that others hang on

    async def portion(self, past: Past, some: Sequence[Subscriber]) -> list[tuple[Told, Told]]:
        """Lead the lives of *some*; return what would have been, and what was, of each."""
        span = self._question.span
        ids = [one.id for one in some]
        trails = await past.trails(ids)
        counted = await past.counted(ids, span.since, span.until)
        did: dict[SubscriberId, Told] = {}
        lives: dict[SubscriberId, _Life] = {}
        for one in some:
            known = Known(
                subscriber=one, trail=trails.get(one.id, ()), periods=counted.get(one.id, {})
            )
            standing, did[one.id] = happened(known, self._question.did, span)
            lives[one.id] = self._life(known, standing)
        would = await _led(past, lives)
        self._turns |= {one.id: would[one.id].turns for one in some if one.linked}
        return [(would[who], did[who]) for who in ids]

    def _life(self, known: Known, standing: Standing) -> _Life:
        mains = self.links.get(known.subscriber.id, ())
        return led_again(
            known,
            standing,
            self._question.would,
            self._question.span,
            self._alike,
            mains={main: self._turns[main] for main in mains if main in self._turns},
        )


async def _led(past: Past, lives: dict[SubscriberId, _Life]) -> dict[SubscriberId, Told]:
    """Lead *lives* side by side: what they must know of usage is looked up for all at once."""
    ended: dict[SubscriberId, Told] = {}
    answers: dict[SubscriberId, Answer | None] = dict.fromkeys(lives)
    while answers:
        asked: dict[SubscriberId, Ask] = {}
        for who, answer in answers.items():
            try:
                asked[who] = next(lives[who]) if answer is None else lives[who].send(answer)
            except StopIteration as stop:
                ended[who] = stop.value
        answers = dict(await past.answers(asked)) if asked else {}
    return ended
