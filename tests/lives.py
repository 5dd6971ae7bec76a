"""Lives of two subscribers as lines of a replay file: every kind of fact, readings, and time."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from capd import policies, sales
from capd.decide.facts import FACTS
from capd.house import House
from capd.lines import line_of
from capd.metrics import Metrics
from capd.model import Reading, Reason, Unit
from capd.pipeline import accept_turn, account_turn, decide_turn
from capd.store import Store
from capd.units import rfc3339
from tests.builders import CATALOGUE, GB, LONDON, a_device, a_meter, a_product, a_subscriber
from tests.builders import an_inventory as _inventory

BEGAN = datetime(2026, 2, 26, 10, tzinfo=UTC)
VOICE = a_product("voice-10", None, cap_bytes=600, unit=Unit.SECONDS, family="voice")
SERVED = _inventory(
    products=(*CATALOGUE.values(), VOICE),
    subscribers=(
        a_subscriber("S-1", linked=("V-1",)),
        a_subscriber("V-1", product="voice-10", cycle_day=31),
    ),
    devices=(a_device(meters=(a_meter("wan", "S-1"),)),),
)
"""S-1 on Home 100, and the telephone that hangs on it."""

POLICIES = ("wireless_broadband", "business", "residential_us", "hosted_voice", "prepaid_iot")


def policy(name):
    """Return a shipped policy."""
    return policies.load(policies.default_path().with_name(f"{name}.toml"))


# ---- what may be told ----------------------------------------------------------------------------

_yes_no = st.sampled_from(["yes", "no"])
_days = st.sampled_from(["2026-02-27", "2026-02-28", "2026-03-02", "2026-03-31", "2026-05-01"])
_moments = st.sampled_from(
    ["2026-02-27T00:00:00Z", "2026-03-02T09:00:00Z", "2026-03-20T00:00:00Z", "2026-06-01T00:00:00Z"]
)
_money = st.sampled_from(["5", "25.00", "40.10"])
_bills = st.sampled_from(["b-1", "b-2"])
_jobs = st.sampled_from(["j-1", "j-2"])
_rates = st.sampled_from(["1Mbps", "20Mbps"])
_addons = st.sampled_from(["unlimited"])
_references = st.integers(1, 6).map("r-{}".format)
_note = st.just("so")
_reasons = st.sampled_from([reason.value for reason in Reason])
LAST_CHARGE = "the last one"


def _details(required=None, optional=None):
    return st.fixed_dictionaries(required or {}, optional=optional or {})


TOLD = {
    "topup": _details({"size": st.sampled_from(["1GB", "60GB"]), "reference": _references}),
    "hold": _details(
        {"reason": _reasons}, {"until": _moments, "notify": _yes_no, "note": _note, "down": _rates}
    ),
    "release": _details({"reason": _reasons}, {"note": _note}),
    "delay": _details({"until": _moments}, {"reason": st.sampled_from(["cap", "non_payment"])}),
    "clock": st.just({}),
    "product": _details(
        {"product": st.sampled_from(["home-100", "home-300", "voice-10"])},
        {"price": _money, "cap": st.sampled_from(["80GB", "250GB"]), "from": _days},
    ),
    "plan": _details(
        {"product": st.sampled_from(sorted(CATALOGUE))}, {"effective_on": _days, "agreed": _yes_no}
    ),
    "activated": _details({}, {"estimate_down": _rates, "on": _days}),
    "activation_undone": _details({"device": st.just("cpe-1")}, {"keeps_term": _yes_no}),
    "measured": _details({"down": _rates}, {"up": _rates}),
    "cancel": _details({}, {"reason": _note, "on": _days}),
    "cancel_withdrawn": _details({}, {"note": _note}),
    "cycle_day": _details({"day": st.sampled_from(["1", "15", "31"])}, {"note": _note}),
    "move": _details(
        {"address": st.sampled_from(["1 Hill Road", "2 Hill Road"])},
        {
            "product": st.sampled_from(sorted(CATALOGUE)),
            "unavailable": _yes_no,
            "agreed": _yes_no,
            "on": _days,
        },
    ),
    "terminate": _details({"cause": _note}, {"authorities": _yes_no}),
    "equipment": _details(
        {"item": st.just("radio"), "state": st.sampled_from(["out", "returned", "lost"])},
        {"amount": _money},
    ),
    "static_address": _details({"address": st.just("203.0.113.7")}),
    "addon": _details(
        {"addon": _addons}, {"every": st.sampled_from(["month", "year"]), "reference": _references}
    ),
    "addon_paid": _details({"addon": _addons}),
    "addon_payment_failed": _details({"addon": _addons}),
    "addon_cancel": _details({"addon": _addons}),
    "invoice": _details(
        {"reference": _bills, "amount": _money, "issued_on": _days},
        {"charges": st.just(LAST_CHARGE)},
    ),
    "payment": _details({"reference": _references, "amount": _money}, {"invoice": _bills}),
    "refund": _details({"reference": _references, "amount": _money}),
    "attempt": _details({"channel": st.sampled_from(["email", "phone"])}),
    "dispute": _details({"invoice": _bills}),
    "dispute_settled": _details({"invoice": _bills}),
    "invoice_cancelled": _details({"invoice": _bills}),
    "payment_failed": _details({"invoice": _bills}, {"amount": _money, "unauthorised": _yes_no}),
    "charge_reversed": _details({"charge_id": st.just(LAST_CHARGE), "reason": _note}),
    "breach": _details({"serious": _yes_no, "note": _note}, {"notify": _yes_no}),
    "breach_ended": _details(),
    "disconnected": _details({"cause": st.sampled_from(["customer", "operator", "fault"])}),
    "reconnected": _details(),
    "task_done": _details({"task": st.builds("phone/{}".format, _bills)}),
    "job": _details({"reference": _jobs, "on": _days}, {"quote": _money}),
    "job_moved": _details({"job": _jobs, "on": _days}, {"by": st.just("operator")}),
    "job_confirmed": _details({"job": _jobs, "amount": _money}),
    "job_not_standard": _details({"job": _jobs, "extra": _money, "agreed": _yes_no, "note": _note}),
    "job_done": _details({"job": _jobs}),
    "job_cancelled": _details({"job": _jobs}, {"by": st.sampled_from(["customer", "operator"])}),
    "job_missed": _details({"job": _jobs}),
    "call": _details({"reference": _references, "seconds": st.sampled_from(["1", "61", "700"])}),
}
"""Details of every kind of fact, such as may be refused and such as may not."""

_SOME = {"topup", "hold", "release", "plan", "activated", "invoice", "payment", "addon", "cancel"}
_kinds = st.sampled_from([*sorted(FACTS), *sorted(_SOME) * 2])
_facts = _kinds.flatmap(
    lambda kind: st.tuples(st.just(kind), st.sampled_from(["S-1", "S-1", "S-1", "V-1"]), TOLD[kind])
)
_used = st.sampled_from([1, GB, 60 * GB, 101 * GB, 320 * GB]).map(lambda count: ("use", count))
_gaps = st.sampled_from([0, 0, 1, 24, 26, 72, 24 * 7, 24 * 16, 24 * 29])
STORIES = st.lists(st.tuples(_gaps, st.one_of(_facts, _facts, _used)), min_size=1, max_size=14)


def lines_of(story):
    """Return *story* as lines: the gap in hours before each, and what comes then."""
    now, down = BEGAN, 0
    lines = [_reading(now, down)]
    for hours, what in story:
        now += timedelta(hours=hours)
        if what[0] == "use":
            down += what[1]
            lines.append(_reading(now + timedelta(minutes=1), down))
            now += timedelta(minutes=1)
            continue
        kind, who, details = what
        whose = {"subscriber": who} if FACTS[kind].of_subscriber else {}
        lines.append({"at": rfc3339(now), "fact": kind, **whose, **details})
    return lines


def _reading(at, down):
    one = {"at": rfc3339(at), "device": "cpe-1", "meter": "wan"}
    return {**one, "down_bytes": down, "up_bytes": 0}


# ---- the books that they are told to -------------------------------------------------------------


@dataclass
class Books:
    """A capd over its own database, told line after line."""

    url: str
    policy: object
    house: House = None
    now: datetime = None

    async def open(self, at):
        """Open the books as a start of capd does, at the moment *at*."""
        store = await Store.open(self.url)
        self.house = House(
            store=store, policy=self.policy, zone=LONDON, currency="GBP", metrics=Metrics()
        )
        self.now = at
        await self.house.look_round()
        await self.everyone()

    async def close(self):
        await self.house.store.close()

    async def everyone(self):
        """Judge everybody; return their verdicts."""
        ids = await self.house.store.people.ids()
        return await decide_turn(self.house, ids, now=self.now)

    async def tell(self, line):
        """Let time pass up to *line*, and take it; return why, if it is refused."""
        line = line_of(json.dumps(await self._meant(line)).encode())
        while (due := min(self.house.memory.due.values())) <= line.at:
            who = [one for one, at in self.house.memory.due.items() if at == due]
            await decide_turn(self.house, sorted(who), now=due)
        self.now = max(self.now, line.at)
        if isinstance(line, Reading):
            await account_turn(self.house, [line])
        elif line.fact == sales.FACT:
            return await sales.told(self.house, line, now=self.now)
        elif line.fact != "clock":
            return await accept_turn(self.house, line, now=self.now)
        return None

    async def _meant(self, line):
        if line.get("charge_id") != LAST_CHARGE:
            return line
        ids = [event.figures["charge_id"] for event in await self.trail() if event.kind == "charge"]
        return {**line, "charge_id": ids[-1] if ids else "none"}

    async def trail(self):
        """Return the events so far, but for orders."""
        found = await self.house.store.trail.events(limit=100_000)
        return [event for _, event in found if not event.kind.startswith("order_")]

    async def standings(self):
        """Return what is known of each, by their ids."""
        ids = await self.house.store.people.ids()
        async with self.house.store.judging() as desk:
            found = await desk.standings(
                ids, now=self.now, tz=LONDON, months=self.house.window_months
            )
        return {standing.subscriber.id: standing for standing in found}


# ---- what is told at one moment ------------------------------------------------------------------

SUBJECTS = {
    "debt": ("invoice payment refund attempt dispute dispute_settled invoice_cancelled"
             " payment_failed task_done"),
    "data": "topup delay addon addon_paid addon_payment_failed addon_cancel plan",
    "contract": "activated cancel cancel_withdrawn terminate measured move",
    "conduct": "breach breach_ended",
    "holds": "hold release",
    "radio": "disconnected reconnected",
    "equipment": "equipment static_address",
    "job": "job job_moved job_confirmed job_not_standard job_done job_cancelled job_missed",
}  # fmt: skip
"""Kinds of facts by what they are about; a call and a charge reversed speak of what was before."""


def about(subject, who="S-1"):
    """Return what may be told of a subject, as stories take it."""
    kinds = st.sampled_from(SUBJECTS[subject].split())
    return kinds.flatmap(lambda kind: st.tuples(st.just(kind), st.just(who), TOLD[kind]))
