"""Money owed: when an unpaid invoice leads to what, and on which hours nobody is cut off for it."""

from dataclasses import dataclass
from datetime import time
from decimal import Decimal
from enum import StrEnum

from capd.model import Reason


class StepKind(StrEnum):
    """What a step of the dunning schedule does."""

    NOTICE = "notice"  # tells the subscriber in writing
    TASK = "task"  # asks a person to call
    LATE_FEE = "late_fee"
    SUSPEND = "suspend"


class Since(StrEnum):
    """What the days of a step are counted from."""

    ISSUED = "issued"  # the invoice's date
    DUE = "due"  # the day by which it is to be paid
    NOTICE = "notice"  # the first written notice about it


@dataclass(frozen=True, slots=True, kw_only=True)
class Fee:
    """What paying late costs: an amount, or a share of what is owed, by no more than the law's."""

    amount: Decimal | None = None
    percent_a_month: Decimal | None = None  # of what is owed, for each month begun since it was due
    legal_percent_a_month: Decimal | None = None  # the most that the law allows
    most: Decimal | None = None
    every_month: bool = False  # again each month while it is unpaid; else once


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of the schedule: taken once for an invoice that is unpaid on that day."""

    name: str  # unique in its schedule
    kind: StepKind
    days: int
    since: Since
    clause: str
    fee: Fee | None = None  # of a late fee


@dataclass(frozen=True, slots=True, kw_only=True)
class Dunning:
    """What follows from an invoice that is not paid (CT-4, B-1, C-1, C-2, E-3)."""

    clause: str = "CT-4"
    due_days: int = 14  # after the invoice's date, where an invoice does not say
    at: time = time(10)  # local: when the steps of a day are taken
    least: Decimal = Decimal(0)  # nobody is suspended for less
    steps: tuple[Step, ...] = (
        Step(name="suspension", kind=StepKind.SUSPEND, days=1, since=Since.DUE, clause="CT-4"),
    )
    attempts: tuple[str, ...] = ()  # channels that must have been tried before a suspension (C-2)
    attempts_clause: str = "C-2"
    attempt_days: int = 60  # for which one counts that is about no invoice that capd knows
    notice_is_attempt: bool = True  # a notice to the address on file is an attempt by e-mail
    late_fees_join_debt: bool = False  # owed with the invoice, and paid before service is back
    disputes_wait: bool = True  # nothing follows from an invoice while it is in dispute


@dataclass(frozen=True, slots=True, kw_only=True)
class Quiet:
    """Hours in which nobody is suspended for these reasons; it waits for the next others (UC-8)."""

    reasons: tuple[Reason, ...] = (Reason.NON_PAYMENT,)
    weekends: bool = True
    holidays: bool = True
    opens: time = time(9)  # local; suspensions from then on
    closes: time | None = time(17)  # and before that; None: midnight
    clause: str = "UC-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconnection:
    """What coming back costs: told when service stops, charged when it is back (C-3, CT-12)."""

    fee: Decimal = Decimal(0)
    late_fee: Decimal = Decimal(0)  # on top, after a suspension for debt
    paid_first: bool = False  # both are paid before service comes back
    clause: str = "CT-12"


@dataclass(frozen=True, slots=True, kw_only=True)
class BreachTerms:
    """A breach of the contract: a serious one stops service at once (CT-4)."""

    notice_days: int = 3  # of a lesser one
    clause: str = "CT-4"
