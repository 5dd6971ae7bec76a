"""What a person tells capd, and what they can look at afterwards."""

import asyncio
import json
import signal
import threading
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
from capd.units import rfc3339
from tests.servers.commandline import Capd

GB = 1_000_000_000
SECRET = "hunter2-do-not-show"


@pytest.fixture
def capd(tmp_path):
    """Return an operator with one subscriber, S-1, on 100 GB a month."""
    found = Capd(tmp_path)
    found.ok("init")
    inventory = json.loads((tmp_path / "inventory.json").read_text())
    inventory["devices"][0]["ssh"] = {"username": "capd", "password": SECRET}
    inventory["devices"][0]["snmp"]["community"] = SECRET
    (tmp_path / "inventory.json").write_text(json.dumps(inventory))
    found.ok("import", "inventory.json")
    yield found
    shown = "".join(said.out + said.err for said in found.said)
    assert SECRET not in shown


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


def usage(capd, *more):
    return capd.ok("usage", "S-1", "--json", *more).json()


def test_usage_has_exactly_the_keys_of_the_contract(capd):
    read(capd, (0, 0, 0), (2.5, 7 * GB, 3 * GB))
    record = usage(capd)
    start = start_of_month()
    assert record == {
        "kind": "usage",
        "subscriber": "S-1",
        "period": start.astimezone(ZoneInfo("Europe/London")).strftime("%Y-%m"),
        "start": rfc3339(start),
        "end": record["end"],
        "down_bytes": 7 * GB,
        "up_bytes": 3 * GB,
        "counted_bytes": 10 * GB,
        "allowance_bytes": 100 * GB,
        "estimated_bytes": 0,
        "unknown_s": 0,
        "remaining_bytes": 90 * GB,
        "state": "active",
        "holds": [],
        "policy": {"name": "wireless_broadband", "version": "1", "valid_from": "2026-01-01"},
    }


@pytest.mark.parametrize("by", ["hour", "day"])
def test_parts_always_add_up_to_the_whole__CN_12(capd, by):
    read(capd, (0, 0, 0), (1.3, 1_000_003, 7), (27.7, 9_999_999_999, 1_234_567))
    record = usage(capd, "--by", by)
    parts = record["parts"]
    assert len(parts) == (28 if by == "hour" else 2)
    for key in ("down_bytes", "up_bytes", "counted_bytes", "estimated_bytes", "unknown_s"):
        assert sum(part[key] for part in parts) == record[key]
    ends = [part["end"] for part in parts]
    assert [part["start"] for part in parts][1:] == ends[:-1]


def test_a_month_that_is_over_keeps_the_product_it_was_on(capd):
    capd.ok("plan", "S-1", "home-300")
    month = start_of_month() - timedelta(days=3)
    record = usage(capd, "--period", month.strftime("%Y-%m"))
    assert record["allowance_bytes"] == 100 * GB
    assert usage(capd)["allowance_bytes"] == 300 * GB


def test_over_the_cap_is_suspended_and_more_data_brings_it_back__UC_2_UC_3(capd):
    read(capd, (0, 0, 0), (1, 104 * GB, 0))
    over = usage(capd)
    assert over["state"] == "suspended"
    assert [hold["reason"] for hold in over["holds"]] == ["cap"]
    assert over["remaining_bytes"] == 0
    why = capd.ok("explain", "S-1", "--json").json()
    assert why["state"] == "suspended"
    assert why["owed"]["suspended"] is True
    assert why["applied"][0]["suspended"] is False  # nothing was pushed
    assert why["holds"][0]["clause"] == "UC-2"
    assert why["readings"][0]["down_bytes"] == 104 * GB
    assert why["what_would_change"]
    assert "Over the cap" in capd.ok("explain", "S-1").out
    [order] = capd.ok("orders", "--json").json()
    assert (order["state"], order["change"]) == ("open", "suspend")
    said = capd.ok("topup", "S-1", "10GB", "--reference", "inv-9")
    assert "Back within the allowance" in said.out
    assert usage(capd)["state"] == "active"
    assert capd.ok("orders", "--json").json()[0]["state"] == "superseded"


def test_the_same_reference_twice_adds_once(capd):
    capd.ok("topup", "S-1", "10GB", "--reference", "inv-9")
    again = capd.ok("topup", "S-1", "10GB", "--reference", "inv-9")
    assert again.out == "inv-9 was added before; nothing changed\n"
    assert usage(capd)["allowance_bytes"] == 110 * GB


def test_top_ups_at_the_same_time_from_two_processes_add_once(capd):
    def buy():
        said.append(capd.process("topup", "S-1", "5GB", "--reference", "twice"))

    said = []
    threads = [threading.Thread(target=buy) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [each.code for each in said] == [0, 0, 0]
    assert usage(capd)["allowance_bytes"] == 105 * GB


def test_a_hold_stays_until_it_is_released(capd):
    capd.ok("hold", "S-1", "non_payment", "--note", "inv-7")
    held = usage(capd)
    assert held["state"] == "suspended"
    assert held["holds"][0]["note"] == "inv-7"
    assert held["holds"][0]["author"].startswith("cli")
    assert [row["id"] for row in capd.ok("subscribers", "--state", "suspended", "--json").json()]
    capd.ok("topup", "S-1", "10GB", "--reference", "r")
    assert usage(capd)["state"] == "suspended"  # more data does not pay an invoice
    capd.ok("release", "S-1", "non_payment", "--note", "paid")
    assert usage(capd)["state"] == "active"
    gone = capd("release", "S-1", "non_payment", "--note", "paid")
    assert (gone.code, gone.lines) == (1, ["S-1: no hold for non_payment is open"])


def test_a_restriction_limits_and_does_not_suspend__NM_4(capd):
    capd.ok("hold", "S-1", "restricted", "--note", "floods", "--down", "1Mbps", "--up", "1Mbps")
    assert usage(capd)["state"] == "restricted"
    assert capd.ok("explain", "S-1", "--json").json()["owed"]["down_bps"] == 1_000_000


def test_an_end_is_local_time_unless_it_says_otherwise(capd):
    capd.ok("hold", "S-1", "aup", "--note", "x", "--until", "2035-07-01T09:00")
    assert usage(capd)["holds"][0]["until"] == "2035-07-01T08:00:00Z"  # British summer time
    capd.ok("release", "S-1", "aup", "--note", "x")
    capd.ok("hold", "S-1", "aup", "--note", "x", "--until", "2035-07-01T09:00:00+02:00")
    assert usage(capd)["holds"][0]["until"] == "2035-07-01T07:00:00Z"
    wrong = capd("hold", "S-1", "aup", "--note", "x", "--until", "tomorrow")
    assert (wrong.code, len(wrong.lines)) == (2, 1)


@pytest.mark.parametrize(
    ("command", "exit_code", "words"),
    [
        (["topup", "S-2", "1GB", "--reference", "r"], 1, "Did you mean 'S-1'?"),
        (["usage", "s-1x"], 1, "Did you mean 'S-1'?"),
        (["explain", "nobody"], 1, "there is no subscriber 'nobody'"),
        (["plan", "S-1", "home-30"], 1, "Did you mean 'home-300'?"),
        (["topup", "S-1", "1XB", "--reference", "r"], 2, "wants a size"),
        (["topup", "S-1", "0GB", "--reference", "r"], 2, "more than nothing"),
        (["hold", "S-1", "nonpayment", "--note", "n"], 2, "Did you mean 'non_payment'?"),
        (["hold", "S-1", "cap", "--note", "n"], 1, "follows from usage alone"),
        (["usage", "S-1", "--period", "11-2026"], 2, "wants a period such as"),
        (["usage", "S-1", "--period", "2099-01"], 1, "has not begun"),
        (["subscribers", "--state", "suspend"], 2, "Did you mean 'suspended'?"),
        (["orders", "--state", "opn"], 2, "Did you mean 'open'?"),
        (["orders", "approve", "7", "--note", "n"], 1, "order 7 is not held"),
        (["orders", "approve", "seven", "--note", "n"], 2, "wants the number of an order"),
    ],
)
def test_what_cannot_be_is_one_line_and_changes_nothing(capd, command, exit_code, words):
    before = capd.ok("events", "--json").out
    said = capd(*command)
    assert (said.code, len(said.lines), said.out) == (exit_code, 1, "")
    assert words in said.err
    assert capd.ok("events", "--json").out == before


def test_a_plan_is_changed_and_saying_so_again_is_no_harm(capd):
    assert "Home 300" in capd.ok("plan", "S-1", "home-300").out
    assert "nothing changed" in capd.ok("plan", "S-1", "home-300").out
    assert capd.ok("subscribers", "--json").json()[0]["product"] == "home-300"


def test_the_process_may_be_put_off__UC_8(capd):
    capd.ok("delay", "S-1", "--until", "2099-01-01", "--note", "ill")
    read(capd, (0, 0, 0), (1, 104 * GB, 0))
    assert usage(capd)["state"] == "active"


def test_the_brake_is_pulled_and_let_go_once(capd):
    assert "nothing is pushed" in capd.ok("pause", "--note", "storm").out
    assert capd.ok("pause", "--note", "storm").out == "capd is paused already\n"
    capd.ok("resume", "--note", "over")
    assert capd.ok("resume", "--note", "over").out == "capd is not paused already\n"
    kinds = [event["kind"] for event in capd.ok("events", "--json").records()]
    assert kinds[-2:] == ["paused", "resumed"]


def test_held_orders_wait_for_a_person(capd):
    config = (capd.folder / "capd.toml").read_text()
    (capd.folder / "capd.toml").write_text(
        config.replace("most_suspensions = 20", "most_suspensions = 0")
    )
    capd.ok("hold", "S-1", "fraud", "--note", "n")
    [order] = capd.ok("orders", "--state", "held", "--json").json()
    assert order["subscriber"] == "S-1"
    assert capd.ok("orders", "approve", str(order["id"]), "--note", "seen").out == (
        "1 order approved\n"
    )
    assert capd.ok("orders", "--json").json()[0]["state"] == "open"
    assert capd.ok("orders", "refuse", "all", "--note", "n").out == "0 orders refused\n"


def test_events_tell_who_and_why_from_where_one_left_off(capd):
    capd.ok("topup", "S-1", "10GB", "--reference", "r-1")
    events = capd.ok("events", "--json").records()
    topup = next(event for event in events if event["kind"] == "topup")
    assert topup["reference"] == "r-1"
    assert topup["author"].startswith("cli")
    assert topup["clause"] == "UC-3"
    later = capd.ok("events", "--since", str(topup["id"] - 1), "--json").records()
    assert later[0] == topup
    assert "r-1" in capd.ok("events").out


def test_events_are_followed_as_they_happen(capd):
    follower = capd.background("events", "--follow", "--json")
    try:
        assert json.loads(follower.stdout.readline())["kind"] == "imported"
        capd.ok("topup", "S-1", "10GB", "--reference", "now")
        assert json.loads(follower.stdout.readline())["reference"] == "now"
        follower.send_signal(signal.SIGINT)
        _, said = follower.communicate(timeout=60)
    finally:
        follower.kill()
        follower.wait()
    assert follower.returncode == 130
    assert said == ""


def test_a_command_and_the_daemon_write_at_once(capd):
    config = (capd.folder / "capd.toml").read_text()
    (capd.folder / "capd.toml").write_text(config.replace("127.0.0.1:8080", "127.0.0.1:0"))
    daemon = capd.background("run")
    try:
        assert any("capd runs" in line for line in daemon.stderr)
        for number in range(5):
            capd.ok("topup", "S-1", "1GB", "--reference", f"r-{number}")
        capd.ok("hold", "S-1", "fraud", "--note", "x")
        daemon.send_signal(signal.SIGTERM)
        _, log = daemon.communicate(timeout=30)
    finally:
        daemon.kill()
        daemon.wait()
    assert daemon.returncode == 0, log
    assert "Traceback" not in log
    assert SECRET not in log
    assert usage(capd)["allowance_bytes"] == 105 * GB
    capd.ok("db", "check")


def test_a_replay_shows_what_would_have_happened_and_changes_nothing(capd):
    lines = [
        {"at": "2026-03-01T00:05:00Z", "device": "cpe-1", "meter": "wan", "down_bytes": 0,
         "up_bytes": 0, "uptime_s": 1000.0},
        {"at": "2026-03-10T00:05:00Z", "device": "cpe-1", "meter": "wan",
         "down_bytes": 101 * GB, "up_bytes": 0, "uptime_s": 778600.0},
        {"at": "2026-03-11T00:00:00Z", "fact": "topup", "subscriber": "S-1", "size": "10GB",
         "reference": "inv-9"},
        {"at": "2026-03-31T22:59:59Z", "fact": "clock"},
    ]  # fmt: skip
    (capd.folder / "march.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lines))
    before = capd.ok("events").out
    records = capd.ok("replay", "march.jsonl", "--json").records()
    kinds = [record["kind"] for record in records]
    assert kinds == ["notice", "hold_opened", "hold_closed", "notice", "usage"]
    assert records[1]["at"] == "2026-03-10T00:05:00Z"
    assert records[-1]["counted_bytes"] == 101 * GB
    assert capd.ok("events").out == before
    # policy and inventory given, so no configuration is needed
    (capd.folder / "capd.toml").unlink()
    alone = capd.ok(
        "replay", "march.jsonl", "--json", "--policy", "policy.toml", "--inventory",
        "inventory.json",
    )  # fmt: skip
    assert [record["kind"] for record in alone.records()] == kinds


def test_a_replay_tells_every_mistake_in_its_file(capd):
    (capd.folder / "bad.jsonl").write_text(
        '{"at": "yesterday", "fact": "clock"}\nno json\n'
        '{"at": "2026-03-01T00:00:00Z", "fact": "toppup", "subscriber": "S-1"}\n'
    )
    said = capd("replay", "bad.jsonl", "--json")
    assert (said.code, said.out) == (2, "")
    assert [line.split(":")[1] for line in said.lines] == ["1", "2", "3"]
    (capd.folder / "wrong.toml").write_text('[cap]\naction = "suspnd"\n')
    (capd.folder / "wrong.json").write_text('{"gadgets": []}')
    said = capd("replay", "bad.jsonl", "--policy", "wrong.toml", "--inventory", "wrong.json")
    assert [line.split(":")[0] for line in said.lines if "missing" not in line] == [
        "wrong.json", "wrong.toml", "bad.jsonl", "bad.jsonl", "bad.jsonl",
    ]  # fmt: skip
    assert capd("replay", "none.jsonl").lines == ["none.jsonl: no such file"]
    assert "topup" in capd.ok("replay", "--facts").out
    assert capd.ok("replay", "--facts", "--json").json()["topup"]["required"] == [
        "at", "subscriber", "size", "reference",
    ]  # fmt: skip


def test_lists_are_plain_for_a_pipe(capd):
    said = capd.ok("devices")
    assert said.out.splitlines()[0].split() == [
        "ID", "PROFILE", "ADDRESS", "SUBSCRIBERS", "LAST", "READING", "SERIAL", "MAC",
        "FIRMWARE", "HEALTH",
    ]  # fmt: skip
    assert capd.ok("devices", "--json").json()[0]["subscribers"] == ["S-1"]


def test_a_reader_that_goes_away_is_no_mistake(capd):
    follower = capd.background("events", "--follow")
    follower.stdout.readline()
    follower.stdout.close()
    capd.ok("topup", "S-1", "1GB", "--reference", "r")
    try:
        _, said = follower.communicate(timeout=20)
    finally:
        follower.kill()
        follower.wait()
    assert said == ""


def test_the_process_itself_says_its_exit_code_and_no_traceback(capd):
    assert capd.process("usage", "S-1").code == 0
    gone = capd.process("usage", "S-9")
    assert (gone.code, len(gone.lines)) == (1, 1)
    assert capd.process("usage").code == 2


def test_an_import_that_is_silent_leaves_what_was_told_of_day_and_address__UC_1_CT_2(capd):
    def subscriber():
        capd.ok("export", "out")
        written = json.loads((capd.folder / "out" / "inventory.json").read_text())
        return written["subscribers"][0]

    def imported(**row):
        here = {"id": "S-1", "name": "A. Customer", "product": "home-100", **row}
        path = capd.folder / "again.json"
        path.write_text(json.dumps({"subscribers": [here]}))
        capd.ok("import", "again.json")
        found = subscriber()
        return found["cycle_day"], found["address"]

    capd.ok("fact", "cycle_day", "S-1", "day=25")
    capd.ok("fact", "move", "S-1", "address=2 High Street")
    assert imported() == (25, "2 High Street")
    assert imported(cycle_day=7, address="3 High Street") == (7, "3 High Street")
