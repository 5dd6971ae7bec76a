"""Each scenario told twice: by a replay, and by a live daemon whose clock the file sets."""

import json
import tomllib
from pathlib import Path

import pytest

from capd import inventory, policies
from capd.decide.book import book_of
from tests.builders import an_inventory
from tests.live import lived
from tests.replays import LONDON, played, told

FOLDER = Path(__file__).parents[1] / "scenarios"
SCENARIOS = sorted(FOLDER.glob("*.toml"))


@pytest.fixture(params=SCENARIOS, ids=lambda path: path.stem)
def scenario(request, tmp_path):
    """Return a scenario's lines, the arguments that they are played with, and what is expected."""
    written = tomllib.loads(request.param.read_text())
    served = an_inventory()
    if "inventory" in written:
        path = tmp_path / "inventory.json"
        path.write_text(json.dumps(written["inventory"]))
        served = inventory.read(path)
    lines = request.param.with_suffix(".jsonl").read_bytes().splitlines()
    arguments = {"inventory": served, "zone": LONDON, "policy": policy_of(written["policy"])}
    return lines, arguments, written["expected"].split("\n")[:-1]


def policy_of(name):
    if isinstance(name, list):
        return book_of([policy_of(one) for one in name])
    own = FOLDER / f"{name}.policy"
    return policies.load(
        own if own.is_file() else policies.default_path().with_name(f"{name}.toml")
    )


async def test_a_replay_tells_what_was_worked_out_by_hand(scenario):
    lines, arguments, expected = scenario
    assert told(await played(lines, **arguments)) == expected


async def test_a_live_daemon_tells_the_same_as_a_replay(scenario):
    lines, arguments, expected = scenario
    assert told(await lived(lines, **arguments)) == expected
