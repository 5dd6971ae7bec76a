"""Readings and facts from a file, in order, through the real accounting and policy.

On a scratch store and the file's clock: what falls due between two lines happens, and is dated,
when it falls due.
"""

import tempfile
from collections import deque
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from capd import sales
from capd.account.periods import next_period, period_of
from capd.account.report import usage_record
from capd.decide import facts
from capd.decide.book import Book, book_of
from capd.decide.policy import Policy
from capd.decide.shapes import guess
from capd.errors import ConfigError
from capd.fill import fill_all_turn
from capd.house import House
from capd.lines import Line, event_record, line_of
from capd.metrics import Metrics
from capd.model import Counts, Event, Fact, Inventory, MeterKey, Reading, Reason, SubscriberId
from capd.pipeline import accept_turn, account_turn, decide_turn
from capd.store import Store
from capd.told import UNPRINTED

Progress = Callable[[int], None]
"""Told how many lines are done."""

Refusal = Callable[[str], None]
"""Told, in a line, which fact was refused and why."""

_MOST_MISTAKES = 1000
_FEW = 500  # names among which a guess at a mistyped one takes no time
_AT_ONCE = 2000
_PAGE = 1000


async def replay(
    source: str,
    lines: Iterable[bytes],
    *,
    inventory: Inventory,
    policy: Policy | Book,
    zone: ZoneInfo,
    currency: str,
    progress: Progress = lambda _: None,
    refused: Refusal = lambda _: None,
) -> AsyncIterator[dict[str, object]]:
    """Yield what would have happened, an event at a time, then a usage record a period.

    A fact that the terms refuse changes nothing; *refused* is told of it.
    Raises ConfigError with every mistake in the file at once, before anything is yielded.
    """
    with tempfile.TemporaryDirectory(prefix="capd-replay-") as folder:
        store = await Store.open(f"sqlite:///{Path(folder) / 'replay.db'}", upgrade=True)
        try:
            book = policy if isinstance(policy, Book) else book_of([policy])
            house = House(
                store=store,
                policy=book.newest,
                book=book,
                zone=zone,
                currency=currency,
                metrics=Metrics(),
            )
            run = _Run(house, inventory, refused)
            await run.take(source, lines, progress)
            async for event in run.events():
                yield event
            async for record in run.usages():
                yield record
        finally:
            await store.close()


def misshapen(source: str, lines: Iterable[bytes]) -> list[str]:
    """Return what is wrong with each line by itself, whatever the inventory says."""
    mistakes: list[str] = []
    for number, text in enumerate(lines, 1):
        if not text.strip():
            continue
        try:
            line = line_of(text)
            if isinstance(line, Fact) and line.fact != "clock":
                _expect_shape(line)
        except ValueError as exc:
            mistakes.append(f"{source}:{number}: {exc}")
    return mistakes[:_MOST_MISTAKES]


def _expect_shape(fact: Fact) -> None:
    mistakes = facts.check(fact)
    if mistakes:
        raise ValueError("; ".join(mistakes))


def _guess(word: str, known: Collection[str]) -> str:
    return guess(word, known) if len(known) <= _FEW and word not in known else ""


def _soonest(policy: Policy, inventory: Inventory) -> timedelta:
    """Return how soon after a reading time alone can change what follows from it (UC-8)."""
    if Reason.CAP in policy.quiet.reasons:
        return timedelta(minutes=1)  # a working hour may begin at any time
    hours = {policy.delay_h, *(product.delay_h or 0 for product in inventory.products)} - {0}
    return timedelta(hours=min(hours)) if hours else timedelta.max


class _Run:
    """One file on its way through the turns."""

    def __init__(self, house: House, inventory: Inventory, refused: Refusal) -> None:
        self._house = house
        self._refused = refused
        self._inventory = inventory
        self._meters = {
            MeterKey(device.id, meter.id) for device in inventory.devices for meter in device.meters
        }
        self._products = {product.id for product in inventory.products}
        self._people = {subscriber.id: subscriber for subscriber in inventory.subscribers}
        self._waiting: list[Reading] = []
        self._now: datetime | None = None
        self._began: datetime | None = None
        self._due: datetime | None = None
        self._terms: dict[tuple[SubscriberId, str], tuple[int | None, Counts]] = {}
        self._soonest = _soonest(house.policy, inventory)

    async def take(self, source: str, lines: Iterable[bytes], progress: Progress) -> None:
        """Take every line in turn; mistakes are gathered, and end the run at its end."""
        mistakes: list[str] = []
        number = 0
        for number, text in enumerate(lines, 1):
            if not text.strip():
                continue
            try:
                why = await self._line(line_of(text))
                if why is not None:
                    self._refused(f"{source}:{number}: refused: {why}")
            except ValueError as exc:
                mistakes.append(f"{source}:{number}: {exc}")
                if len(mistakes) == _MOST_MISTAKES:
                    mistakes.append(
                        f"{source}: and maybe more; the first {_MOST_MISTAKES} are shown"
                    )
                    break
            if not number % _AT_ONCE:
                progress(number)
        if mistakes:
            raise ConfigError(*mistakes)
        await self._settle()
        if self._now is not None:
            await self._let_pass(self._now)
            await fill_all_turn(self._house, now=self._now)
            self._house.heard_to = self._now
            await self._judge(sorted(self._house.memory.awaited), self._now)
        progress(number)

    async def _line(self, line: Line) -> str | None:
        """Take one line; return why, if it tells a fact that is refused."""
        if self._now is None:
            await self._begin(line.at)
        await self._let_pass(line.at)
        if isinstance(line, Reading):
            if line.key not in self._meters:
                raise ValueError(
                    f"no meter {line.meter!r} on device {line.device!r} in the inventory."
                    f"{_guess(line.device, {key.device for key in self._meters})}"
                )
            self._waiting.append(line)
            if len(self._waiting) >= _AT_ONCE:
                await self._settle()
        elif line.fact != "clock":
            return await self._fact(line)
        return None

    async def _begin(self, at: datetime) -> None:
        store = self._house.store
        await store.people.apply(
            self._inventory, dry_run=False, author="file", at=at, notice=self._house.notice
        )
        self._now = self._began = at
        await self._house.look_round()
        await self._judge(list(self._people), at)

    async def _let_pass(self, at: datetime) -> None:
        """Let the clock run up to *at*; what falls due on the way happens then."""
        if self._waiting and at - self._waiting[0].at >= self._soonest:
            await self._settle()  # something that they lead to may be due by now
        while self._due is not None and self._due <= at:
            if self._waiting:
                await self._settle()  # and look again: it may have moved what is due
                continue
            moment = self._due
            due = [who for who, when in self._house.memory.due.items() if when <= moment]
            await self._judge(due, moment)
        if self._now is None or at > self._now:
            self._now = at

    async def _settle(self) -> None:
        waiting, self._waiting = self._waiting, []
        if waiting:
            await account_turn(self._house, waiting)
            self._look_ahead()

    async def _fact(self, fact: Fact) -> str | None:
        _expect_shape(fact)
        if fact.subscriber is not None and fact.subscriber not in self._people:
            raise ValueError(
                f"subscriber {fact.subscriber!r} is not in the inventory."
                f"{_guess(fact.subscriber, self._people)}"
            )
        product = fact.details.get("product")
        if product is not None and product not in self._products:
            raise ValueError(
                f"product {product!r} is not in the inventory.{_guess(product, self._products)}"
            )
        await self._settle()
        now = max(fact.at, self._now or fact.at)
        take = sales.told if fact.fact == sales.FACT else accept_turn
        why = await take(self._house, fact, now=now)
        self._look_ahead()
        return why

    async def _judge(self, who: list[SubscriberId], at: datetime) -> None:
        await decide_turn(self._house, who, now=at)
        self._look_ahead()

    def _look_ahead(self) -> None:
        memory = self._house.memory
        self._due = min(memory.due.values(), default=None)
        for who, line in memory.lines.items():
            self._terms[who, line.period.name] = (line.allowance_bytes, line.counts)

    async def events(self) -> AsyncIterator[dict[str, object]]:
        """Yield the printed events, oldest first: a few are dated before they could be seen."""
        late = await self._late()
        later = {number for number, _ in late}
        async for number, event in self._printed():
            if number in later:
                continue
            while late and late[0][1].at < event.at:
                yield event_record(late.popleft()[1])
            yield event_record(event)
        for _, event in late:
            yield event_record(event)

    async def _late(self) -> deque[tuple[int, Event]]:
        """Return the events that are older than one above them in the trail, oldest first."""
        late: list[tuple[int, Event]] = []
        newest: datetime | None = None
        async for number, event in self._printed():
            if newest is not None and event.at < newest:
                late.append((number, event))
            else:
                newest = event.at
        return deque(sorted(late, key=lambda numbered: numbered[1].at))

    async def _printed(self) -> AsyncIterator[tuple[int, Event]]:
        after = 0
        while page := await self._house.store.trail.events(after=after, limit=_PAGE):
            after = page[-1][0]
            for number, event in page:
                if event.kind not in UNPRINTED and not event.kind.startswith("order_"):
                    yield number, event

    async def usages(self) -> AsyncIterator[dict[str, object]]:
        """Yield a usage record for each subscriber and period that the file's time touches."""
        if self._began is None or self._now is None:
            return
        products = await self._house.store.people.products()
        for who in sorted(self._people):
            subscriber = await self._house.store.people.subscriber(who)
            if subscriber is None:
                continue
            period = period_of(self._began, subscriber.cycle, self._house.zone)
            while True:
                usage = await self._house.store.ledger.usage(who, period)
                product = products[subscriber.product]
                plain = (None, product.counts)
                allowance, counts = self._terms.get((who, period.name), plain)
                yield usage_record(usage, counts, allowance, product.unit)
                if period.end > self._now:
                    break
                period = next_period(period, subscriber.cycle, self._house.zone)
