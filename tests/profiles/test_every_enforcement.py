"""Every profile that enforces: what is typed for each difference, against lines kept beside it.

`tests/profiles/NAME/enforce.toml` holds cases: the services before and after, what the device says
when it is read back, and every line that must then be typed (none: it is as owed).
"""

import tomllib
from pathlib import Path

import pytest

from capd.enforce.render import script
from capd.profiles import load_all
from tests.builders import a_device, a_service, an_order

HERE = Path(__file__).parent
PROFILES = {name: each for name, each in load_all().items() if each.enforce is not None}


def cases():
    for name in PROFILES:
        for case in tomllib.loads((HERE / name / "enforce.toml").read_text())["cases"]:
            yield pytest.param(name, case, id=f"{name}: {case['name']}")


def service(text):
    """Return the service that "off", "on" or "off 60M/10M" (down/up, - for no limit) says."""
    word, _, rates = text.partition(" ")
    down, up = (rates or "30M/5M").split("/")
    bps = [None if way == "-" else int(way.removesuffix("M")) * 1_000_000 for way in (down, up)]
    return a_service(suspended=word == "off", down_bps=bps[0], up_bps=bps[1])


def rendered(name, case):
    device = a_device(profile=name, settings=case.get("settings", {}))
    order = an_order(before=service(case["before"]), after=service(case["after"]))
    return script(order, device, PROFILES[name], among=case.get("among", 1))


@pytest.mark.parametrize(("name", "case"), list(cases()))
def test_exactly_these_lines_are_typed(name, case):
    assert list(rendered(name, case).missing(case["says"])) == case["typed"]


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_that_enforces_shows_all_that_it_types(name):
    shown = tomllib.loads((HERE / name / "enforce.toml").read_text())["cases"]
    ways = {(case["before"].split()[0], case["after"].split()[0]) for case in shown}
    assert {("on", "off"), ("off", "on")} <= ways
    methods = {case.get("settings", {}).get("method") for case in shown} - {None}
    assert methods == set(PROFILES[name].enforce.methods)
    assert any(not case["typed"] for case in shown)


@pytest.mark.parametrize("name", PROFILES)
def test_exactly_these_lines_are_typed_around_all_orders_of_a_session(name):
    """The mode that changes are typed in, its commit, and what makes them last."""
    enforce = PROFILES[name].enforce
    config = enforce.config
    around = [line if isinstance(line, str) else line.line for line in enforce.save]
    if config is not None:
        around = [*config.enter, *config.commit, *config.leave, *config.confirm, *around]
    shown = tomllib.loads((HERE / name / "enforce.toml").read_text()).get("session", [])
    assert shown == around


@pytest.mark.parametrize("name", PROFILES)
def test_silence_proves_nothing(name):
    """A device that answers the read-back with nothing is neither suspended nor in service."""
    for case in tomllib.loads((HERE / name / "enforce.toml").read_text())["cases"]:
        for before, after in (("on", "off"), ("off", "on")):
            assert rendered(name, {**case, "before": before, "after": after}).missing("") != ()
