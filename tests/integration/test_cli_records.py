"""What is kept, and for how long, from the command line; and usage as a drawing."""

import asyncio
import json
from datetime import timedelta

import pytest

from capd.clock import utc_now
from capd.store import Store
from tests.builders import GB, a_reading, postings
from tests.servers.commandline import Capd


@pytest.fixture
def capd(tmp_path):
    """Return an operator with one subscriber, S-1, and half a year of readings."""
    found = Capd(tmp_path)
    found.ok("init")
    found.ok("import", "inventory.json")
    read(found, days=180)
    return found


def read(capd, *, days):
    async def post():
        store = await Store.open(f"sqlite:///{capd.folder}/capd.db")
        start = utc_now() - timedelta(days=days)
        readings = [
            a_reading(n * GB, n * GB // 10, at=start + timedelta(hours=12 * n))
            for n in range(2 * days)
        ]
        await store.ledger.post(postings(readings))
        await store.close()

    asyncio.run(post())


def test_old_readings_become_hours_and_usage_stays_the_same__CN_12(capd):
    month = (utc_now() - timedelta(days=130)).strftime("%Y-%m")

    def shown():
        return [
            capd.ok("usage", "S-1", "--period", month, "--by", by, "--json").json()
            for by in ("hour", "day")
        ]

    before = shown()
    assert before[0]["parts"]
    moved = capd.ok("db", "compact", "--json").json()
    assert moved.keys() == {"entries", "hours", "days", "transcripts", "deliveries"}
    assert 170 < moved["entries"] < 190
    assert shown() == before
    assert capd.ok("db", "check").out == (
        "the ledger adds up, the audit trail is unbroken, and the books are what it says\n"
    )
    assert "0 readings became hours" in capd.ok("db", "compact").out
    events = [event["kind"] for event in capd.ok("events", "--json").records()]
    assert events.count("records_compacted") == 1


def test_a_legal_hold_keeps_everything_until_it_is_taken_off__AU_3(capd):
    said = capd.ok("legal-hold", "S-1", "on", "--note", "case 7").out
    assert said == "S-1 is under a legal hold: all records are kept (case 7).\n"
    again = capd.ok("legal-hold", "S-1", "on", "--note", "case 7").out
    assert again == "S-1 is under a legal hold already; nothing changed\n"
    assert capd.ok("db", "compact", "--json").json()["entries"] == 0
    (held,) = capd.ok("legal-holds", "--json").json()
    assert (held["subscriber"], held["note"]) == ("S-1", "case 7")
    assert "case 7" in capd.ok("legal-holds").out
    (event,) = capd.ok("legal-hold", "S-1", "off", "--note", "closed", "--json").json()
    assert (event["kind"], event["clause"]) == ("legal_hold_closed", "AU-3")
    assert event["author"].startswith("cli")
    assert capd.ok("legal-holds").out == "No legal holds.\n"
    assert capd.ok("db", "compact", "--json").json()["entries"] > 170


def test_a_legal_hold_wants_a_subscriber_that_there_is_a_word_and_a_reason(capd):
    assert capd("legal-hold", "S-9", "on", "--note", "x").code == 1
    assert capd("legal-hold", "S-1", "maybe", "--note", "x").code == 2
    assert capd("legal-hold", "S-1", "on").code == 2
    assert "wants the reason" in capd("legal-hold", "S-1", "on", "--note", " ").err


def test_readings_must_be_kept_for_as_long_as_charges_can_be_disputed__E_5(capd):
    path = capd.folder / "capd.toml"
    path.write_text(path.read_text() + "\n[store.retention]\nraw_days = 59\nhours_days = 10\n")
    said = capd("check")
    assert said.code == 2
    assert "store.retention.raw_days: wants at least 60 days, not 59" in said.err


def test_usage_can_be_drawn_in_plain_letters(capd):
    month = (utc_now() - timedelta(days=130)).strftime("%Y-%m")
    drawn = capd.ok("usage", "S-1", "--period", month, "--plot").out
    assert drawn.isascii()
    days = [line for line in drawn.splitlines() if line.startswith(f"{month}-")]
    assert len(days) >= 28
    assert all("#" in line for line in days)
    assert any("=" in line for line in days)
    assert "<- peak" in drawn
    assert max(map(len, drawn.splitlines())) <= 80


def test_a_drawing_is_no_json(capd):
    said = capd("usage", "S-1", "--plot", "--json")
    assert (said.code, said.out) == (2, "")
    assert json.dumps(capd.ok("usage", "S-1", "--by", "day", "--json").json()["parts"])
