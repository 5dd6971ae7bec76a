"""How deliveries are made: bounded, in order for a subscriber, again later, at last given up."""

import asyncio
import logging
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from capd.model import Delivery, Event, SubscriberId
from capd.notify import Done, Problem
from capd.notify.worker import Worker, deliver, next_try, wait_s

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
NO_ROOM = Problem(text="450 no room")
SILENCE = Problem(text="no answer in 10 s", silent=True)


class Watch:
    """A clock that stands still until it is moved."""

    def __init__(self):
        self.now = NOON

    def __call__(self):
        return self.now


class Book:
    """An outbox in memory with the store's promise: the oldest for each subscriber and channel."""

    def __init__(self):
        self.open = {}
        self.not_before = {}
        self.delivered = []
        self.answers = {}
        self.given_up = {}

    def put(self, *subscribers, channel="email", kind="notice", figures=None):
        for who in subscribers:
            n = len(self.open) + len(self.delivered) + len(self.given_up) + 1
            event = Event(
                at=NOON, kind=kind, text="", subscriber=SubscriberId(who),
                figures=figures or {"notice": "usage_80"},
            )  # fmt: skip
            self.open[n] = Delivery(id=n, event_id=1000 + n, channel=channel, event=event)

    async def due(self, now, limit, *, channel):
        oldest = {}
        for delivery in self.open.values():
            if delivery.channel == channel:
                oldest.setdefault(delivery.event.subscriber, delivery)
        ready = [d for d in oldest.values() if self.not_before.get(d.id, now) <= now]
        return ready[:limit]

    async def done(self, delivery_id, at, *, answer, message_id):
        self.answers[delivery_id] = answer
        self.delivered.append(self.open.pop(delivery_id).id)

    async def failed(self, delivery_id, problem, next_at, at, *, tried):
        was = self.open[delivery_id]
        if next_at is None:
            self.given_up[delivery_id] = problem
            del self.open[delivery_id]
        else:
            self.open[delivery_id] = replace(was, attempts=was.attempts + 1)
            self.not_before[delivery_id] = next_at


class Ear:
    """A notifier that answers what the test says, and remembers what it was told."""

    def __init__(self, *answers, channel="email", attempts=12):
        self.channel, self.attempts, self.patience = channel, attempts, timedelta()
        self.answers = list(answers)
        self.told = []
        self.at_once = self.most_at_once = 0

    async def tell(self, delivery):
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        self.told.append((delivery.event.subscriber, delivery.id))
        answer = self.answers.pop(0) if self.answers else None
        return answer or Done(answer="250 ok", message_id=f"<{delivery.id}@x>")

    async def close(self):
        pass


class Deaf(Ear):
    """A notifier that never comes back."""

    async def tell(self, delivery):
        await asyncio.Event().wait()


def a_worker(book, ear, *, clock=None, **options):
    return Worker(book, ear, clock=clock or Watch(), **options)


def test_the_waits_grow_to_six_hours_and_last_a_day():
    waits = [wait_s(tries) for tries in range(1, 12)]
    assert waits[:5] == [5, 15, 45, 135, 405]
    assert waits == sorted(waits)
    assert max(waits) == 6 * 3600
    assert timedelta(hours=18) < timedelta(seconds=sum(waits)) < timedelta(hours=30)
    assert wait_s(10**6) == 6 * 3600


def test_what_can_pass_is_tried_again_and_what_cannot_is_not__UC_7():
    event = Event(at=NOON, kind="notice", text="")
    fresh = Delivery(id=1, event_id=1, channel="email", event=event)
    never = timedelta()
    assert next_try(fresh, NO_ROOM, 12, NOON, never) == NOON + timedelta(seconds=5)
    assert next_try(replace(fresh, attempts=10), NO_ROOM, 12, NOON, never) > NOON
    assert next_try(replace(fresh, attempts=11), NO_ROOM, 12, NOON, never) is None
    refused = Problem(text="550 who?", final=True)
    assert next_try(fresh, refused, 12, NOON, timedelta(days=5)) is None


def test_what_nobody_takes_at_all_is_kept_for_days_and_what_one_mailbox_refuses_is_not():
    event = Event(at=NOON, kind="notice", text="")
    tired = Delivery(id=1, event_id=1, channel="email", event=event, attempts=40)
    days = timedelta(days=5)
    silence = Problem(text="no answer", silent=True)
    for problem, later, kept in (
        (silence, timedelta(days=4), True),
        (silence, timedelta(days=5), False),
        (NO_ROOM, timedelta(hours=1), False),
    ):
        again = next_try(tired, problem, 12, NOON + later, days)
        assert (again is not None) is kept


async def test_one_turn_empties_the_outbox_in_order_for_each_subscriber():
    book, ear = Book(), Ear()
    book.put("S-1", "S-2", "S-1", "S-2", "S-1")
    assert await a_worker(book, ear).turn() == 5
    assert not book.open
    by_subscriber = defaultdict(list)
    for who, n in ear.told:
        by_subscriber[who].append(n)
    assert by_subscriber == {"S-1": [1, 3, 5], "S-2": [2, 4]}


async def test_only_so_many_are_told_at_once():
    book, ear = Book(), Ear()
    book.put(*(f"S-{n}" for n in range(300)))
    assert await a_worker(book, ear, at_once=4).turn() == 300
    assert ear.most_at_once == 4


async def test_what_failed_waits_and_keeps_the_later_ones_of_that_subscriber_back():
    book, ear, clock = Book(), Ear(NO_ROOM), Watch()
    book.put("S-1", "S-1", "S-2")
    worker = a_worker(book, ear, clock=clock, at_once=1)
    assert await worker.turn() == 1
    assert book.delivered == [3]
    clock.now += timedelta(seconds=5)
    assert await worker.turn() == 2
    assert book.delivered == [3, 1, 2]


async def test_what_is_refused_for_good_is_recorded_and_the_next_one_still_comes__UC_7():
    book, ear = Book(), Ear(Problem(text="550 who?", final=True))
    book.put("S-1", "S-1")
    assert await a_worker(book, ear).turn() == 1
    assert book.given_up == {1: "550 who?"}
    assert book.delivered == [2]


async def test_after_the_last_attempt_it_is_given_up_with_the_reason(caplog):
    book, clock = Book(), Watch()
    ear = Ear(*[NO_ROOM] * 3, attempts=3)
    book.put("S-1")
    worker = a_worker(book, ear, clock=clock)
    for _ in range(3):
        assert await worker.turn() == 0
        clock.now += timedelta(hours=6)
    assert book.given_up == {1: "450 no room"}
    assert "S-1) given up after 3 attempts: 450 no room" in caplog.text


async def test_silence_ends_the_turn_and_costs_the_others_no_attempt():
    book, ear, clock = Book(), Ear(SILENCE), Watch()
    book.put(*(f"S-{n}" for n in range(50)))
    worker = a_worker(book, ear, clock=clock, at_once=1)
    assert await worker.turn() == 0
    assert len(ear.told) == 1
    assert sum(d.attempts for d in book.open.values()) == 1
    clock.now += timedelta(seconds=5)
    assert await worker.turn() == 50


async def test_silence_is_logged_when_it_begins_and_when_it_ends(caplog):
    caplog.set_level(logging.INFO)
    book, ear, clock = Book(), Ear(SILENCE, SILENCE), Watch()
    book.put("S-1", "S-2")
    worker = a_worker(book, ear, clock=clock, at_once=1)
    for _ in range(4):
        await worker.turn()
        clock.now += timedelta(hours=6)
    lines = [record.getMessage() for record in caplog.records]
    assert lines == ["email: no answer in 10 s; tried again later", "email: answers again"]


async def test_a_channel_that_hangs_delays_no_other():
    book = Book()
    book.put("S-1", channel="webhook")
    book.put("S-1", "S-2")
    hung, well = Deaf(channel="webhook"), Ear()
    async with asyncio.TaskGroup() as group:
        turn = group.create_task(deliver([a_worker(book, hung), a_worker(book, well)]))
        while len(book.delivered) < 2:  # noqa: ASYNC110 - nothing to wait on
            await asyncio.sleep(0)
        turn.cancel()
    assert book.delivered == [2, 3]
    assert list(book.open) == [1]


async def test_a_turn_of_all_channels_counts_what_arrived():
    book = Book()
    book.put("S-1", channel="webhook")
    book.put("S-1", "S-2")
    workers = [a_worker(book, Ear(channel="webhook")), a_worker(book, Ear())]
    assert await deliver(workers) == 3
    assert await deliver(workers) == 0


async def test_notices_are_counted_by_name_and_result_and_inner_matters_are_not():
    counted = []
    book, ear, clock = Book(), Ear(NO_ROOM, Problem(text="550", final=True)), Watch()
    book.put("S-1", "S-2")
    book.put("S-3", kind="hold_opened", figures={"reason": "cap"})
    book.put("S-4", kind="order_applied", figures={"order": 7})
    worker = a_worker(book, ear, clock=clock, at_once=1, told=lambda *what: counted.append(what))
    await worker.turn()
    assert counted == [("usage_80", "retry"), ("usage_80", "failed"), ("hold_opened", "sent")]
