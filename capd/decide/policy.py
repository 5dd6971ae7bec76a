"""What the operator's terms say, as values: the defaults are the wireless operator's own."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum

from capd.decide.terms.addons import Addons
from capd.decide.terms.calendar import Calendar
from capd.decide.terms.contract import Contract
from capd.decide.terms.debt import BreachTerms, Dunning, Quiet, Reconnection
from capd.decide.terms.fair import FairUse
from capd.decide.terms.installation import Installation
from capd.decide.terms.prepaid import Prepaid
from capd.decide.terms.proration import Proration
from capd.decide.terms.voice import Calls
from capd.model import Reason


class Action(StrEnum):
    """What follows from going over the cap."""

    SUSPEND = "suspend"  # UC-2
    UPGRADE = "upgrade"  # UC-4 (a)
    CHARGE = "charge"  # UC-4 (b)


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldRule:
    """What a hold does: keeps the subscriber off, or only limits the rates."""

    clause: str
    blocking: bool = True
    asks_why: bool = False  # released only with a reason (AU-2)
    down_bps: int | None = None  # of a hold that does not block, unless the hold has its own
    up_bps: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Overage:
    """What the excess costs (UC-4 b), in the operator's currency."""

    unit_bytes: int = 1_000_000_000
    unit_price: Decimal = Decimal("1.00")  # a started unit
    fee: Decimal = Decimal("5.00")  # administration, once a breach


@dataclass(frozen=True, slots=True, kw_only=True)
class Clauses:
    """Where in the terms each rule stands; decisions and notices cite it."""

    allowance: str = "UC-1"
    back: str = "UC-3"
    repeat: str = "UC-4"
    downgrade: str = "UC-5"
    delay: str = "UC-8"
    notices: str = "UC-11"


OPERATOR_CLAUSE = "operator"  # a decision of the operator's own, behind which no term stands


def _hold_rules() -> Mapping[Reason, HoldRule]:
    return {
        Reason.CAP: HoldRule(clause="UC-2"),
        Reason.NON_PAYMENT: HoldRule(clause="CT-4"),
        Reason.BREACH: HoldRule(clause="CT-4"),
        Reason.AUP: HoldRule(clause="AU-2", asks_why=True),
        Reason.SECURITY: HoldRule(clause="AU-4", asks_why=True),
        Reason.FRAUD: HoldRule(clause="CT-5"),
        Reason.RESTRICTED: HoldRule(
            clause="NM-4", blocking=False, down_bps=2_000_000, up_bps=1_000_000
        ),
        Reason.MAINTENANCE: HoldRule(clause="NM-5"),
        Reason.PREPAID: HoldRule(clause="E-1"),
        Reason.SPIKE: HoldRule(clause="E-2"),
        Reason.OPERATOR: HoldRule(clause=OPERATOR_CLAUSE),
        Reason.CREDENTIALS: HoldRule(clause="AU-5", blocking=False),
        Reason.LINKED: HoldRule(clause="CT-10"),
        Reason.ENDED: HoldRule(clause="CT-15"),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The rules by which everyone is judged; whatever the file leaves out stays as it is here."""

    name: str = "wireless_broadband"
    version: str = "1"
    valid_from: date = date(2026, 1, 1)
    families: tuple[str, ...] = ()  # of products; none: for all that no other policy names
    notice_shares: tuple[int, ...] = (50, 80, 100)  # per cent of the allowance, rising (UC-11)
    first_action: Action = Action.SUSPEND  # UC-2
    repeat_action: Action = Action.UPGRADE  # UC-4: the second breach in the window and later
    window_months: int = 6  # UC-4: calendar months, rolling, counted from each breach
    second_breach_in_same_period: bool = False  # UC-4: whether it counts
    overage: Overage = field(default_factory=Overage)
    prorate: bool = False  # B-2: the cap of a period that is not a whole one, by days
    delay_h: int = 0  # UC-8: hours from the breach to what follows from it
    holds: Mapping[Reason, HoldRule] = field(default_factory=_hold_rules)
    clauses: Clauses = field(default_factory=Clauses)
    addons: Addons = field(default_factory=Addons)
    calls: Calls = field(default_factory=Calls)
    fair_use: FairUse = field(default_factory=FairUse)
    contract: Contract = field(default_factory=Contract)
    calendar: Calendar = field(default_factory=Calendar)
    installation: Installation = field(default_factory=Installation)
    dunning: Dunning = field(default_factory=Dunning)
    quiet: Quiet = field(default_factory=Quiet)
    reconnection: Reconnection = field(default_factory=Reconnection)
    breach: BreachTerms = field(default_factory=BreachTerms)
    prepaid: Prepaid = field(default_factory=Prepaid)
    proration: Proration = field(default_factory=Proration)

    def hold_rule(self, reason: Reason) -> HoldRule:
        """Return what a hold with *reason* does; one that the file left out blocks."""
        return self.holds.get(reason) or HoldRule(clause=OPERATOR_CLAUSE)
