"""Endings by files of readings and facts, and services that hang on a connection (CT-10, CT-15)."""

from dataclasses import replace

from capd.decide.policy import Policy
from capd.decide.terms.contract import Contract, Linked
from tests.builders import GB, a_device, a_product, a_subscriber, an_inventory
from tests.replays import fact, played, reading, told

VOICE = a_product("voice", None, family="voice")
BOTH = an_inventory(
    products=(*an_inventory().products, VOICE),
    subscribers=(
        a_subscriber("S-1", linked=("V-1", "S-1")),
        a_subscriber("V-1", product="voice", linked=("S-1",)),
    ),
    devices=(a_device(),),
)


async def lines_told(lines, **more):
    """Return whose each event is, when, what, and the reason of holds."""
    records = await played(lines, **{"inventory": BOTH, **more})
    return [
        f"{record['subscriber']} {line}"
        for record, line in zip(
            (one for one in records if one["kind"] != "usage"), told(records), strict=True
        )
    ]


async def test_voice_is_off_while_the_connection_is_and_comes_back_with_it__CT_10():
    lines = [
        reading("2026-03-01T00:00:00", 0),
        reading("2026-03-05T00:00:00", 101 * GB),
        fact("2026-03-06T00:00:00", "topup", size="10GB", reference="1"),
    ]
    found = [line for line in await lines_told(lines) if "notice" not in line]
    assert found == [
        "S-1 2026-03-05T00:00 hold_opened cap UC-2",
        "V-1 2026-03-05T00:00 hold_opened linked CT-10",
        "S-1 2026-03-06T00:00 hold_closed cap UC-3",
        "V-1 2026-03-06T00:00 hold_closed linked CT-10",
    ]


async def test_a_fault_of_the_operators_stops_the_connection_alone__CT_10():
    lines = [
        fact("2026-03-05T00:00:00", "hold", reason="maintenance", note="mast"),
        fact("2026-03-05T01:00:00", "hold", reason="restricted", note="load"),
        fact("2026-03-05T02:00:00", "hold", reason="credentials", note="leaked"),
    ]
    assert [line for line in await lines_told(lines) if line.startswith("V-1")] == []


async def test_two_that_hang_on_each_other_do_not_lock_each_other_out__CT_10():
    lines = [
        fact("2026-03-05T00:00:00", "hold", subscriber="V-1", reason="fraud", note="x"),
        fact("2026-03-06T00:00:00", "hold", reason="breach", note="x"),
        fact("2026-03-07T00:00:00", "release", subscriber="V-1", reason="fraud", note="x"),
        fact("2026-03-08T00:00:00", "release", reason="breach", note="x"),
    ]
    found = await lines_told(lines)
    assert [line for line in found if "linked" in line] == [
        "S-1 2026-03-05T00:00 hold_opened linked CT-10",
        "V-1 2026-03-06T00:00 hold_opened linked CT-10",
        "S-1 2026-03-07T00:00 hold_closed linked CT-10",
        "V-1 2026-03-08T00:00 hold_closed linked CT-10",
    ]


async def test_a_policy_may_give_notice_first__CT_10():
    policy = Policy(contract=Contract(linked=Linked(notice_hours=24)))
    lines = [
        fact("2026-03-05T00:00:00", "hold", reason="fraud", note="x"),
        fact("2026-03-05T12:00:00", "release", reason="fraud", note="x"),
        fact("2026-03-06T12:00:00", "hold", reason="fraud", note="again"),
        fact("2026-03-09T00:00:00", "clock"),
    ]
    found = [line for line in await lines_told(lines, policy=policy) if line.startswith("V-1")]
    assert found == [
        "V-1 2026-03-05T00:00 notice linked_off CT-10",
        "V-1 2026-03-06T12:00 notice linked_off CT-10",
        "V-1 2026-03-07T12:00 hold_opened linked CT-10",
    ]


async def test_a_linked_service_that_capd_does_not_serve_is_told_of__CT_10():
    home = a_subscriber(linked=("voice-7",))
    inventory = an_inventory(subscribers=(home,))
    lines = [
        fact("2026-03-05T00:00:00", "hold", reason="non_payment", note="x"),
        fact("2026-03-05T06:00:00", "hold", reason="aup", note="x"),
        fact("2026-03-06T00:00:00", "release", reason="non_payment", note="x"),
        fact("2026-03-07T00:00:00", "release", reason="aup", note="x"),
        fact("2026-03-08T00:00:00", "hold", reason="maintenance", note="the operator's"),
        fact("2026-03-09T00:00:00", "hold", reason="fraud", note="x"),
        fact("2026-03-10T00:00:00", "terminate", cause="fraud"),
    ]
    records = [each for each in await played(lines, inventory=inventory) if "linked" in each]
    assert [
        f"{each['at']} {each['kind']} {each['because']}" for each in records if each["open"]
    ] == [
        "2026-03-05T00:00:00Z linked_service_off non_payment",
        "2026-03-09T00:00:00Z linked_service_off fraud",
        "2026-03-10T00:00:00Z linked_service_off ended",
    ]
    assert [each["at"] for each in records if not each["open"]] == ["2026-03-07T00:00:00Z"]
    assert {each["linked"] for each in records} == {"voice-7"}
    assert {each["clause"] for each in records} == {"CT-10"}


async def test_voice_ends_with_the_connection_and_stays_off__CT_10():
    lines = [
        fact("2026-03-05T00:00:00", "terminate", cause="abuse"),
        fact("2026-03-06T00:00:00", "activated"),
        fact("2026-03-07T00:00:00", "attempt", subscriber="V-1", channel="email"),
    ]
    assert await lines_told(lines) == [  # and it does not end the new contract in its turn
        "S-1 2026-03-05T00:00 terminated AU-3",
        "S-1 2026-03-05T00:00 hold_opened ended AU-3",
        "S-1 2026-03-05T00:00 legal_hold_opened AU-3",
        "V-1 2026-03-05T00:00 terminated CT-10",
        "V-1 2026-03-05T00:00 hold_opened ended CT-10",
        "S-1 2026-03-06T00:00 contract_followed CT-1",
        "S-1 2026-03-06T00:00 activated CT-1",
        "S-1 2026-03-06T00:00 hold_closed ended CT-1",
    ]


async def test_a_whole_life_with_a_cap_hold_open_when_the_notice_ends__CT_15():
    lines = [
        fact("2026-01-10T09:00:00", "activated", device="cpe-1"),
        fact("2026-01-10T09:00:00", "equipment", item="radio", state="out"),
        reading("2026-03-01T00:00:00", 0),
        fact("2026-03-02T10:00:00", "cancel", reason="moving"),
        reading("2026-03-30T00:00:00", 101 * GB),
        fact("2026-04-05T10:00:00", "equipment", item="radio", state="returned"),
        fact("2026-06-01T00:00:00", "clock"),
    ]
    alone = replace(BOTH, subscribers=(a_subscriber("S-1"),))
    found = [line for line in await lines_told(lines, inventory=alone) if "notice" not in line]
    assert found == [
        "S-1 2026-01-10T09:00 activated CT-1",
        "S-1 2026-01-10T09:00 equipment IN-5",
        "S-1 2026-03-02T10:00 cancellation CT-15",
        "S-1 2026-03-30T00:00 hold_opened cap UC-2",
        "S-1 2026-03-31T23:00 hold_closed cap UC-1",
        "S-1 2026-04-01T09:00 service_ended CT-15",
        "S-1 2026-04-01T09:00 hold_opened ended CT-15",
        "S-1 2026-04-01T09:00 charge early_termination 232.26 CT-2",
        "S-1 2026-04-05T10:00 equipment IN-5",
        "S-1 2026-04-05T10:00 terminated CT-15",
    ]
