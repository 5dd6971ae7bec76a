"""The books are what the audit trail makes of them, and `capd db check` can tell."""

import pytest
from sqlalchemy import text

from tests.builders import LONDON, NOON, a_subscriber, an_event, an_inventory

CHARGE = {"charge": "x", "amount": "1.00", "currency": "GBP", "charge_id": "C-7"}
LIVELY = (  # one of each thing that makes a row, some of them ended or replaced since
    an_event("hold_opened", reason="aup", note="x", clause="AU-2"),
    an_event("hold_opened", reason="aup", note="y", clause="AU-2"),
    an_event("hold_closed", reason="aup"),
    an_event("hold_opened", subscriber="S-2", reason="fraud", note="", clause="CT-5"),
    an_event("topup", size_bytes=5, reference="R-1", period="2026-03", allowance_bytes=9),
    an_event("notice", notice="usage_80", period="2026-03", allowance_bytes=9),
    an_event("breach", breach="2026-03", counted_bytes=10, allowance_bytes=9),
    an_event("charge", units=1, breach="2026-03", **CHARGE | {"charge_id": "C-1"}),
    an_event("delay", until="2026-03-20T00:00:00Z", note="n"),
    an_event("plan_changed", **{"from": "home-100", "to": "home-300"}),
    an_event("opened", matter="addon", key="a", open=True, price="5.00", due_at=None),
    an_event("changed", matter="addon", key="a", open=False, price="6.00"),
)
MEDDLING = {
    "DELETE FROM holds WHERE subscriber = 'S-2'": "holds: event 5 of S-2 is said by",
    "INSERT INTO topups VALUES (1, 'S-1', '2026-03', 6, 'R-9')": "topups: event 1 of S-1 is in the",
    "UPDATE matters SET open = TRUE": "matters: event 13 of S-1 is in the books",
    "DELETE FROM breaches": "breaches: event 8 of S-1 is said by",
    "DELETE FROM given": "given: event 7 of S-1 is said by",
    "DELETE FROM delays": "delays: event 10 of S-1 is said by",
    "DELETE FROM seen": "seen: event 6 (R-1) is said by",
    "UPDATE subscribers SET product = 'home-100'": "S-1 has home-100, and was last moved to",
}


@pytest.fixture
async def books(store):
    people = (a_subscriber(), a_subscriber("S-2"))
    await store.people.apply(an_inventory(subscribers=people), dry_run=False, author="t", at=NOON)
    await record(store, *LIVELY)
    return store


async def record(store, *events):
    async with store.judging() as desk:
        return await desk.record(events)


async def test_the_books_are_what_the_audit_trail_says(books):
    seen = []
    assert await books.people.check(lambda done, whole: seen.append((done, whole))) == []
    assert seen[-1][0] == seen[-1][1] == await books.trail.last_id()
    standing = await books.people.standing_of("S-2", NOON, LONDON, 6)
    assert len(standing.holds) == 1  # what was put beside the books is gone again
    assert await books.people.check() == []


async def test_what_the_audit_trail_does_not_say_is_found_and_a_charge_made_twice(books):
    await record(books, an_event("charge", **CHARGE), an_event("charge", **CHARGE))
    assert await books.people.check() == ["books: charge C-7 of S-1 was made 2 times"]
    async with books._database.write() as conn:
        for statement in MEDDLING:
            await conn.execute(text(statement))
    found = await books.people.check()
    assert [told for told in MEDDLING.values() if not any(told in line for line in found)] == []
