"""The inventory goes in and comes out again; twice is the same as once."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from capd.errors import ConfigError
from capd.model import (
    Applied,
    Counts,
    Cycle,
    Down,
    Inventory,
    MeterKey,
    Reason,
    Role,
    Secret,
    Sector,
    Service,
    SnmpAccess,
    SshAccess,
)
from capd.store import MeterHome
from tests.builders import (
    HOME_100,
    HOME_300,
    LONDON,
    MARCH,
    NOON,
    a_device,
    a_meter,
    a_product,
    a_reading,
    a_subscriber,
    an_event,
    an_inventory,
    postings,
)

FULL = an_inventory(
    products=(
        a_product("a", 1, counts=Counts.DOWNLOAD, price=Decimal("25.10"), delay_h=3),
        a_product("b", None, price=None, upgrade_to="a", family="voice", up_bps=5),
    ),
    sectors=(
        Sector(id="hill-3", capacity_down_bps=150_000_000, capacity_up_bps=40_000_000),
        Sector(id="hill-4"),
    ),
    subscribers=(
        a_subscriber(
            "S-1",
            product="a",
            email="a@example.net",
            cycle_day=31,
            sector="hill-3",
            address="1 High Street, Ælfwine's",
            linked=("V-1", "V-2"),
        ),
        a_subscriber("S-2", product="b"),
    ),
    devices=(
        a_device(
            "cpe-1",
            serial="X1",
            mac="02:00:00:00:00:01",
            snmp=SnmpAccess(
                version="3",
                port=1161,
                user="capd",
                auth="sha256",
                auth_key=Secret("env:AUTH"),
                priv="aes128",
                priv_key=Secret("literal"),
            ),
            ssh=SshAccess(username="capd", port=2222, key_file="/k", host_key="ssh-ed25519 AAAA"),
            mqtt_name="cpe-1",
            collect="mqtt",
            interval_s=60,
            meters=(
                a_meter("z", down=Down.OUT, settings={"wan": "wan9"}),
                a_meter("a", "S-2", role=Role.BACKUP, counter_bits=32, link_bps=10**10),
            ),
        ),
        a_device("cpe-2", snmp=None, ssh=None, address=None, settings={}, meters=()),
    ),
)


async def put(store, inventory, **more):
    given = {"dry_run": False, "author": "import", "at": NOON, **more}
    return await store.people.apply(inventory, **given)


async def standing(store, subscriber="S-1", now=NOON):
    return await store.people.standing_of(subscriber, now, LONDON, 6)


async def applied(store, *ids):
    async with store.judging() as desk:
        return await desk.applied(ids)


async def test_an_inventory_comes_out_as_it_went_in(store):
    await put(store, FULL)
    assert await store.people.inventory() == FULL
    assert await store.people.devices() == {device.id: device for device in FULL.devices}
    assert await store.people.products() == {product.id: product for product in FULL.products}
    assert await store.people.ids() == ["S-1", "S-2"]
    assert await store.people.subscriber("S-1") == FULL.subscribers[0]
    assert await store.people.subscriber("S-9") is None


async def test_meter_homes_say_whose_bytes_a_meter_counts(store):
    await put(store, FULL)
    assert await store.people.meter_homes() == {
        MeterKey("cpe-1", "z"): MeterHome(
            subscriber="S-1", role=Role.MAIN, cycle=Cycle(31), counts=Counts.DOWNLOAD, backed=False
        ),
        MeterKey("cpe-1", "a"): MeterHome(
            subscriber="S-2", role=Role.BACKUP, cycle=Cycle(1), counts=Counts.BOTH, backed=True
        ),
    }


async def test_twice_is_the_same_as_once_and_no_event_the_second_time(store):
    first = await put(store, FULL)
    assert first.added == {
        "product": ("a", "b"),
        "sector": ("hill-3", "hill-4"),
        "subscriber": ("S-1", "S-2"),
        "device": ("cpe-1", "cpe-2"),
        "meter": ("cpe-1/z", "cpe-1/a"),
    }
    last = await store.trail.last_id()
    second = await put(store, FULL)
    assert not second
    assert second.unchanged == first.added
    assert await store.trail.last_id() == last


async def test_a_dry_run_says_the_same_and_changes_nothing(store):
    told = await put(store, FULL, dry_run=True)
    assert await store.people.inventory() == Inventory()
    assert await put(store, FULL) == told


async def test_what_a_file_does_not_name_stays(store):
    await put(store, FULL)
    only = replace(FULL.devices[0], meters=FULL.devices[0].meters[:1])
    changes = await put(store, Inventory(devices=(only,)))
    assert not changes
    assert await store.people.inventory() == FULL


async def test_a_meter_added_later_comes_after_those_that_were_there(store):
    await put(store, FULL)
    more = replace(FULL.devices[0], meters=(a_meter("0"), *FULL.devices[0].meters))
    changes = await put(store, Inventory(devices=(more,)))
    assert changes.added["meter"] == ("cpe-1/0",)
    meters = (await store.people.devices())["cpe-1"].meters
    assert [meter.id for meter in meters] == ["z", "a", "0"]


async def test_what_changed_is_told_field_by_field_and_no_secret_with_it(store):
    await put(store, FULL)
    device = replace(
        FULL.devices[0],
        address="10.9.0.3",
        snmp=replace(FULL.devices[0].snmp, port=161, priv_key=Secret("hunter2")),
        ssh=None,
        settings={"wan": "wan1", "lan": "lan0"},
    )
    subscriber = replace(FULL.subscribers[0], product="b", email=None)
    changes = await put(store, replace(FULL, devices=(device,), subscribers=(subscriber,)))
    assert changes.changed["device"] == ("cpe-1",)
    assert changes.lines == (
        "subscriber S-1: product a -> b",
        "subscriber S-1: email a@example.net -> nothing",
        "device cpe-1: address 10.9.0.2 -> 10.9.0.3",
        "device cpe-1: snmp.port 1161 -> 161",
        "device cpe-1: snmp.priv_key *** -> ***",
        "device cpe-1: ssh set -> nothing",
        "device cpe-1: settings lan=lan0, wan=wan0 -> lan=lan0, wan=wan1",
    )
    events = [event for _, event in await store.trail.events()]
    assert not any("hunter2" in event.text for event in events)
    assert (await store.people.devices())["cpe-1"] == device


async def test_a_product_changed_by_an_import_is_a_change_of_plan_in_the_trail(store):
    await put(store, an_inventory())
    await put(store, an_inventory(subscribers=(a_subscriber(product="home-300"),)))
    kinds = {event.kind: event for _, event in await store.trail.events(after=1)}
    assert set(kinds) == {"plan_changed", "imported"}
    changed = kinds["plan_changed"]
    assert changed.figures == {"from": "home-100", "to": "home-300"}
    assert (changed.subscriber, changed.author, changed.clause) == ("S-1", "import", None)
    assert (await standing(store)).product == HOME_300


async def test_an_import_with_mistakes_lists_them_all_and_changes_nothing(store):
    wrong = an_inventory(
        products=(a_product("p", upgrade_to="q"), a_product("p")),
        subscribers=(a_subscriber(product="r", sector="t"),),
        devices=(a_device(meters=(a_meter(subscriber="S-9"),)),),
    )
    for dry_run in (True, False):
        with pytest.raises(ConfigError) as refused:
            await put(store, wrong, dry_run=dry_run)
        assert refused.value.problems == (
            "product p: given more than once",
            "product p: upgrade_to: there is no product 'q'",
            "subscriber S-1: product: there is no product 'r'",
            "subscriber S-1: sector: there is no sector 't'",
            "device cpe-1: meter wan: subscriber: there is no subscriber 'S-9'",
        )
    assert await store.people.inventory() == Inventory()
    assert await store.trail.last_id() == 0


async def test_an_import_may_refer_to_what_is_there_already(store):
    await put(store, an_inventory())
    new = Inventory(
        subscribers=(a_subscriber("S-2"),),
        devices=(a_device("cpe-2", meters=(a_meter("wan", "S-1"),)),),
    )
    assert (await put(store, new)).added["device"] == ("cpe-2",)


async def test_an_enforcing_device_is_assumed_to_give_what_the_product_says(store):
    await put(store, an_inventory(), enforcing=["cpe-1"])
    given = Service(product="home-100", down_bps=HOME_100.down_bps, up_bps=HOME_100.up_bps)
    assert await applied(store, "S-1") == [
        Applied(device="cpe-1", subscriber="S-1", meter="wan", service=given)
    ]


async def test_a_device_that_cannot_enforce_has_nothing_applied_until_it_can(store):
    await put(store, an_inventory())
    assert await applied(store, "S-1") == []
    await put(store, an_inventory(), enforcing=["cpe-1"])
    assert [row.state for row in await applied(store, "S-1")] == ["assumed"]


async def test_orders_are_rendered_by_the_first_main_meter_of_a_device(store):
    meters = (a_meter("lte", role=Role.BACKUP), a_meter("wan"), a_meter("wan2"))
    await put(store, an_inventory(devices=(a_device(meters=meters),)), enforcing=["cpe-1"])
    assert [row.meter for row in await applied(store, "S-1")] == ["wan"]


async def test_another_plan_leaves_what_the_device_has_so_that_an_order_follows(store):
    await put(store, an_inventory(), enforcing=["cpe-1"])
    moved = an_inventory(subscribers=(a_subscriber(product="home-300"),))
    await put(store, moved, enforcing=["cpe-1"])
    assert [row.service.product for row in await applied(store, "S-1")] == ["home-100"]


async def test_a_meter_that_moves_keeps_its_state_and_counts_for_the_new_subscriber(store):
    people = (a_subscriber(), a_subscriber("S-2", product="home-300"))
    await put(store, an_inventory(subscribers=people), enforcing=["cpe-1"])
    done = postings([a_reading(40)])
    await store.ledger.post(done)
    moved = a_device(meters=(a_meter(subscriber="S-2"),))
    changes = await put(store, Inventory(devices=(moved,)), enforcing=["cpe-1"])
    assert changes.lines == ("meter cpe-1/wan: subscriber S-1 -> S-2",)
    key = MeterKey("cpe-1", "wan")
    assert (await store.people.meter_homes())[key].subscriber == "S-2"
    assert await store.ledger.states([key]) == {key: done[-1].step.state}
    assert [
        (row.subscriber, row.service.product) for row in await applied(store, "S-1", "S-2")
    ] == [("S-2", "home-300")]


async def test_another_box_in_a_devices_place_begins_with_a_new_baseline__CN_1(store):
    await put(store, an_inventory(devices=(a_device(serial="X1"),)))
    await store.ledger.post(postings([a_reading(40, identity="X1")]))
    await put(store, an_inventory(devices=(a_device(serial="X2"),)))
    assert await store.ledger.states([MeterKey("cpe-1", "wan")]) == {}


@pytest.mark.parametrize("change", [{"if_name": "wan1"}, {"down": Down.OUT}])
async def test_another_port_in_a_meters_place_begins_with_a_new_baseline__CN_1(store, change):
    await put(store, an_inventory())
    await store.ledger.post(postings([a_reading(40)]))
    await put(store, Inventory(devices=(a_device(meters=(a_meter(link_bps=5),)),)))
    assert len(await store.ledger.states([MeterKey("cpe-1", "wan")])) == 1
    await put(store, Inventory(devices=(a_device(meters=(a_meter(**change),)),)))
    assert await store.ledger.states([MeterKey("cpe-1", "wan")]) == {}


async def test_a_box_that_was_read_before_its_serial_was_written_down_keeps_counting(store):
    await put(store, an_inventory())
    done = postings([a_reading(40, identity="X2")])
    await store.ledger.post(done)
    await put(store, an_inventory(devices=(a_device(serial="X1"),)))
    await put(store, an_inventory(devices=(a_device(serial="X2"),)))
    assert len(await store.ledger.states([MeterKey("cpe-1", "wan")])) == 1


async def test_the_brake_is_what_the_last_word_on_it_says(store):
    assert await store.people.paused() is None
    for kind, expected in (("paused", True), ("resumed", False), ("paused", True)):
        async with store.judging() as desk:
            await desk.record([an_event(kind, subscriber=None, by="command", author="ann")])
        assert await store.people.paused() is expected


async def test_the_gauges_show_everyone_once_by_the_worst_hold(store):
    people = tuple(a_subscriber(f"S-{n}") for n in range(4))
    await put(store, an_inventory(subscribers=people, devices=()))
    async with store.judging() as desk:
        for who, reason in (("S-1", "restricted"), ("S-2", "restricted"), ("S-2", "cap")):
            await desk.record([an_event("hold_opened", subscriber=who, reason=reason)])
        await desk.record([an_event("hold_opened", subscriber="S-3", reason="cap")])
        await desk.record([an_event("hold_closed", subscriber="S-3", reason="cap")])
    assert await store.people.states() == {"active": 2, "restricted": 1, "suspended": 1}
    counts = await store.people.hold_counts()
    assert counts == dict.fromkeys(Reason, 0) | {Reason.RESTRICTED: 2, Reason.CAP: 1}


async def test_small_things_are_remembered_by_their_key(store):
    assert await store.people.recall("host_key:cpe-1") is None
    await store.people.remember("host_key:cpe-1", "ssh-ed25519 AAAA")
    await store.people.remember("host_key:cpe-1", "ssh-ed25519 BBBB")
    assert await store.people.recall("host_key:cpe-1") == "ssh-ed25519 BBBB"
    await store.people.forget("host_key:cpe-1")
    assert await store.people.recall("host_key:cpe-1") is None
    await store.people.remember("paused", "a word that is not the brake's")
    assert await store.people.paused() is None


async def test_a_standing_knows_nothing_that_is_of_another_period(store):
    await put(store, an_inventory())
    march, april = "2026-03", "2026-04"
    async with store.judging() as desk:
        await desk.record(
            [
                an_event("notice", notice="usage_80", period=march, allowance_bytes=9),
                an_event("topup", size_bytes=5, period=march, reference="1"),
                an_event("topup", size_bytes=7, period=march, reference="2"),
                an_event("topup", size_bytes=9, period=april, reference="3"),
                an_event("charge", charge="overage", amount="6.00", currency="GBP", breach=march),
            ]
        )
    known = await standing(store)
    assert known.period == MARCH
    assert known.topup_bytes == 12
    assert [given.notice for given in known.given] == ["usage_80"]
    assert [charged.breach for charged in known.charged] == [march]
    later = await standing(store, now=MARCH.end + timedelta(hours=1))
    assert (later.topup_bytes, later.given, later.charged) == (9, (), ())


async def test_a_standing_has_the_usage_of_an_earlier_period_whose_hold_is_still_open(store):
    await put(store, an_inventory())
    await store.ledger.post(postings([a_reading(0), a_reading(40, at=300)]))
    async with store.judging() as desk:
        await desk.record([an_event("hold_opened", reason="cap", period="2026-03", clause="UC-2")])
    assert (await standing(store)).previous == ()
    later = await standing(store, now=MARCH.end + timedelta(hours=1))
    assert [(usage.period, usage.down_bytes) for usage in later.previous] == [(MARCH, 40)]
    assert later.usage.down_bytes == 0


async def test_standings_come_in_the_order_asked_for_without_the_unknown(store):
    people = tuple(a_subscriber(f"S-{n}") for n in range(1_200))
    await put(store, an_inventory(subscribers=people))
    asked = ["S-7", "S-1199", "nobody", "S-0", *(f"S-{n}" for n in range(8, 1_000))]
    found = await store.people.standings(asked, NOON, LONDON, 6)
    assert [one.subscriber.id for one in found] == [who for who in asked if who != "nobody"]
    assert await standing(store, "nobody") is None


async def test_an_import_says_who_is_counted_on_several_devices__UC_9(sqlite_store):
    radio, router = a_device("radio"), a_device("router", address="10.9.0.3")
    first = await sqlite_store.people.apply(
        an_inventory(devices=(radio,)), dry_run=False, author="t", at=NOON
    )
    assert first.warnings == ()
    both = an_inventory(devices=(router,))
    (warning,) = (
        await sqlite_store.people.apply(both, dry_run=False, author="t", at=NOON)
    ).warnings
    assert warning.startswith("subscriber S-1: counted on radio and router, all of it added up")
    again = await sqlite_store.people.apply(both, dry_run=False, author="t", at=NOON)
    assert again.warnings == ()
    backup = replace(router, meters=(a_meter(role=Role.BACKUP),))
    only = an_inventory(devices=(backup,))
    changed = await sqlite_store.people.apply(only, dry_run=False, author="t", at=NOON)
    assert changed.warnings == ()
