"""`capd implausible` and `capd correct`, from outside."""

import asyncio
import getpass

import pytest

from capd.config import load
from capd.metrics import Metrics
from capd.model import DeviceId, Reading
from capd.opening import open_house
from capd.pipeline import account_turn
from tests.integration.test_cli_facts import GB, capd, read, start_of_month, usage

__all__ = ["capd"]
WHO = f"cli:{getpass.getuser()}"


def put_aside(capd):
    """Post two readings with more between them than their link can carry."""

    async def post():
        house = await open_house(load(capd.folder / "capd.toml"), Metrics(), upgrade=False)
        try:
            await house.look_round()
            readings = [
                Reading(
                    device=DeviceId("cpe-1"),
                    meter="wan",
                    at=start_of_month().replace(minute=minute),
                    down_bytes=down,
                    up_bytes=0,
                    link_bps=8_000,
                )
                for minute, down in ((0, 0), (1, 30 * GB))
            ]
            await account_turn(house, readings)
        finally:
            await house.store.close()

    asyncio.run(post())


def test_a_reading_put_aside_is_listed_shown_and_accepted__CN_10(capd):
    assert capd.ok("implausible").out == "Nothing waits for you.\n"
    put_aside(capd)
    (listed,) = capd.ok("implausible", "--json").json()
    assert (listed["id"], listed["state"], listed["subscriber"]) == (1, "open", "S-1")
    assert (listed["down_bytes"], listed["after"]["link_bps"]) == (30 * GB, 8_000)
    shown = capd.ok("implausible", "show", "1").out
    assert "is more than a link of 8 kbps can carry" in shown
    assert "would count 30 GB down" in shown
    accepted = capd.ok("implausible", "accept", "1", "--note", "the meter was swapped", "--json")
    assert accepted.json()["author"] == WHO
    assert usage(capd)["down_bytes"] == 30 * GB
    assert usage(capd)["unknown_s"] == 0
    assert capd.ok("implausible", "--json").json() == []
    (closed,) = capd.ok("implausible", "--all", "--json").json()
    assert (closed["state"], closed["decided_by"]) == ("accepted", WHO)
    assert "the meter was swapped" in capd.ok("implausible", "show", "1").out
    again = capd("implausible", "refuse", "1", "--note", "no")
    assert (again.code, again.err) == (1, f"1 was accepted already, by {WHO}\n")
    capd.ok("db", "check")


def test_a_reading_put_aside_is_refused_once(capd):
    put_aside(capd)
    assert "they are not counted" in capd.ok("implausible", "refuse", "1", "--note", "a bug").out
    assert usage(capd)["down_bytes"] == 0
    assert capd("implausible", "accept", "1", "--note", "no").code == 1
    assert capd("implausible", "show", "9").code == 1
    assert capd("implausible", "accept", "1", "--note", " ").code == 2
    assert "--note" in capd("implausible", "accept", "1").err
    capd.ok("db", "check")


def test_a_correction_takes_away_and_adds(capd):
    read(capd, (0, 0, 0), (1, 7 * GB, 3 * GB))
    said = capd.ok("correct", "S-1", "--down", "-2GB", "--up", "500MB", "--note", "our own test")
    assert "-2 GB down and +500 MB up (our own test)" in said.out
    record = usage(capd)
    assert (record["down_bytes"], record["up_bytes"]) == (5 * GB, 3_500_000_000)
    period = record["period"]
    told = capd.ok("correct", "S-1", "--down=1B", "--period", period, "--note", "x", "--json")
    assert (told.json()["kind"], told.json()["author"]) == ("correction", WHO)
    at = start_of_month().isoformat()
    capd.ok("correct", "S-1", "--up", "1", "--at", at, "--note", "x")
    assert usage(capd)["counted_bytes"] == 8_500_000_002
    parts = usage(capd, "--by", "hour")["parts"]
    assert sum(part["counted_bytes"] for part in parts) == 8_500_000_002
    kinds = [event["kind"] for event in capd.ok("events", "--json").records()]
    assert kinds.count("correction") == 3
    capd.ok("db", "check")


@pytest.mark.parametrize(
    ("arguments", "code", "err"),
    [
        (("S-1", "--down", "-9GB", "--note", "x"), 1, "less than nothing would be left"),
        (("S-1", "--note", "x"), 1, "a correction of nothing"),
        (("S-2", "--down", "1GB", "--note", "x"), 1, "there is no subscriber 'S-2'"),
        (("S-1", "--down", "many", "--note", "x"), 2, "--down: wants a size"),
        (("S-1", "--down", "1", "--period", "May", "--note", "x"), 2, "--period: wants a period"),
        (("S-1", "--down", "1", "--at", "noon", "--note", "x"), 2, "--at: wants a time"),
        (("S-1", "--down", "1", "--period", "2999-01", "--note", "x"), 1, "yet to come"),
        (("S-1", "--down", "1", "--note", ""), 2, "wants the reason, in words"),
    ],
)
def test_a_correction_that_makes_no_sense_is_one_line(capd, arguments, code, err):
    read(capd, (0, 0, 0), (1, 7 * GB, 3 * GB))
    said = capd("correct", *arguments)
    assert (said.code, said.err.count("\n")) == (code, 1)
    assert err in said.err
    assert usage(capd)["counted_bytes"] == 10 * GB


def test_of_two_who_decide_at_once_one_is_heard_and_the_books_hold__CN_10(capd):
    put_aside(capd)
    words = [("accept", "seen the bill"), ("refuse", "a faulty radio"), ("accept", "me too")]
    several = [
        capd.background("implausible", word, "1", "--note", note, "--json") for word, note in words
    ]
    said = [one.communicate(timeout=60) for one in several]
    heard = [word for one, (word, _) in zip(several, words, strict=True) if one.returncode == 0]
    assert len(heard) == 1, said
    assert all("already" in err for out, err in said if not out)
    assert usage(capd)["down_bytes"] == (30 * GB if heard == ["accept"] else 0)
    assert capd.ok("db", "check").code == 0
