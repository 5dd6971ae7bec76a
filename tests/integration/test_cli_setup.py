"""From nothing to a network in the books, and every slip on the way."""

import json
import shutil
import sqlite3

import pytest

from tests.servers.commandline import Capd

SECRET = "hunter2-do-not-show"


@pytest.fixture
def capd(tmp_path):
    return Capd(tmp_path)


@pytest.fixture
def begun(capd):
    capd.ok("init")
    return capd


def tree(folder):
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_fresh_start_passes_its_own_check_and_imports(begun):
    said = begun.ok("check")
    assert said.out.endswith("all is well\n")
    assert "not there yet" in said.out
    assert not (begun.folder / "capd.db").exists()  # a check changes nothing
    begun.ok("import", "inventory.json")
    found = begun.ok("check", "--json").json()
    assert found["ok"] is True
    assert found["inventory"].startswith("2 products, 1 sectors, 1 subscribers, 1 devices")
    assert (begun.folder / "capd.db").stat().st_mode & 0o077 == 0


def test_init_starts_paused_and_never_overwrites(begun):
    assert "paused = true" in (begun.folder / "capd.toml").read_text()
    before = tree(begun.folder)
    again = begun("init")
    assert again.code == 1
    assert again.lines == [
        ".: has capd.toml, policy.toml, inventory.json already; nothing was written"
    ]
    assert tree(begun.folder) == before
    begun.ok("init", "other/place")
    assert (begun.folder / "other/place/policy.toml").exists()


def test_without_a_configuration_the_way_to_one_is_told(capd):
    for command in (["check"], ["usage", "S-1"], ["run"], ["import", "x.json"]):
        said = capd(*command)
        assert said.code == 2
        assert len(said.lines) == 1
        assert "capd init" in said.err


def test_the_configuration_is_named_before_or_after_the_command_or_in_the_environment(begun):
    begun.ok("import", "inventory.json")
    begun.folder.joinpath("capd.toml").rename(begun.folder / "mine.toml")
    assert begun("subscribers").code == 2
    before = begun.ok("-c", "mine.toml", "subscribers").out
    after = begun.ok("subscribers", "-c", "mine.toml").out
    begun.env["CAPD_CONFIG"] = "mine.toml"
    assert before == after == begun.ok("subscribers").out
    assert "S-1" in before


def test_every_mistake_of_every_file_is_told_at_once_and_nothing_is_changed(begun):
    (begun.folder / "capd.toml").write_text(
        'device_profiles = "mine"\n'
        '[operator]\ntimezone = "Europe/Londn"\ncurrency = "gbp"\n'
        f'[store]\nurl = "postgres://u:{SECRET}@h/db"\n'
        "[collect.snmp]\nintervall_s = 1\n"
        f'[notify.webhook]\nsecret = ["{SECRET}"]\n'
    )
    (begun.folder / "policy.toml").write_text('name = "x"\n[capp]\n[notices]\nshares = [80, 50]\n')
    (begun.folder / "mine").mkdir()
    (begun.folder / "mine/odd.toml").write_text('titel = "x"\n[collect.snmp]\nserial = "abc"\n')
    before = tree(begun.folder)
    said = begun("check")
    assert said.code == 2
    for told in (
        "capd.toml: operator.currency: wants three capital letters such as GBP, not 'gbp'",
        "capd.toml: collect.snmp.intervall_s: unknown key. Did you mean 'interval_s'?",
        "capd.toml: notify.webhook.secret: wants text: the secret itself, env:NAME or file:PATH",
    ):
        assert told in said.lines
    assert "Did you mean 'Europe/London'?" in said.err
    assert any("policy.toml: capp: unknown key. Did you mean 'cap'?" in line for line in said.lines)
    assert any("policy.toml: version: is missing" in line for line in said.lines)
    assert any("odd.toml: title: is missing" in line for line in said.lines)
    assert any("odd.toml: titel: unknown key. Did you mean 'title'?" in line for line in said.lines)
    assert SECRET not in said.out + said.err
    assert tree(begun.folder) == before


def test_a_slip_in_the_syntax_is_one_line_with_its_place(begun):
    (begun.folder / "capd.toml").write_text('[operator]\nname = "x\n')
    said = begun("run")
    assert said.code == 2
    assert len(said.lines) == 1
    assert said.lines[0].startswith("capd.toml: line 2, column ")


def test_an_import_with_mistakes_changes_nothing(begun):
    begun.ok("import", "inventory.json")
    before = begun.ok("export", "before").out
    (begun.folder / "bad.json").write_text(
        json.dumps(
            {
                "products": [{"id": "p", "name": "P", "cap": "1QB"}],
                "subscribers": [{"id": "S-9", "name": "x", "product": "home-100", "emial": "y"}],
                "devices": [{"id": "d", "profile": "linux_ruter", "ssh": SECRET}],
            }
        )
    )
    said = begun("import", "bad.json")
    assert said.code == 2
    assert [line.split(": ")[1] for line in said.lines] == [
        "products[0].cap", "subscribers[0].emial", "devices[0].ssh", "devices[0].profile",
    ]  # fmt: skip
    assert SECRET not in said.err
    begun.ok("export", "after")
    assert before
    assert tree(begun.folder / "before") == tree(begun.folder / "after")


def test_an_import_must_fit_the_profiles_and_point_at_what_is_there(begun):
    inventory = json.loads((begun.folder / "inventory.json").read_text())
    inventory["subscribers"][0]["product"] = "home-10"
    (begun.folder / "a.json").write_text(json.dumps(inventory))
    said = begun("import", "a.json")
    assert said.code == 2
    assert "home-10" in said.err
    inventory["devices"][0]["settings"] = {"wan": "wan0; reboot"}
    inventory["devices"][0]["profile"] = "linux_ruter"
    inventory["devices"].append({**inventory["devices"][0], "id": "d2", "profile": "linux_router"})
    (begun.folder / "b.json").write_text(json.dumps(inventory))
    said = begun("import", "b.json")
    assert said.code == 2
    assert "Did you mean 'linux_router'?" in said.err
    assert "device d2: settings.wan:" in said.err
    assert not (begun.folder / "capd.db").exists()


def test_an_import_says_what_it_adds_changes_and_leaves(begun):
    dry = begun.ok("import", "inventory.json", "--dry-run", "--json").json()
    assert dry["dry_run"] is True
    assert dry["added"]["subscriber"] == ["S-1"]
    assert not (begun.folder / "capd.db").exists()
    done = begun.ok("import", "inventory.json", "--json").json()
    assert done["added"] == dry["added"]
    inventory = json.loads((begun.folder / "inventory.json").read_text())
    inventory["subscribers"][0]["email"] = "new@example.net"
    (begun.folder / "inventory.json").write_text(json.dumps(inventory))
    changed = begun.ok("import", "inventory.json", "--json").json()
    assert changed["changed"] == {"subscriber": ["S-1"]}
    assert changed["added"] == {}
    again = begun.ok("import", "inventory.json")
    assert "nothing to change" in again.out
    events = begun.ok("events", "--json").records()
    kinds = [event["kind"] for event in events]
    assert kinds.count("imported") == 2  # the third changed nothing, and says nothing
    assert [event["id"] for event in events] == list(range(1, len(events) + 1))
    assert events[kinds.index("inventory_changed")]["name"] == "S-1"


@pytest.mark.parametrize("form", ["json", "csv"])
def test_what_is_exported_imports_as_nothing_new(begun, form):
    begun.ok("import", "inventory.json")
    begun.ok("export", "--format", form, "out")
    said = begun.ok("import", "out")
    assert "nothing to change" in said.out
    (begun.folder / "capd.db").unlink()
    for left in begun.folder.glob("capd.db-*"):
        left.unlink()
    begun.ok("import", "out")
    begun.ok("export", "--format", form, "again")
    assert tree(begun.folder / "out") == tree(begun.folder / "again")


def test_libreqos_gets_its_two_files(begun):
    begun.ok("import", "inventory.json")
    begun.ok("export", "--format", "libreqos", "q")
    assert "S-1" in (begun.folder / "q/ShapedDevices.csv").read_text()
    assert json.loads((begun.folder / "q/network.json").read_text())["hill-3"]["type"] == "AP"


def test_a_check_tries_every_secret_and_shows_none(begun):
    config = (begun.folder / "capd.toml").read_text()
    (begun.folder / "capd.toml").write_text(
        config + '[notify.webhook]\nurl = "http://127.0.0.1:9/"\nsecret = "env:HOOK"\n'
    )
    inventory = json.loads((begun.folder / "inventory.json").read_text())
    inventory["devices"][0]["ssh"] = {"username": "u", "password": "file:/nowhere/pw"}
    (begun.folder / "inventory.json").write_text(json.dumps(inventory))
    begun.env["HOOK"] = SECRET
    begun.ok("import", "inventory.json")
    said = begun("check")
    assert said.code == 2
    assert said.lines == ["inventory: device cpe-1: ssh.password: /nowhere/pw: no such file"]
    del begun.env["HOOK"]
    assert "HOOK is not set in the environment" in begun("check").err
    assert not any(SECRET in each.out + each.err for each in begun.said)


def test_a_broker_that_does_not_answer_is_out_of_reach_not_wrong(begun):
    config = (begun.folder / "capd.toml").read_text()
    mqtt = f'[collect.mqtt]\nurl = "mqtt://u:{SECRET}@127.0.0.1:9"\n'
    (begun.folder / "capd.toml").write_text(config + mqtt)
    said = begun("check")
    assert said.code == 1
    assert said.lines[0].startswith("collect.mqtt.url: 127.0.0.1:9: ")
    assert SECRET not in said.out + said.err


def test_a_server_that_does_not_answer_is_one_line_without_its_password(begun):
    config = (begun.folder / "capd.toml").read_text()
    url = f"postgresql://u:{SECRET}@127.0.0.1:9/db"
    (begun.folder / "capd.toml").write_text(config.replace("sqlite:///capd.db", url))
    for command in (["check"], ["usage", "S-1"], ["import", "inventory.json"], ["db", "upgrade"]):
        said = begun(*command)
        assert (said.code, len(said.lines)) == (1, 1), command
        assert SECRET not in said.out + said.err


def test_a_file_that_is_no_database_is_one_line(begun):
    (begun.folder / "capd.db").write_text("this is no database at all, " * 50)
    for command in (["usage", "S-1"], ["import", "inventory.json"], ["db", "check"], ["check"]):
        said = begun(*command)
        assert said.code == 1
        assert len(said.lines) == 1


def test_a_schema_newer_than_this_capd_is_refused(begun):
    begun.ok("import", "inventory.json")
    database = sqlite3.connect(begun.folder / "capd.db")
    database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.commit()
    database.close()
    for command in (
        ["usage", "S-1"], ["topup", "S-1", "1GB", "--reference", "r"], ["db", "upgrade"],
        ["import", "inventory.json"],
    ):  # fmt: skip
        said = begun(*command)
        assert said.code == 1, command
        assert len(said.lines) == 1


def test_a_database_that_is_not_there_is_made_by_an_import_alone(begun):
    for command in (["usage", "S-1"], ["subscribers"], ["topup", "S-1", "1GB", "--reference", "r"]):
        said = begun(*command)
        assert said.code == 1
        assert "`capd import FILE` makes it" in said.err
    assert not (begun.folder / "capd.db").exists()


def test_db_upgrade_and_check_on_either_database(capd, store_url):
    (capd.folder / "capd.toml").write_text(f'[store]\nurl = "{store_url}"\n')
    shutil.copy(_policy(capd), capd.folder / "policy.toml")
    first = capd.ok("db", "upgrade", "--json").json()
    again = capd.ok("db", "upgrade", "--json").json()
    assert first["to"] == again["from"] == again["to"]
    assert capd.ok("db", "check", "--json").json() == {"ok": True, "mistakes": []}


def test_the_whole_way_on_either_database(capd, store_url):
    capd.ok("init", "x")
    config = (capd.folder / "x/capd.toml").read_text()
    config = config.replace('url = "sqlite:///capd.db"', f'url = "{store_url}"')
    (capd.folder / "capd.toml").write_text(config)
    shutil.copy(capd.folder / "x/policy.toml", capd.folder / "policy.toml")
    capd.ok("import", "x/inventory.json")
    capd.ok("topup", "S-1", "10GB", "--reference", "r")
    assert capd.ok("usage", "S-1", "--json").json()["allowance_bytes"] == 110_000_000_000
    assert "S-1" in capd.ok("explain", "S-1").out
    capd.ok("db", "check")


def _policy(capd):
    capd.ok("init", "spare")
    return capd.folder / "spare/policy.toml"


def test_a_word_too_few_or_unknown_is_one_line_and_2(begun):
    for command in (["topup", "S-1"], ["bogus"], ["usage"], ["export", "--format", "xml", "d"]):
        said = begun(*command)
        assert (said.code, len(said.lines), said.out) == (2, 1, ""), command


def test_every_command_explains_itself(capd):
    listed = capd.ok("--help").out
    for command in (
        "init", "check", "import", "export", "run", "once", "replay", "simulate", "usage",
        "explain", "subscribers", "devices", "orders", "events", "topup", "plan", "hold",
        "release", "pause", "resume", "activate", "device", "profiles", "token", "db",
    ):  # fmt: skip
        assert f"\n  {command} " in listed


def test_what_belongs_to_a_later_version_says_so(begun):
    for command in (
        ["simulate", "--policy", "p"], ["activate", "S-1", "--device", "d"],
    ):  # fmt: skip
        said = begun(*command)
        assert (said.code, len(said.lines)) == (1, 1)


def test_the_shipped_profiles_hold(begun):
    assert begun.ok("profiles", "check", "--json").json()["ok"] is True
    assert "linux_router" in begun.ok("profiles").out
