"""New terms by files of readings and facts: told once, in force after the notice (CT-6)."""

from dataclasses import replace
from datetime import date

from capd.decide.book import book_of
from capd.decide.policy import Action, Policy
from tests.builders import GB, a_product, a_subscriber, an_inventory
from tests.replays import fact, played, reading, told

FIRST = Policy(version="1", valid_from=date(2026, 1, 1))
SECOND = Policy(version="2", valid_from=date(2026, 3, 1), first_action=Action.CHARGE)
VOICE = Policy(name="voice", version="7", families=("voice",), valid_from=date(2025, 1, 1))


async def test_the_old_terms_hold_until_the_notice_is_over_and_the_new_ones_after_it__CT_6():
    lines = [
        reading("2026-02-10T12:00:00", 0),
        reading("2026-03-09T00:00:00", 0),
        reading("2026-03-10T00:00:00", 101 * GB),
        reading("2026-03-31T23:00:00", 101 * GB),
        reading("2026-04-02T00:00:00", 202 * GB),
    ]
    found = told(await played(lines, policy=book_of([FIRST, SECOND])), notices=False)
    assert found == [
        "2026-02-10T12:00 terms_changed CT-6",
        "2026-03-10T00:00 hold_opened cap UC-2",
        "2026-03-31T23:00 hold_closed cap UC-1",
        "2026-04-02T00:00 plan_changed home-300 UC-4",
    ]


async def test_who_begins_under_the_new_terms_is_charged_by_them__CT_6():
    lines = [
        fact("2026-03-02T00:00:00", "activated"),
        reading("2026-03-09T00:00:00", 0),
        reading("2026-03-10T00:00:00", 100 * GB + 1),
    ]
    found = told(await played(lines, policy=book_of([FIRST, SECOND])), notices=False)
    assert next(line for line in found if "charge" in line).startswith("2026-03-10T00:00 charge")


async def test_families_go_by_policies_of_their_own():
    voice = a_product("voice", 1, family="voice")
    people = an_inventory(
        products=(*an_inventory().products, voice),
        subscribers=(a_subscriber(), a_subscriber("V-1", product="voice")),
    )
    charging = replace(VOICE, notice_shares=(90,))
    lines = [
        fact("2026-03-02T00:00:00", "hold", reason="operator", note="x"),
        fact("2026-03-02T00:00:00", "hold", subscriber="V-1", reason="operator", note="x"),
    ]
    records = await played(lines, inventory=people, policy=book_of([FIRST, SECOND, charging]))
    changed = [one["subscriber"] for one in records if one["kind"] == "terms_changed"]
    assert changed == ["S-1"]
