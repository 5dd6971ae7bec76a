"""A hosted voice operator by its policy file alone: minutes, rounded, charged when over (D, FU)."""

from capd import policies
from capd.model import Unit
from tests.builders import a_product, a_subscriber, an_inventory
from tests.replays import fact, played, reading, told, usage

POLICY = policies.load(policies.default_path().with_name("hosted_voice.toml"))
TEN_MINUTES = a_product("voice-10", 0.0000006, unit=Unit.SECONDS, family="voice")
INVENTORY = an_inventory(products=(TEN_MINUTES,), subscribers=(a_subscriber(product="voice-10"),))


def call(day, reference, seconds, **more):
    return fact(f"2026-03-{day:02}T10:00:00", "call", reference=reference, seconds=seconds, **more)


async def lived(*lines):
    return await played(lines, inventory=INVENTORY, policy=POLICY)


async def test_calls_are_rounded_one_by_one_and_charged_beyond_the_allotment__D_1():
    records = await lived(
        call(2, "cdr-1", 61),
        call(3, "cdr-2", 10),
        call(3, "cdr-2", 10),
        call(4, "cdr-3", 420),
        call(5, "cdr-4", 121),
        fact("2026-03-31T12:00:00", "clock"),
    )
    assert told(records) == [
        "2026-03-02T10:00 call D-1",
        "2026-03-03T10:00 call D-1",
        "2026-03-04T10:00 call D-1",
        "2026-03-04T10:00 notice usage_100 D-1",
        "2026-03-05T10:00 call D-1",
        "2026-03-05T10:00 charge overage 0.15 D-1",
    ]
    march = usage(records, "2026-03")
    assert (march["counted_bytes"], march["allowance_bytes"], march["unit"]) == (
        780,
        600,
        "seconds",
    )
    charge = next(record for record in records if record["kind"] == "charge")
    assert charge["text"] == (
        "Over the cap: 13 of 10 min used; service goes on, and units 1 to 3 of 1 min cost "
        "0.15 GBP (D-1)."
    )


async def test_a_meter_may_count_seconds_as_well__D_1():
    records = await lived(
        reading("2026-03-01T00:00:00", 0),
        reading("2026-03-02T00:00:00", 599),
        reading("2026-03-03T00:00:00", 661),
    )
    assert told(records, notices=False) == ["2026-03-03T00:00 charge overage 0.10 D-1"]


async def test_a_call_of_the_last_evening_that_is_told_later_counts_in_its_month__D_1():
    late = fact(
        "2026-04-02T10:00:00", "call", reference="cdr-9", seconds=660,
        ended_at="2026-03-31T21:00:00Z",
    )  # fmt: skip
    records = await lived(call(2, "cdr-1", 60), late)
    assert usage(records, "2026-03")["counted_bytes"] == 720
    assert usage(records, "2026-04")["counted_bytes"] == 0
    assert told(records, notices=False)[-1] == "2026-04-02T10:00 charge overage 0.10 D-1"
