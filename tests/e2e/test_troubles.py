"""What goes wrong in the field: reboots, hangs, hands on the router, too many at once."""

import signal

import pytest

from tests.e2e.cpe import CpeSpec
from tests.e2e.hosts import wait_until
from tests.e2e.installation import Installation, a_customer, a_line, a_product
from tests.e2e.lab import Lab

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

CPES = tuple(CpeSpec(name=f"cpe{n}") for n in (1, 2, 3))


@pytest.fixture(scope="module")
def lab():
    with Lab.of(CPES) as built:
        yield built


@pytest.fixture
def capd(lab, tmp_path):
    """A fresh installation; every line is in service, and is again afterwards."""
    installation = Installation(lab, tmp_path, interval_s=2)
    installation.bring_in(
        {
            "products": [a_product("small", "1MB"), a_product("large", "5GB")],
            "subscribers": [a_customer(f"S-{n}", "large") for n in (1, 2, 3)],
            "devices": [a_line(lab, f"cpe{n}", f"S-{n}") for n in (1, 2, 3)],
        }
    )
    installation.start()
    installation.wait_for_baselines(3)
    yield installation
    installation.stop()
    for name, cpe in lab.cpes.items():
        for service in ("sshd", "snmpd"):
            lab.thaw(name, service)
        cpe.run("sh", "-c", "rm -f /etc/nftables.d/capd-*; nft flush ruleset")


def cut_off(lab, *names):
    return lambda: all(not lab.can_fetch(name, patience_s=0.7) for name in names)


def suspend(capd, *subscribers):
    """Hold each for the operator's own reasons: the same road as any other suspension."""
    for subscriber in subscribers:
        capd.do("hold", subscriber, "operator", "--note", "a test")


def is_applied(capd, subscriber):
    return lambda: capd.state(subscriber) == "suspended"


def test_a_router_that_reboots_while_suspended_stays_suspended(lab, capd):
    suspend(capd, "S-1")
    wait_until(cut_off(lab, "cpe1"), timeout_s=30, what="S-1 to be suspended")
    wait_until(is_applied(capd, "S-1"), timeout_s=20, what="the suspension to be verified")
    lab.reboot("cpe1")
    assert not lab.can_fetch("cpe1")
    assert lab.can_fetch("cpe2")
    capd.do("release", "S-1", "operator", "--note", "over")
    wait_until(lambda: lab.can_fetch("cpe1"), timeout_s=30, what="S-1 to be back")


def test_a_wan0_made_anew_is_found_by_its_name_and_counted_from_zero__CN_5(lab, capd):
    lab.recreate("cpe2", "wan0")
    before = capd.usage("S-2").rx
    with lab.download("cpe2", 700_000) as download:
        assert download.wait()
    wait_until(
        lambda: capd.usage("S-2").rx >= before + 700_000,
        timeout_s=40, what="what flowed over the new wan0", every_s=0.5,
    )  # fmt: skip
    assert capd.usage("S-2").rx - before <= 700_000 * 1.11
    assert capd.json("usage", "S-2")["unknown_s"] > 0, "what the old one hid must be admitted"


def test_a_router_whose_agent_hangs_delays_the_reading_of_nobody_else(lab, capd):
    lab.freeze("cpe1", "snmpd")
    wait_until(
        lambda: capd.metric("capd_device_up", device="cpe1") == 0,
        timeout_s=60, what="the silence to be noticed", every_s=0.3,
    )  # fmt: skip
    before = capd.usage("S-2").rx
    with lab.download("cpe2", 400_000) as download:
        assert download.wait()
    wait_until(
        lambda: capd.usage("S-2").rx >= before + 400_000,
        timeout_s=30, what="S-2 to be read meanwhile", every_s=0.5,
    )  # fmt: skip
    assert capd.metric("capd_device_up", device="cpe2") == 1
    lab.thaw("cpe1", "snmpd")
    wait_until(
        lambda: capd.metric("capd_device_up", device="cpe1") == 1,
        timeout_s=60, what="the answer to be noticed", every_s=0.3,
    )  # fmt: skip


def test_a_router_whose_sshd_hangs_delays_the_suspension_of_nobody_else(lab, capd):
    lab.freeze("cpe1", "sshd")
    suspend(capd, "S-1", "S-2")
    wait_until(cut_off(lab, "cpe2"), timeout_s=40, what="S-2 to be suspended meanwhile")
    assert lab.can_fetch("cpe1")
    lab.thaw("cpe1", "sshd")
    wait_until(cut_off(lab, "cpe1"), timeout_s=60, what="S-1 to be suspended at last")


def test_the_brake_lets_everything_be_seen_and_nothing_be_pushed(lab, capd):
    capd.do("pause", "--note", "a test")
    suspend(capd, "S-1")
    wait_until(
        lambda: any(row["subscriber"] == "S-1" for row in capd.rows("orders")),
        timeout_s=30, what="the order to be shown", every_s=0.5,
    )  # fmt: skip
    assert capd.events("S-1", "hold_opened")
    assert capd.metric("capd_paused") == 1
    assert lab.can_fetch("cpe1")
    capd.do("resume", "--note", "a test")
    wait_until(cut_off(lab, "cpe1"), timeout_s=30, what="S-1 to be suspended after all")


def test_more_suspensions_than_the_guard_lets_through_wait_for_a_person(lab, capd):
    capd.configure(most_suspensions=1)
    capd.hang_up()
    wait_until(
        lambda: "configuration read again" in capd.log(), timeout_s=20, what="SIGHUP to be heeded"
    )
    suspend(capd, "S-1", "S-2", "S-3")
    wait_until(
        lambda: capd.metric("capd_guard_held_orders") >= 1,
        timeout_s=30, what="the guard to hold", every_s=0.3,
    )  # fmt: skip
    held = [row for row in capd.rows("orders") if row["state"] == "held"]
    assert held
    capd.do("orders", "approve", "all", "--note", "seen")
    wait_until(cut_off(lab, *lab.cpes), timeout_s=60, what="all to be suspended once approved")


def test_a_line_put_back_by_hand_shows_as_a_leak(lab, capd):
    suspend(capd, "S-3")
    wait_until(is_applied(capd, "S-3"), timeout_s=40, what="the suspension to be verified")
    assert not lab.can_fetch("cpe3")
    lab.cpes["cpe3"].run("nft", "flush", "ruleset")
    assert lab.can_fetch("cpe3")
    with lab.download("cpe3", rate=4_000_000):
        wait_until(
            lambda: capd.metric("capd_leaking_subscribers") == 1,
            timeout_s=120, what="the leak to be seen", every_s=0.5,
        )  # fmt: skip


def test_sighup_reads_the_configuration_again_and_a_broken_one_changes_nothing(lab, capd):
    capd.configure(paused=True)
    capd.hang_up()
    wait_until(lambda: capd.metric("capd_paused") == 1, timeout_s=20, what="the pause to be read")
    capd.config.write_text("[collect.snmp]\nintervall_s = 4\n")
    capd.hang_up()
    wait_until(lambda: "interval_s" in capd.log(), timeout_s=20, what="the mistake to be told")
    assert capd.daemon.poll() is None
    assert capd.ready
    assert capd.metric("capd_paused") == 1
    assert "Traceback" not in capd.log()


def test_sigterm_ends_the_daemon_cleanly(capd):
    capd.daemon.send_signal(signal.SIGTERM)
    assert capd.daemon.wait(30) == 0
    assert "Traceback" not in capd.log()
