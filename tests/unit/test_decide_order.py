"""What is told of two subjects at one moment comes to the same in either order, but for a clause.

Every fact of one subject beside every fact of another, told to somebody of whom much is known.
"""

from dataclasses import replace
from itertools import combinations, product

from capd.decide.policy import Policy
from tests.builders import GB
from tests.unit.test_decide_laws import Life

FACTS = {
    "debt": [
        ("invoice", {"reference": "b-9", "amount": "5", "issued_on": "2026-02-01"}),
        ("payment", {"reference": "p-9", "amount": "60"}),
        ("refund", {"reference": "r-9", "amount": "5"}),
        ("attempt", {"channel": "phone"}),
        ("dispute", {"invoice": "b-1"}),
        ("dispute_settled", {"invoice": "b-2"}),
        ("delay", {"until": "2026-04-01T00:00:00Z", "reason": "non_payment"}),
        ("release", {"reason": "non_payment", "note": "so"}),
    ],
    "data": [
        ("topup", {"size": "60GB", "reference": "t-9"}),
        ("delay", {"until": "2026-04-01T00:00:00Z"}),
        ("release", {"reason": "cap"}),
        ("addon", {"addon": "unlimited"}),
        ("addon_cancel", {"addon": "unlimited"}),
        ("addon_payment_failed", {"addon": "unlimited"}),
        ("plan", {"product": "home-300"}),
        ("plan", {"product": "home-900", "effective_on": "2026-05-01"}),
        ("plan", {"product": "endless"}),
    ],
    "contract": [
        ("activated", {}),
        ("cancel", {}),
        ("cancel_withdrawn", {}),
        ("terminate", {"cause": "abuse"}),
        ("measured", {"down": "1Mbps"}),
        ("move", {"address": "2 Hill Road"}),
    ],
    "conduct": [("breach", {"serious": "no", "note": "x"}), ("breach_ended", {})],
    "holds": [
        ("hold", {"reason": "aup"}),
        ("hold", {"reason": "restricted"}),
        ("hold", {"reason": "fraud"}),
        ("release", {"reason": "security", "note": "x"}),
    ],
    "radio": [("disconnected", {"cause": "customer"}), ("reconnected", {})],
    "things": [
        ("equipment", {"item": "radio", "state": "out"}),
        ("equipment", {"item": "antenna", "state": "returned"}),
        ("static_address", {"address": "203.0.113.9"}),
    ],
    "job": [
        ("job", {"reference": "j-9", "on": "2026-05-04"}),
        ("job_moved", {"job": "j-1", "on": "2026-05-04"}),
        ("job_done", {"job": "j-1"}),
        ("job_missed", {"job": "j-1"}),
    ],
}
MATTERS = {
    ("plan", "cancel"): "CT-3, CT-15: within the days to cool off it ends at once; no moves then",
    ("plan", "terminate"): "AU-3: the contract is over, and what is over has no product to choose",
    ("plan", "activated"): "CT-1: a new contract is begun first, then it may be changed",
    ("addon", "cancel"): "CT-15: nothing is sold on top of a contract that has ended",
    ("addon", "terminate"): "AU-3: likewise",
    ("addon", "activated"): "CT-1: likewise, until a new one begins",
    ("topup", "cancel"): "CT-15: nor is data added to it",
    ("topup", "terminate"): "AU-3: likewise",
    ("topup", "activated"): "CT-1: likewise",
    ("cancel", "equipment"): "IN-5, CT-15: what is out when service ends holds up the end",
}
"""The pairs of which the order decides, and by which clause."""

BEFORE = {
    "nobody's": [],
    "off for a debt, and more is owed": [
        ("activated", {}),
        ("equipment", {"item": "antenna", "state": "out"}),
        ("invoice", {"reference": "b-1", "amount": "25", "issued_on": "2026-02-10"}),
        ("invoice", {"reference": "b-2", "amount": "30", "issued_on": "2026-02-20"}),
        ("dispute", {"invoice": "b-2"}),
        ("job", {"reference": "j-1", "on": "2026-03-12"}),
        ("hold", {"reason": "security", "note": "x"}),
    ],
    "over the cap": [
        ("activated", {}),
        ("static_address", {"address": "203.0.113.7"}),
        120 * GB,
        ("breach", {"serious": "no", "note": "x"}),
    ],
    "cancelled, with an add-on": [
        ("activated", {}),
        ("addon", {"addon": "unlimited"}),
        ("cancel", {}),
        ("disconnected", {"cause": "customer"}),
        ("payment", {"reference": "p-1", "amount": "40"}),
        150 * GB,
    ],
    "ended": [
        ("activated", {}),
        ("equipment", {"item": "antenna", "state": "out"}),
        ("terminate", {"cause": "abuse"}),
    ],
}


def known(before):
    life = Life(Policy())
    for what in before:
        life.use(what) if isinstance(what, int) else life.tell(*what)
        life.write(life.look().events)
        life.wait(1)
    return life


def after(life, *told):
    """Return what it comes to in no order: who is off and why, what is open, what was charged."""
    now = replace(life, trail=[])
    for fact in told:
        now.tell(*fact)
        now.write(now.look().events)
    standing = now.standing
    return (
        standing.product.id,
        standing.topup_bytes,
        {(hold.reason, hold.until, hold.clause) for hold in standing.holds},
        {(one.kind, one.key, one.due_at, *sorted(one.data.items())) for one in standing.matters},
        {
            (event.figures["charge_id"], event.figures["amount"])
            for event in now.trail
            if event.kind == "charge"
        },
    )


def differing(before):
    """Yield the pairs of which the order decides."""
    life = known(before)
    for one, other in combinations(FACTS, 2):
        for first, second in product(FACTS[one], FACTS[other]):
            if after(life, first, second) != after(life, second, first):
                yield first[0], second[0]


def test_only_where_a_clause_says_so_does_the_order_of_one_moment_matter__CT_1_CT_15_AU_3_IN_5():
    found = {pair for before in BEFORE.values() for pair in differing(before)}
    assert found == MATTERS.keys()


def test_nothing_is_sold_on_top_of_a_contract_that_has_ended__CT_15():
    life = known(BEFORE["ended"])
    charged = [event for event in life.trail if event.kind == "charge"]
    life.tell("addon", {"addon": "unlimited"})
    life.write(life.look().events)
    assert [event for event in life.trail if event.kind == "charge"] == charged
