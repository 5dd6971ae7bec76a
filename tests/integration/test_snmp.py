"""One device asked over real SNMP: Debian's snmpd on loopback, both engines, v1, v2c and v3."""

import asyncio
import os
import subprocess
import sys
import uuid
from dataclasses import replace
from pathlib import Path

import pytest

from capd.clock import utc_now
from capd.collect.agent import Agent, Habits
from capd.collect.probe import probe
from capd.collect.snmp import Asker
from capd.collect.snmp_gufo import GufoEngine
from capd.collect.snmp_pysnmp import PysnmpEngine
from capd.errors import (
    CannotBeDone,
    DeviceError,
    DeviceRefused,
    DeviceUnreachable,
    NonsenseFromDevice,
)
from capd.model import Secret, SnmpAccess
from capd.polled import Interfaces, SnmpCollect
from capd.profiles import Profile, load_all
from tests.builders import a_device, a_meter
from tests.conftest import need
from tests.servers.process import free_port
from tests.servers.snmpagent import Manners, TableAgent
from tests.servers.snmpd import AUTH_KEY, COMMUNITY, PRIV_KEY, Snmpd

PROFILES = load_all()
NARROW = Profile(  # SNMPv1 has no 64-bit counters: the columns of ifTable, and ifDescr for the name
    name="narrow",
    title="Narrow",
    snmp=SnmpCollect(
        versions=("1",),
        interfaces=Interfaces(
            name="1.3.6.1.2.1.2.2.1.2",
            in_bytes="1.3.6.1.2.1.2.2.1.10",
            out_bytes="1.3.6.1.2.1.2.2.1.16",
            counter_bits=32,
        ),
    ),
)
SYS_UP_TIME, NOWHERE = "1.3.6.1.2.1.1.3.0", "1.3.6.1.4.1.8072.9999.1.0"


@pytest.fixture(scope="module")
def agent(tmp_path_factory):
    server = Snmpd(tmp_path_factory.mktemp("snmpd"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(params=[GufoEngine, PysnmpEngine], ids=["gufo", "pysnmp"])
async def engine(request):
    made = request.param(timeout_s=0.5, retries=1)
    yield made
    await made.close()


def v2c(agent, **more):
    return SnmpAccess(version="2c", port=agent.port, community=Secret(COMMUNITY), **more)


def v3(agent, *, user="sha256", auth="sha256", priv="aes128", auth_key=AUTH_KEY, priv_key=PRIV_KEY):
    return SnmpAccess(
        version="3", port=agent.port, user=user, auth=auth, auth_key=Secret(auth_key), priv=priv,
        priv_key=Secret(priv_key) if priv else None,
    )  # fmt: skip


def loopback(access, **more):
    return a_device(address="127.0.0.1", snmp=access, meters=(a_meter(if_name="lo"),), **more)


def asker(engine, **more):
    return Asker(engine, {**PROFILES, "narrow": NARROW, **more}, utc_now)


def the_reading(poll):
    assert poll.problem is None
    (reading,) = poll.readings
    return reading


def octets(name):
    """Return what the kernel itself says of an interface: bytes in, bytes out."""
    folder = Path(f"/sys/class/net/{name}/statistics")
    return tuple(int((folder / f"{way}_bytes").read_text()) for way in ("rx", "tx"))


@pytest.mark.parametrize("access", [v2c, v3], ids=["v2c", "v3 SHA-256 AES"])
async def test_counters_are_the_kernels(engine, agent, access):
    before = octets("lo")
    reading = the_reading(await asker(engine).ask(loopback(access(agent))))
    assert 0 < reading.down_bytes <= octets("lo")[0]
    assert reading.down_bytes > before[0] / 2  # snmpd shows them up to 3 s late
    assert reading.counter_bits == 64
    assert reading.uptime_s > reading.agent_uptime_s > 0
    assert reading.epoch == "1"


@pytest.mark.parametrize(
    "login",
    [{"user": "sha1des", "auth": "sha1", "priv": "des"}, {"user": "authonly", "priv": None}],
    ids=["SHA-1 DES", "SHA-256 without privacy"],
)
async def test_older_and_weaker_v3_works_too(engine, agent, login):
    poll = await asker(engine).ask(loopback(v3(agent, **login)))
    assert the_reading(poll).down_bytes > 0


async def test_v1_reads_the_32_bit_columns__CN_7(engine, agent):
    asking = asker(engine)
    device = loopback(replace(v2c(agent), version="1"), profile="narrow")
    first = the_reading(await asking.ask(device))
    again = the_reading(await asking.ask(device))
    assert first.counter_bits == 32
    assert again.down_bytes >= first.down_bytes > 0


async def test_v1_does_without_what_the_agent_does_not_have(engine, agent):
    uptimes = (*SnmpCollect().uptimes, PROFILES["linux_router"].snmp.uptimes[0])
    odd = replace_snmp(NARROW, uptimes=uptimes, serial=(NOWHERE,))
    asking = asker(engine, odd=odd)
    device = loopback(replace(v2c(agent), version="1"), profile="odd")
    for _ in range(3):
        reading = the_reading(await asking.ask(device))
        assert reading.down_bytes > 0
        assert reading.identity is None
        assert reading.uptime_s is not None


def replace_snmp(profile, **more):
    return profile.model_copy(update={"snmp": profile.snmp.model_copy(update=more)})


async def test_what_is_not_there_is_left_out(engine, agent):
    answer = await engine.get(v2c(agent), "127.0.0.1", [SYS_UP_TIME, NOWHERE])
    assert list(answer) == [SYS_UP_TIME]
    assert isinstance(answer[SYS_UP_TIME], int)


async def test_a_walk_ends_where_its_column_ends(engine, agent):
    column = "1.3.6.1.2.1.31.1.1.1.1"
    for bulk in (True, False):
        rows = await engine.walk(v2c(agent), "127.0.0.1", column, bulk=bulk, max_repetitions=3)
        assert rows[f"{column}.1"] == b"lo"
        assert all(oid.startswith(f"{column}.") for oid in rows)
    assert await engine.walk(
        v2c(agent), "127.0.0.1", "1.3.6.1.2.1.99.9", bulk=True, max_repetitions=3
    ) == {}  # fmt: skip


@pytest.mark.parametrize(
    "wrong",
    [{"auth_key": "not-the-key"}, {"user": "nobody"}, {"auth": "sha512"}, {"priv": None}],
    ids=["key", "user", "algorithm", "level"],
)
async def test_wrong_v3_credentials_are_a_refusal_not_silence(engine, agent, wrong):
    for _ in range(2):
        poll = await asker(engine).ask(loopback(v3(agent, **wrong)))
        assert poll.readings == ()
        assert "SNMPv3" in poll.problem
        assert not poll.unreachable
        assert AUTH_KEY not in poll.problem


async def test_a_wrong_privacy_key_reads_nothing(engine, agent):
    poll = await asker(engine).ask(loopback(v3(agent, priv_key="not-the-key")))
    assert poll.readings == ()
    assert poll.problem is not None


async def test_a_wrong_community_and_a_dead_port_are_silence(engine, agent):
    wrong = replace(v2c(agent), community=Secret("wrong"))
    for access in (wrong, replace(wrong, port=free_port())):
        poll = await asker(engine).ask(loopback(access))
        assert poll.unreachable
        assert "no answer" in poll.problem


async def test_one_engine_speaks_to_many_at_once(engine, agent):
    asking = asker(engine)
    devices = [loopback(v2c(agent), device=f"cpe-{n}") for n in range(20)]
    devices += [loopback(v3(agent), device=f"safe-{n}") for n in range(5)]
    polls = await asyncio.gather(*[asking.ask(device) for device in devices])
    assert all(the_reading(poll).down_bytes > 0 for poll in polls)


async def test_an_agent_that_restarted_is_read_on__CN_6(engine, tmp_path):
    agent = Snmpd(tmp_path / "snmpd")
    agent.start()
    try:
        asking = asker(engine)
        devices = [loopback(v2c(agent)), loopback(v3(agent), device="safe")]
        before = [the_reading(await asking.ask(device)) for device in devices]
        await asyncio.to_thread(agent.restart)
        after = [the_reading(await asking.ask(device)) for device in devices]
    finally:
        agent.stop()
    for old, new in zip(before, after, strict=True):
        assert new.agent_uptime_s < 5
        assert new.uptime_s >= old.uptime_s
        assert new.down_bytes >= old.down_bytes  # the kernel's counters went on


async def test_a_missing_interface_is_named_and_others_are_read(engine, agent):
    meters = (a_meter(if_name="lo"), a_meter("b", subscriber="S-2", if_name="wan0"))
    asking = asker(engine)
    for _ in range(2):
        poll = await asking.ask(replace(loopback(v2c(agent)), meters=meters))
        assert [reading.meter for reading in poll.readings] == ["wan"]
        assert poll.problem == "there is no interface wan0"


async def test_a_device_without_access_is_a_problem_in_words(engine):
    asking = asker(engine)
    assert "no address" in (await asking.ask(a_device(address=None))).problem
    assert "not known" in (await asking.ask(a_device(profile="unheard_of"))).problem
    poll = await asking.ask(a_device(profile="generic_mqtt_json"))
    assert "reads nothing over SNMP" in poll.problem


async def test_many_meters_take_several_requests_and_one_time_each(engine, agent):
    thrifty = replace_snmp(PROFILES["generic_ifmib"], max_oids=6)
    meters = tuple(a_meter(f"m{n}", if_name="lo") for n in range(4))
    device = replace(loopback(v2c(agent), profile="thrifty"), meters=meters)
    poll = await asker(engine, thrifty=thrifty).ask(device)
    assert len(poll.readings) == 4
    assert len({reading.at for reading in poll.readings}) == 4


def open_files():
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


async def test_one_broken_answer_is_as_one_lost(engine):
    """And nobody hears of it: no traceback of a library's."""
    told = []
    asyncio.get_running_loop().set_exception_handler(lambda _, what: told.append(what))
    shown = {SYS_UP_TIME: 4200, "1.3.6.1.2.1.1.1.0": "a box"}
    for broken in (1, 4):
        box = await TableAgent.start(shown, Manners(garbled=broken))
        access = SnmpAccess(port=box.port, community=Secret("public"))
        try:
            if broken == 1:
                assert await engine.get(access, "127.0.0.1", [SYS_UP_TIME]) == {SYS_UP_TIME: 4200}
            else:
                with pytest.raises(DeviceError):
                    await engine.get(access, "127.0.0.1", [SYS_UP_TIME])
        finally:
            box.stop()
    assert told == []


async def test_a_table_that_never_ends_is_left(engine):
    column = "1.3.6.1.2.1.2.2.1.2"
    rows = {f"{column}.{n}": f"port {n}" for n in range(1, 2000)}
    box = await TableAgent.start(rows, Manners(slow_s=0.05, most_repetitions=2))
    try:
        asked = Agent(
            engine, SnmpAccess(port=box.port, community=Secret("public")), "127.0.0.1",
            Habits(bulk=True, max_oids=20, max_repetitions=2, longest_walk_s=0.5),
        )  # fmt: skip
        with pytest.raises(NonsenseFromDevice, match="shows no end of"):
            await asked.walk(column)
        assert await asked.one(f"{column}.7") == b"port 7"  # what came late is no answer to this
    finally:
        await asyncio.sleep(0.1)
        box.stop()


async def test_gufo_keeps_but_a_few_sockets(agent):
    engine = GufoEngine(timeout_s=0.5, retries=1, sessions=3)
    others = [f"127.0.0.{n}" for n in range(2, 8)]
    for address in others:
        with pytest.raises(DeviceUnreachable):
            await engine.get(v2c(agent), address, [SYS_UP_TIME])
    fds = open_files()
    await asyncio.gather(*[engine.get(v2c(agent), "127.0.0.1", [SYS_UP_TIME]) for _ in range(9)])
    assert open_files() <= fds + 3


async def test_a_probe_recognises_a_linux_router(engine, agent):
    seen = await probe("127.0.0.1", v2c(agent), engine, PROFILES)
    assert seen.profile == "linux_router"
    assert seen.sys_descr.startswith("Linux ")
    assert seen.uptime_s > 0
    (lo,) = [port for port in seen.ports if port.name == "lo"]
    assert lo.up
    assert lo.in_bytes > 0
    assert any("count the bytes" in sentence for sentence in seen.can)
    assert any("over SSH (linux)" in sentence for sentence in seen.can)


async def test_a_probe_reads_by_the_profile_that_is_asked_for(engine, agent):
    seen = await probe("127.0.0.1", v2c(agent), engine, PROFILES, "generic_ifmib")
    assert seen.profile == "generic_ifmib"
    assert seen.uptime_s is None
    with pytest.raises(CannotBeDone, match="no profile mikrotik"):
        await probe("127.0.0.1", v2c(agent), engine, PROFILES, "mikrotik")


async def test_a_probe_says_who_is_silent_and_who_refuses(engine, agent):
    with pytest.raises(DeviceUnreachable):
        await probe("127.0.0.2", v2c(agent), engine, PROFILES)
    with pytest.raises(DeviceRefused):
        await probe("127.0.0.1", v3(agent, auth_key="not-the-key"), engine, PROFILES)


def run(*argv):
    subprocess.run(argv, check=True, capture_output=True)


@pytest.fixture
def namespace():
    """A network of its own, in which interfaces may be made anew."""
    need("root", os.geteuid() == 0)
    name = f"capd-{uuid.uuid4().hex[:8]}"
    run("ip", "netns", "add", name)
    run("ip", "-n", name, "link", "set", "lo", "up")
    yield name
    run("ip", "netns", "del", name)


def test_an_interface_made_anew_is_found_beside_its_dead_row__CN_5(namespace, tmp_path):
    """snmpd keeps the row of the old one, down and frozen, next to the new one."""
    prefix = ("ip", "netns", "exec", namespace)

    run("ip", "-n", namespace, "link", "add", "wan0", "type", "veth", "peer", "name", "far")
    for end in ("wan0", "far"):
        run("ip", "-n", namespace, "link", "set", end, "up")
    agent = Snmpd(tmp_path / "snmpd", prefix=prefix)
    agent.start()
    script = _POLLER.format(port=agent.port, community=COMMUNITY)
    try:
        asked = subprocess.run(  # from inside the namespace, where the agent is
            [*prefix, sys.executable, "-c", script], capture_output=True, text=True, check=True
        )
    finally:
        agent.stop()
    before, after = asked.stdout.split()
    assert int(after) > int(before)


_POLLER = """
import asyncio, subprocess, time
from capd.clock import utc_now
from capd.collect.snmp import Asker
from capd.collect.snmp_gufo import GufoEngine
from capd.model import Secret, SnmpAccess
from capd.profiles import load_all
from tests.builders import a_device, a_meter

async def main():
    asker = Asker(GufoEngine(timeout_s=1.0, retries=1), load_all(), utc_now)
    access = SnmpAccess(port={port}, community=Secret("{community}"))
    device = a_device(address="127.0.0.1", snmp=access, meters=(a_meter(if_name="wan0"),))

    async def epoch():
        poll = await asker.ask(device)
        return poll.readings[0].epoch if poll.readings else None

    first = await epoch()
    for line in ("del wan0", "add wan0 type veth peer name far", "set wan0 up", "set far up"):
        subprocess.run(["ip", "link", *line.split()], check=True)
    for _ in range(100):
        now = await epoch()
        if now not in (first, None):
            print(first, now)
            return
        await asyncio.sleep(0.1)

asyncio.run(main())
"""
