"""`capd forecast` at the command line, on usage up to this very moment."""

import asyncio
import json
from datetime import timedelta

import pytest

from capd.clock import utc_now
from capd.store import Store
from tests.builders import GB, a_reading, postings
from tests.servers.commandline import Capd
from tests.usage_patterns import days_of, households

PEOPLE = 12


@pytest.fixture
def capd(tmp_path):
    """Return an operator with a dozen subscribers, whose periods began three days ago."""
    found = Capd(tmp_path)
    found.ok("init")
    inventory = json.loads((tmp_path / "inventory.json").read_text())
    [one, *_] = inventory["subscribers"]
    day = (utc_now() - timedelta(days=3)).day
    inventory["subscribers"] = [
        {**one, "id": f"S-{n}", "address": f"{n} Hill", "cycle_day": day, "product": "home-100"}
        for n in range(PEOPLE)
    ]
    inventory["devices"][0]["meters"][0]["subscriber"] = "S-0"
    (tmp_path / "inventory.json").write_text(json.dumps(inventory))
    found.ok("import", "inventory.json")
    return found


def use(capd, *, days):
    """Post a reading every eight hours of each one's days, up to now."""
    now = utc_now()
    first = (now - timedelta(days=days)).date()

    async def post():
        store = await Store.open(f"sqlite:///{capd.folder}/capd.db")
        for n, household in enumerate(households(PEOPLE, seed=4)):
            count, readings = 0, []
            for day, used in days_of(household, first, days + 1).items():
                for hour in (0, 8, 16):
                    at = now.replace(hour=hour, minute=n, second=0, microsecond=0)
                    at = at.replace(year=day.year, month=1, day=1) + (
                        day - day.replace(month=1, day=1)
                    )
                    if at < now:
                        readings.append(a_reading(count, 0, at=at, device=f"cpe-{n}"))
                    count += used // 3
            day_of_cycle = (now - timedelta(days=3)).day
            await store.ledger.post(postings(readings, subscriber=f"S-{n}", cycle_day=day_of_cycle))
        await store.close()

    asyncio.run(post())


def test_who_may_reach_the_cap_is_listed_the_likeliest_first(capd):
    use(capd, days=60)
    listed = capd.ok("forecast", "--json").json()
    assert 1 < len(listed) < PEOPLE
    chances = [one["probability"] for one in listed]
    assert chances == sorted(chances, reverse=True)
    assert chances[-1] >= 0.05
    for one in listed:
        assert one["counted_bytes"] <= one["p10_bytes"] <= one["p50_bytes"] <= one["p90_bytes"]
        assert one["allowance_bytes"] == 100 * GB
        assert one["learnt_days"] > 40
    out = capd.ok("forecast").out
    assert f"{len(listed)} of {PEOPLE} subscribers may reach the cap; 0 did already." in out
    assert listed[0]["subscriber"] in out
    first = listed[0]
    alone = capd.ok("forecast", first["subscriber"], "--json").json()
    assert abs(alone["probability"] - first["probability"]) < 0.05  # as time went on


def test_one_subscriber_is_told_in_a_sentence_however_far_they_are(capd):
    use(capd, days=60)
    listed = {one["subscriber"] for one in capd.ok("forecast", "--json").json()}
    calm = next(f"S-{n}" for n in range(PEOPLE) if f"S-{n}" not in listed)
    assert " expected by " in capd.ok("forecast", calm).out


def test_forecasts_are_scored_against_what_happened(capd):
    use(capd, days=170)
    scored = capd.ok("forecast", "--score", "--json").json()
    assert scored["subscribers"] == PEOPLE
    assert scored["forecasts"] > 50
    for method in ("forecast", "straight_line"):
        assert 0 < scored[method]["brier"] < 0.25
        assert 0 < scored[method]["mean_absolute_error_bytes"] < 30 * GB
    assert [one["day"] for one in scored["days"]] == [10, 15, 20]
    assert sum(one["count"] for one in scored["calibration"]) == scored["forecasts"]
    out = capd.ok("forecast", "--score").out
    assert "as of day 10" in out
    assert "What was said, and how often it came true:" in out


def test_what_cannot_be_forecast_is_said(capd):
    empty = capd("forecast")
    assert (empty.code, len(empty.lines)) == (1, 1)
    use(capd, days=12)
    young = capd("forecast", "--score")
    assert (young.code, len(young.lines)) == (1, 1)
    assert "nothing to score" in young.lines[0]
    nobody = capd("forecast", "S-99")
    assert (nobody.code, len(nobody.lines)) == (1, 1)
    both = capd("forecast", "S-1", "--score")
    assert (both.code, len(both.lines)) == (2, 1)
