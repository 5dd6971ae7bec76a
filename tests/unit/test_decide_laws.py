"""Laws that hold whatever people do and devices say, in any order."""

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

from hypothesis import given
from hypothesis import strategies as st

from capd.account.periods import period_before, period_of
from capd.decide import facts
from capd.decide.case import Case, is_open, may_find
from capd.decide.debt import book, state
from capd.decide.facts import Refused
from capd.decide.judge import RULES, judge
from capd.decide.policy import Action, Policy
from capd.decide.prepaid import balance
from capd.decide.prepaid.balance import has_balance
from capd.decide.standing import apply, matter_of
from capd.decide.terms.contract import Contract, Downgrade, Term
from capd.decide.terms.debt import Dunning, Fee, Quiet, Reconnection, Since, Step, StepKind
from capd.decide.terms.proration import Proration
from capd.hindsight.known import recalled
from capd.model import Event, Fact, Reason
from capd.units import rfc3339
from tests.builders import CATALOGUE, GB, LONDON, NOON, a_breach, a_standing, a_usage

HOUR = timedelta(hours=1)
TICK = timedelta(microseconds=1)


@dataclass
class Life:
    """One subscriber, as the books would keep them, through whatever happens."""

    policy: Policy
    now: object = NOON
    standing: object = field(default_factory=a_standing)
    trail: list[Event] = field(default_factory=list)
    earlier: int = 0  # used in periods that are over

    def look(self):
        return judge(self.standing, CATALOGUE, self.policy, self.now, currency="GBP", zone=LONDON)

    def wait(self, hours):
        self.now += hours * HOUR
        period = period_of(self.now, 1, LONDON)
        if period != self.standing.period:
            self.earlier += self.standing.usage.down_bytes
            self.standing = replace(
                self.standing,
                period=period,
                usage=a_usage(0, period=period),
                last=self._last(period),
                read_to=self.now,
                topup_bytes=0,
                given=(),
                charged=(),
            )

    def _last(self, period):
        """Return the usage of the period before *period*: none where nobody looked in it."""
        before = period_before(period, 1, LONDON)
        return self.standing.usage if self.standing.period == before else a_usage(0, period=before)

    def use(self, count):
        usage = self.standing.usage
        self.keep(replace(self.standing, usage=replace(usage, down_bytes=usage.down_bytes + count)))

    def tell(self, kind, details):
        seen = [event.figures["key"] for event in self.trail if event.kind == "invoice"]
        if kind == "invoice" and details["reference"] in seen:
            return  # a reference stands for one invoice
        moves = [
            e.figures["to"] for e in self.trail if (e.kind, e.at) == ("plan_changed", self.now)
        ]
        if kind == "activated" and any((e.kind, e.at) == (kind, self.now) for e in self.trail):
            return
        if kind == "plan" and details["product"] in moves:
            return  # to the same product twice in one microsecond: no clock that tells can say so
        fact = Fact(at=self.now, fact=kind, subscriber="S-1", details=details, author="kim")
        found = facts.accept(
            self.standing,
            fact,
            CATALOGUE,
            self.policy,
            self.now,
            currency="GBP",
            zone=LONDON,
            past=recalled(facts.recalled(fact), self.trail),
        )
        if not isinstance(found, Refused):
            self.write(found)

    def hold(self, reason, hours):
        until = {} if hours is None else {"until": rfc3339(self.now + hours * HOUR)}
        self.tell("hold", {"reason": reason, **until})

    def reverse(self, number):
        """Take back one of the newest charges, or counter-charges, if there is such a one."""
        made = [event.figures["charge_id"] for event in self.trail if event.kind == "charge"]
        if number < len(made):
            self.tell("charge_reversed", {"charge_id": made[-1 - number], "reason": "so"})

    def delay(self, hours):
        self.tell("delay", {"until": rfc3339(self.now + hours * HOUR)})

    def time_to_pay(self, hours):
        until = rfc3339(self.now + hours * HOUR)
        self.tell("delay", {"until": until, "reason": "non_payment"})

    def write(self, events):
        self.trail += events
        self.keep(apply(self.standing, events, CATALOGUE))

    def keep(self, standing):
        """Keep *standing* as the books would load it."""
        usage = standing.usage
        whole = replace(usage, down_bytes=usage.down_bytes + self.earlier)
        drawn = has_balance(standing.product, standing.matters)
        self.standing = replace(standing, lifetime=whole if drawn else None)


NOT_BLOCKING = {Reason.RESTRICTED, Reason.CREDENTIALS}
reasons = st.sampled_from([reason.value for reason in Reason])
steps = st.one_of(
    st.tuples(st.just("use"), st.integers(0, 250 * GB)),
    st.tuples(st.just("use"), st.sampled_from([1, 50 * GB, 100 * GB, 100 * GB + 1])),
    st.tuples(st.just("wait"), st.integers(0, 24 * 45)),
    st.tuples(
        st.just("tell"),
        st.just("topup"),
        st.builds(lambda n: {"size": f"{n}GB", "reference": "r"}, st.integers(1, 200)),
    ),
    st.tuples(
        st.just("tell"),
        st.just("plan"),
        st.builds(lambda p: {"product": p}, st.sampled_from(sorted(CATALOGUE))),
    ),
    st.tuples(st.just("tell"), st.just("activated"), st.just({})),
    st.tuples(st.just("tell"), st.just("cancel"), st.just({})),
    st.tuples(st.just("tell"), st.just("cancel_withdrawn"), st.just({})),
    st.tuples(st.just("tell"), st.just("move"), st.just({"address": "2 Low Road"})),
    st.tuples(st.just("tell"), st.just("terminate"), st.just({"cause": "spam"})),
    st.tuples(st.just("tell"), st.just("static_address"), st.just({"address": "203.0.113.7"})),
    st.tuples(
        st.just("tell"),
        st.just("equipment"),
        st.builds(lambda s: {"item": "radio", "state": s}, st.sampled_from(["out", "returned"])),
    ),
    st.tuples(
        st.just("tell"),
        st.just("plan"),
        st.builds(
            lambda p, d, a: {"product": p, "effective_on": d.isoformat(), "agreed": a},
            st.sampled_from(sorted(CATALOGUE)),
            st.dates(date(2026, 3, 1), date(2027, 6, 1)),
            st.sampled_from(["yes", "no"]),
        ),
    ),
    st.tuples(st.just("hold"), reasons, st.none() | st.integers(1, 100)),
    st.tuples(
        st.just("tell"),
        st.just("release"),
        st.builds(lambda r: {"reason": r, "note": "x"}, reasons),
    ),
    st.tuples(st.just("delay"), st.integers(1, 24 * 40)),
)
dates = st.sampled_from(["2026-02-20", "2026-03-01", "2026-03-10", "2026-04-01"])
bills = st.sampled_from(["b-1", "b-2", "b-3"])
amounts = st.sampled_from(["5", "20", "25.00", "40"])


def fact_of(name, **fields):
    """Return a step that tells a fact with such details."""
    return st.tuples(st.just("tell"), st.just(name), st.fixed_dictionaries(fields))


of_debt = st.one_of(
    fact_of("invoice", reference=bills, amount=amounts, issued_on=dates),
    fact_of("payment", reference=st.just("p"), amount=amounts),
    fact_of("payment", reference=st.just("p"), amount=amounts, invoice=bills),
    fact_of("refund", reference=st.just("r"), amount=amounts),
    fact_of("attempt", channel=st.sampled_from(["email", "phone"])),
    fact_of("task_done", task=st.builds("phone/{}".format, bills)),
    fact_of("dispute", invoice=bills),
    fact_of("dispute_settled", invoice=bills),
    fact_of("invoice_cancelled", invoice=bills),
    st.tuples(st.just("reverse"), st.integers(0, 3)),
    st.tuples(st.just("time_to_pay"), st.integers(1, 24 * 20)),
    st.tuples(st.just("wait"), st.integers(0, 24 * 20)),
    st.tuples(
        st.just("tell"), st.just("release"), st.just({"reason": "non_payment", "note": "so"})
    ),
)
of_others = st.one_of(
    fact_of("breach", serious=st.sampled_from(["yes", "no"]), note=st.just("so")),
    fact_of("breach_ended"),
    fact_of("disconnected", cause=st.sampled_from(["customer", "fault"])),
    fact_of("reconnected"),
    fact_of("plan", product=st.just("prepaid")),
    st.tuples(st.just("use"), st.integers(0, 40 * GB)),
)
lives = st.lists(st.one_of(steps, of_debt, of_others), max_size=12) | st.lists(of_debt, max_size=14)
_STEPS = (
    Step(name="notice", kind=StepKind.NOTICE, days=1, since=Since.DUE, clause="B-1"),
    Step(name="call", kind=StepKind.TASK, days=2, since=Since.DUE, clause="C-2"),
    Step(
        name="fee", kind=StepKind.LATE_FEE, days=5, since=Since.NOTICE, clause="E-3",
        fee=Fee(percent_a_month=Decimal(1), every_month=True),
    ),
    Step(name="off", kind=StepKind.SUSPEND, days=20, since=Since.ISSUED, clause="C-1"),
)  # fmt: skip
policies = st.builds(
    Policy,
    dunning=st.builds(
        Dunning,
        steps=st.sampled_from([_STEPS, _STEPS[3:], _STEPS[::3], Dunning().steps]),
        attempts=st.sampled_from([(), ("email", "phone")]),
        least=st.sampled_from([Decimal(0), Decimal(10)]),
        disputes_wait=st.booleans(),
        late_fees_join_debt=st.booleans(),
    ),
    quiet=st.sampled_from(
        [Quiet(), Quiet(reasons=()), Quiet(reasons=(Reason.CAP, Reason.BREACH, Reason.NON_PAYMENT))]
    ),
    reconnection=st.sampled_from(
        [
            Reconnection(),
            Reconnection(fee=Decimal(9), late_fee=Decimal(1)),
            Reconnection(fee=Decimal(9), paid_first=True),
        ]
    ),
    first_action=st.sampled_from(Action),
    repeat_action=st.sampled_from(Action),
    delay_h=st.sampled_from([0, 0, 24, 24 * 20]),
    second_breach_in_same_period=st.booleans(),
    notice_shares=st.sampled_from([(), (50, 80, 100), (100, 150)]),
    proration=st.builds(Proration, price=st.booleans()),
    contract=st.builds(
        Contract,
        downgrade=st.builds(Downgrade, automatic=st.booleans()),
        term=st.builds(Term, months=st.sampled_from([0, 1, 12])),
    ),
)


def lived(policy, story):
    """Yield the life and the verdict after each step of *story*."""
    life = Life(policy)
    for name, *rest in story:
        getattr(life, name)(*rest)
        verdict = life.look()
        life.write(verdict.events)
        yield life, verdict


@given(policies, lives)
def test_service_is_off_exactly_while_a_blocking_hold_is_open(policy, story):
    for life, verdict in lived(policy, story):
        blocking = [h for h in life.standing.holds if h.reason not in NOT_BLOCKING]
        assert verdict.owed.suspended is bool(blocking)
        assert len({h.reason for h in life.standing.holds}) == len(life.standing.holds)


@given(policies, lives)
def test_judging_again_changes_nothing_and_says_the_same(policy, story):
    for life, verdict in lived(policy, story):
        assert life.look() == replace(verdict, events=())


@given(policies, lives)
def test_the_hold_for_the_cap_is_open_only_while_over_it_and_never_for_an_old_period(policy, story):
    for life, verdict in lived(policy, story):
        over = verdict.allowance_bytes is not None and (
            verdict.counted_bytes > verdict.allowance_bytes
        )
        cap = [h for h in life.standing.holds if h.reason is Reason.CAP]
        assert not cap or over
        assert all(hold.period == life.standing.period.name for hold in cap)
        if over and not cap:  # then somebody's clause says why not
            assert (
                verdict.clause in {"UC-8", "UC-4"}
                or verdict.owed.suspended
                or (life.standing.holds)
            )


@given(policies, lives)
def test_a_rule_that_is_not_asked_would_find_nothing(policy, story):
    life = Life(policy)
    for name, *rest in story:
        getattr(life, name)(*rest)
        open_ = is_open(life.standing)
        case = Case(
            standing=life.standing,
            catalogue=CATALOGUE,
            policy=policy,
            now=life.now,
            currency="GBP",
            zone=LONDON,
        )
        assert [rule for rule in RULES if not may_find(rule, open_) and rule(case)] == []
        life.write(life.look().events)


@given(policies, lives)
def test_below_the_watch_and_before_it_is_due_nothing_happens(policy, story):
    """Otherwise the hot path would sleep through something."""
    for life, verdict in lived(policy, story):
        standing, now = life.standing, life.now
        life.now = verdict.due_at - TICK
        assert life.look().events == ()
        life.now = now
        below = 10**13 if verdict.watch_bytes is None else verdict.watch_bytes - 1
        room = below - verdict.counted_bytes
        assert room >= 0
        life.use(room)
        assert life.look().events == ()
        life.standing = standing


@given(policies, lives)
def test_nothing_is_dated_ahead_and_each_change_of_a_hold_follows_the_one_before(policy, story):
    for life, verdict in lived(policy, story):
        assert all(event.at <= life.now for event in verdict.events)
        order = [event.kind for event in verdict.events]
        closes = [n for n, kind in enumerate(order) if kind == "hold_closed"]
        assert closes == list(range(len(closes)))
    if story:
        held = set()
        for event in life.trail:
            if event.kind == "hold_opened":
                assert event.figures["reason"] not in held
                held.add(event.figures["reason"])
            if event.kind == "hold_closed":
                held.remove(event.figures["reason"])


@given(policies, lives, st.integers(0, 12))
def test_the_trail_replayed_in_two_parts_is_the_trail_replayed_at_once(policy, story, cut):
    lives = [life for life, _ in lived(policy, story)]
    if not lives:
        return
    trail, start = lives[-1].trail, a_standing()
    whole = apply(start, trail, CATALOGUE)
    assert apply(apply(start, trail[:cut], CATALOGUE), trail[cut:], CATALOGUE) == whole
    known = lives[-1].standing
    assert (whole.holds, whole.product, whole.delay, whole.breaches, whole.matters) == (
        known.holds, known.product, known.delay, known.breaches, known.matters,
    )  # fmt: skip


@given(policies, lives)
def test_a_period_is_breached_once_unless_the_policy_counts_more__UC_4(policy, story):
    for life, _ in lived(policy, story):
        names = [breach.period for breach in life.standing.breaches]
        assert len(set(names)) == len(names)
        if not policy.second_breach_in_same_period:
            assert not [name for name in names if "/" in name]


@given(st.lists(st.integers(1, 30 * GB), min_size=1, max_size=8))
def test_each_unit_begun_is_charged_exactly_once_however_it_was_read__UC_4(uses):
    life = Life(Policy(repeat_action=Action.CHARGE), standing=a_standing(breaches=(a_breach(),)))
    life.use(100 * GB)
    for count in uses:
        life.use(count)
        life.write(life.look().events)
    charged = [event for event in life.trail if event.kind == "charge"]
    units = -(-sum(uses) // GB)
    assert [e.figures["unit"] for e in charged if e.figures["charge"] == "overage"] == list(
        range(1, units + 1)
    )
    assert sum(Decimal(e.figures["amount"]) for e in charged) == units + 5


@given(policies, lives)
def test_nothing_is_charged_twice_and_no_payment_is_lost(policy, story):
    paid, life, settled = Decimal(0), None, {}
    for life, _ in lived(policy, story):
        ids = [e.figures["charge_id"] for e in life.trail if e.kind == "charge"]
        assert len(set(ids)) == len(ids)
    for event in life.trail if life else ():
        sign = {"payment": 1, "refund": -1}.get(event.kind, 0)
        paid += sign * Decimal(str(event.figures.get("amount", 0) or 0))
        paid -= Decimal(str(event.figures.get("used", 0)))  # for coming back
        if event.figures.get("matter") == "invoice":
            gone = event.kind == "invoice_cancelled" or settled.get(event.figures["key"], 0) is None
            known = book.invoice_of(matter_of(event))
            settled[known.key] = None if gone else known.paid + known.fees_paid
            assert known.principal >= 0
            assert known.fees_owed >= 0
    if life is not None:
        assert paid - book.credit(life.standing) == sum(each or 0 for each in settled.values())


def cents(amount):
    return amount.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)


def late_fee(figures):
    rates = [Decimal(figures[name]) for name in figures if name.endswith("percent_a_month")]
    months = 1 if figures["every_month"] else figures["months"]
    share = Decimal(figures["owed_then"]) * min(rates) / 100 * months
    return share.quantize(Decimal("0.01"), rounding=ROUND_DOWN)


WORKED_OUT = {  # from the figures of the charge alone, as one who disputes it would (E-5)
    "overage": lambda f: f["units"] * Decimal(f["unit_price"]),
    "administration": lambda _: Policy().overage.fee,
    "reconnection": lambda f: Decimal(f.get("quoted", "9")),
    "late_fee": lambda f: Decimal(f["quoted"]) if "quoted" in f else late_fee(f),
    "product_price": lambda f: cents(Decimal(f["monthly"]) * f["days"] / f["of_days"]),
    "early_termination": lambda f: cents(
        (f["months_left"] * f["of_days"] + f["days_left"])
        * Decimal(f["price"]) * f["share_percent"] / 100 / f["of_days"]
    ),
}  # fmt: skip


@given(policies, lives)
def test_every_charge_is_worked_out_again_from_its_own_figures__E_5(policy, story):
    trail = next(iter([life.trail for life, _ in lived(policy, story)][-1:]), ())
    made = {e.figures["charge_id"]: e for e in trail if e.kind == "charge"}
    for event in made.values():
        amount = Decimal(event.figures["amount"])
        assert amount == cents(amount) != 0
        assert event.clause
        if "reverses" in event.figures:
            assert amount == -Decimal(made[event.figures["reverses"]].figures["amount"])
        else:
            assert amount == WORKED_OUT[event.figures["charge"]](event.figures)


@given(policies, st.lists(of_debt, max_size=14))
def test_who_is_off_for_a_debt_owes_one_and_was_reached_as_the_terms_demand(policy, story):
    for life, _ in lived(policy, story):
        known = state.suspension(life.standing)
        off = any(hold.reason is Reason.NON_PAYMENT for hold in life.standing.holds)
        assert off == (known is not None and known.state is state.State.ON)
        if off:
            assert book.invoices(life.standing)
        for event in life.trail:
            if event.kind == "hold_opened" and policy.dunning.attempts:
                tried = {e.figures["channel"] for e in life.trail if e.kind == "attempt"}
                assert "phone" in tried


@given(policies, st.lists(st.one_of(steps, of_others), max_size=12))
def test_a_balance_stops_service_exactly_when_more_is_used_than_was_bought__E_1(policy, story):
    for life, _ in lived(policy, story):
        known, rest = balance.balance(life.standing), balance.left(life.standing)
        bought = sum(
            event.figures["size_bytes"]
            for event in life.trail
            if event.kind == "topup" and event.figures["period"] == "prepaid"
        )
        assert (0 if known is None else known.bought_bytes) == bought
        off = any(hold.reason is Reason.PREPAID for hold in life.standing.holds)
        if rest is not None and rest < 0:
            assert off or known.let_go
        if known is not None and known.stopped:
            assert off
            assert rest < 0
