"""What is still to be told: each once, in order for a subscriber, and what could not be."""

from datetime import timedelta

import pytest

from capd.decide import matters
from tests.builders import LONDON, NOON, a_subscriber, an_event, an_inventory

SOON = NOON + timedelta(minutes=5)


@pytest.fixture
async def books(store):
    people = (a_subscriber(email="a@example.net"), a_subscriber("S-2"))
    await store.people.apply(an_inventory(subscribers=people), dry_run=False, author="t", at=NOON)
    store.outbox.channels = ("email", "webhook")
    return store


async def record(store, *events):
    async with store.judging() as desk:
        return await desk.record(events)


def shown(deliveries):
    return [(delivery.channel, delivery.event.text, delivery.to) for delivery in deliveries]


async def test_every_event_goes_to_the_webhook_and_letters_to_whoever_has_an_address(books):
    first = an_event(text="one", notice="usage_80")
    await record(
        books,
        first,
        an_event(text="no address", subscriber="S-2", notice="usage_80"),
        an_event("sector_busy", text="no letter", subscriber=None),
    )
    due = await books.outbox.due(NOON, 10)
    assert shown(due) == [
        ("email", "one", "a@example.net"),
        ("webhook", "one", None),
        ("webhook", "no address", None),
        ("webhook", "no letter", None),
    ]
    assert due[0].event == first
    assert due[0].event_id == due[1].event_id
    assert [one.channel for one in await books.outbox.due(NOON, 10, channel="email")] == ["email"]


async def test_no_channel_no_delivery(books):
    books.outbox.channels = ()
    await record(books, an_event(notice="usage_80"))
    assert await books.outbox.due(NOON) == []


async def test_what_would_harm_an_investigation_is_not_mailed__AU_1(books):
    await record(books, an_event("hold_opened", reason="aup", notify=False))
    assert [delivery.channel for delivery in await books.outbox.due(NOON)] == ["webhook"]


async def test_what_the_operator_does_not_tell_is_not_mailed(books):
    books.outbox.off = frozenset({"topup"})
    await record(books, an_event("topup", period="2026-03", size_bytes=1, reference="r"))
    assert [delivery.channel for delivery in await books.outbox.due(NOON)] == ["webhook"]


async def test_a_subscribers_deliveries_keep_their_order_in_each_channel(books):
    books.outbox.channels = ("webhook",)
    await record(books, an_event(text="a1"), an_event(text="a2"))
    await record(books, an_event(text="b1", subscriber="S-2"), an_event(text="a3"))
    met = []
    for _ in range(3):
        for delivery in await books.outbox.due(NOON):
            met.append(delivery.event.text)
            await books.outbox.done(delivery.id, NOON)
    assert met == ["a1", "b1", "a2", "a3"]
    assert await books.outbox.due(NOON) == []


async def test_what_failed_is_tried_again_when_it_is_due_and_nothing_overtakes_it(books):
    books.outbox.channels = ("webhook",)
    await record(books, an_event(text="a1"), an_event(text="a2"))
    (first,) = await books.outbox.due(NOON)
    await books.outbox.failed(first.id, "no answer", SOON, NOON)
    assert await books.outbox.due(NOON) == []
    (again,) = await books.outbox.due(SOON)
    assert (again.id, again.attempts) == (first.id, 1)


async def test_what_was_given_up_is_shown_and_told_to_the_other_channels__UC_7(books):
    await record(books, an_event(text="a1", notice="usage_80"))
    mail, hook = await books.outbox.due(NOON)
    await books.outbox.failed(mail.id, "550 no such mailbox", None, NOON)
    (told,) = await books.outbox.given_up()
    assert (told[0].event.text, told[1]) == ("a1", "550 no such mailbox")
    (_, event) = (await books.trail.events())[-1]
    assert (event.kind, event.subscriber, event.clause) == ("delivery_failed", "S-1", "UC-7")
    assert event.figures["problem"] == "550 no such mailbox"
    await books.outbox.done(hook.id, NOON)
    (next_one,) = await books.outbox.due(NOON)
    assert (next_one.channel, next_one.event.kind) == ("webhook", "delivery_failed")
    last = await books.trail.last_id()
    await books.outbox.failed(next_one.id, "gone", None, NOON)
    assert await books.outbox.due(NOON) == []
    assert await books.trail.last_id() == last + 1
    assert await books.trail.check() == []


async def test_a_delivery_that_nobody_knows_fails_without_a_word(books):
    await books.outbox.failed(99, "what?", None, NOON)
    await books.outbox.done(99, NOON)
    assert await books.outbox.given_up() == []


@pytest.mark.parametrize("now_on_file", ["b@example.net", None])
async def test_what_is_on_its_way_goes_to_the_address_that_is_on_file_then__UC_7(
    books, now_on_file
):
    await record(books, an_event(text="a1", notice="usage_80"))
    moved = an_inventory(subscribers=(a_subscriber(email=now_on_file),))
    await books.people.apply(moved, dry_run=False, author="t", at=NOON)
    mail, *_ = await books.outbox.due(NOON)
    assert mail.to == now_on_file


async def unsent(books, person):
    """Return the keys of the invoices a notice about which never left."""
    (known,) = await books.people.standings([person], NOON, LONDON, 6)
    return [matter.key for matter in matters.of_kind(known, "unsent")]


@pytest.mark.parametrize("tried", [True, False])
async def test_a_notice_about_a_debt_that_never_left_is_known_as_that__C_2(books, tried):
    told = matters.change("invoice", "inv-7", invoice="inv-7", owed="25.00", notice="reminder")
    await record(books, an_event("notice", **told))
    mail, *_ = await books.outbox.due(NOON)
    await books.outbox.failed(mail.id, "no answer", None, NOON, tried=tried)
    assert await unsent(books, "S-1") == ([] if tried else ["inv-7"])
    await books.notices.retry(mail.id, author="noc", note="the relay is back", at=NOON)
    assert await unsent(books, "S-1") == []
    assert await books.trail.check() == []


async def test_what_no_mail_could_be_written_for_is_listed_for_a_person__CT_14(books):
    await record(
        books,
        an_event(text="mailed", notice="usage_80"),
        an_event(text="no address", subscriber="S-2", notice="usage_80"),
        an_event("hold_opened", text="quiet", subscriber="S-2", reason="aup", notify="no"),
        an_event("invoice", text="inner", subscriber="S-2"),
    )
    (one,) = await books.notices.unwritten()
    assert (one.event.text, one.state, one.channel, one.delivery) == (
        "no address", "none", None, None,
    )  # fmt: skip
    assert await books.notices.unwritten(subscriber="S-1") == []
    books.outbox.off = frozenset({"notice"})  # told nobody, by the operator's setting
    assert await books.notices.unwritten() == []
