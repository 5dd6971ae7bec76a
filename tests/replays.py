"""Replay files in short, and what a replay of them told: for tests that play whole months."""

import difflib
import json
import os
from zoneinfo import ZoneInfo

from capd.decide.policy import Policy
from capd.replay import replay
from tests.builders import an_inventory
from tests.live import lived

LONDON = ZoneInfo("Europe/London")


def reading(at, down, up=0, *, device="cpe-1", meter="wan", **more):
    """Return the line of a reading; *at* without a zone is UTC."""
    line = {"at": _utc(at), "device": device, "meter": meter, "down_bytes": down, "up_bytes": up}
    return json.dumps({**line, **more}).encode()


def fact(at, name, *, subscriber="S-1", **details):
    """Return the line of a fact about S-1, unless told otherwise."""
    whose = {} if name == "clock" else {"subscriber": subscriber}
    return json.dumps({"at": _utc(at), "fact": name, **whose, **details}).encode()


def _utc(at):
    return at if at.endswith("Z") else f"{at}Z"


async def played(lines, **more):
    """Return what a replay of *lines* yields: S-1 on Home 100, in London, unless told otherwise."""
    given = {
        "inventory": an_inventory(),
        "policy": Policy(),
        "zone": LONDON,
        "currency": "GBP",
        **more,
    }
    records = [record async for record in replay("month.jsonl", lines, **given)]
    if os.environ.get("CAPD_LIVE"):  # every replay is played by a live daemon as well
        alive = await lived(lines, **{key: given[key] for key in given if key != "refused"})
        known = [record for record in records if record["kind"] != "usage"]
        different = _differences(known, alive)
        assert not different, "\n".join(different)
    return records


def _differences(replayed, alive):
    """Return the lines that only one of the two told ("-": the replay), and their neighbours."""
    two = ([json.dumps(record) for record in records] for records in (replayed, alive))
    return list(difflib.unified_diff(*two, "replay", "live", lineterm="", n=1))


def told(records, *, notices=True):
    """Return the events in short: when, the kind, what it is about, the clause."""
    about = ("notice", "reason", "to", "charge", "amount")
    return [
        " ".join(
            [
                record["at"].removesuffix(":00Z").removesuffix("Z"),
                record["kind"],
                *(record[key] for key in about if key in record),
                record["clause"],
            ]
        )
        for record in records
        if record["kind"] != "usage" and (notices or record["kind"] != "notice")
    ]


def usage(records, period, subscriber="S-1"):
    """Return the one usage record of a subscriber's *period*."""
    (found,) = [
        record
        for record in records
        if record["kind"] == "usage"
        and (record["period"], record["subscriber"]) == (period, subscriber)
    ]
    return found
