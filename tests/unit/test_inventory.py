"""Inventory files: read with all mistakes at once, written so that they read back equal."""

import csv
import io
import json
from dataclasses import replace

import pytest

from capd import inventory
from capd.errors import CannotBeDone, ConfigError
from capd.inventory.written import json_files
from capd.model import Inventory, Secret
from capd.profiles import Profile, Setting

WHOLE = {
    "products": [
        {"id": "home-100", "name": "Home 100", "cap": "100GB", "counts": "both", "down": "30Mbps",
         "up": "5Mbps", "price": "25.00", "family": "broadband", "upgrade_to": "home-300"},
        {"id": "home-300", "name": 'Home, "300"', "cap": None, "delay_h": 3},
    ],
    "sectors": [{"id": "hill-3", "capacity_down": "150Mbps", "capacity_up": "40500kbps"}],
    "subscribers": [
        {"id": "S-1", "name": "Ä. Customer", "email": "a@example.net", "product": "home-100",
         "cycle_day": 31, "sector": "hill-3", "address": "1 High Street\nTown",
         "linked": ["V-1", "V;2"]},
        {"id": "S-2", "name": "B", "product": "home-300"},
    ],
    "devices": [
        {"id": "cpe-1", "profile": "linux_router", "address": "10.9.0.2", "serial": "X1",
         "mac": "02-00-00-00-00-0A",
         "snmp": {"version": "2c", "community": "public", "port": 1161},
         "ssh": {"username": "capd", "password": "env:CPE_PASSWORD", "port": 22},
         "mqtt": {"name": "cpe-1"}, "settings": {"wan": "wan0", "lan": "lan0", "dns": ""},
         "meters": [
             {"id": "wan", "subscriber": "S-1", "ifName": "wan0", "down": "in"},
             {"id": "lte", "subscriber": "S-1", "ifName": "wwan0", "role": "backup",
              "counter_bits": 32, "link": "50Mbps", "settings": {"wan": "wwan0"}},
         ]},
        {"id": "ap-1", "profile": "generic_ifmib", "address": "2001:db8::1", "interval_s": 60,
         "snmp": {"version": "3", "user": "u", "auth": "sha256", "auth_key": ' a,b"c;d ef',
                  "priv": "aes128", "priv_key": "file:/run/secrets/priv"},
         "meters": [{"id": "m", "subscriber": "S-2", "ifName": "eth0", "down": "out"}]},
        {"id": "cpe-3", "profile": "linux_router"},
    ],
}  # fmt: skip


@pytest.fixture
def whole(tmp_path) -> Inventory:
    path = tmp_path / "inventory.json"
    path.write_text(json.dumps(WHOLE))
    return inventory.read(path)


def mistakes(path) -> list[str]:
    with pytest.raises(ConfigError) as told:
        inventory.read(path)
    return [line.removeprefix(f"{path}: ") for line in told.value.problems]


def test_a_file_says_who_is_served_with_what(whole):
    assert whole.products[0].cap_bytes == 100_000_000_000
    assert whole.products[0].down_bps == 30_000_000
    assert whole.products[1].cap_bytes is None
    assert whole.devices[0].mac == "02:00:00:00:00:0a"
    assert whole.devices[0].ssh is not None
    assert whole.devices[0].ssh.password == Secret("env:CPE_PASSWORD")
    assert whole.devices[0].mqtt_name == "cpe-1"
    assert whole.devices[0].meters[1].link_bps == 50_000_000
    assert "public" not in repr(whole)


@pytest.mark.parametrize("form", ["json", "csv"])
def test_what_is_written_reads_back_equal(whole, tmp_path, form):
    written = inventory.write(whole, form, tmp_path / "out")
    assert inventory.read(tmp_path / "out") == whole
    assert {path.stat().st_mode & 0o777 for path in written} == {0o600}


def test_what_is_written_over_stays_private(whole, tmp_path):
    (tmp_path / "inventory.json").chmod(0o644)
    [path] = inventory.write(whole, "json", tmp_path)
    assert path.stat().st_mode & 0o777 == 0o600


def test_toml_has_the_same_keys(tmp_path):
    path = tmp_path / "i.toml"
    path.write_text(
        '[[products]]\nid = "p"\nname = "P"\ncap = "1GB"\n'
        '[[subscribers]]\nid = "S"\nname = "S"\nproduct = "p"\n'
        '[[devices]]\nid = "d"\nprofile = "x"\nsettings.wan = "w"\n'
        '[[devices.meters]]\nid = "m"\nsubscriber = "S"\nifName = "w"\n'
    )
    found = inventory.read(path)
    assert found.devices[0].meters[0].if_name == "w"
    assert found.devices[0].settings == {"wan": "w"}


def test_all_mistakes_are_told_at_once(tmp_path):
    path = tmp_path / "bad.json"
    path.write_text(
        json.dumps(
            {
                "products": [
                    {"id": "a", "name": "A", "cap": "100GX", "capp": 1, "price": "-1"},
                    {"id": "a", "name": "", "down": "0Mbps"},
                ],
                "subscriber": [],
                "subscribers": [
                    {"id": "S", "name": "x", "product": "a", "email": "a@b.c\nBcc: x@y.z"},
                    {"id": "T\n", "name": "x", "product": "a", "cycle_day": 32},
                ],
                "devices": [
                    {
                        "id": "d",
                        "profile": "p",
                        "address": "10.0.0.256",
                        "mac": "02:0",
                        "snmp": {"community": "hunter2", "version": 3, "port": 0},
                        "ssh": {"username": "u", "pasword": "hunter2"},
                        "meters": [{"id": "m", "subscriber": "S", "down": "inn"}],
                    },
                    {
                        "id": "e",
                        "profile": "p",
                        "snmp": "hunter2",
                        "ssh": {"username": "x", "password": ["hunter2"]},
                    },
                    {
                        "id": "f",
                        "profile": "p",
                        "address": "h:161",
                        "mqtt": {"name": "a/b"},
                        "snmp": {"version": "3", "user": "u", "auth": "md5", "auth_key": "hunter2"},
                        "ssh": {"username": "x", "key_file": "-----BEGIN KEY----- hunter2"},
                    },
                ],
            }
        )
    )
    told = mistakes(path)
    keys = [line.partition(":")[0] for line in told]
    assert keys == [
        "products[0].cap", "products[0].price", "products[0].capp", "products[1].name",
        "products[1].down", "subscribers[0].email", "subscribers[1].id",
        "subscribers[1].cycle_day", "devices[0].address", "devices[0].mac",
        "devices[0].snmp.version", "devices[0].snmp.port", "devices[0].ssh.pasword",
        "devices[0].meters[0].down", "devices[1].snmp", "devices[1].ssh.password",
        "devices[2].address", "devices[2].snmp", "devices[2].ssh.key_file", "devices[2].mqtt",
        "subscriber", "products[1].id",
    ]  # fmt: skip
    assert "hunter2" not in "".join(told)
    assert "subscriber: unknown key. Did you mean 'subscribers'?" in told


def test_what_contradicts_itself_is_told(tmp_path):
    path = tmp_path / "bad.json"
    path.write_text(
        json.dumps(
            {
                "products": [
                    {"id": "a", "name": "A", "upgrade_to": "b"},
                    {"id": "b", "name": "B", "upgrade_to": "a"},
                    {"id": "c", "name": "C", "upgrade_to": "a"},
                ],
                "devices": [
                    {
                        "id": "d",
                        "profile": "p",
                        "serial": "X",
                        "mqtt": {"name": "n"},
                        "meters": [
                            {"id": "m", "subscriber": "S", "ifName": "e0"},
                            {"id": "m", "subscriber": "S", "ifName": "e0"},
                        ],
                    },
                    {"id": "e", "profile": "p", "serial": "X", "mqtt": {"name": "n"}},
                ],
            }
        )
    )
    assert mistakes(path) == [
        "devices[1].serial: 'X' is there already, at devices[0]",
        "devices[1].mqtt.name: 'n' is there already, at devices[0]",
        "products[0].upgrade_to: leads back to where it began: a -> b -> a",
        "devices[0].meters[1].id: 'm' is there already, at devices[0].meters[0]",
        "devices[0].meters[1].ifName: 'e0' is there already, at devices[0].meters[0]",
    ]


def test_csv_rows_have_their_mistakes_told_by_row(tmp_path):
    path = tmp_path / "subscribers.csv"
    path.write_text("id,name,product,cycle_dy\nS-1,A,p,1\nS-1,,p,2\nS-3,C,p,1,9\n,D,p\n")
    assert mistakes(path) == [
        "row 1: unknown column 'cycle_dy'. Did you mean 'cycle_day'?",
        "row 3: name: is missing",
        "row 4: has 5 cells under 4 columns",
        "row 5: id: is missing",
    ]


def test_csv_rows_that_lead_to_nowhere_are_told_beside_those_that_do_not_read(tmp_path):
    (tmp_path / "products.csv").write_text("id,name,cap\np,P,10 parsecs\n")
    (tmp_path / "subscribers.csv").write_text(
        "id,name,product,cycle_day\nA,x,p,32\nB,y,q,1\nC,z,p,1\n"
    )
    told = [
        line.removeprefix(f"{tmp_path}/").partition(": wants")[0] for line in mistakes(tmp_path)
    ]
    assert told == [
        "products.csv: row 2: cap",
        "subscribers.csv: row 2: cycle_day",
        "subscribers.csv: row 3: product: there is no product 'q'",
    ]


def test_a_csv_file_is_known_by_its_columns(tmp_path):
    path = tmp_path / "export-2026.csv"
    path.write_text("id;name;product;email\r\nS-1;A;p;a@b.c\r\n")
    assert inventory.read(path).subscribers[0].email == "a@b.c"
    path.write_text("id,nothing\n1,2\n")
    assert mistakes(path)[0].startswith("what it lists is not known by its columns")


def test_meters_alone_hang_on_the_devices_in_the_store(whole, tmp_path):
    path = tmp_path / "meters.csv"
    path.write_text("device,id,subscriber,ifName\ncpe-1,lan,S-1,lan0\n")
    found = inventory.read(path, known=whole)
    assert [meter.id for meter in found.devices[0].meters] == ["wan", "lte", "lan"]
    assert mistakes(path) == ["meter lan: no device 'cpe-1'"]


def test_devices_alone_keep_the_meters_they_have(whole, tmp_path):
    folder = tmp_path / "out"
    inventory.write(whole, "csv", folder)
    assert inventory.read(folder / "devices.csv", known=whole).devices == whole.devices


def test_devices_must_fit_their_profiles(whole):
    wan = Setting(help="the port outwards", pattern="[a-z0-9]+")
    profile = Profile(name="linux_router", title="t", settings={"wan": wan, "lan": wan})
    odd = replace(whole.devices[0], settings={"wan": "x; reboot", "lann": "y"}, snmp=None)
    lost = replace(whole.devices[2], profile="linux_ruter")
    told = inventory.check(replace(whole, devices=(odd, lost)), {"linux_router": profile})
    keys = [line.rpartition(": ")[0].removeprefix("device ") for line in told]
    assert "cpe-1: mqtt" in keys  # the profile has no topics, and the device publishes only
    assert "'x; reboot'" in "".join(told)
    assert any("settings.lann" in line and "Did you mean 'lan'?" in line for line in told)
    assert any("settings.lan: must be given" in line for line in told)
    assert told[-1] == (
        "device cpe-3: profile: no profile is called 'linux_ruter'. Did you mean 'linux_router'?"
    )


def test_libreqos_gets_a_circuit_for_each_metered_device(whole, tmp_path):
    inventory.write(whole, "libreqos", tmp_path / "q")
    text = (tmp_path / "q/ShapedDevices.csv").read_text()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert rows[0]["Circuit ID"] == "S-1"
    assert rows[0]["Circuit Name"] == "1 High Street, Town"
    assert rows[0]["Parent Node"] == "hill-3"
    assert (rows[0]["IPv4"], rows[0]["IPv6"]) == ("10.9.0.2", "")
    assert (rows[0]["Download Max Mbps"], rows[0]["Upload Max Mbps"]) == ("30", "5")
    assert (rows[1]["IPv4"], rows[1]["IPv6"]) == ("", "2001:db8::1")
    network = json.loads((tmp_path / "q/network.json").read_text())
    assert network["hill-3"] == {
        "downloadBandwidthMbps": 150, "uploadBandwidthMbps": 40.5, "type": "AP", "children": {},
    }  # fmt: skip


def test_a_secret_behind_a_reference_is_found_when_used(tmp_path, monkeypatch):
    monkeypatch.setenv("CPE_PASSWORD", "hunter2")
    (tmp_path / "key").write_text("hunter3\r\n")
    assert inventory.resolve(Secret("env:CPE_PASSWORD")) == Secret("hunter2")
    assert inventory.resolve(Secret(f"file:{tmp_path}/key")) == Secret("hunter3")
    assert inventory.resolve(Secret("plain")) == Secret("plain")
    with pytest.raises(ConfigError, match="no such file"):
        inventory.resolve(Secret(f"file:{tmp_path}/none"))


def test_a_folder_that_cannot_be_written_is_one_line(whole, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(CannotBeDone, match="cannot write there"):
        inventory.write(whole, "json", tmp_path / "file")


def test_an_empty_folder_says_what_it_wants(tmp_path):
    assert mistakes(tmp_path)[0].startswith("has no inventory")
    (tmp_path / "inventory.json").write_text("{}")
    (tmp_path / "products.csv").write_text("id,name\n")
    assert mistakes(tmp_path) == ["has inventory.json, products.csv: name the one to read"]


def test_sizes_are_written_as_people_write_them(whole):
    told = json.loads(json_files(whole)["inventory.json"])
    assert told["products"][0]["cap"] == "100GB"
    assert told["sectors"][0]["capacity_up"] == "40500kbps"
    assert told["products"][0]["price"] == "25.00"


def test_what_leads_nowhere_is_told_beside_what_does_not_read(tmp_path):
    file = tmp_path / "inventory.json"
    file.write_text(
        json.dumps(
            {
                "products": [{"id": "home-100", "name": "H", "cap": "much"}],
                "subscribers": [{"id": "S-1", "name": "A", "product": "home-10", "sectr": "x"}],
                "devices": [
                    {
                        "id": "cpe-1",
                        "profile": "linux_ruoter",
                        "meters": [{"id": "wan", "subscriber": "S-2", "ifName": "wan0"}],
                    }
                ],
            }
        )
    )
    with pytest.raises(ConfigError) as refused:
        inventory.read(file, profiles=["linux_router"])
    assert [problem.split(": ")[1] for problem in refused.value.problems] == [
        "products[0].cap",
        "subscribers[0].sectr",
        "subscribers[0].product",
        "devices[0].profile",
        "devices[0].meters[0].subscriber",
    ]
