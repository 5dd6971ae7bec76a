"""What goes wrong in the field: reboots, hangs, hands on the router, too many at once."""

import signal
import time

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


def test_a_rate_is_held_by_the_router_and_lifted_again__NM_4(lab, capd):
    def seconds():
        began = time.monotonic()
        with lab.download("cpe1", 500_000) as download:
            assert download.wait()
        return time.monotonic() - began

    capd.do("hold", "S-1", "restricted", "--down", "800kbps", "--up", "400kbps", "--note", "a test")

    def limited():
        return "capd-rate-lan0" in lab.cpes["cpe1"].run("nft", "list", "ruleset")

    wait_until(limited, timeout_s=40, what="the rate to be set", every_s=0.3)
    assert seconds() > 3, "500 kB at 100 kB/s, less a second's worth in the bucket"
    capd.do("release", "S-1", "restricted", "--note", "over")
    wait_until(lambda: not limited(), timeout_s=40, what="the rate to be lifted", every_s=0.3)
    assert seconds() < 3
    assert "capd" not in lab.cpes["cpe1"].run("nft", "list", "ruleset")


def test_a_router_that_reboots_while_it_is_configured_is_suspended_after_all__UC_2(lab, capd):
    lab.freeze("cpe1", "sshd")  # so that the session is under way
    suspend(capd, "S-1")
    wait_until(
        lambda: capd.rows("orders", "--state", "open"), timeout_s=30, what="the order", every_s=0.5
    )
    lab.reboot("cpe1")
    wait_until(cut_off(lab, "cpe1"), timeout_s=60, what="S-1 to be suspended at last")
    wait_until(is_applied(capd, "S-1"), timeout_s=30, what="the suspension to be verified")


def test_a_wan0_made_anew_does_not_let_the_suspended_through__UC_2(lab, capd):
    suspend(capd, "S-2")
    wait_until(cut_off(lab, "cpe2"), timeout_s=40, what="S-2 to be suspended")
    lab.recreate("cpe2", "wan0")
    assert not lab.can_fetch("cpe2")
    capd.do("release", "S-2", "operator", "--note", "over")
    wait_until(lambda: lab.can_fetch("cpe2"), timeout_s=40, what="S-2 to be back")


def test_a_line_put_back_by_hand_is_found_by_reading_the_router_back(lab, capd):
    suspend(capd, "S-3")
    wait_until(is_applied(capd, "S-3"), timeout_s=40, what="the suspension to be verified")
    lab.cpes["cpe3"].run("nft", "flush", "ruleset")
    wait_until(lambda: capd.events("S-3", "drifted"), timeout_s=60, what="the hands", every_s=0.5)
    wait_until(
        lambda: capd.metric("capd_drifted_services") == 1, timeout_s=30, what="the gauge to show it"
    )
    assert lab.can_fetch("cpe3")  # it is left to a person
    capd.do("orders", "repair", "S-3", "--note", "who was that")
    wait_until(cut_off(lab, "cpe3"), timeout_s=40, what="S-3 to be suspended again")


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
