"""The orders, the guard and the windows, as an operator types them."""

import asyncio
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from capd.account.periods import period_of
from capd.clock import utc_now
from capd.config import load
from capd.metrics import Metrics
from capd.model import DeviceId, Reading
from capd.opening import open_house
from capd.pipeline import account_turn
from tests.servers.commandline import Capd

GB = 1_000_000_000


@pytest.fixture
def capd(tmp_path):
    """Return an operator with one subscriber, S-1, on 100 GB a month."""
    found = Capd(tmp_path)
    found.ok("init")
    found.ok("import", "inventory.json")
    return found


def start_of_month():
    return period_of(utc_now(), 1, ZoneInfo("Europe/London")).start


def read(capd, *readings):
    """Post raw counters (hours after the month began, down, up) as a poll would."""

    async def post():
        house = await open_house(load(capd.folder / "capd.toml"), Metrics(), upgrade=False)
        try:
            await house.look_round()
            await account_turn(
                house,
                [
                    Reading(
                        device=DeviceId("cpe-1"),
                        meter="wan",
                        at=start_of_month() + timedelta(hours=hours),
                        down_bytes=down,
                        up_bytes=up,
                        uptime_s=1e7 + hours * 3600,
                    )
                    for hours, down, up in readings
                ],
            )
        finally:
            await house.store.close()

    asyncio.run(post())


def state(capd):
    return capd.ok("usage", "S-1", "--json").json()["state"]


def test_orders_are_chosen_by_one_way_only(capd):
    for given in ((), ("all", "--all"), ("1", "--sector", "hill")):
        said = capd("orders", "approve", *given, "--note", "n")
        assert (said.code, said.lines) == (
            2, ["which orders? give one of: the number of an order, --sector ID, --all"],
        )  # fmt: skip
    assert capd.ok("orders", "refuse", "--all", "--note", "n").out == "0 orders refused\n"


def test_an_order_shows_what_would_be_typed_before_it_is(capd):
    capd.ok("hold", "S-1", "aup", "--note", "n")
    [order] = capd.ok("orders", "--json").json()
    shown = capd.ok("orders", "show", str(order["id"]), "--lines").out
    assert "capd-suspend-lan0" in shown
    record = capd.ok("orders", "show", str(order["id"]), "--json").json()
    assert record["lines"] == shown.splitlines()
    assert (record["device_before"], record["transcript"], record["state"]) == ("", "", "open")
    assert "typed" not in capd.ok("orders", "show", str(order["id"])).err
    assert capd("orders", "show", "99").lines == ["there is no order 99"]


def test_the_last_orders_are_undone_in_what_is_owed__UC_8(capd):
    read(capd, (0, 0, 0), (1, 104 * GB, 0))
    assert state(capd) == "suspended"
    [seen] = capd.ok("orders", "undo", "1", "--note", "a poller", "--dry-run", "--json").json()
    assert (seen["told"], seen["owed"]) == (["release cap"], "suspended")
    told = capd.ok("orders", "undo", "1", "--note", "a poller").out
    assert told.endswith("S-1  release cap; owed now: in service\n")
    assert state(capd) == "active"
    assert capd.ok("orders", "undo", "1", "--note", "again").out == (
        "There is nothing to take back.\n"
    )


def test_the_guard_shows_what_it_lets_through_and_clears_nothing_that_is_not_stopped(capd):
    shown = capd.ok("guard", "--json").json()
    assert (shown["stopped"], shown["most_suspensions"], shown["jump"]) == (None, 20, 40)
    assert capd.ok("guard").out.startswith("Nothing is stopped.\n")
    said = capd("guard", "clear", "--note", "n")
    assert (said.code, said.lines) == (1, ["the guard has stopped nothing"])


def test_maintenance_is_planned_listed_and_ended__NM_5(capd):
    add = ("maintenance", "add", "--note", "mast", "--until", "2099-01-01T06:00")
    assert capd(*add).code == 2
    assert capd(*add, "--device", "cpe-9").lines[0].startswith("there is no device 'cpe-9'")
    begun = capd.ok(*add, "--device", "cpe-1", "--json").json()
    assert (begun["device"], begun["end"], begun["note"]) == (
        "cpe-1", "2099-01-01T06:00:00Z", "mast",
    )  # fmt: skip
    over = ("--from", "2098-01-01", "--until", "2097-01-01")
    assert capd("maintenance", "add", "--note", "n", "--device", "cpe-1", *over).code == 2
    [listed] = capd.ok("maintenance", "list", "--json").json()
    assert (listed["id"], listed["open"]) == (1, True)
    assert "device cpe-1" in capd.ok("maintenance", "list").out
    capd.ok("maintenance", "end", "1", "--note", "done")
    assert capd.ok("maintenance", "list").out == "No maintenance is planned.\n"
    assert capd("maintenance", "end", "1", "--note", "done").code == 1


def test_nothing_that_was_changed_by_hand_is_nothing_to_repair(capd):
    assert capd.ok("orders", "repair", "all", "--note", "n").out == "0 services to be put right\n"
    assert capd("orders", "repair", "S-1", "--note", "n").code == 1
