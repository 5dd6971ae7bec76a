"""One subscriber, as the books would keep them, while days pass and things are told."""

from dataclasses import replace
from datetime import UTC, datetime

from capd.account.periods import period_of
from capd.decide import facts
from capd.decide.facts import Refused
from capd.decide.judge import judge
from capd.decide.policy import Policy
from capd.decide.prepaid.balance import has_balance
from capd.decide.standing import apply
from capd.hindsight.known import recalled
from capd.model import Fact
from tests.builders import CATALOGUE, LONDON, a_standing

MARCH_1 = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Customer:
    """S-1 on Home 100 in London at noon of 1 March, unless told otherwise."""

    def __init__(self, policy=None, *, standing=None, now=MARCH_1, currency="GBP", zone=LONDON):
        self.policy = policy or Policy()
        self.standing = standing or a_standing()
        self.now = now
        self.currency = currency
        self.zone = zone
        self.events = []
        self.whole = self.standing.usage  # of all time
        self._keep(self.standing)
        self.look()

    def look(self):
        """Judge until nothing follows, as a turn does; return the verdict."""
        verdict = judge(
            self.standing, CATALOGUE, self.policy, self.now, currency=self.currency, zone=self.zone
        )
        self.write(verdict.events)
        return verdict

    def write(self, events):
        self.events += events
        self._keep(apply(self.standing, events, CATALOGUE))

    def _keep(self, standing):
        """Keep *standing* as the books would load it."""
        drawn = has_balance(standing.product, standing.matters)
        self.standing = replace(standing, lifetime=self.whole if drawn else None)

    def use(self, count):
        """Use so many bytes and judge, as the reading that shows it does."""
        self.whole, here = (
            replace(usage, down_bytes=usage.down_bytes + count)
            for usage in (self.whole, self.standing.usage)
        )
        self._keep(replace(self.standing, usage=here))
        return self.look()

    def tell(self, kind, **details):
        """Tell a fact now and judge; return why it is refused, None if it is not."""
        fact = Fact(at=self.now, fact=kind, subscriber="S-1", details=details, author="billing")
        past = recalled(facts.recalled(fact), self.events)
        found = facts.accept(
            self.standing, fact, CATALOGUE, self.policy, self.now,
            currency=self.currency, zone=self.zone, past=past,
        )  # fmt: skip
        if isinstance(found, Refused):
            return found.sentence
        self.write(found)
        self.look()
        return None

    def until(self, at):
        """Let the clock run to *at* ("03-31T10:00" of 2026, UTC), judging when something is due."""
        end = at
        if not isinstance(at, datetime):
            end = datetime.fromisoformat(f"2026-{at}").replace(tzinfo=UTC)
        while (due := self.look().due_at) <= end:
            self.now = due
            self._in_its_period()
        self.now = end
        self._in_its_period()
        return self.look()

    def _in_its_period(self):
        period = period_of(self.now, self.standing.subscriber.cycle, self.zone)
        if period != self.standing.period:
            self.standing = replace(
                self.standing, period=period, topup_bytes=0, given=(), charged=(),
                usage=replace(self.standing.usage, period=period, down_bytes=0),
            )  # fmt: skip

    def told(self, *kinds):
        """Return the events in short: when, what, about what, which clause."""
        return [
            f"{event.at:%m-%dT%H:%M} {event.kind}{_about(event)} {event.clause}"
            for event in self.events
            if not kinds or event.kind in kinds
        ]

    def last(self, kind):
        """Return the newest event of that kind."""
        return [event for event in self.events if event.kind == kind][-1]

    @property
    def is_off(self):
        return bool(self.standing.holds)


def _about(event):
    about = [
        event.figures[name] for name in ("notice", "reason", "charge") if name in event.figures
    ]
    return "".join(f" {one}" for one in about)
