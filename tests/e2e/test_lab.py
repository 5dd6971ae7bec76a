"""The lab itself: what the other tests stand on."""

import contextlib
import json
import subprocess
import sys
import time

import netmiko
import pytest

from tests.e2e import cpe as router
from tests.e2e.cpe import CpeSpec
from tests.e2e.hosts import Process, run, wait_until
from tests.e2e.lab import PORTAL, Counters, Lab

pytestmark = pytest.mark.e2e

CPES = (CpeSpec(name="cpe1", collectd=True), CpeSpec(name="cpe2"), CpeSpec(name="cpe3"))


@pytest.fixture(scope="module")
def lab():
    with Lab.of(CPES) as built:
        yield built


def get(lab: Lab, name: str, *oids: str, access: tuple[str, ...] = ("-v2c", "-cpublic")) -> list:
    at = lab.cpes[name].management
    said = run("snmpget", "-Oqv", "-On", "-t1", "-r2", *access, at, *oids)
    return said.replace('"', "").splitlines()


def in_octets(lab: Lab, name: str) -> int:
    return int(get(lab, name, f"1.3.6.1.2.1.31.1.1.1.6.{lab.index(name)}")[0])


def test_every_subscriber_reaches_the_internet_and_what_flows_is_counted(lab):
    for name in lab.cpes:
        before = lab.kernel_counters(name)
        with lab.download(name, 1_000_000) as download:
            assert download.wait()
        after = lab.kernel_counters(name)
        assert 1_000_000 <= after.rx - before.rx <= 1_104_000
        assert lab.can_resolve(name)
        assert lab.can_fetch(name, f"http://{PORTAL}/")


def test_an_upload_is_counted_the_other_way(lab):
    before = lab.kernel_counters("cpe2")
    lab.upload("cpe2", 500_000)
    after = lab.kernel_counters("cpe2")
    assert 500_000 <= after.tx - before.tx <= 554_000


def test_a_download_keeps_to_its_rate_and_stops_when_told(lab):
    with lab.download("cpe2", rate=400_000) as download:
        download.wait_for(100_000)
        assert download.alive
    assert not download.alive
    time.sleep(0.3)
    counted = lab.kernel_counters("cpe2")
    time.sleep(0.5)
    assert lab.kernel_counters("cpe2") == counted


def test_snmp_tells_the_kernels_counters_to_the_byte_once_its_cache_is_old(lab):
    with lab.download("cpe2", 200_000) as download:
        download.wait()
    expected = lab.kernel_counters("cpe2").rx
    wait_until(lambda: in_octets(lab, "cpe2") == expected, timeout_s=6, what="snmpd's cache")


def test_snmp_v3_answers_with_privacy_and_sha256(lab):
    access = (
        "-v3", "-lauthPriv", "-u", router.USER, "-a", "SHA-256", "-A", router.AUTH_KEY,
        "-x", "AES", "-X", router.PRIV_KEY,
    )  # fmt: skip
    assert get(lab, "cpe3", "1.3.6.1.2.1.1.5.0", access=access) == ["cpe3"]


def test_collectd_publishes_cumulative_counters(lab):
    said = subprocess.run(
        ["mosquitto_sub", "-h", lab.gateway, "-t", "collectd/cpe1/interface-wan0/if_octets",
         "-C", "2", "-W", "8", "-v"],
        capture_output=True, text=True, timeout=10, check=True,
    ).stdout  # fmt: skip
    _, rx, tx = said.splitlines()[-1].split()[1].rstrip("\0").split(":")
    assert Counters(int(rx), int(tx)) == lab.kernel_counters("cpe1")


def test_a_rebooted_router_counts_from_zero_and_its_clock_starts_again(lab):
    with lab.download("cpe3", 300_000) as download:
        download.wait()
    lab.reboot("cpe3")
    assert lab.kernel_counters("cpe3").rx < 10_000
    assert int(float(lab.cpes["cpe3"].run("cat", "/proc/uptime").split()[0])) < 10
    assert get(lab, "cpe3", "1.3.6.1.2.1.25.1.1.0")[0].startswith("0:0:00:0")
    assert lab.can_fetch("cpe3")


def test_only_the_firewall_that_is_on_disk_survives_a_reboot(lab):
    cpe = lab.cpes["cpe3"]
    cpe.run("nft", "add", "table", "inet", "typed")
    cpe.run("tee", "/etc/nftables.d/written.nft", stdin="add table inet written\n")
    lab.reboot("cpe3")
    assert "inet written" in cpe.run("nft", "list", "tables")
    assert "inet typed" not in cpe.run("nft", "list", "tables")
    cpe.run("rm", "/etc/nftables.d/written.nft")


def test_a_wan0_made_anew_has_another_index_and_counts_from_zero(lab):
    index = lab.index("cpe2")
    lab.recreate("cpe2", "wan0")
    assert lab.index("cpe2") != index
    assert lab.kernel_counters("cpe2").rx < 10_000
    assert lab.can_fetch("cpe2")


def test_a_restarted_agent_forgets_its_uptime_but_no_byte(lab):
    before = lab.kernel_counters("cpe1")
    lab.restart_snmpd("cpe1")
    assert get(lab, "cpe1", "1.3.6.1.2.1.1.3.0")[0].startswith("0:0:00:0")
    assert lab.kernel_counters("cpe1").rx >= before.rx


def test_a_frozen_agent_is_silent_and_answers_again_when_thawed(lab):
    lab.freeze("cpe2", "snmpd")
    at = lab.cpes["cpe2"].management
    asked = ["snmpget", "-v2c", "-cpublic", "-t0.3", "-r0", at, "1.3.6.1.2.1.1.5.0"]
    assert subprocess.run(asked, check=False, capture_output=True).returncode != 0
    lab.thaw("cpe2", "snmpd")
    assert get(lab, "cpe2", "1.3.6.1.2.1.1.5.0") == ["cpe2"]


def test_netmiko_logs_in_and_configures_and_a_viewer_may_not(lab):
    at = {"device_type": "linux", "host": lab.cpes["cpe1"].management, "password": router.PASSWORD}
    session = netmiko.ConnectHandler(username=router.USER, **at)
    session.send_command("nft add table inet by_hand")
    assert "by_hand" in session.send_command("nft list tables")
    session.send_command("nft delete table inet by_hand")
    session.paramiko_cleanup()  # disconnect() takes root's prompt for a mode to leave: 10 s
    with netmiko.ConnectHandler(username=router.VIEWER, **at) as session:
        assert "not permitted" in session.send_command("/usr/sbin/nft list tables")


def test_nothing_of_a_router_reaches_the_machine_it_runs_on(lab):
    assert "capd-lab" not in run("cat", "/etc/passwd")
    assert run("cat", "/etc/hostname") != "cpe1"
    assert "inet written" not in run("nft", "list", "tables")


_DOOMED = """
import time
from tests.e2e.cpe import CpeSpec
from tests.e2e.lab import Lab
with Lab.of([CpeSpec(name="cpe1", collectd=True)]) as lab:
    print(lab.slot, lab.cpes["cpe1"].pid, lab.internet.pid, flush=True)
    time.sleep(60)
"""


def test_a_test_run_that_is_killed_leaves_no_process_and_the_next_one_cleans_the_rest():
    doomed = subprocess.Popen([sys.executable, "-c", _DOOMED], stdout=subprocess.PIPE, text=True)
    with doomed:
        slot, *pids = map(int, doomed.stdout.readline().split())
        processes = [Process.of(pid) for pid in pids]
        doomed.kill()
    for process in processes:
        wait_until(lambda p=process: not p.alive, timeout_s=5, what="the orphans to die")
    with contextlib.ExitStack() as stack:  # slots are taken in order: take them up to this one
        while stack.enter_context(Lab.of([])).slot != slot:
            pass
        links = json.loads(run("ip", "-j", "link", "show"))
        ours = [link["ifname"] for link in links if link["ifname"].startswith(f"capd{slot}-")]
        assert ours == [f"capd{slot}-mgmt"]
