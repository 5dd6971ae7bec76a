"""The rules of counting, each by readings five minutes apart, worked out by hand."""

from zoneinfo import ZoneInfo

import pytest

from tests.builders import a_device, a_meter, a_product, a_subscriber, an_inventory
from tests.replays import played, reading, usage

WRAP = 2**32
UPTIME_WRAP_S = WRAP / 100
NARROW = {"counter_bits": 32}
MBPS_10, MBPS_100, GBPS = 10**7, 10**8, 10**9


def endless(*devices, cycle_day=1):
    """Return S-1 without a cap, behind *devices*."""
    more = {"devices": devices} if devices else {}
    return an_inventory(
        products=(a_product("endless", None),),
        subscribers=(a_subscriber(product="endless", cycle_day=cycle_day),),
        **more,
    )


def at(minutes):
    return f"2026-03-10T{minutes // 60:02}:{minutes % 60:02}:00"


COUNTED = {
    "CN-1 a first reading": ([(0, 10**12)], 0, 0, 0),
    "CN-1 another box": (
        [(0, 1_000, {"identity": "a"}), (5, 5_000, {"identity": "b"}),
         (10, 5_100, {"identity": "b"})],
        100, 300, 0,
    ),
    "CN-2 the same moment, another value": ([(0, 0), (5, 100), (5, 900), (10, 150)], 150, 0, 0),
    "CN-2 late, before every other rule": (
        [(0, 0, {"uptime_s": 5_000}), (10, 100, {"uptime_s": 5_600}),
         (5, 5, {"uptime_s": 1}), (15, 150, {"uptime_s": 5_900})],
        150, 0, 0,
    ),
    "CN-3 the same value": ([(0, 500), (5, 500), (10, 500)], 0, 0, 0),
    "CN-4 lower": ([(0, 1_000, {"uptime_s": 9_999}), (5, 70, {"uptime_s": 120})], 70, 180, 0),
    "CN-4 higher": (
        [(0, 1_000, {"uptime_s": 9_999}), (5, 7_000, {"uptime_s": 120})], 7_000, 180, 0,
    ),
    "CN-4 within 10 s": ([(0, 1_000, {"uptime_s": 50}), (5, 1_100, {"uptime_s": 345})], 100, 0, 0),
    "CN-4 32 bits, no wrap": (
        [(0, WRAP - 100, {**NARROW, "uptime_s": 9_999}), (5, 50, {**NARROW, "uptime_s": 200})],
        50, 100, 0,
    ),
    "CN-5 born again": ([(0, 1_000, {"epoch": "a"}), (5, 1_700, {"epoch": "b"})], 1_700, 300, 0),
    "CN-5 an epoch that is once not told": (
        [(0, 1_000, {"epoch": "a"}), (5, 1_100), (10, 1_200, {"epoch": "a"})], 200, 0, 0,
    ),
    "CN-6 the agent alone": (
        [(0, 1_000, {"agent_uptime_s": 9_999}), (5, 1_100, {"agent_uptime_s": 60})], 100, 0, 0,
    ),
    "CN-6 the agent, and a fall": (
        [(0, 1_000, {"agent_uptime_s": 9_999}), (5, 300, {"agent_uptime_s": 60})], 300, 240, 0,
    ),
    "CN-7 no link known": ([(0, WRAP - 100, NARROW), (5, 50, NARROW)], 150, 0, 0),
    "CN-7 one wrap fits": (
        [(0, WRAP - 100, {**NARROW, "link_bps": MBPS_100}),
         (5, 50, {**NARROW, "link_bps": MBPS_100})],
        150, 0, 0,
    ),
    "CN-7 more may have been": (
        [(0, WRAP - 100, {**NARROW, "link_bps": GBPS}), (5, 50, {**NARROW, "link_bps": GBPS})],
        150, 0, 150,
    ),
    "CN-7 none fits": (
        [(n * 5, count, {**NARROW, "link_bps": MBPS_100})
         for n, count in enumerate((5_000_000, 100, 300))],
        200, 300, 0,
    ),
    "CN-8 a glitch": ([(0, 1_000), (5, 10), (10, 1_300)], 300, 0, 0),
    "CN-8 a reset": ([(0, 1_000), (5, 10), (10, 300)], 290, 300, 0),
    "CN-8 nothing is counted yet": ([(0, 1_000), (5, 10)], 0, 0, 0),
    "CN-8 two falls": ([(0, 1_000), (5, 500), (10, 100), (15, 300)], 200, 600, 0),
    "CN-10 as much as fits": (
        [(0, 0, {"link_bps": MBPS_10}), (5, 393_750_000, {"link_bps": MBPS_10})],
        393_750_000, 0, 0,
    ),
    "CN-10 a byte more": (
        [(n * 5, count, {"link_bps": MBPS_10})
         for n, count in enumerate((0, 393_750_001, 393_750_101))],
        100, 300, 0,
    ),
    "CN-11 the uptime wrapped": (
        [(0, 1_000, {"uptime_s": UPTIME_WRAP_S - 100}), (5, 1_100, {"uptime_s": 200.0})], 100, 0, 0,
    ),
    "CN-11 it restarted all the same": (
        [(0, 1_000, {"uptime_s": UPTIME_WRAP_S - 100}), (5, 90, {"uptime_s": 100.0})], 90, 200, 0,
    ),
}  # fmt: skip


@pytest.mark.parametrize("rule", COUNTED)
async def test_readings_count_as_their_rule_says(rule):
    """CN-1 to CN-11: (minutes, counter, what else is known), then counted, unknown, estimated."""
    told, counted, unknown_s, estimated = COUNTED[rule]
    lines = [reading(at(line[0]), line[1], **(line[2] if line[2:] else {})) for line in told]
    march = usage(await played(lines, inventory=endless()), "2026-03")
    found = (march["counted_bytes"], march["unknown_s"], march["estimated_bytes"])
    assert found == (counted, unknown_s, estimated)


async def test_missed_polls_cost_no_bytes__CN_13():
    lines = [reading("2026-03-02T00:00:00", 0), reading("2026-03-09T00:00:00", 7_000)]
    assert usage(await played(lines, inventory=endless()), "2026-03")["counted_bytes"] == 7_000


async def test_two_links_and_two_devices_are_added__CN_15():
    two = a_device(meters=(a_meter(), a_meter("wan2", if_name="wan1")))
    inventory = endless(two, a_device("cpe-2"))
    lines = []
    for minutes, (one, other, third) in ((0, (0, 0, 5)), (5, (11, 22, 38))):
        lines += [
            reading(at(minutes), one),
            reading(at(minutes), other, meter="wan2"),
            reading(at(minutes), third, device="cpe-2"),
        ]
    assert usage(await played(lines, inventory=inventory), "2026-03")["counted_bytes"] == 66


@pytest.mark.parametrize(
    ("before", "after", "march", "april"),
    [
        (("22:58:00", 0, {}), ("23:01:00", 100, {}), (66, 0), (34, 0)),
        (("22:58:00", 0, {}), ("23:00:00", 100, {}), (100, 0), (0, 0)),
        (
            ("22:58:00", 500, {"uptime_s": 9_999}),
            ("23:01:30", 100, {"uptime_s": 120}),  # booted at 22:59:30
            (25, 90),
            (75, 0),
        ),
        (("22:58:00", 500, {"epoch": "a"}), ("23:01:00", 100, {"epoch": "b"}), (66, 120), (34, 60)),
    ],
)
async def test_a_gap_over_the_end_is_shared_by_time__CN_12(before, after, march, april):
    lines = [
        reading(f"2026-03-31T{moment}", down, **more) for moment, down, more in (before, after)
    ]
    lines.append(reading("2026-04-01T00:00:00", after[1], uptime_s=None))
    records = await played(lines, inventory=endless())
    for month, figures in (("2026-03", march), ("2026-04", april)):
        found = usage(records, month)
        assert (found["counted_bytes"], found["unknown_s"]) == figures


PERIODS = [  # zone, cycle day, a moment, the period that it is in: name, start, end
    ("Europe/London", 1, "2026-10-15", "2026-10", "2026-09-30T23:00", "2026-11-01T00:00"),
    ("America/New_York", 1, "2026-03-15", "2026-03", "2026-03-01T05:00", "2026-04-01T04:00"),
    ("Pacific/Auckland", 1, "2026-04-15", "2026-04", "2026-03-31T11:00", "2026-04-30T12:00"),
    ("Asia/Kathmandu", 1, "2026-04-15", "2026-04", "2026-03-31T18:15", "2026-04-30T18:15"),
    ("Australia/Lord_Howe", 1, "2026-04-15", "2026-04", "2026-03-31T13:00", "2026-04-30T13:30"),
    ("Europe/London", 31, "2026-02-15", "2026-01", "2026-01-31T00:00", "2026-02-28T00:00"),
    ("Europe/London", 31, "2026-03-15", "2026-02", "2026-02-28T00:00", "2026-03-30T23:00"),
    ("Europe/London", 31, "2026-04-15", "2026-03", "2026-03-30T23:00", "2026-04-29T23:00"),
    ("UTC", 29, "2028-03-01", "2028-02", "2028-02-29T00:00", "2028-03-29T00:00"),
    ("UTC", 30, "2026-03-01", "2026-02", "2026-02-28T00:00", "2026-03-30T00:00"),
    # a midnight that does not exist, and two that come twice
    ("Asia/Beirut", 29, "2026-04-01", "2026-03", "2026-03-28T22:00", "2026-04-28T21:00"),
    ("Asia/Beirut", 25, "2026-11-01", "2026-10", "2026-10-24T22:00", "2026-11-24T22:00"),
    ("America/Havana", 1, "2026-11-15", "2026-11", "2026-11-01T04:00", "2026-12-01T05:00"),
]


@pytest.mark.parametrize("period", PERIODS)
async def test_a_period_starts_at_local_midnight_of_its_day__UC_1(period):
    zone, cycle_day, day, name, start, end = period
    inventory = endless(cycle_day=cycle_day)
    lines = [reading(f"{day}T00:00:00", 0)]
    records = await played(lines, inventory=inventory, zone=ZoneInfo(zone))
    found = usage(records, name)
    assert (found["start"], found["end"]) == (f"{start}:00Z", f"{end}:00Z")
