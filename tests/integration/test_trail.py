"""The audit trail and what a judgement makes of it: appended, projected, and proven whole."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from capd.decide import matters
from capd.errors import StoreError
from capd.model import Breach, Charged, Delay, Given, Hold, Matter, Reason
from capd.store import Store
from tests.builders import CATALOGUE, LONDON, NOON, a_subscriber, an_event, an_inventory


@pytest.fixture
async def books(store):
    people = (a_subscriber(), a_subscriber("S-2"))
    await store.people.apply(an_inventory(subscribers=people), dry_run=False, author="t", at=NOON)
    return store


async def record(store, *events):
    async with store.judging() as desk:
        return await desk.record(events)


async def standing(store, subscriber="S-1", now=NOON, months=6):
    async with store.judging() as desk:
        (found,) = await desk.standings([subscriber], now=now, tz=LONDON, months=months)
        return found


async def sql(store, statement):
    async with store._database.write() as conn:
        await conn.execute(text(statement))


async def test_events_come_back_as_they_were_written_in_their_order(books):
    written = [
        an_event("hold_opened", at=NOON + timedelta(microseconds=1), reason="aup", notify=False),
        an_event("strange", subscriber=None, device="cpe-1", clause="NM-6", author="ann", n=None),
        an_event("words", subscriber="S-9", word="Ælfwine", size=2**62, text="“quoted”"),
    ]
    last = await books.trail.last_id()
    ids = await record(books, *written)
    assert ids == [last + 1, last + 2, last + 3]
    assert await books.trail.events(after=last) == list(zip(ids, written, strict=True))
    assert await books.trail.events(after=last, limit=1) == [(ids[0], written[0])]
    assert await books.trail.events(subscriber="S-9") == [(ids[2], written[2])]
    assert await books.trail.last_id() == ids[-1]


async def test_no_event_is_no_change(books):
    last = await books.trail.last_id()
    assert await record(books) == []
    assert await books.trail.last_id() == last


async def test_a_hold_opens_and_closes_and_only_that_hold__UC_3(books):
    until = NOON + timedelta(days=3)
    opened = an_event(
        "hold_opened",
        clause="NM-4",
        author="ann",
        reason="restricted",
        note="port scan",
        until="2026-03-13T12:00:00Z",
        down_bps=2_000_000,
        up_bps=1_000_000,
    )
    cap = an_event("hold_opened", clause="UC-2", reason="cap", period="2026-03")
    await record(books, opened, cap)
    restricted = Hold(
        subscriber="S-1",
        reason=Reason.RESTRICTED,
        opened_at=NOON,
        clause="NM-4",
        text=opened.text,
        author="ann",
        note="port scan",
        until=until,
        down_bps=2_000_000,
        up_bps=1_000_000,
    )
    assert [hold.reason for hold in (await standing(books)).holds] == ["restricted", "cap"]
    await record(books, an_event("hold_closed", reason="cap"))
    assert (await standing(books)).holds == (restricted,)
    assert (await standing(books, "S-2")).holds == ()


async def test_a_hold_that_is_opened_again_is_what_was_said_last(books):
    for note in ("first", "second"):
        await record(books, an_event("hold_opened", reason="operator", note=note))
    assert [hold.note for hold in (await standing(books)).holds] == ["second"]


async def test_a_hold_may_open_and_close_and_open_in_one_breath(books):
    words = [an_event(kind, reason="cap") for kind in ("hold_opened", "hold_closed", "hold_opened")]
    await record(books, *words)
    assert len((await standing(books)).holds) == 1
    await record(books, *words[1:2])
    assert (await standing(books)).holds == ()


async def test_a_notice_is_given_with_its_allowance__UC_11(books):
    await record(books, an_event(notice="usage_80", period="2026-03", allowance_bytes=100))
    given = Given(notice="usage_80", period="2026-03", allowance_bytes=100)
    assert (await standing(books)).given == (given,)


async def test_a_plan_that_changed_is_the_plan_from_then_on__UC_4(books):
    await record(books, an_event("plan_changed", **{"from": "home-100", "to": "home-300"}))
    known = await standing(books)
    assert (known.product, known.subscriber.product) == (CATALOGUE["home-300"], "home-300")


async def test_a_plan_that_nobody_sells_is_refused_and_nothing_is_written(books):
    last = await books.trail.last_id()
    with pytest.raises(StoreError):
        await record(books, an_event("plan_changed", **{"from": "home-100", "to": "home-7"}))
    assert await books.trail.last_id() == last
    assert await books.trail.check() == []


async def test_a_breach_is_one_a_name_its_first_and_ages__UC_4(books):
    figures = {"breach": "2026-03", "counted_bytes": 101, "allowance_bytes": 100}
    later = {**figures, "counted_bytes": 150}
    await record(books, an_event("hold_opened", reason="cap", **figures))
    await record(books, an_event("plan_changed", to="home-300", at=NOON, **later))
    breach = Breach(period="2026-03", at=NOON, counted_bytes=101, allowance_bytes=100)
    assert (await standing(books)).breaches == (breach,)
    september = datetime(2026, 9, 10, 12, tzinfo=UTC)
    assert (await standing(books, now=september - timedelta(seconds=1))).breaches == (breach,)
    assert (await standing(books, now=september + timedelta(days=14))).breaches == ()


async def test_breaches_are_oldest_first(books):
    for month, name in ((2, "2026-02"), (1, "2026-01"), (3, "2026-03")):
        at = datetime(2026, month, 5, tzinfo=UTC)
        await record(
            books, an_event("over", at=at, breach=name, counted_bytes=2, allowance_bytes=1)
        )
    names = [breach.period for breach in (await standing(books)).breaches]
    assert names == ["2026-01", "2026-02", "2026-03"]


async def test_what_was_charged_is_remembered_by_its_breach(books):
    await record(
        books,
        an_event("charge", charge="overage", amount="6.00", currency="GBP", breach="2026-03/2"),
        an_event("charge", charge="late_fee", amount="1.00", currency="GBP", units=2),
    )
    charged = Charged(charge="overage", breach="2026-03/2", units=1)
    assert (await standing(books)).charged == (charged,)


async def test_the_newest_delay_is_the_one_that_holds__UC_8(books):
    for until, note in (("2026-03-12T00:00:00Z", "fair"), ("2026-03-20T00:00:00+01:00", "flood")):
        await record(books, an_event("delay", until=until, note=note, author="ann"))
    delay = Delay(until=datetime(2026, 3, 19, 23, tzinfo=UTC), author="ann", note="flood")
    assert (await standing(books)).delay == delay


async def test_the_same_reference_twice_is_seen_and_adds_once__UC_3(books):
    topup = an_event("topup", size_bytes=5, period="2026-03", reference="inv-9")
    await record(books, topup)
    async with books.judging() as desk:
        assert await desk.fact_seen("topup", "inv-9")
        assert not await desk.fact_seen("topup", "inv-8")
        assert not await desk.fact_seen("payment", "inv-9")
    with pytest.raises(StoreError):
        await record(books, topup)
    assert (await standing(books)).topup_bytes == 5
    assert await books.trail.check() == []


async def test_a_judgement_that_fails_leaves_nothing_behind(books):
    class Failed(Exception):
        pass

    async def judge():
        async with books.judging() as desk:
            await desk.record([an_event("hold_opened", reason="cap")])
            raise Failed

    last = await books.trail.last_id()
    with pytest.raises(Failed):
        await judge()
    assert await books.trail.last_id() == last
    assert (await standing(books)).holds == ()


@pytest.mark.parametrize(
    ("statement", "table"),
    [
        ("UPDATE events SET text = 'never mind'", "audit trail"),
        ("DELETE FROM events WHERE id = 1", "audit trail"),
        ("UPDATE topups SET size_bytes = 1", "top-ups"),
        ("DELETE FROM topups", "top-ups"),
        ("UPDATE charges SET amount = '0'", "charges"),
        ("DELETE FROM charges", "charges"),
    ],
)
async def test_the_database_itself_refuses_to_change_what_was_written(books, statement, table):
    await record(
        books,
        an_event("topup", size_bytes=5, period="2026-03", reference="inv-9"),
        an_event("charge", charge="overage", amount="6.00", currency="GBP"),
    )
    with pytest.raises(StoreError, match=f"{table} .* only ever appended to"):
        await sql(books, statement)


async def unguarded(store):
    """Take the triggers away, as somebody with all rights could."""
    on = "" if store._database.sqlite else " ON events"
    for name in ("no_update", "no_delete") if store._database.sqlite else ("append_only",):
        await sql(store, f"DROP TRIGGER events_{name}{on}")


_ROW = "SELECT {id}, at, kind, text, clause, subscriber, device, author, figures, hash FROM events"


@pytest.mark.parametrize(
    ("tampering", "found"),
    [
        ("UPDATE events SET author = 'nobody' WHERE id = 3", "event 3 is not what was written"),
        ("UPDATE events SET at = at + 1 WHERE id = 3", "event 3 is not what was written"),
        ("DELETE FROM events WHERE id = 3", "after event 2 comes 4"),
        ("DELETE FROM events WHERE id = 1", "after event 0 comes 2"),
        ("DELETE FROM events WHERE id = 5", "ends with event 4, but 5 was written last"),
        (f"INSERT INTO events {_ROW.format(id=6)} WHERE id = 5", "event 6 is not what was"),
        (f"INSERT INTO events {_ROW.format(id=0)} WHERE id = 1", "after event 0 comes 0"),
    ],
)
async def test_the_check_finds_a_row_changed_removed_or_inserted(books, tampering, found):
    await record(books, *(an_event(n=n) for n in range(4)))
    assert await books.trail.check() == []
    await unguarded(books)
    await sql(books, tampering)
    mistakes = await books.trail.check()
    assert mistakes
    assert found in mistakes[0]


async def test_writers_at_once_still_make_one_chain(books, store_url):
    other = await Store.open(store_url)

    async def write(store, who):
        for n in range(15):
            await record(store, an_event(n=n, who=who), an_event(n=n, who=who))

    async with asyncio.TaskGroup() as group:
        for store, who in ((books, "a"), (books, "b"), (other, "c"), (other, "d")):
            group.create_task(write(store, who))
    await other.close()
    assert await books.trail.last_id() == 1 + 4 * 15 * 2
    assert await books.trail.check() == []


async def test_two_judgements_never_overlap(books, store_url):
    other = await Store.open(store_url)

    async def open_if_there_is_none(store):
        async with store.judging() as desk:
            (known,) = await desk.standings(["S-1"], now=NOON, tz=LONDON, months=6)
            await asyncio.sleep(0.02)
            if not known.holds:
                await desk.record([an_event("hold_opened", reason="cap")])

    async with asyncio.TaskGroup() as group:
        for store in (books, other, books, other):
            group.create_task(open_if_there_is_none(store))
    await other.close()
    opened = [event for _, event in await books.trail.events() if event.kind == "hold_opened"]
    assert len(opened) == 1


async def test_readers_do_not_wait_for_a_judgement(books):
    async with books.judging() as desk:
        await desk.record([an_event("hold_opened", reason="cap")])
        before = await books.trail.last_id()
        known = await books.people.standing_of("S-1", NOON, LONDON, 6)
    assert known.holds == ()
    assert await books.trail.last_id() == before + 1


async def test_matters_are_opened_changed_and_closed_by_events(books):
    day = timedelta(days=1)
    opened = matters.change("invoice", "inv-7", due_at=NOON + day, amount="25.00", paid=False)
    await record(books, an_event("invoice", **opened))
    (found,) = (await standing(books)).matters
    expected = Matter(
        kind="invoice",
        key="inv-7",
        opened_at=NOON,
        due_at=NOON + day,
        data={"amount": "25.00", "paid": False},
    )
    assert found == expected
    changed = matters.change("invoice", "inv-7", amount="20.00")
    await record(books, an_event("payment", at=NOON + day, **changed))
    (found,) = (await standing(books)).matters
    assert (found.opened_at, found.due_at, found.data) == (NOON, None, {"amount": "20.00"})
    assert (await standing(books)).last.period.name == "2026-02"
    closed = matters.change("invoice", "inv-7", is_open=False)
    await record(books, an_event("paid", at=NOON + 2 * day, **closed))
    assert (await standing(books)).matters == ()
    assert (await standing(books)).last is None
    await record(books, an_event("invoice", at=NOON + 3 * day, **opened))
    (found,) = (await standing(books)).matters
    assert found.opened_at == NOON + 3 * day


async def test_matters_are_listed_by_kind_subscriber_and_whether_they_are_open(books):
    await record(
        books,
        an_event("invoice", **matters.change("invoice", "inv-7")),
        an_event("task", **matters.change("task", "call", is_open=False)),
        an_event("task", subscriber="S-2", **matters.change("task", "visit")),
    )

    async def listed(**wanted):
        return [(k.subscriber, k.matter.key) for k in await books.matters.find(**wanted)]

    assert await listed() == [("S-1", "inv-7"), ("S-2", "visit")]
    assert await listed(kind="task") == [("S-2", "visit")]
    assert await listed(kind="task", closed_too=True) == [("S-1", "call"), ("S-2", "visit")]
    assert await listed(subscriber="S-1") == [("S-1", "inv-7")]
    assert await listed(after=("S-1", "invoice", "inv-7"), limit=1) == [("S-2", "visit")]
