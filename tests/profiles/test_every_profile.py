"""Every device profile that ships: what it knows, reads and hears, against answers kept beside it.

`tests/profiles/NAME/collect.toml` holds what such a device says, and what capd must make of it; a
new profile is tested by adding that file, without a line of Python.
"""

import tomllib
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from capd.collect.decode import varbinds
from capd.collect.decode.varbinds import Place
from capd.collect.hearing import Hearing, Message
from capd.collect.probe import candidates
from capd.collect.topics import topics_of
from capd.model import Down, Meter, Reading
from capd.profiles import load_all
from capd.units import moment_of
from tests.builders import a_device

HERE = Path(__file__).parent
PROFILES = load_all()
RECORDED = {name: HERE / name / "collect.toml" for name in PROFILES}
NOW = moment_of("2026-11-22T01:00:00Z")


def recorded(name):
    return tomllib.loads(RECORDED[name].read_text())


def cases(kind):
    return [
        pytest.param(name, case, id=f"{name}-{n}")
        for name in PROFILES
        if RECORDED[name].exists()
        for n, case in enumerate(recorded(name).get(kind, []))
    ]


def the_device(name, case):
    meters = tuple(
        Meter(id=m["id"], subscriber="S-1", if_name=m["ifName"], down=Down(m["down"]))
        for m in case["meters"]
    )
    return a_device(
        profile=name, meters=meters, mqtt_name=case.get("mqtt_name"),
        settings=recorded(name).get("settings", {}),
    )  # fmt: skip


def shown(reading: Reading, wanted):
    return {key: getattr(reading, key) for key in wanted}


@pytest.mark.parametrize("name", PROFILES)
def test_what_a_profile_reads_is_recorded(name):
    """A profile nobody can try is a guess."""
    profile, record = PROFILES[name], recorded(name)
    assert (profile.snmp is None) or record.get("poll")
    assert (profile.mqtt is None) or record.get("hear")
    assert (profile.recognise is None) or record.get("recognise")


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_says_what_it_is_and_who_enforces(name):
    profile = PROFILES[name]
    assert profile.title
    assert profile.enforce is not None or profile.enforce_elsewhere


@pytest.mark.parametrize("name", [n for n, p in PROFILES.items() if p.recognise])
def test_a_device_is_known_by_its_own_profile_first(name):
    signs = recorded(name)["recognise"]
    answers = signs.get("answers", {})
    known = [
        profile.name
        for profile, sign in candidates(
            PROFILES.values(), signs["sys_object_id"], signs["sys_descr"]
        )
        if sign.exists is None or sign.exists in answers
    ]
    assert known[0] == name


@pytest.mark.parametrize(("name", "case"), cases("poll"))
def test_recorded_answers_are_read_as_they_were_meant(name, case):
    profile, device = PROFILES[name], the_device(name, case)
    index = {
        if_name.encode(): Place(row, if_name not in case.get("wireless", ()))
        for if_name, row in case["rows"].items()
    }
    answer = {
        oid: value.encode() if isinstance(value, str) else value
        for oid, value in case["answer"].items()
    }
    plan = varbinds.plan(device, profile, index)
    asked = {oid for get in plan.gets for oid in get.oids}
    assert asked == set(answer), "the recording has just what is asked for"
    of = varbinds.box(plan, answer, NOW)
    found = [varbinds.readings(plan, get, answer, NOW, of) for get in plan.gets]
    assert not any(each.refused or each.doubtful for each in found)
    readings = [reading for each in found for reading in each.readings]
    wanted = case["readings"]
    assert [shown(r, w) for r, w in zip(readings, wanted, strict=True)] == wanted


@pytest.mark.parametrize(("name", "case"), cases("hear"))
def test_recorded_messages_are_heard_as_they_were_meant(name, case):
    device = the_device(name, case)
    topics = topics_of([device], PROFILES)
    assert topics.problems == ()
    hearing = Hearing(topics.routes)
    arrived = _arrival(case)
    (poll,) = hearing.polls(
        [Message(t, p.encode(), arrived, retained=False) for t, p in case["messages"]]
    )
    wanted = case["readings"]
    assert [shown(r, w) for r, w in zip(poll.readings, wanted, strict=True)] == wanted
    assert case.get("problem", "") in (poll.problem or "")
    assert hearing.rejected["unknown_topic"] == 0
    assert bool(poll.problem) == ("problem" in case)


def _arrival(case) -> datetime:
    """Return when the messages came: as recorded, else just after what a collectd payload bears."""
    if "arrived" in case:
        return moment_of(case["arrived"])
    bears = case["messages"][0][1].partition(":")[0]
    try:
        return datetime.fromtimestamp(float(bears), tz=NOW.tzinfo) + timedelta(seconds=1)
    except ValueError:
        return NOW
