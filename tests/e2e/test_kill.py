"""`kill -9` at any instant, while traffic flows: nothing is lost and nothing counted twice."""

import time

import pytest

from tests.e2e.cpe import CpeSpec
from tests.e2e.installation import Installation, a_customer, a_line, a_product
from tests.e2e.lab import Lab

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

HOMES = {"S-1": "cpe1", "S-2": "cpe2"}
LIVES_S = (0.3, 1.1, 2.6, 4.7, 0.0, 3.9)  # how long the daemon is allowed to live each time


def test_a_daemon_that_is_killed_again_and_again_counts_every_byte_once(tmp_path):
    """Counting.md: the last reading, the entry and the totals are saved in one transaction."""
    with Lab.of([CpeSpec(name="cpe1", collectd=True), CpeSpec(name="cpe2")]) as lab:
        capd = Installation(lab, tmp_path)
        try:
            _run(lab, capd)
        finally:
            capd.stop()


def _run(lab, capd):
    capd.bring_in(
        {
            "products": [a_product("large", "5GB")],
            "subscribers": [a_customer("S-1", "large"), a_customer("S-2", "large")],
            "devices": [a_line(lab, "cpe1", "S-1", mqtt=True), a_line(lab, "cpe2", "S-2")],
        }
    )
    assert all(lab.can_fetch(name) for name in lab.cpes)
    before = capd.settle()
    capd.start()
    capd.wait_for_baselines(2)
    with lab.download("cpe1", rate=400_000), lab.download("cpe2", rate=400_000):
        for life_s in LIVES_S:
            time.sleep(life_s)
            capd.kill()
            capd.start()
    capd.wait_until_counted(HOMES, before)
    for subscriber in HOMES:
        assert capd.json("usage", subscriber)["unknown_s"] == 0
    capd.do("db", "check")
