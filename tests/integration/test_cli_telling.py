"""`capd fact`: whatever may be told of a subscriber, by the registry."""

import pytest

from tests.servers.commandline import Capd


@pytest.fixture
def capd(tmp_path):
    found = Capd(tmp_path)
    found.ok("init")
    found.ok("import", "inventory.json")
    return found


def test_every_fact_can_be_told_by_its_name(capd):
    told = capd.ok("fact", "topup", "S-1", "size=5GB", "reference=inv-1", "--json").json()
    assert [event["kind"] for event in told] == ["topup"]
    assert capd.ok("usage", "S-1", "--json").json()["allowance_bytes"] == 105_000_000_000
    again = capd.ok("fact", "topup", "S-1", "size=5GB", "reference=inv-1")
    assert "inv-1 was added before" in again.out
    listed = capd.ok("fact", "--json").json()
    assert {"topup", "hold", "delay"} <= {one["fact"] for one in listed}
    assert "adds data" in capd.ok("fact").out


def test_what_is_wrong_with_a_fact_is_told_at_once(capd):
    wrong = capd("fact", "topup", "S-1", "size=5XB", "refrence=inv-1")
    assert wrong.code == 2
    assert len(wrong.lines) == 3
    assert "Did you mean 'reference'?" in wrong.err
    assert "Did you mean 'topup'?" in capd("fact", "topop", "S-1").err
    for arguments in (["topup"], ["topup", "S-1", "size"], ["topup", "S-1", "size=1", "size=2"]):
        assert capd("fact", *arguments).code == 2
    assert capd("fact", "delay", "S-9", "until=2036-01-01T00:00:00Z").code == 1
