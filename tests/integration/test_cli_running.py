"""One round by hand, and a look at one device, against a real SNMP agent."""

import io
import json

import pytest

from capd.cli import output, told
from capd.errors import ConfigError, StoreError
from tests.servers.commandline import Capd
from tests.servers.process import free_port
from tests.servers.snmpd import COMMUNITY, Snmpd


@pytest.fixture
def agent(tmp_path):
    found = Snmpd(tmp_path / "snmpd")
    found.start()
    yield found
    found.stop()


@pytest.fixture
def capd(tmp_path):
    found = Capd(tmp_path)
    found.env["SNMP_COMMUNITY"] = COMMUNITY
    found.ok("init")
    yield found
    assert COMMUNITY not in "".join(said.out + said.err for said in found.said)


def enrolled(capd, port):
    inventory = json.loads((capd.folder / "inventory.json").read_text())
    [device] = inventory["devices"]
    device["address"] = "127.0.0.1"
    device["snmp"] = {"community": "env:SNMP_COMMUNITY", "port": port}
    device["settings"] = {"wan": "lo", "lan": "lan0"}
    device["meters"][0]["ifName"] = "lo"
    (capd.folder / "inventory.json").write_text(json.dumps(inventory))
    capd.ok("import", "inventory.json")


def test_one_round_reads_what_there_is_to_read(capd, agent):
    enrolled(capd, agent.port)
    summary = capd.ok("once", "--json").json()
    assert (summary["polled"], summary["silent"], summary["readings"]) == (1, 0, 1)
    assert summary["paused"] is True
    assert capd.ok("devices", "--json").json()[0]["last_reading_at"] is not None
    assert "readings: 1" in capd.ok("once").out


def test_a_silent_device_is_said_and_spoils_nothing(capd):
    enrolled(capd, free_port())
    config = (capd.folder / "capd.toml").read_text()
    (capd.folder / "capd.toml").write_text(config.replace("timeout_s = 2.0", "timeout_s = 0.2"))
    said = capd("once")
    assert said.code == 0
    assert said.lines == ["cpe-1: no answer (2 tries of 0.2 s)"]


def test_a_device_is_recognised_by_its_address_or_its_id(capd, agent):
    asked = capd.ok(
        "device", "probe", "127.0.0.1", "--port", str(agent.port), "--community",
        "env:SNMP_COMMUNITY", "--json",
    ).json()  # fmt: skip
    assert asked["profile"] == "linux_router"
    assert any(port["name"] == "lo" and port["in_bytes"] is not None for port in asked["ports"])
    enrolled(capd, agent.port)
    known = capd.ok("device", "probe", "cpe-1")
    assert "linux_router" in known.out
    assert "count the bytes of" in known.out


def test_a_check_logs_in_to_the_devices_only_where_it_is_asked_to(capd):
    enrolled(capd, free_port())
    assert "devices:" not in capd.ok("check").out
    said = capd("check", "--devices", "--json")
    assert said.code == 1
    assert said.json()["devices"] == "0 of 1 would take a suspension"
    (problem,) = said.json()["unreachable"]
    assert problem.startswith("cpe-1: cannot be reached")


def test_a_profile_says_what_is_known_of_it_and_what_is_not(capd):
    shown = capd.ok("profiles", "show", "ubiquiti_airos").out
    assert "table stations (stations of the access point), by MAC" in shown
    assert "not seen on real hardware: collect.snmp.tables.stations.down: inferred" in shown
    epmp = capd.ok("profiles", "show", "cambium_epmp").out
    assert "  the access point fills it only on an SNMP SET" in epmp
    record = capd.ok("profiles", "show", "mikrotik_routeros", "--json").json()
    assert record["snmp"]["tables"]["queues"]["down"] == "in"
    assert record["configured"] is True
    said = capd("profiles", "show", "ubiquiti_airis")
    assert (said.code, said.lines) == (
        1, ["there is no profile 'ubiquiti_airis'. Did you mean 'ubiquiti_airos'?"]
    )  # fmt: skip


def test_a_device_that_does_not_answer_is_one_line(capd):
    said = capd("device", "probe", "127.0.0.1", "--port", str(free_port()))
    assert (said.code, len(said.lines)) == (1, 1)
    assert said.lines[0].startswith("127.0.0.1: no answer")
    unknown = capd("device", "probe", "127.0.0.1", "--profile", "none")
    assert (unknown.code, len(unknown.lines)) == (1, 1)


def test_what_nobody_expected_is_one_line_too(capsys, monkeypatch):
    monkeypatch.delenv("CAPD_DEBUG", raising=False)
    assert told(RuntimeError("postgresql://u:hunter2@h/db broke\nin two")) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err == (
        "capd: unexpected: RuntimeError: postgresql://***@h/db broke"
        " (set CAPD_DEBUG=1 to see the traceback)\n"
    )
    monkeypatch.setenv("CAPD_DEBUG", "1")
    told(RuntimeError("x"))
    assert "RuntimeError: x" in capsys.readouterr().err


def test_several_errors_at_once_are_a_line_each(capsys):
    both = ExceptionGroup("both", [StoreError("the store is away"), ConfigError("a: b", "c: d")])
    assert told(both) == 2
    assert capsys.readouterr().err.splitlines() == ["the store is away", "a: b", "c: d"]


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_gets_a_table_and_no_name_can_colour_it(monkeypatch):
    screen = Terminal()
    monkeypatch.setattr("sys.stdout", screen)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("COLUMNS", "100")
    output.table(("id", "name"), [("S-1", "[red]Mallory[/red]\x1b[2J")], empty="None.")
    drawn = screen.getvalue()
    assert "[red]Mallory[/red]\\x1b[2J" in drawn
    assert "┃" in drawn or "|" in drawn


def test_a_secret_that_is_not_there_is_told_with_its_file_and_key(capd):
    toml = capd.folder / "capd.toml"
    hook = '[notify.webhook]\nurl = "http://127.0.0.1:9/hook"\nsecret = "env:NOT_SET"\n'
    toml.write_text(toml.read_text() + hook)
    for command in ("once", "run"):
        said = capd(command)
        assert said.code == 2
        assert said.lines == [
            "capd.toml: notify.webhook.secret: NOT_SET is not set in the environment"
        ]


def test_a_replay_needs_no_configuration_nor_a_policy(capd):
    for name in ("capd.toml", "policy.toml"):
        (capd.folder / name).unlink()
    line = {"device": "cpe-1", "meter": "wan", "down_bytes": 0, "up_bytes": 0}
    lines = [
        json.dumps({"at": "2026-03-01T00:00:00Z", **line}),
        json.dumps({"at": "2026-03-02T00:00:00Z", **line, "down_bytes": 101 * 10**9}),
    ]
    (capd.folder / "month.jsonl").write_text("\n".join(lines))
    said = capd.ok("replay", "month.jsonl", "--inventory", "inventory.json", "--json")
    assert [record["kind"] for record in said.records()] == ["notice", "hold_opened", "usage"]
