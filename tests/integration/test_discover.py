"""Looking through a range of addresses: what answers, what it is, what of it is new."""

import json
import tomllib

import pytest

from tests.servers.commandline import Capd
from tests.servers.process import free_port
from tests.servers.snmpagent import Manners, in_a_thread

ROUTEROS = {
    "1.3.6.1.2.1.1.1.0": b"router",
    "1.3.6.1.2.1.1.2.0": "oid:1.3.6.1.4.1.14988.1",
    "1.3.6.1.2.1.1.3.0": 4200,
    "1.3.6.1.2.1.1.5.0": b'Hill "7" / east',
    "1.3.6.1.4.1.14988.1.1.7.3.0": "HD208ABCDEF",
    "1.3.6.1.4.1.14988.1.1.4.4.0": "7.16.1",
}
AIROS = {
    "1.3.6.1.2.1.1.1.0": b"Linux 2.6.32.68 #1 mips",
    "1.3.6.1.2.1.1.2.0": "oid:1.3.6.1.4.1.10002.1",
    "1.3.6.1.2.1.1.3.0": 4200,
    "1.3.6.1.2.1.1.5.0": b"dish",
    "1.2.840.10036.2.1.1.1.9": "hex:0200000000aa",
    "1.3.6.1.4.1.41112.1.4.5.1.5.1": -61,
}
RANGE = "127.0.0.8/29"  # .9 to .14


@pytest.fixture
def capd(tmp_path):
    found = Capd(tmp_path)
    found.ok("init")
    return found


def looking(capd, port, *more):
    return capd.ok(
        "discover", RANGE, "--port", str(port), "--timeout", "0.2", "--rate", "500", *more
    )


def test_what_answers_is_listed_with_what_it_is_and_whether_it_is_new(capd):
    with in_a_thread(ROUTEROS, hosts=("127.0.0.9", "127.0.0.11")) as agent:
        found = looking(capd, agent.port, "--json").json()
        assert [(each["address"], each["profile"], each["new"]) for each in found] == [
            ("127.0.0.9", "mikrotik_routeros", True),
            ("127.0.0.11", "mikrotik_routeros", True),
        ]
        assert (found[0]["serial"], found[0]["firmware"]) == ("HD208ABCDEF", "7.16.1")
        said = looking(capd, agent.port)
    assert "6 addresses: 2 answer, 2 of them new" in said.out


def test_a_radio_of_snmp_1_alone_is_found_too(capd):
    with in_a_thread(AIROS, Manners(versions=(0,)), hosts=("127.0.0.9",)) as agent:
        (found,) = looking(capd, agent.port, "--json").json()
    assert (found["profile"], found["snmp_version"]) == ("ubiquiti_airos", "1")
    assert found["mac"] == "02:00:00:00:00:aa"


@pytest.mark.parametrize("way", ["--toml", "--inventory"])
def test_what_is_new_is_printed_ready_to_be_imported_and_then_known(capd, way):
    with in_a_thread(ROUTEROS, hosts=("127.0.0.9",)) as agent:
        said = looking(capd, agent.port, way)
        name = "new.toml" if way == "--toml" else "new.json"
        (capd.folder / name).write_text(said.out)
        capd.ok("import", name)
        (found,) = looking(capd, agent.port, "--from-config", "--json").json()
        assert (found["device"], found["new"]) == ("hill-7-east", False)
        nothing = looking(capd, agent.port, "--from-config", way).out
    parsed = tomllib.loads(nothing) if way == "--toml" else json.loads(nothing)
    assert parsed in ({}, {"devices": []})


def test_a_device_that_has_moved_is_known_by_its_serial(capd):
    device = {"id": "r7", "profile": "mikrotik_routeros", "address": "10.0.0.7",
              "serial": "HD208ABCDEF", "snmp": {"community": "public"}}  # fmt: skip
    (capd.folder / "more.json").write_text(json.dumps({"devices": [device]}))
    capd.ok("import", "more.json")
    with in_a_thread(ROUTEROS, hosts=("127.0.0.9",)) as agent:
        (found,) = looking(capd, agent.port, "--json").json()
        assert (found["device"], found["inventory_address"]) == ("r7", "10.0.0.7")
        assert "r7 (at 10.0.0.7 there)" in looking(capd, agent.port).out


def test_a_community_is_never_printed(capd):
    capd.env["HILL"] = "s3cret-hill"
    with in_a_thread(ROUTEROS, community="s3cret-hill", hosts=("127.0.0.9",)) as agent:
        for given, shown in (("s3cret-hill", "env:SNMP_COMMUNITY"), ("env:HILL", "env:HILL")):
            said = looking(capd, agent.port, "--community", "wrong", "--community", given, "--toml")
            (device,) = tomllib.loads(said.out)["devices"]
            assert device["snmp"]["community"] == shown
            assert "s3cret" not in said.out + said.err


def test_what_the_profile_asks_for_is_said_beside_the_line(capd):
    linux = {
        "1.3.6.1.2.1.1.1.0": b"Linux cpe 6.1.0",
        "1.3.6.1.2.1.1.2.0": "oid:1.3.6.1.4.1.8072.3.2.10",
        "1.3.6.1.2.1.1.3.0": 4200,
        "1.3.6.1.2.1.1.5.0": b"cpe",
    }
    with in_a_thread(linux, hosts=("127.0.0.9",)) as agent:
        said = looking(capd, agent.port, "--toml")
    assert '# settings.wan = ""   # must be given: the interface towards the internet' in said.out


@pytest.mark.parametrize(
    ("given", "code", "line"),
    [
        (["10.0.0.0/19"], 1, "8192 addresses are many: say --yes if you mean it"),
        (["10.0.0.0/8", "--yes"], 1, "more than anybody wants to wait for"),
        (["2001:db8::/64", "--yes"], 1, "more than anybody wants to wait for"),
        (["hill", "10.0.0.0/33"], 2, "'hill' is no network such as 10.9.0.0/24, and no address"),
    ],
)
def test_too_many_and_none_are_refused_in_a_line(capd, given, code, line):
    said = capd("discover", *given)
    assert said.code == code
    assert line in said.err


def test_nobody_there_is_said(capd):
    said = looking(capd, free_port())
    assert "6 addresses: 0 answer, 0 of them new" in said.out
