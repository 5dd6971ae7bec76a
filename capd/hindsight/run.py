"""The store's subscribers, some at a time, led through their lives again; nothing is written."""

from collections.abc import AsyncIterator, Callable, Generator
from dataclasses import dataclass
from datetime import timedelta

from capd.account.course import Answer, Ask
from capd.hindsight.difference import Compared, Difference
from capd.hindsight.known import Known, Span, Terms, Told
from capd.hindsight.life import Alike, happened, led_again
from capd.model import SubscriberId
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
    """Yield what would have been and what was, a subscriber after the other; add it up."""
    after, alike = "", Alike()
    async with store.looking_back() as past:
        whole = await past.how_many()
    progress(0, whole)
    while True:
        async with store.looking_back() as past:
            found = await _portion(past, after, question, alike)
        if not found:
            return
        for known, would, did in found:
            after = known.subscriber.id
            for one in difference.add(would, did):
                yield one
        progress(difference.subscribers, whole)


async def _portion(
    past: Past, after: str, question: Question, alike: Alike
) -> list[tuple[Known, Told, Told]]:
    """Lead the lives of the next few subscribers."""
    span = question.span
    some = await past.subscribers(after, _AT_A_TIME)
    ids = [one.id for one in some]
    trails = await past.trails(ids)
    counted = await past.counted(ids, span.since, span.until)
    several = [
        Known(subscriber=one, trail=trails.get(one.id, ()), periods=counted.get(one.id, {}))
        for one in some
    ]
    did: dict[SubscriberId, Told] = {}
    lives: dict[SubscriberId, _Life] = {}
    for known in several:
        who = known.subscriber.id
        standing, did[who] = happened(known, question.did, span)
        lives[who] = led_again(known, standing, question.would, span, alike)
    would = await _led(past, lives)
    return [(one, would[one.subscriber.id], did[one.subscriber.id]) for one in several]


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
