"""Device profiles are read strictly, and every mistake of every file is said at once."""

import pytest

from capd.errors import ConfigError
from capd.profiles import load_all, settings_of
from capd.published import placeholders
from tests.builders import a_device, a_meter

GOOD = """
title = "A radio"
[settings.prefix]
help = "the first level"
pattern = "[a-z]+"
default = "radio"
[collect.mqtt]
format = "json"
topic = "{prefix}/{name}"
[collect.mqtt.map]
rx_bytes = "rx"
tx_bytes = "tx"
"""


def problems_of(tmp_path, **files):
    for name, text in files.items():
        (tmp_path / f"{name}.toml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_all(tmp_path)
    return [line.replace(f"{tmp_path}/", "") for line in caught.value.problems]


def test_the_profiles_that_ship_hold():
    assert {"generic_ifmib", "generic_mqtt_json", "linux_router", "mikrotik_routeros"} <= set(
        load_all()
    )


def test_an_operators_own_profile_joins_and_overrides(tmp_path):
    (tmp_path / "radio.toml").write_text(GOOD)
    (tmp_path / "generic_ifmib.toml").write_text('title = "Mine"')
    profiles = load_all(tmp_path)
    assert profiles["radio"].title == "A radio"
    assert profiles["radio"].name == "radio"
    assert profiles["generic_ifmib"].title == "Mine"
    assert "linux_router" in profiles


def test_every_mistake_of_every_file_is_said_at_once(tmp_path):
    lines = problems_of(
        tmp_path,
        a='title = "A"\n[collect.snmp]\nmax_oidz = 3\n[collect.snmp.interfaces]\nname = "ifName"\n',
        b='[recognise]\nsys_descr = "("\n[collect.mqtt]\nformat = "xml"\ntopic = "t"\n',
        c="title = ",
    )
    assert "a.toml: collect.snmp.max_oidz: unknown key. Did you mean 'max_oids'?" in lines
    assert any(line.startswith("a.toml: collect.snmp.interfaces.name[0]: wants a numeric")
               for line in lines)  # fmt: skip
    assert "b.toml: title: is missing" in lines
    assert any(
        line.startswith("b.toml: recognise[0].sys_descr: '(' is no regular") for line in lines
    )
    assert any(line.startswith("b.toml: collect.mqtt.format: wants 'collectd'") for line in lines)
    assert any(line.startswith("c.toml: ") for line in lines)


@pytest.mark.parametrize(
    ("wrong", "right", "line"),
    [
        (
            "{prefix}/{name}",
            "{prefx}/{name}",
            "unknown placeholder {prefx}. Did you mean 'prefix'?",
        ),
        ("{prefix}/{name}", "{prefix}/all", "needs {name}"),
        ("{prefix}/{name}", "+/{name}", "are put in by capd"),
        ('default = "radio"', 'default = "RADIO"', "does not match its own pattern"),
        ('rx_bytes = "rx"', 'rx_bytes = "{name}/rx"', "unknown placeholder {name}."),
        ("[collect.mqtt.map]", "[collect.mqtt.mop]", "unknown key"),
        (
            'title = "A radio"',
            'title = "A radio"\n[recognise]\nmatches = "x"\n',
            "without `exists`",
        ),
    ],
)
def test_what_does_not_go_together_is_said(tmp_path, wrong, right, line):
    lines = problems_of(tmp_path, radio=GOOD.replace(wrong, right))
    assert any(line in each for each in lines), lines


SNMP = """
title = "A radio"
[collect.snmp.tables.radios]
title = "radios"
key = "1.3.6.1.4.1.9.7.1.1"
key_is = "mac"
in_bytes = "1.3.6.1.4.1.9.7.1.2"
out_bytes = ["1.3.6.1.4.1.9.7.1.3", "-1.3.6.1.4.1.9.7.1.4"]
radios = true
[collect.snmp.health]
signal_dbm = { oid = "1.3.6.1.4.1.9.8.*" }
"""


@pytest.mark.parametrize(
    ("wrong", "right", "line"),
    [
        ("signal_dbm", "signal_db", "is no health that capd knows. Did you mean 'signal_dbm'?"),
        ("tables.radios", "tables.interfaces", "the name is taken by the interfaces"),
        ('key = "1.3.6.1.4.1.9.7.1.1"\nkey_is = "mac"', "", "must hold {mac} or {row}"),
        ('key_is = "mac"', 'key_is = "mac"\nindex = "{mac}"', "{mac} says nothing"),
        ('key_is = "mac"', 'key_is = "name"', "needs rows that are keyed by their MAC"),
        ('key_is = "mac"', 'key_is = "mac"\nindex = "1..2"', "wants numbers, {mac}, {row} and *"),
        ('in_bytes = "1.3.6.1.4.1.9.7.1.2"', "", "in_bytes and out_bytes go together"),
        ("1.3.6.1.4.1.9.8.*", "1.3.*.9", "wants a numeric OID"),
        ('title = "A radio"', 'title = "A radio"\n[collect.snmp]\nfirmware_minimum = "new"',
         "has no numbers to compare"),
        ('title = "A radio"', 'title = "A radio"\n[recognise]\npriority = 1',
         "this would fit every device"),
    ],
)  # fmt: skip
def test_a_table_that_cannot_be_read_is_said(tmp_path, wrong, right, line):
    assert SNMP.replace(wrong, right) != SNMP
    lines = problems_of(tmp_path, radio=SNMP.replace(wrong, right))
    assert any(line in each for each in lines), lines


def test_a_table_that_can_be_read_holds(tmp_path):
    (tmp_path / "radio.toml").write_text(SNMP)
    table = load_all(tmp_path)["radio"].snmp.tables["radios"]
    assert table.by_mac
    assert table.columns == ("1.3.6.1.4.1.9.7.1.1",)


def test_json_needs_a_map_and_collectd_needs_none(tmp_path):
    bare = GOOD.partition("[collect.mqtt.map]")[0]
    assert "must be given" in problems_of(tmp_path, radio=bare)[0]
    collectd = GOOD.replace('"json"', '"collectd"')
    lines = problems_of(tmp_path, radio=collectd)
    assert any("says nothing for format" in line for line in lines)
    assert any("needs {ifName}" in line for line in lines)


def test_a_folder_that_is_not_there_is_a_mistake(tmp_path):
    with pytest.raises(ConfigError, match="there is no folder"):
        load_all(tmp_path / "none")


def test_a_devices_settings_are_its_own_then_its_meters_then_defaults():
    profile = load_all()["linux_router"]
    device = a_device(settings={"wan": "wan0", "lan": "lan0"})
    assert settings_of(profile, device)["prefix"] == "collectd"
    meter = a_meter(settings={"lan": "lan7"})
    assert settings_of(profile, device, meter)["lan"] == "lan7"


def test_settings_that_are_missing_unknown_or_odd_are_all_said():
    profile = load_all()["linux_router"]
    with pytest.raises(ConfigError) as caught:
        settings_of(profile, a_device(settings={"wan": "wan0; reboot", "lam": "lan0"}))
    unknown, missing, odd = sorted(caught.value.problems)
    assert (
        "settings.lam: profile linux_router knows no such setting. Did you mean 'lan'?" in unknown
    )
    assert "settings.lan: must be given: the interface towards the subscriber" in missing
    assert "settings.wan: 'wan0; reboot' does not look like" in odd


def test_placeholders_are_words_in_braces():
    assert placeholders("{prefix}/{name}/x") == {"prefix", "name"}
