"""Products that are withdrawn, and addresses that are taken, from the command line."""

import json
from datetime import timedelta

import pytest

from capd.clock import utc_now
from tests.servers.commandline import Capd

PRODUCTS = [
    {"id": "home-100", "name": "Home 100", "cap": "100GB", "price": "25.00"},
    {"id": "home-120", "name": "Home 120", "cap": "120GB", "price": "24.00"},
    {"id": "home-90", "name": "Home 90", "cap": "90GB", "price": "9.00"},
]


def people(*several):
    return [
        {"id": who, "name": "A. Customer", "product": "home-100", **more} for who, more in several
    ]


@pytest.fixture
def capd(tmp_path):
    found = Capd(tmp_path)
    found.ok("init")
    return found


def imported(capd, subscribers):
    path = capd.folder / "people.json"
    path.write_text(json.dumps({"products": PRODUCTS, "subscribers": subscribers}))
    return capd("import", "people.json")


def told_of_it(capd):
    events = capd.ok("events", "--json").records()
    return [one["subscriber"] for one in events if one["kind"] == "product_withdrawn"]


def test_the_plan_of_moves_is_shown_before_a_product_is_withdrawn__CT_7(capd):
    assert imported(capd, people(("S-1", {}), ("S-2", {}))).code == 0
    day = (utc_now() + timedelta(days=60)).date().isoformat()
    withdraw = ["products", "withdraw", "home-100", "--on", day]
    shown = capd.ok(*withdraw, "--dry-run", "--json").json()
    moves = [(one["subscriber"], one["from"], one["to"], one["on"]) for one in shown["moves"]]
    assert moves == [("S-1", "home-100", "home-120", day), ("S-2", "home-100", "home-120", day)]
    assert capd.ok("products", "list", "--json").json()[0]["withdrawn_on"] is None
    assert "dry run" in capd.ok(*withdraw, "--dry-run").out
    assert "Home 100 is withdrawn" in capd.ok(*withdraw).out
    told = [
        one for one in capd.ok("events", "--json").records() if one["kind"] == "product_withdrawn"
    ]
    assert [one["subscriber"] for one in told] == ["S-1", "S-2"]
    assert (
        capd.ok(*withdraw).out.count("home-120") == 2
    )  # again: the same, and nobody is told twice
    again = [
        one for one in capd.ok("events", "--json").records() if one["kind"] == "product_withdrawn"
    ]
    assert len(again) == 2
    assert capd("products", "withdraw", "home-1000", "--on", day).lines == [
        "there is no product 'home-1000'. Did you mean 'home-100'?"
    ]
    exported = capd.ok("export", "out")
    assert exported.code == 0
    written = json.loads((capd.folder / "out" / "inventory.json").read_text())
    assert written["products"][0]["withdrawn_on"] == day


def test_a_second_subscription_at_an_address_is_refused_unless_agreed__CT_13(capd):
    here = {"address": "1 High Street"}
    assert imported(capd, people(("S-1", here))).code == 0
    said = imported(capd, people(("S-1", here), ("S-2", here)))
    assert said.code == 2
    assert "S-1 is served there already" in said.err
    assert imported(capd, people(("S-1", here), ("S-2", here | {"shares_address": True}))).code == 0
    assert imported(capd, people(("S-1", here), ("S-2", here | {"shares_address": True}))).code == 0
    assert imported(capd, people(("S-3", {"address": "2 High Street"}))).code == 0
    capd.ok("export", "out")
    written = json.loads((capd.folder / "out" / "inventory.json").read_text())
    assert [one.get("shares_address") for one in written["subscribers"]] == [None, True, None]


def test_a_move_goes_to_no_address_that_is_taken_unless_agreed__CT_13(capd):
    assert (
        imported(
            capd,
            people(("S-1", {"address": "1 High Street"}), ("S-2", {"address": "2 High Street"})),
        ).code
        == 0
    )
    inventory = {
        "products": PRODUCTS,
        "subscribers": people(
            ("S-1", {"address": "1 High Street"}), ("S-2", {"address": "2 High Street"})
        ),
    }
    (capd.folder / "inventory.json").write_text(json.dumps(inventory))
    moves = [
        {"address": "2 high street"},
        {"address": "2 high street", "agreed": "yes"},
        {"address": "3 High Street"},
    ]
    lines = [
        {"at": f"2026-03-0{n}T00:00:00Z", "fact": "move", "subscriber": "S-1", **move}
        for n, move in enumerate(moves, 1)
    ]
    (capd.folder / "moves.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n")
    said = capd("replay", "moves.jsonl", "--inventory", "inventory.json", "--json")
    assert said.code == 0
    told = [(one["kind"], one["address"]) for one in said.records() if one["kind"] == "moved"]
    assert told == [("moved", "2 high street"), ("moved", "3 High Street")]
    assert "S-2 is served there already" in said.err


def test_an_import_says_that_worse_terms_hold_at_once_for_who_has_the_product__CT_6(capd):
    assert imported(capd, people(("S-1", {}))).code == 0
    dearer = [{**PRODUCTS[0], "price": "30.00"}, {**PRODUCTS[2], "price": "30.00"}]
    (capd.folder / "dear.json").write_text(json.dumps({"products": dearer}))
    said = capd("import", "dear.json", "--json")
    assert (said.code, len(said.json()["warnings"])) == (0, 1)  # nobody has the other one
    (line,) = said.lines
    assert line == (
        "product home-100: worse at once for 1 who have it, without the notice of CT-6: a product "
        "of its own, and `capd products withdraw` with --replaced-by, gives it"
    )
    (capd.folder / "dear.json").write_text(json.dumps({"products": PRODUCTS}))
    assert capd.ok("import", "dear.json").out.startswith("changed")  # cheaper again: no word
