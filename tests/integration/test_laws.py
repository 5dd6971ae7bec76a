"""Laws over the real books, whatever is told of two subscribers, in any order (all facts)."""

import asyncio
import os
import re
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from capd.decide.clauses import TITLES
from capd.decide.facts import FACTS
from capd.decide.holds import blocking
from capd.store import Store
from capd.told import INNER, TOLD
from tests import lives
from tests.lives import BEGAN, SERVED, STORIES, Books, lines_of

SOME = settings(
    max_examples=int(os.environ.get("CAPD_LAWS", "12")),  # 500: a campaign
    suppress_health_check=[HealthCheck.too_slow],
)
MONEY = re.compile(r"-?\d+\.\d\d")
AMOUNTS = {"amount", "price", "fee", "late_fee", "total", "paid", "credit", "quote", "extra"}
POLICIES = {name: lives.policy(name) for name in lives.POLICIES}
OF_NOBODYS = {"imported", "inventory_changed", "call", "legal_hold_opened", "legal_hold_closed"}
"""Kinds that only the operator's people hear of, and that are in no list of what is told."""

CHOSEN = {"plan_changed", "plan_scheduled", "plan_change_called_off"}
"""Without a clause where the subscriber chose freely, and no clause had to allow it."""


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    """Return the file of books with the two in them, and nothing told yet."""
    path = tmp_path_factory.mktemp("books") / "empty.db"

    async def made():
        store = await Store.open(f"sqlite:///{path}", upgrade=True)
        await store.people.apply(SERVED, dry_run=False, author="file", at=BEGAN, enforcing=())
        await store.close()

    asyncio.run(made())
    return path


def told(empty, name, lines, look, *, cut=None):
    """Return what *look* makes of the books after *lines*; closed and opened again at *cut*."""

    async def lived():
        with tempfile.TemporaryDirectory() as folder:
            shutil.copy(empty, Path(folder) / "books.db")
            books = Books(f"sqlite:///{folder}/books.db", POLICIES[name])
            await books.open(BEGAN)
            try:
                for number, line in enumerate(lines):
                    if number == cut:
                        await books.close()
                        await books.open(books.now)
                    await look(books, await books.tell(line), number)
                return await books.trail(), await books.standings()
            finally:
                await books.close()

    return asyncio.run(lived())


async def nothing(*_):
    """Look at nothing on the way."""


def test_every_kind_of_fact_is_told_here():
    assert set(lives.TOLD) == set(FACTS)


policies = st.sampled_from(sorted(POLICIES))


@SOME
@given(policies, STORIES)
def test_service_is_off_exactly_while_a_blocking_hold_is_open_and_a_second_look_says_so(
    empty, name, story
):
    async def look(books, _refused, _number):
        before = len(await books.trail())
        verdicts = await books.everyone()
        again = (await books.trail())[before:]
        assert again == []
        standings = await books.standings()
        for verdict in verdicts:
            standing = standings[verdict.subscriber]
            assert verdict.owed.suspended is bool(blocking(standing.holds, books.policy))
            assert len({hold.reason for hold in standing.holds}) == len(standing.holds)
            assert verdict.due_at > books.now

    told(empty, name, lines_of(story), look)


@SOME
@given(policies, STORIES, st.integers(1, 14))
def test_a_prefix_and_then_the_rest_is_the_same_as_all_at_once(empty, name, story, cut):
    lines = lines_of(story)
    whole = told(empty, name, lines, nothing)
    assert told(empty, name, lines, nothing, cut=min(cut, len(lines) - 1)) == whole


@SOME
@given(policies, STORIES)
def test_every_event_has_a_sentence_a_clause_and_somebody_who_hears_of_it(empty, name, story):
    trail, _ = told(empty, name, lines_of(story), nothing)
    ids = [event.figures["charge_id"] for event in trail if event.kind == "charge"]
    assert len(set(ids)) == len(ids)
    for event in trail:
        assert event.kind in {*TOLD, *INNER, *OF_NOBODYS}, event
        if event.subscriber is not None:
            assert list(_wrong(event)) == [], event


def _wrong(event):
    """Yield what an event about a subscriber lacks."""
    if "\n" in event.text or not re.fullmatch(r"\S.*\.", event.text):
        yield "it has no sentence"
    if event.clause is None:
        if event.kind not in CHOSEN:
            yield "it has no clause"
    elif event.clause not in {*TITLES, "operator"}:
        yield "its clause is none of the terms"
    elif event.kind in TOLD and event.clause not in event.text:
        yield "the sentence does not say by which clause"
    for key in AMOUNTS & event.figures.keys():
        amount = event.figures[key]
        if amount is not None and not MONEY.fullmatch(str(amount)):
            yield f"{key} {amount!r} is no amount of money"
    if event.kind == "charge" and event.figures["currency"] != "GBP":
        yield "it is charged in no currency"


def _state(trail, standings):
    """Return what all has come to, in no order."""
    charges = {
        (event.figures["charge_id"], event.figures["amount"])
        for event in trail
        if event.kind == "charge"
    }
    return charges, {
        who: (
            standing.product.id,
            standing.topup_bytes,
            {(hold.reason, hold.until, hold.note, hold.clause) for hold in standing.holds},
            {
                (one.kind, one.key, one.due_at, *sorted(one.data.items()))
                for one in standing.matters
            },
        )
        for who, standing in standings.items()
    }


ORDER_ARGS = [
    policies,
    STORIES,
    st.sampled_from(sorted(lives.SUBJECTS)).flatmap(lives.about),
    st.sampled_from(sorted(lives.SUBJECTS.keys() - {"contract"})).flatmap(
        lambda subject: lives.about(subject, "V-1")
    ),
]
"""Whether the telephone's contract begins before the connection's ends, or after it, does matter:
with the connection it ends (CT-10)."""


@SOME
@given(*ORDER_ARGS)
def test_the_order_of_what_is_told_of_two_at_one_moment_does_not_matter(
    empty, name, story, first, second
):
    forth = lines_of([*story, (30, first), (0, second)])
    back = lines_of([*story, (30, second), (0, first)])
    assert _state(*told(empty, name, forth, nothing)) == _state(*told(empty, name, back, nothing))
