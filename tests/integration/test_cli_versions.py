"""Several policies in the configuration: versions of one, and those of other families (CT-6)."""

import pytest

from tests.servers.commandline import Capd


@pytest.fixture
def capd(tmp_path):
    """Return an operator with one subscriber and two versions of the terms."""
    found = Capd(tmp_path)
    found.ok("init")
    found.ok("import", "inventory.json")
    text = (tmp_path / "policy.toml").read_text()
    newer = text.replace('version = "1"', 'version = "2"').replace("2026-01-01", "2026-06-01")
    (tmp_path / "newer.toml").write_text(newer)
    listed(found, "policy.toml", "newer.toml")
    return found


def listed(capd, *names):
    path = capd.folder / "capd.toml"
    lines = [
        f"policy = {list(names)}" if line.startswith("policy =") else line
        for line in path.read_text().splitlines()
    ]
    path.write_text("\n".join(lines).replace("'", '"'))


def test_each_one_is_told_which_version_they_are_on_and_when_the_newer_holds__CT_6(capd):
    assert "version 1; wireless_broadband, version 2" in capd.ok("check").out
    assert capd.ok("usage", "S-1", "--json").json()["policy"]["version"] == "1"
    assert capd.ok("explain", "S-1", "--json").json()["policy"]["version"] == "1"
    capd.ok("hold", "S-1", "operator", "--note", "so that somebody is judged")
    (told,) = [
        event for event in capd.ok("events", "--json").records() if event["kind"] == "terms_changed"
    ]
    assert (told["subscriber"], told["before"], told["version"]) == ("S-1", "1", "2")
    assert capd.ok("usage", "S-1", "--json").json()["policy"]["version"] == "1"
    assert capd.ok("clauses", "UC-4", "--json").code == 0


def test_a_list_that_makes_no_sense_is_explained(capd):
    (capd.folder / "newer.toml").write_text(
        (capd.folder / "newer.toml").read_text().replace("2026-06-01", "2026-01-01")
    )
    said = capd("check")
    assert said.code == 2
    assert "are both valid from 2026-01-01: which one holds?" in said.err
    listed(capd, "policy.toml", "gone.toml")
    said = capd("check")
    assert said.code == 2
    assert "decide.policy: no such file" in said.err


def test_a_family_that_nobody_sells_is_named_with_a_guess(capd):
    text = (capd.folder / "newer.toml").read_text()
    (capd.folder / "newer.toml").write_text(
        text.replace("families = []", 'families = ["broadbant"]')
    )
    said = capd("check")
    assert said.code == 2
    assert "no product is of the family 'broadbant'. Did you mean 'broadband'?" in said.err


def test_a_replay_takes_several_policies(capd):
    (capd.folder / "month.jsonl").write_text(
        '{"at": "2026-06-02T00:00:00Z", "fact": "activated", "subscriber": "S-1"}\n'
    )
    said = capd.ok(
        "replay", "month.jsonl", "--policy", "policy.toml", "--policy", "newer.toml", "--json"
    )
    kinds = [record["kind"] for record in said.records()]
    assert kinds == ["terms_changed", "activated", "usage"]
