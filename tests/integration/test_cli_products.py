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


def test_an_import_that_makes_a_product_worse_says_from_when_and_export_takes_it_out__CT_6(capd):
    assert imported(capd, people(("S-1", {}))).code == 0
    dearer = [{**PRODUCTS[0], "price": "30.00"}, {**PRODUCTS[2], "price": "30.00"}]
    (capd.folder / "dear.json").write_text(json.dumps({"products": dearer}))
    dry = capd("import", "dear.json", "--dry-run", "--json")
    said = capd("import", "dear.json", "--json")
    assert dry.lines == said.lines
    (line,) = said.lines  # nobody has the other one
    assert line.startswith("product home-100: worse for 1 who have it: they are told, and keep")
    listed = {one["id"]: one for one in capd.ok("products", "list", "--json").json()}
    assert listed["home-90"]["terms_from"] is None
    day = listed["home-100"]["terms_from"]
    assert day in line
    assert "nothing to change" in capd.ok("import", "dear.json").out
    capd.ok("export", "out")
    written = json.loads((capd.folder / "out" / "inventory.json").read_text())
    assert [one.get("from") for one in written["products"]] == [day, None, None]
    capd.ok("export", "--format", "csv", "out")
    for again in ("out/inventory.json", "out/products.csv"):
        assert "nothing to change" in capd.ok("import", again).out
    explained = capd.ok("explain", "S-1").out
    assert "30.00 GBP a month instead of 25.00 GBP a month (CT-6)" in explained
    dearer[0] = {**dearer[0], "price": "40.00", "from": utc_now().date().isoformat()}
    (capd.folder / "dear.json").write_text(json.dumps({"products": dearer}))
    refused = capd("import", "dear.json")
    assert refused.code == 2
    assert "product home-100: from: " in refused.err
    assert " is too near: it is worse for 1 who have it" in refused.err
    assert capd("import", "dear.json", "--dry-run").err == refused.err
    (capd.folder / "dear.json").write_text(json.dumps({"products": PRODUCTS}))
    off = capd("import", "dear.json")
    assert off.lines == ["product home-100: 1 are told that the announced change is off"]


def test_a_product_is_changed_by_a_command_as_by_an_import_of_its_row__CT_6(capd):
    assert imported(capd, people(("S-1", {}))).code == 0
    dry = capd("products", "change", "home-100", "--price", "30", "--cap", "80GB", "--dry-run")
    assert "dry run: nothing was changed" in dry.out
    said = capd("products", "change", "home-100", "--price", "30", "--cap", "80GB")
    assert (said.code, said.lines) == (0, dry.lines)
    assert "worse for 1 who have it" in said.err
    again = capd.ok("products", "change", "home-100", "--price", "30.00", "--cap", "80GB")
    assert "nothing to change" in again.out
    assert "30.00 GBP a month instead of 25.00 GBP a month" in capd.ok("explain", "S-1").out
    near = capd("products", "change", "home-100", "--price", "40", "--from", "2026-01-01")
    assert (near.code, "is too near" in near.err) == (2, True)
    wrong = capd("products", "change", "home-100", "--price", "dear", "--cap", "much")
    assert (wrong.code, len(wrong.lines)) == (2, 2)
    assert capd("products", "change", "home-100", "--from", "2027-01-01").code == 2
    assert "Did you mean" in capd("products", "change", "home-10", "--price", "1").err
    better = capd("products", "change", "home-100", "--cap", "unlimited", "--price", "5")
    assert better.lines == ["product home-100: 1 are told that the announced change is off"]
    assert capd.ok("products", "list", "--json").json()[0]["cap_bytes"] is None


def test_an_import_does_not_undo_a_withdrawal_that_it_says_nothing_of__CT_7(capd):
    def withdrawn():
        found = capd.ok("products", "list", "--json").json()[0]
        return found["withdrawn_on"], found["replaced_by"]

    assert imported(capd, people(("S-1", {}))).code == 0
    day = (utc_now() + timedelta(days=60)).date().isoformat()
    capd.ok("products", "withdraw", "home-100", "--on", day, "--replaced-by", "home-90")
    said = imported(capd, people(("S-1", {})))
    assert said.code == 0
    (line,) = said.lines
    assert line == (
        f"product home-100: stays withdrawn on {day}, of which the file says nothing; "
        "`capd products offer home-100` sells it again"
    )
    assert withdrawn() == (day, "home-90")
    assert capd.ok("products", "offer", "home-100").out == "Home 100 is sold again\n"
    assert withdrawn() == (None, None)
    told = [one["kind"] for one in capd.ok("events", "--json").records()]
    assert told.count("product_sold_again") == 1  # who was told that it goes
    assert capd.ok("products", "offer", "home-100").out == "Home 100 is sold\n"
    assert "Did you mean" in capd("products", "offer", "home-1000").err
    capd.ok("products", "withdraw", "home-100", "--on", day)
    sold = [{**PRODUCTS[0], "withdrawn_on": None}]  # a file that says so
    (capd.folder / "sold.json").write_text(json.dumps({"products": sold}))
    assert capd.ok("import", "sold.json").lines == []
    assert withdrawn() == (None, None)
