"""Money owed in the books of both databases: each reference once, what is over is recalled."""

import asyncio
import json
from datetime import timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from capd import policies
from capd.clock import utc_now
from capd.config import load
from capd.decide.policy import Policy
from capd.decide.terms.debt import Quiet, Reconnection
from capd.house import House
from capd.metrics import Metrics
from capd.model import OrderState
from capd.opening import open_house, rules_of
from capd.pipeline import accept_turn, decide_turn
from tests.builders import GB, NOON, a_fact, an_inventory
from tests.servers.commandline import Capd

DAY = timedelta(days=1)
POLICY = Policy(quiet=Quiet(reasons=()), reconnection=Reconnection(fee=Decimal(25)))


async def a_house(store):
    inventory = an_inventory()
    await store.people.apply(inventory, dry_run=False, author="test", at=NOON, enforcing={"cpe-1"})
    house = House(
        store=store, policy=POLICY, zone=ZoneInfo("Europe/London"), currency="GBP",
        metrics=Metrics(),
    )  # fmt: skip
    await house.look_round()
    return house


async def tell(house, kind, *, now, **details):
    return await accept_turn(house, a_fact(kind, at=now, **details), now=now)


async def kinds(store, *wanted):
    return [event.kind for _, event in await store.trail.events() if event.kind in wanted]


async def test_a_debt_stops_service_and_its_payment_restores_it_each_fact_once__CT_4(store):
    house = await a_house(store)
    bill = {"reference": "inv-7", "amount": "25.00", "issued_on": "2026-02-20"}
    for _ in range(2):
        assert await tell(house, "invoice", now=NOON, **bill) is None
    assert await tell(house, "invoice", now=NOON, **{**bill, "amount": "26"}) == (
        "reference 'inv-7' stands for 25.00 of S-1 since 2026-03-10T12:00:00Z; nothing was added, "
        "give this one a reference of its own"
    )
    (order,) = await store.orders.due(NOON + DAY)
    assert (order.after.suspended, order.state) == (True, OrderState.OPEN)
    for _ in range(2):
        paid = await tell(house, "payment", now=NOON + DAY, reference="p-1", amount="25")
        assert paid is None
    assert await kinds(store, "invoice", "hold_opened", "payment", "hold_closed", "charge") == [
        "invoice", "hold_opened", "payment", "hold_closed", "charge",
    ]  # fmt: skip
    assert await store.matters.find() == []


async def test_what_is_over_is_recalled_to_set_it_right(store):
    house = await a_house(store)
    bill = {"reference": "inv-7", "amount": "25.00", "issued_on": "2026-02-20"}
    await tell(house, "invoice", now=NOON, **bill)
    await tell(house, "payment", now=NOON + DAY, reference="p-1", amount="25")
    ((_, charge),) = await store.charges.find(subscriber="S-1")
    wrong = {"charge_id": charge.figures["charge_id"], "reason": "a mistake"}
    for _ in range(2):
        assert await tell(house, "charge_reversed", now=NOON + DAY, **wrong) is None
    amounts = [event.figures["amount"] for _, event in await store.charges.find()]
    assert amounts == ["25.00", "-25.00"]
    await tell(house, "payment_failed", now=NOON + 2 * DAY, invoice="inv-7")
    assert await kinds(store, "hold_opened") == ["hold_opened"] * 2
    await decide_turn(house, ["S-1"], now=NOON + 3 * DAY)
    assert await tell(house, "charge_reversed", now=NOON, charge_id="S-2/x/y", reason="x") == (
        "there is no charge 'S-2/x/y'"
    )


def test_charges_are_listed_with_their_ids_and_reasons(tmp_path):
    capd = Capd(tmp_path)
    capd.ok("init")
    capd.ok("import", "inventory.json")
    assert capd.ok("charges").out == "Nothing was charged.\n"

    async def miss_a_visit():
        house = await open_house(load(tmp_path / "capd.toml"), Metrics(), upgrade=False)
        try:
            day = utc_now() + 9 * DAY
            await tell(house, "job", now=utc_now(), reference="j-1", on=f"{day:%Y-%m-%d}")
            await tell(house, "job_missed", now=utc_now(), job="j-1")
        finally:
            await house.store.close()

    asyncio.run(miss_a_visit())
    (record,) = capd.ok("charges", "--subscriber", "S-1", "--json").json()
    assert (record["charge"], record["amount"], record["clause"]) == (
        "engineer_visit", "50.00", "IN-4",
    )  # fmt: skip
    assert record["charge_id"] in capd.ok("charges").out
    assert capd("charges", "--subscriber", "S-9").code == 1


def test_a_balance_is_shown_and_what_restores_service__E_1(tmp_path):
    capd = Capd(tmp_path)
    capd.ok("init")
    inventory = json.loads((tmp_path / "inventory.json").read_text())
    inventory["products"].append({"id": "pre", "name": "Prepaid", "kind": "prepaid"})
    inventory["subscribers"][0]["product"] = "pre"
    (tmp_path / "inventory.json").write_text(json.dumps(inventory))
    capd.ok("import", "inventory.json")
    capd.ok("export", "out")
    exported = json.loads((tmp_path / "out" / "inventory.json").read_text())
    assert [p["kind"] for p in exported["products"] if p["id"] == "pre"] == ["prepaid"]
    capd.ok("topup", "S-1", "5GB", "--reference", "buy-1")
    assert capd.ok("usage", "S-1", "--json").json()["balance_bytes"] == 5 * GB
    assert "balance    5 GB" in capd.ok("usage", "S-1").out
    shown = capd.ok("explain", "S-1").out
    assert "In service: 5 GB of the balance left." in shown
    assert "- Using more than another 5 GB uses up the balance (E-1)." in shown
    assert "topup" in capd.ok("events").out


def test_a_prepaid_product_has_no_cap__E_1(tmp_path):
    capd = Capd(tmp_path)
    capd.ok("init")
    products = [{"id": "pre", "name": "Prepaid", "kind": "prepaid", "cap": "5GB"}]
    (tmp_path / "more.json").write_text(json.dumps({"products": products}))
    refused = capd("import", "more.json")
    assert refused.code == 2
    assert "a prepaid product has a balance that is bought, and no cap" in refused.err


def test_a_notice_that_nothing_sends_is_no_attempt_and_check_says_so__C_2(tmp_path):
    capd = Capd(tmp_path)
    capd.ok("init")
    config = load(tmp_path / "capd.toml")
    counts = [
        rules_of(config, channels, off).newest.dunning.notice_is_attempt
        for channels, off in (
            ((), ()), (("email",), ()), (("email",), ("notice",)), (("webhook",), ("notice",)),
        )
    ]  # fmt: skip
    assert counts == [False, True, False, True]
    assert "attempts:" not in capd.ok("check").out
    shipped = policies.default_path().with_name("residential_us.toml")
    (tmp_path / "policy.toml").write_text(shipped.read_text())
    assert "attempts: nothing sends a notice ([notify])" in capd.ok("check").out
