"""A file of readings and facts through the real turns, on the file's clock."""

import json
from zoneinfo import ZoneInfo

import pytest

from capd.decide.policy import Policy
from capd.errors import ConfigError
from capd.replay import replay
from tests.builders import GB, a_device, a_meter, a_subscriber, an_inventory

LONDON = ZoneInfo("Europe/London")
DAY_S = 86_400


def reading(at, down, *, device="cpe-1", **more):
    line = {"at": at, "device": device, "meter": "wan", "down_bytes": down, "up_bytes": 0, **more}
    return json.dumps(line).encode()


def fact(at, name, **details):
    return json.dumps({"at": at, "fact": name, **details}).encode()


async def played(lines, **more):
    given = {
        "inventory": an_inventory(),
        "policy": Policy(),
        "zone": LONDON,
        "currency": "GBP",
        **more,
    }
    return [record async for record in replay("month.jsonl", lines, **given)]


def told(records):
    """The events in short: day and time, kind, and what it is about."""
    about = ("notice", "reason", "to", "charge")
    return [
        (record["at"][5:16], record["kind"], *(record[key] for key in about if key in record))
        for record in records
        if record["kind"] != "usage"
    ]


def usage(records, period, subscriber="S-1"):
    (found,) = [
        record
        for record in records
        if record["kind"] == "usage"
        and (record["period"], record["subscriber"]) == (period, subscriber)
    ]
    return found


async def test_a_month_is_warned_suspended_topped_up_and_turns():
    records = await played(
        [
            reading("2026-03-01T00:05:00Z", 0),
            reading("2026-03-05T00:05:00Z", 85 * GB),
            reading("2026-03-06T00:05:00Z", 101 * GB),
            fact("2026-03-06T01:00:00Z", "topup", subscriber="S-1", size="50GB", reference="inv-9"),
            fact("2026-03-06T02:00:00Z", "topup", subscriber="S-1", size="50GB", reference="inv-9"),
            reading("2026-03-20T00:05:00Z", 151 * GB),
            fact("2026-04-02T00:00:00Z", "clock"),
        ]
    )
    assert told(records) == [
        ("03-05T00:05", "notice", "usage_80"),
        ("03-06T00:05", "notice", "usage_100"),
        ("03-06T00:05", "hold_opened", "cap"),
        ("03-06T01:00", "hold_closed", "cap"),
        ("03-06T01:00", "notice", "usage_50"),
        ("03-20T00:05", "notice", "usage_100"),
        ("03-20T00:05", "hold_opened", "cap"),
        ("03-31T23:00", "hold_closed", "cap"),
    ]
    assert all(record["text"] and record["clause"] for record in records if "text" in record)
    march = usage(records, "2026-03")
    assert (march["counted_bytes"], march["allowance_bytes"]) == (151 * GB, 150 * GB)
    assert (march["start"], march["end"]) == ("2026-03-01T00:00:00Z", "2026-03-31T23:00:00Z")
    assert usage(records, "2026-04")["allowance_bytes"] == 100 * GB


async def test_a_hold_and_its_release_are_told_and_a_cap_hold_stays_for_itself():
    records = await played(
        [
            reading("2026-03-01T00:05:00Z", 0),
            fact("2026-03-03T09:00:00Z", "hold", subscriber="S-1", reason="non_payment", note="i7"),
            reading("2026-03-03T10:00:00Z", 101 * GB),
            fact("2026-03-04T09:00:00Z", "release", subscriber="S-1", reason="non_payment"),
        ]
    )
    assert [each for each in told(records) if each[1].startswith("hold")] == [
        ("03-03T09:00", "hold_opened", "non_payment"),
        ("03-03T10:00", "hold_opened", "cap"),
        ("03-04T09:00", "hold_closed", "non_payment"),
    ]


async def test_a_second_breach_within_six_months_moves_up__UC_4():
    lines = [
        reading("2026-03-01T00:05:00Z", 0),
        reading("2026-03-20T00:05:00Z", 101 * GB),
        reading("2026-04-01T12:00:00Z", 101 * GB),
        reading("2026-04-20T00:05:00Z", 202 * GB),
    ]
    records = await played(lines)
    assert told(records)[-1] == ("04-20T00:05", "plan_changed", "home-300")
    assert usage(records, "2026-04")["allowance_bytes"] == 300 * GB


async def test_a_gap_over_the_end_of_a_month_is_shared_by_time__CN_12():
    lines = [reading("2026-03-31T22:58:00Z", 0), reading("2026-03-31T23:03:00Z", 101)]
    records = await played(lines)
    assert usage(records, "2026-03")["counted_bytes"] == 40
    assert usage(records, "2026-04")["counted_bytes"] == 61


async def test_a_restart_between_two_polls_is_shown_as_unknown__CN_4():
    lines = [
        reading("2026-03-01T00:00:00Z", 9_000, uptime_s=DAY_S),
        reading("2026-03-01T00:05:00Z", 70, uptime_s=12.0),
    ]
    march = usage(await played(lines), "2026-03")
    assert (march["counted_bytes"], march["unknown_s"], march["estimated_bytes"]) == (70, 288, 0)


async def test_subscribers_do_not_get_into_each_others_way():
    inventory = an_inventory(
        subscribers=(a_subscriber("S-1"), a_subscriber("S-2", cycle_day=15)),
        devices=(a_device("cpe-1"), a_device("cpe-2", meters=(a_meter(subscriber="S-2"),))),
    )
    lines = []
    for day, gb in ((1, 0), (10, 60), (20, 120)):
        lines += [
            reading(f"2026-03-{day:02}T12:00:00Z", gb * GB, device=f"cpe-{n}") for n in (1, 2)
        ]
    records = await played(lines, inventory=inventory)
    assert [each for each in told(records) if each[1] == "hold_opened"] == [
        ("03-20T12:00", "hold_opened", "cap")
    ]
    assert usage(records, "2026-02", "S-2")["end"] == "2026-03-15T00:00:00Z"
    total = sum(r["counted_bytes"] for r in records if r["kind"] == "usage")
    assert total == 240 * GB


async def test_every_mistake_of_a_file_is_told_at_once():
    lines = [
        b"{",
        reading("2026-03-01T00:05:00Z", -5),
        reading("2026-03-01T00:05:00Z", 5, device="cpe-9"),
        fact("2026-03-01T00:06:00Z", "topup", subscriber="S-1", size="10 parsecs"),
        fact("2026-03-01T00:07:00Z", "top_up", subscriber="S-1"),
        fact("2026-03-01T00:08:00Z", "hold", subscriber="S-7", reason="aup", note="x"),
        fact("2026-03-01T00:09:00Z", "plan", subscriber="S-1", product="home-30"),
    ]
    with pytest.raises(ConfigError) as caught:
        await played(lines)
    assert [problem.split(":")[1] for problem in caught.value.problems] == list("1234567")
    assert "no meter 'wan' on device 'cpe-9' in the inventory. Did" in caught.value.problems[2]
    assert "product 'home-30' is not in the inventory. Did you mean" in caught.value.problems[6]


async def test_late_and_doubled_lines_change_nothing__CN_2():
    lines = [
        reading("2026-03-01T00:05:00Z", 0),
        reading("2026-03-01T00:10:00Z", 500),
        reading("2026-03-01T00:10:00Z", 500),
        reading("2026-03-01T00:07:00Z", 200),
        reading("2026-03-01T00:15:00Z", 900),
    ]
    assert usage(await played(lines), "2026-03")["counted_bytes"] == 900


async def test_an_empty_file_tells_nothing():
    assert await played([]) == []
