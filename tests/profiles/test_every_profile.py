"""Every device profile that ships: what it knows, reads and hears, against answers kept beside it.

`tests/profiles/NAME/collect.toml` holds what such a device says, and what capd must make of it; a
new profile is tested by adding that file, without a line of Python.
"""

import tomllib
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from capd.collect.hearing import Hearing, Message
from capd.collect.probe import probe
from capd.collect.snmp import Asker
from capd.collect.snmp_gufo import GufoEngine
from capd.collect.topics import topics_of
from capd.model import Down, Meter, Reading, Secret, SnmpAccess
from capd.polled import mac_octets
from capd.profiles import load_all
from capd.units import moment_of
from tests.builders import a_device
from tests.servers.snmpagent import COMMUNITY, Manners, TableAgent

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


def the_device(name, case, **more):
    meters = tuple(
        Meter(
            id=m["id"],
            subscriber="S-1",
            if_name=m.get("ifName"),
            table=m.get("table"),
            row=m.get("row"),
            down=Down(m["down"]) if "down" in m else None,
        )
        for m in case["meters"]
    )
    return a_device(
        profile=name, meters=meters, mqtt_name=case.get("mqtt_name"),
        settings=recorded(name).get("settings", {}), **more,
    )  # fmt: skip


def access_of(name, agent):
    """Return how such a device is asked: in the oldest version that its profile speaks."""
    versions = PROFILES[name].snmp.versions
    return SnmpAccess(version=versions[0], community=Secret(COMMUNITY), port=agent.port)


@pytest.fixture
async def engine():
    made = GufoEngine(timeout_s=1.0, retries=0)
    yield made
    await made.close()


def shown(reading: Reading, wanted):
    return {key: getattr(reading, key) for key in wanted}


@pytest.mark.parametrize("name", PROFILES)
def test_what_a_profile_reads_is_recorded(name):
    """A profile nobody can try is a guess."""
    profile, record = PROFILES[name], recorded(name)
    assert (profile.snmp is None) or record.get("poll")
    assert (profile.mqtt is None) or record.get("hear")
    assert (not profile.recognise) or record.get("recognise")


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_says_what_it_is_and_who_enforces(name):
    profile = PROFILES[name]
    assert profile.title
    assert profile.enforce is not None or profile.enforce_elsewhere


def signs():
    return [
        pytest.param(name, case, id=f"{name}-{n}")
        for name, profile in PROFILES.items()
        if profile.recognise
        for n, case in enumerate(_listed(recorded(name).get("recognise", [])))
    ]


def _listed(found):
    return [found] if isinstance(found, dict) else found


@pytest.mark.parametrize(("name", "case"), signs())
async def test_a_device_is_known_by_its_own_profile_first(name, case, engine):
    objects = {"1.3.6.1.2.1.1.3.0": 4200, **case.get("answers", {})}
    if "sys_object_id" in case:
        objects["1.3.6.1.2.1.1.2.0"] = f"oid:{case['sys_object_id']}"
    if "sys_descr" in case:
        objects["1.3.6.1.2.1.1.1.0"] = case["sys_descr"].encode()
    agent = await TableAgent.start(objects)
    try:
        seen = await probe("127.0.0.1", access_of(name, agent), engine, PROFILES)
    finally:
        agent.stop()
    assert seen.profile == name


@pytest.mark.parametrize(("name", "case"), cases("poll"))
async def test_recorded_answers_are_read_as_they_were_meant(name, case, engine):
    agent = await TableAgent.start(case["answer"], Manners(**case.get("manners", {})))
    device = the_device(name, case, address="127.0.0.1", snmp=access_of(name, agent))
    asker = Asker(engine, PROFILES, lambda: NOW)
    try:
        poll, again = await asker.ask(device), await asker.ask(device)
    finally:
        agent.stop()
    assert poll.problem == case.get("problem")
    wanted = case["readings"]
    assert [shown(r, w) for r, w in zip(poll.readings, wanted, strict=True)] == wanted
    assert [shown(r, w) for r, w in zip(again.readings, wanted, strict=True)] == wanted
    if "health" in case:
        assert dict(poll.health) == pytest.approx(case["health"])
    if "radios" in case:
        assert {radio.mac: radio.name for radio in poll.radios} == case["radios"]
    if "meter_health" in case:
        assert {m: dict(h) for m, h in poll.meter_health.items()} == case["meter_health"]


def of_tables():
    return [
        case
        for case in cases("poll")
        if any("table" in m for m in case.values[1]["meters"])
        and any("1.3.6.1.2.1.1." in oid for oid in case.values[1]["answer"])
    ]


@pytest.mark.parametrize(("name", "case"), of_tables())
async def test_a_look_shows_of_tables_what_a_poll_reads(name, case, engine):
    """Down and up are the same way round, and a table without counters is not said to count."""
    sysdescr = {"1.3.6.1.2.1.1.1.0": title_of(name)}
    agent = await TableAgent.start(sysdescr | case["answer"], Manners(**case.get("manners", {})))
    device = the_device(name, case, address="127.0.0.1", snmp=access_of(name, agent))
    try:
        seen = await probe("127.0.0.1", access_of(name, agent), engine, PROFILES, name)
        poll = await Asker(engine, PROFILES, lambda: NOW).ask(device)
    finally:
        agent.stop()
    looked = {
        (table.name, line.row.lower()): (line.down_bytes, line.up_bytes, line.bits)
        for table in seen.tables
        for line in table.counters
    }
    meters = {
        meter.id: meter for meter in device.meters if meter.table in PROFILES[name].snmp.tables
    }
    polled = {
        (meters[r.meter].table, row_of(meters[r.meter])): (r.down_bytes, r.up_bytes, r.counter_bits)
        for r in poll.readings
        if r.meter in meters and meters[r.meter].down is None
    }
    assert polled.items() <= looked.items()
    assert all(bool(table.counters) == table.counts for table in seen.tables)


def title_of(name):
    return PROFILES[name].title.encode()


def row_of(meter):
    octets = mac_octets(meter.row)
    return meter.row.lower() if octets is None else octets.hex(":")


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
