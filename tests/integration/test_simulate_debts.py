"""Money owed and balances, led again: under the same terms it is what did happen."""

import random
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from capd import policies
from capd.decide.policy import Action, Policy
from capd.decide.terms.debt import Reconnection
from capd.hindsight.difference import Which
from capd.house import House
from capd.metrics import Metrics
from capd.replay import _Run
from capd.units import rfc3339
from tests import replays
from tests.builders import (
    GB,
    HOME_100,
    HOME_300,
    HOME_900,
    LONDON,
    PREPAID,
    a_device,
    a_meter,
    a_subscriber,
    an_inventory,
)
from tests.integration.test_simulate import START, months, odd, simulated, terms

PRODUCTS = (HOME_100, HOME_300, HOME_900, PREPAID)
NAMES = ("residential_us", "prepaid_iot", "wireless_broadband")
HOUR = timedelta(hours=1)


def policy(name):
    found = policies.load(policies.default_path().with_name(f"{name}.toml"))
    return replace(found, reconnection=Reconnection(fee=Decimal(25)))


def bills(dice, days):
    """Yield what billing tells of four households meanwhile, in order."""
    for n in range(int(days / 2)):
        at, who = START + timedelta(days=2 * n, hours=dice.randrange(24)), f"S-{n % 4}"
        day = f"{START + timedelta(days=2 * n):%Y-%m-%d}"
        kind, details = dice.choice(
            [
                ("invoice", {"reference": f"inv-{n}", "amount": "25.00", "issued_on": day}),
                ("invoice", {"reference": f"inv-{n}", "amount": "25.00", "issued_on": day}),
                ("payment_failed", {"invoice": f"inv-{n - 4}"}),
                ("invoice_cancelled", {"invoice": f"inv-{n - 8}"}),
                ("payment", {"reference": f"p-{n}", "amount": dice.choice(["10", "25", "40"])}),
                ("attempt", {"channel": dice.choice(["email", "phone"])}),
                ("plan", {"product": dice.choice(["prepaid", "home-100"])}),
                ("topup", {"size": "5GB", "reference": f"t-{n}"}),
                ("breach", {"serious": "no", "note": "a mast"}),
                ("breach_ended", {"note": "gone"}),
                ("disconnected", {"cause": "customer"}),
                ("reconnected", {}),
            ]
        )
        yield at, replays.fact(rfc3339(at), kind, subscriber=who, **details)


LINKED = {"S-0": ("S-2",), "S-2": ("S-3",), "S-3": ("S-2",)}


def households():
    """Return four of them, two on a balance; one leads another, which hangs on a third and back."""
    people = tuple(
        a_subscriber(
            f"S-{n}",
            product=(HOME_100, PREPAID)[n % 2].id,
            email="a@example.net",
            linked=LINKED.get(f"S-{n}", ()),
        )
        for n in range(4)
    )
    devices = tuple(
        a_device(f"cpe-{n}", address=f"10.9.0.{n + 1}", meters=(a_meter(subscriber=f"S-{n}"),))
        for n in range(4)
    )
    return an_inventory(products=PRODUCTS, subscribers=people, devices=devices)


@pytest.mark.parametrize("name", NAMES)
async def test_debts_and_balances_led_again_are_what_they_were(sqlite_store, name):
    dice, rules = random.Random(name), policy(name)
    month = months(dice, 4, 45, every=18 * HOUR)
    *lines, clock = [line for line in month if b"fact" not in line or b"clock" in line]
    told = [line for _, line in bills(dice, 45)]
    merged = sorted([*lines, *told], key=lambda line: line.split(b'"at": "')[1][:20])
    house = House(store=sqlite_store, policy=rules, zone=LONDON, currency="GBP", metrics=Metrics())
    await _Run(house, households(), lambda _: None).take("", [*merged, clock], lambda _: None)
    _, found = await simulated(sqlite_store, terms(rules), terms(rules))
    begins = "prepaid_began"  # with the span instead of the import: nothing was used in between
    assert [event for _, _, event in odd(found) if event.kind != begins] == []
    kinds = {event.kind for _, event in await sqlite_store.trail.events(limit=10_000)}
    assert {"invoice", "hold_opened", "prepaid_began", "topup", "linked_off"} <= kinds


SUSPENDS, CHARGES = Policy(), Policy(first_action=Action.CHARGE)
FOLLOWED = ("linked_off", "hold_opened", "linked_on", "hold_closed")


@pytest.mark.parametrize(
    ("lived", "would", "which"), [(SUSPENDS, CHARGES, Which.DID), (CHARGES, SUSPENDS, Which.WOULD)]
)
async def test_what_is_linked_follows_what_would_become_of_its_connection__CT_10(
    sqlite_store, lived, would, which
):
    """Whichever comes first by its id: A-1 hangs on S-1, which is over the cap in March."""
    lines = [
        replays.reading("2026-03-02T00:00:00", 0),
        replays.reading("2026-03-10T00:00:00", 101 * GB),
        replays.reading("2026-04-10T00:00:00", 101 * GB),
    ]
    people = an_inventory(subscribers=(a_subscriber(linked=("A-1",)), a_subscriber("A-1")))
    house = House(store=sqlite_store, policy=lived, zone=LONDON, currency="GBP", metrics=Metrics())
    await _Run(house, people, lambda _: None).take("a", lines, lambda _: None)
    _, found = await simulated(sqlite_store, terms(would), terms(lived))
    voice = [(one.which, one.event.kind) for one in found if one.event.subscriber == "A-1"]
    assert voice == [(which, kind) for kind in FOLLOWED]
