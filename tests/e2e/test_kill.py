"""`kill -9` and restarts while traffic flows: nothing is lost and nothing counted twice."""

import time

import pytest

from tests.e2e.cpe import CpeSpec
from tests.e2e.installation import Installation, a_customer, a_line, a_product
from tests.e2e.lab import Counters, Lab

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

HOMES = {"S-1": "cpe1", "S-2": "cpe2"}
LIVES_S = (0.3, 1.1, 2.6, 4.7, 0.0, 3.9)  # how long the daemon is allowed to live each time


@pytest.fixture
def lab():
    with Lab.of([CpeSpec(name="cpe1", collectd=True), CpeSpec(name="cpe2")]) as built:
        yield built


@pytest.fixture
def capd(lab, tmp_path):
    installation = Installation(lab, tmp_path, interval_s=2)
    installation.bring_in(
        {
            "products": [a_product("large", "5GB")],
            "subscribers": [a_customer("S-1", "large"), a_customer("S-2", "large")],
            "devices": [a_line(lab, "cpe1", "S-1", mqtt=True), a_line(lab, "cpe2", "S-2")],
        }
    )
    yield installation
    installation.stop()


def test_whatever_is_killed_or_restarted_every_byte_is_counted_once(lab, capd):
    """The last reading, the entry and the totals are saved in one transaction.

    The daemon is killed again and again, then the broker is, then the agents restart (CN-6).
    """
    assert all(lab.can_fetch(name) for name in lab.cpes)
    before = capd.settle()
    capd.start()
    capd.wait_for_baselines(2)
    with lab.download("cpe1", rate=400_000), lab.download("cpe2", rate=400_000):
        for life_s in LIVES_S:
            time.sleep(life_s)
            capd.kill()
            capd.start()
        lab.stop_broker()
        time.sleep(2.0)
        lab.start_broker()
        lab.restart_snmpd("cpe2")
        time.sleep(2.0)
    capd.wait_until_counted(HOMES, before)
    for subscriber in HOMES:
        assert capd.json("usage", subscriber)["unknown_s"] == 0
    capd.do("db", "check")


def test_a_router_that_reboots_is_counted_on_from_zero__CN_4(lab, capd):
    """Also where it has soon counted more than it had before."""
    assert all(lab.can_fetch(name) for name in lab.cpes)
    before = capd.settle()
    capd.start()
    capd.wait_for_baselines(2)
    download(lab, 600_000)
    capd.wait_until_counted(HOMES, before)
    first = {who: capd.usage(who) for who in HOMES}
    for name in HOMES.values():
        lab.down(name)
    time.sleep(3.0)
    for name in HOMES.values():
        lab.up(name)
    download(lab, 900_000)
    capd.wait_until_counted(HOMES, dict.fromkeys(before, Counters(0, 0)), on_top_of=first)
    for subscriber in HOMES:
        assert capd.json("usage", subscriber)["unknown_s"] > 0


def download(lab, count):
    for name in HOMES.values():
        with lab.download(name, count) as transfer:
            assert transfer.wait()
