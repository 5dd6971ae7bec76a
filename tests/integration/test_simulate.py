"""A life led again: under the same policy it is what did happen, under another what would have."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from capd.account.retention import Keep, cuts
from capd.decide.policy import Action, Policy
from capd.hindsight.difference import Difference, Which, about
from capd.hindsight.known import Terms
from capd.hindsight.run import Question, lives, range_of
from capd.house import House
from capd.metrics import Metrics
from capd.replay import _Run
from capd.units import rfc3339
from tests import replays
from tests.builders import (
    CATALOGUE,
    ENDLESS,
    GB,
    HOME_100,
    HOME_300,
    HOME_900,
    LONDON,
    a_device,
    a_meter,
    a_subscriber,
    an_inventory,
)

START = datetime(2026, 2, 27, 9, 30, tzinfo=UTC)
PRODUCTS = (HOME_100, HOME_300, HOME_900, ENDLESS)
HOUR = timedelta(hours=1)
REASONS = (  # as many as ever: another one would change all that is drawn after it
    *("cap", "non_payment", "breach", "aup", "security", "fraud"),
    *("restricted", "maintenance", "prepaid", "spike", "operator"),
)


def neighbourhood(households):
    people = tuple(
        a_subscriber(f"S-{n}", product=PRODUCTS[n % 4].id, cycle_day=1 + (n * 7) % 31)
        for n in range(households)
    )
    devices = tuple(
        a_device(f"cpe-{n}", address=f"10.9.0.{n + 1}", meters=(a_meter(subscriber=f"S-{n}"),))
        for n in range(households)
    )
    return an_inventory(products=PRODUCTS, subscribers=people, devices=devices)


def months(dice, households, days, *, every=5 * HOUR):
    """Yield readings of a few months, and what people tell meanwhile, in order."""
    appetite = [dice.lognormvariate(0, 1) * GB for _ in range(households)]
    down, up = [0] * households, [0] * households
    at = START
    while at < START + timedelta(days=days):
        for n in range(households):
            if dice.random() < 0.1:
                continue  # a gap
            late = at + timedelta(seconds=n)
            yield replays.reading(rfc3339(late), down[n], up[n], device=f"cpe-{n}", uptime_s=None)
        for n in range(households):
            down[n] += int(dice.expovariate(1 / appetite[n]) * (every / (3 * HOUR)))
            up[n] += down[n] % 1_000_003
        if dice.random() < 0.15:
            yield told(dice, at + timedelta(minutes=11), f"S-{dice.randrange(households)}")
        at += every
    yield replays.fact(rfc3339(at), "clock")


def told(dice, at, who):
    """Return the line of something that people might tell."""
    later = rfc3339(at + timedelta(hours=dice.randrange(1, 300)))
    reason = dice.choice(REASONS)
    name, details = dice.choice(
        [
            ("topup", {"size": f"{dice.randrange(1, 60)}GB", "reference": f"inv-{at}-{who}"}),
            ("plan", {"product": dice.choice(PRODUCTS).id}),
            ("hold", {"reason": reason, "note": "inv-7"}),
            ("hold", {"reason": reason, "note": "inv-7", "until": later}),
            ("release", {"reason": reason, "note": "paid"}),
            ("release", {"reason": "cap", "note": "by kindness"}),
            ("delay", {"until": later, "note": "by kindness"}),
        ]
    )
    return replays.fact(rfc3339(at), name, subscriber=who, **details)


async def lived(store, lines, policy, households):
    """Play *lines* through the real turns into *store*."""
    house = House(store=store, policy=policy, zone=LONDON, currency="GBP", metrics=Metrics())
    run = _Run(house, neighbourhood(households), lambda _: None)
    await run.take("months.jsonl", lines, lambda _: None)


def terms(policy, catalogue=CATALOGUE):
    return Terms(policy=policy, catalogue=catalogue, zone=LONDON, currency="GBP")


async def simulated(store, would, did, *, span=None):
    """Return the difference, and every event of either side."""
    question = Question(would=would, did=did, span=span or await range_of(store))
    difference = Difference(zone=LONDON, span=question.span)
    steps = []
    found = [
        one async for one in lives(store, question, difference, lambda *done: steps.append(done))
    ]
    assert steps[-1] == (difference.subscribers, difference.subscribers)
    return difference, found


def odd(found):
    return [(one.which.value, one.day, one.event) for one in found if one.which is not Which.BOTH]


POLICIES = {
    "the operator's": Policy(),
    "charges": Policy(repeat_action=Action.CHARGE, delay_h=30),
    "charges at once": Policy(first_action=Action.CHARGE, repeat_action=Action.CHARGE),
    "suspends": Policy(repeat_action=Action.SUSPEND, second_breach_in_same_period=True),
    "late": Policy(delay_h=48, notice_shares=(75, 90, 110)),
}


async def the_same(store, name, *, days):
    dice, policy = random.Random(name), POLICIES[name]
    await lived(store, months(dice, 6, days), policy, 6)
    difference, found = await simulated(store, terms(policy), terms(policy))
    assert odd(found) == []
    assert len(found) > 10
    assert difference.would == difference.did
    assert (difference.subscribers, difference.different, difference.unseen_days) == (6, 0, 0)


@pytest.mark.parametrize("name", POLICIES)
async def test_under_the_policy_in_force_what_would_be_is_what_did_happen(sqlite_store, name):
    await the_same(sqlite_store, name, days=50)


async def test_and_so_it_is_on_either_database(store):
    await the_same(store, "the operator's", days=35)


async def test_and_so_it_is_from_any_day_on(sqlite_store):
    policy = POLICIES["charges"]
    await lived(sqlite_store, months(random.Random(5), 4, 45), policy, 4)
    for day in (2, 20.4, 31):
        whole = await range_of(sqlite_store)
        span = replace(whole, since=START + timedelta(days=day))
        _, found = await simulated(sqlite_store, terms(policy), terms(policy), span=span)
        assert odd(found) == []
        assert found


async def test_where_only_hours_are_left_it_is_so_but_for_some_minutes(sqlite_store):
    policy = POLICIES["charges"]
    await lived(sqlite_store, months(random.Random(3), 3, 40, every=HOUR), policy, 4)
    work = sqlite_store.history.compaction(
        cuts(Keep(raw_days=7, hours_days=60), START + timedelta(days=40), LONDON), LONDON
    )
    while not work.done:
        await work.step()
    assert work.moved.entries
    _, found = await simulated(sqlite_store, terms(policy), terms(policy))
    would, did = (
        [one for one in found if one.which in {Which.BOTH, side}]
        for side in (Which.WOULD, Which.DID)
    )
    pairs = list(zip(sorted(would, key=order), sorted(did, key=order), strict=True))
    assert [order(one)[:3] for one, _ in pairs] == [order(other)[:3] for _, other in pairs]
    assert all(abs(one.event.at - other.event.at) <= 3 * HOUR for one, other in pairs)
    assert any(one.event.at != other.event.at for one, other in pairs)


def order(one):
    return one.event.subscriber, one.event.kind, about(one.event), one.event.at


async def test_a_tighter_cap_warns_and_suspends_more(sqlite_store):
    policy = Policy(repeat_action=Action.SUSPEND)
    await lived(sqlite_store, months(random.Random(8), 6, 40), policy, 6)
    tight = {name: _cut(product) for name, product in CATALOGUE.items()}
    difference, found = await simulated(sqlite_store, terms(policy, tight), terms(policy))
    would, did = difference.would, difference.did
    assert would.suspensions.total() > did.suspensions.total()
    assert would.suspended_days > did.suspended_days
    assert difference.different > 0
    assert {one.event.figures["allowance_bytes"] for one in found if one.event.kind == "notice"}
    loose = {name: replace(product, cap_bytes=None) for name, product in CATALOGUE.items()}
    difference, _ = await simulated(sqlite_store, terms(policy, loose), terms(policy))
    assert not difference.would.events["hold_opened", "cap"]
    assert difference.unseen_days > 0


def _cut(product):
    cap = product.cap_bytes
    return replace(product, cap_bytes=None if cap is None else cap // 2)


async def test_what_the_old_policy_did_by_itself_is_not_told_to_the_new_one(sqlite_store):
    policy = Policy(first_action=Action.UPGRADE)
    lines = [
        replays.reading("2026-03-02T00:00:00", 0),
        replays.reading("2026-03-10T00:00:00", 101 * GB),
        replays.reading("2026-03-20T00:00:00", 301 * GB),
    ]
    house = House(store=sqlite_store, policy=policy, zone=LONDON, currency="GBP", metrics=Metrics())
    await _Run(house, an_inventory(), lambda _: None).take("a", lines, lambda _: None)
    charged = terms(Policy(first_action=Action.CHARGE, repeat_action=Action.CHARGE))
    difference, found = await simulated(sqlite_store, charged, terms(policy))
    moves = [one for one in found if one.event.kind == "plan_changed"]
    assert [(one.which, about(one.event)) for one in moves] == [
        (Which.DID, "home-300"),
        (Which.DID, "home-900"),
    ]
    assert difference.would.events["charge", "overage"] > 0
    assert difference.would.money["administration"] == 5
    assert difference.would.money["overage"] == 201
    assert not difference.would.events["plan_changed", "home-300"]
