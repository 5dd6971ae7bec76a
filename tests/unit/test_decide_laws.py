"""Laws that hold whatever people do and devices say, in any order."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from capd.account.periods import period_of
from capd.decide import facts
from capd.decide.facts import Refused
from capd.decide.judge import judge
from capd.decide.policy import Action, Policy
from capd.decide.standing import apply
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

    def look(self):
        return judge(self.standing, CATALOGUE, self.policy, self.now, currency="GBP", zone=LONDON)

    def wait(self, hours):
        self.now += hours * HOUR
        period = period_of(self.now, 1, LONDON)
        if period != self.standing.period:
            self.standing = replace(
                self.standing,
                period=period,
                usage=a_usage(0, period=period),
                topup_bytes=0,
                given=(),
                charged=(),
            )

    def use(self, count):
        usage = self.standing.usage
        self.standing = replace(
            self.standing, usage=replace(usage, down_bytes=usage.down_bytes + count)
        )

    def tell(self, kind, details):
        fact = Fact(at=self.now, fact=kind, subscriber="S-1", details=details, author="kim")
        found = facts.accept(
            self.standing,
            fact,
            CATALOGUE,
            self.policy,
            self.now,
            currency="GBP",
            zone=LONDON,
        )
        if not isinstance(found, Refused):
            self.write(found)

    def hold(self, reason, hours):
        until = {} if hours is None else {"until": rfc3339(self.now + hours * HOUR)}
        self.tell("hold", {"reason": reason, **until})

    def delay(self, hours):
        self.tell("delay", {"until": rfc3339(self.now + hours * HOUR)})

    def write(self, events):
        self.trail += events
        self.standing = apply(self.standing, events, CATALOGUE)


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
    st.tuples(st.just("hold"), reasons, st.none() | st.integers(1, 100)),
    st.tuples(st.just("tell"), st.just("release"), st.builds(lambda r: {"reason": r}, reasons)),
    st.tuples(st.just("delay"), st.integers(1, 24 * 40)),
)
lives = st.lists(steps, max_size=12)
policies = st.builds(
    Policy,
    first_action=st.sampled_from(Action),
    repeat_action=st.sampled_from(Action),
    delay_h=st.sampled_from([0, 0, 24, 24 * 20]),
    second_breach_in_same_period=st.booleans(),
    notice_shares=st.sampled_from([(), (50, 80, 100), (100, 150)]),
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
        blocking = [h for h in life.standing.holds if h.reason is not Reason.RESTRICTED]
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
    assert (whole.holds, whole.product, whole.delay, whole.breaches) == (
        known.holds, known.product, known.delay, known.breaches,
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
