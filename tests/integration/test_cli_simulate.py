"""`capd simulate` at the command line."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest

from capd.store import Store
from tests.builders import GB, a_reading, postings
from tests.servers.commandline import Capd

START = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def capd(tmp_path):
    """Return an operator whose one subscriber, S-1, used 6 GB a day of 100 GB, and went over."""
    found = Capd(tmp_path)
    found.ok("init")
    found.ok("import", "inventory.json")
    policy = (tmp_path / "policy.toml").read_text()
    assert 'action = "upgrade"' in policy
    (tmp_path / "other.toml").write_text(policy.replace("shares = [50, 80, 100]", "shares = [90]"))
    return found


def read(capd, *, days=40):
    async def post():
        store = await Store.open(f"sqlite:///{capd.folder}/capd.db")
        readings = [
            a_reading(n * GB // 4, 0, at=START + timedelta(hours=n)) for n in range(24 * days)
        ]
        await store.ledger.post(postings(readings))
        await store.close()

    asyncio.run(post())


def test_an_empty_store_has_nothing_to_simulate(capd):
    said = capd("simulate", "--policy", "other.toml")
    assert (said.code, said.out) == (1, "")
    assert said.lines == ["there is no usage in the store yet: nothing to simulate"]


def test_the_answer_is_one_object_with_every_event_and_the_sums(capd):
    read(capd)
    said = capd.ok("simulate", "--policy", "other.toml", "--json")
    answer = said.json()
    assert said.err == ""
    assert answer["policy"]["name"] == "wireless_broadband"
    assert (answer["from"], answer["zone"]) == ("2026-03-01T00:00:00Z", "Europe/London")
    told = [(one["day"], one["kind"], one["happened"]) for one in answer["events"]]
    assert told == [
        ("2026-03-16", "notice", "would"),
        ("2026-03-17", "hold_opened", "would"),
        ("2026-04-01", "hold_closed", "would"),
    ]
    assert answer["events"][1]["at"] == "2026-03-17T17:00:00Z"  # the reading that showed it
    would = answer["totals"]["would"]
    assert would["events"] == {"hold_closed cap": 1, "hold_opened cap": 1, "notice usage_90": 1}
    assert (would["suspensions"], would["suspended_subscribers"]) == (1, 1)
    assert would["suspended_days"] == 14.25
    assert answer["totals"]["did"]["events"] == {}
    assert [day for day in answer["days"] if day["would"]] == [
        {"day": "2026-03-17", "would": 1, "did": 0}
    ]
    assert (answer["subscribers"], answer["different_subscribers"]) == (1, 1)


def test_people_are_shown_sums_sentences_a_picture_and_what_is_not_known(capd):
    read(capd)
    out = capd.ok("simulate", "--policy", "other.toml").out
    assert "1 of 1 subscribers would see a difference." in out
    assert "hold_opened cap           0    1" in out
    assert "2026-03-17  S-1         would  Over the cap: 100.2 of 100 GB used" in out
    assert "2026-03  did    ..............................." in out
    assert "         would  ................9..............  1" in out
    assert "is not guessed" in out


def test_changed_products_are_told_by_id(capd):
    read(capd)
    [first, *_] = json.loads((capd.folder / "inventory.json").read_text())["products"]
    (capd.folder / "larger.json").write_text(json.dumps({"products": [{**first, "cap": "1TB"}]}))
    said = capd.ok("simulate", "--products", "larger.json", "--json").json()
    assert [one["kind"] for one in said["events"]] == []


def test_days_bound_what_is_led_again(capd):
    read(capd)
    days = ("--from", "2026-03-17", "--to", "2026-03-20")
    said = capd.ok("simulate", "--policy", "other.toml", "--json", *days).json()
    assert (said["from"], said["to"]) == ("2026-03-17T00:00:00Z", "2026-03-21T00:00:00Z")
    assert [one["kind"] for one in said["events"]] == ["notice", "hold_opened"]
    assert len(said["days"]) == 4


def test_every_mistake_is_told_at_once(capd):
    read(capd)
    wrong = (capd.folder / "other.toml").read_text().replace("shares", "share")
    (capd.folder / "wrong.toml").write_text(wrong.replace("\nversion = ", "\nversoin = ", 1))
    said = capd(
        "simulate", "--policy", "wrong.toml", "--products", "none.json", "--from", "2026-02-30",
        "--to", "soon",
    )  # fmt: skip
    assert (said.code, said.out) == (2, "")
    assert len(said.lines) >= 6
    for words in ("share", "versoin", "none.json", "--from", "--to"):
        assert any(words in each for each in said.lines)
    backwards = capd(
        "simulate", "--policy", "other.toml", "--from", "2026-03-02", "--to", "2026-03-01"
    )
    assert (backwards.code, backwards.lines) == (
        2,
        ["--to: 2026-03-01 is before --from 2026-03-02"],
    )
    nothing = capd("simulate")
    assert (nothing.code, len(nothing.lines)) == (2, 1)
    elsewhere = capd("simulate", "--policy", "other.toml", "--from", "2027-01-01")
    assert elsewhere.lines == ["there is no usage then; there is from 2026-03-01 to 2026-04-10"]
    assert elsewhere.code == 1


def test_an_upgrade_to_nowhere_is_a_mistake(capd):
    (capd.folder / "p.json").write_text(
        json.dumps({"products": [{"id": "x", "name": "X", "upgrade_to": "hom-300"}]})
    )
    said = capd("simulate", "--products", "p.json")
    assert said.code == 2
    assert said.lines[0].startswith("p.json: product x: upgrade_to: no product 'hom-300'.")
