"""A month in a minute: the daemon, real routers, one subscriber who reaches the cap."""

import pytest

from tests.e2e.cpe import CpeSpec
from tests.e2e.hosts import wait_until
from tests.e2e.installation import Installation, a_customer, a_line, a_product
from tests.e2e.lab import PORTAL, Lab

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

CPES = (CpeSpec(name="cpe1", collectd=True), CpeSpec(name="cpe2"), CpeSpec(name="cpe3"))
HOMES = {"S-1": "cpe1", "S-2": "cpe2", "S-3": "cpe3"}


@pytest.fixture
def lab():
    with Lab.of(CPES) as built:
        yield built


@pytest.fixture
def capd(lab, tmp_path):
    installation = Installation(lab, tmp_path)
    installation.do("db", "upgrade")
    installation.bring_in(
        {
            "products": [a_product("small", "6MB"), a_product("large", "5GB")],
            "subscribers": [
                a_customer("S-1", "large"), a_customer("S-2", "small"), a_customer("S-3", "large"),
            ],
            "devices": [
                a_line(lab, "cpe1", "S-1", mqtt=True), a_line(lab, "cpe2", "S-2"),
                a_line(lab, "cpe3", "S-3"),
            ],
        }
    )  # fmt: skip
    yield installation
    installation.stop()


def test_a_subscriber_over_the_cap_is_cut_off_buys_data_and_every_byte_is_counted_once(lab, capd):
    """UC-2, UC-3, UC-9, UC-11: and the others go on; what the counters prove, to the byte."""
    assert all(lab.can_fetch(name) for name in lab.cpes)
    before = capd.settle()
    capd.start()
    capd.wait_for_baselines(3)
    assert capd.kernel(list(lab.cpes)) == before, "something flowed before the first readings"

    with (
        lab.download("cpe1", rate=150_000) as first,
        lab.download("cpe2", rate=500_000) as second,
        lab.download("cpe3", rate=150_000) as third,
    ):
        wait_until(lambda: not second.alive, timeout_s=90, what="the transfer in flight to stop")
        assert second.bytes >= 5_000_000, "cut off before the cap"
        _is_in_a_walled_garden(lab, capd, "cpe2", "S-2")
        _go_on([first, third])
        assert capd.state("S-1") == capd.state("S-3") == "active"

        for _ in range(2):  # the same reference twice adds once
            capd.do("topup", "S-2", "40MB", "--reference", "inv-1")
        wait_until(lambda: lab.can_fetch("cpe2"), timeout_s=30, what="service to come back")
        assert capd.json("usage", "S-2")["allowance_bytes"] == 46_000_000
        with lab.download("cpe2", 1_000_000) as again:
            assert again.wait()
        _go_on([first, third])
    lab.upload("cpe1", 300_000)

    capd.wait_until_counted(HOMES, before)
    _tells_the_story(capd)
    capd.do("db", "check")
    assert capd.stop() == 0, capd.log()


def _is_in_a_walled_garden(lab, capd, cpe, subscriber):
    assert not lab.can_fetch(cpe), "a new transfer gets through"
    assert lab.can_fetch(cpe, f"http://{PORTAL}/"), "the portal is out of reach"
    assert lab.can_resolve(cpe), "no name is resolved"
    wait_until(
        lambda: capd.state(subscriber) == "suspended", timeout_s=20, what="the state to be shown"
    )
    assert capd.metric("capd_pushes_total", profile="linux_router", result="applied") >= 1


def _go_on(transfers):
    for transfer in transfers:
        transfer.wait_for(transfer.bytes + 50_000)
        assert transfer.alive


def _tells_the_story(capd):
    story = [
        event.get("notice") or event["kind"]
        for event in capd.events("S-2")
        if event["kind"] in {"notice", "hold_opened", "hold_closed", "topup"}
    ]
    opened = story.index("hold_opened")
    # a poll may find several shares passed at once: then only the highest is told (UC-11)
    assert {"usage_50", "usage_80", "usage_100"} & set(story[:opened]), story
    assert story.index("topup") < story.index("hold_closed")
    assert story.count("topup") == story.count("hold_opened") == 1
    (hold,) = capd.events("S-2", "hold_opened")
    assert (hold["reason"], hold["clause"]) == ("cap", "UC-2")
    assert not capd.events("S-1", "hold_opened") + capd.events("S-3", "hold_opened")
