"""The sections on money owed: [dunning], [quiet], [reconnection], [breach] (CT-4, B-1, C, E-3)."""

from collections import Counter
from collections.abc import Iterable
from datetime import time
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from capd.decide.terms.debt import (
    BreachTerms,
    Dunning,
    Fee,
    Quiet,
    Reconnection,
    Since,
    Step,
    StepKind,
)
from capd.model import Reason
from capd.policies.shapes import Clause, Money, Strict

_PLAIN, _PLAIN_QUIET, _PLAIN_BREACH = Dunning(), Quiet(), BreachTerms()
_PLAIN_FEES = Reconnection()
_MOST_DAYS = 3650
_Percent = Annotated[Decimal, Field(ge=0, le=100, max_digits=7, decimal_places=4)]
_Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
_Channel = Literal["email", "phone", "text", "letter", "visit"]


class _Step(Strict):
    step: StepKind
    days: int = Field(ge=-60, le=_MOST_DAYS)
    since: Since
    clause: Clause
    name: _Name | None = None
    amount: Money | None = None
    percent_a_month: _Percent | None = None
    legal_percent_a_month: _Percent | None = None
    most: Money | None = None
    every_month: bool = False

    @model_validator(mode="after")
    def _fee_or_none(self) -> Self:
        fees = (self.amount, self.percent_a_month)
        limits = (self.legal_percent_a_month, self.most)
        if self.step is StepKind.LATE_FEE:
            if all(fee is None for fee in fees):
                raise ValueError("a late_fee wants an amount, percent_a_month or both")
        elif self.every_month or any(fee is not None for fee in (*fees, *limits)):
            raise ValueError("amount, percents, most and every_month are for a late_fee")
        return self

    @model_validator(mode="after")
    def _not_too_early(self) -> Self:
        if self.step is StepKind.NOTICE:
            if self.since is Since.NOTICE:
                raise ValueError("a notice counts from issued or due")
        elif self.days < (1 if self.since is Since.DUE else 0):
            early = "the day it is due is the subscriber's: wants days of 1 or more"
            raise ValueError(early if self.since is Since.DUE else "days wants at least 0")
        return self

    def made(self) -> Step:
        fee = None
        if self.step is StepKind.LATE_FEE:
            fee = Fee(
                amount=self.amount,
                percent_a_month=self.percent_a_month,
                legal_percent_a_month=self.legal_percent_a_month,
                most=self.most,
                every_month=self.every_month,
            )
        return Step(
            name=self.name or self.step.value,
            kind=self.step,
            days=self.days,
            since=self.since,
            clause=self.clause,
            fee=fee,
        )


class DunningSection(Strict):
    """[dunning]: what follows from an invoice that is not paid, step by step."""

    clause: Clause = _PLAIN.clause
    due_days: int = Field(default=_PLAIN.due_days, ge=0, le=_MOST_DAYS)
    at: time = _PLAIN.at
    least: Money = _PLAIN.least
    attempts: tuple[_Channel, ...] = ()
    attempts_clause: Clause = _PLAIN.attempts_clause
    attempt_days: int = Field(default=_PLAIN.attempt_days, ge=1, le=_MOST_DAYS)
    notice_is_attempt: bool = _PLAIN.notice_is_attempt
    late_fees_join_debt: bool = _PLAIN.late_fees_join_debt
    disputes_wait: bool = _PLAIN.disputes_wait
    steps: tuple[_Step, ...] | None = None

    @model_validator(mode="after")
    def _a_schedule(self) -> Self:
        made = [step.made() for step in self.steps or ()]
        twice = sorted(_twice(step.name for step in made))
        if twice:
            raise ValueError(f"steps: {twice[0]!r} is there twice: give each a name of its own")
        kinds = [step.kind for step in made]
        if kinds.count(StepKind.SUSPEND) > 1:
            raise ValueError("steps: service is suspended once: there are two steps for it")
        waits = any(step.since is Since.NOTICE for step in made)
        if waits and StepKind.NOTICE not in kinds:
            raise ValueError('steps: since = "notice" wants a step that gives one')
        return self

    def terms(self) -> Dunning:
        """Return what the section says."""
        steps = _PLAIN.steps if self.steps is None else tuple(step.made() for step in self.steps)
        return Dunning(
            clause=self.clause,
            due_days=self.due_days,
            at=self.at.replace(tzinfo=None),
            least=self.least,
            steps=steps,
            attempts=self.attempts,
            attempts_clause=self.attempts_clause,
            attempt_days=self.attempt_days,
            notice_is_attempt=self.notice_is_attempt,
            late_fees_join_debt=self.late_fees_join_debt,
            disputes_wait=self.disputes_wait,
        )


class QuietSection(Strict):
    """[quiet]: hours in which nobody is suspended (UC-8)."""

    clause: Clause = _PLAIN_QUIET.clause
    reasons: tuple[Literal["non_payment", "breach", "cap"], ...] = ("non_payment",)
    weekends: bool = _PLAIN_QUIET.weekends
    holidays: bool = _PLAIN_QUIET.holidays
    opens: time = _PLAIN_QUIET.opens
    closes: time = time(17)

    @model_validator(mode="after")
    def _some_hours(self) -> Self:
        if self.closes != time() and self.opens >= self.closes:
            raise ValueError('opens comes before closes; closes = "00:00" is midnight')
        return self

    def terms(self) -> Quiet:
        """Return what the section says."""
        closes = self.closes.replace(tzinfo=None)
        return Quiet(
            reasons=tuple(Reason(reason) for reason in self.reasons),
            weekends=self.weekends,
            holidays=self.holidays,
            opens=self.opens.replace(tzinfo=None),
            closes=None if closes == time() else closes,
            clause=self.clause,
        )


class ReconnectionSection(Strict):
    """[reconnection]: what coming back costs (C-3, CT-12)."""

    clause: Clause = _PLAIN_FEES.clause
    fee: Money = _PLAIN_FEES.fee
    late_fee: Money = _PLAIN_FEES.late_fee
    paid_first: bool = _PLAIN_FEES.paid_first

    def terms(self) -> Reconnection:
        """Return what the section says."""
        return Reconnection(
            fee=self.fee,
            late_fee=self.late_fee,
            paid_first=self.paid_first,
            clause=self.clause,
        )


class BreachSection(Strict):
    """[breach]: of the contract (CT-4)."""

    clause: Clause = _PLAIN_BREACH.clause
    notice_days: int = Field(default=_PLAIN_BREACH.notice_days, ge=0, le=_MOST_DAYS)

    def terms(self) -> BreachTerms:
        """Return what the section says."""
        return BreachTerms(notice_days=self.notice_days, clause=self.clause)


def _twice(names: Iterable[str]) -> set[str]:
    counts = Counter(names)
    return {name for name, count in counts.items() if count > 1}
