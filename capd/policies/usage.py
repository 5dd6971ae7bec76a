"""The sections on usage and caps (UC): allowance, notices, cap, delay, repeat, downgrade."""

from typing import Self

from pydantic import Field, model_validator

from capd.decide.policy import Action, Policy
from capd.decide.terms import contract as terms
from capd.model import Reason
from capd.policies.shapes import Clause, Money, Share, Size, Strict

_PLAIN = Policy()


class Allowance(Strict):
    """[allowance]: what a product may cap (UC-1), of a period cut short too (B-2)."""

    clause: Clause = _PLAIN.clauses.allowance
    prorate: bool = _PLAIN.prorate


class Notices(Strict):
    """[notices]: warnings before the cap (UC-11)."""

    clause: Clause = _PLAIN.clauses.notices
    shares: tuple[Share, ...] = _PLAIN.notice_shares

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if list(self.shares) != sorted(set(self.shares)):
            raise ValueError("shares must rise, each once")
        return self


class Cap(Strict):
    """[cap]: what follows from going over it (UC-2, UC-3)."""

    clause: Clause = _PLAIN.hold_rule(Reason.CAP).clause
    action: Action = _PLAIN.first_action
    back: Clause = _PLAIN.clauses.back


class Delay(Strict):
    """[delay]: the operator's discretion (UC-8)."""

    clause: Clause = _PLAIN.clauses.delay
    hours: int = Field(default=_PLAIN.delay_h, ge=0, le=24 * 366)


class Charge(Strict):
    """[repeat.charge]: what the excess costs (UC-4 b)."""

    unit: Size = _PLAIN.overage.unit_bytes
    unit_price: Money = _PLAIN.overage.unit_price
    fee: Money = _PLAIN.overage.fee


class Repeat(Strict):
    """[repeat]: over the cap again in the window (UC-4)."""

    clause: Clause = _PLAIN.clauses.repeat
    action: Action = _PLAIN.repeat_action
    window_months: int = Field(default=_PLAIN.window_months, ge=1, le=120)
    second_breach_in_same_period: bool = _PLAIN.second_breach_in_same_period
    charge: Charge = Charge()


class Downgrade(Strict):
    """[downgrade]: back down after an upgrade (UC-5)."""

    clause: Clause = _PLAIN.clauses.downgrade
    automatic: bool = _PLAIN.contract.downgrade.automatic
    wait_days: int = Field(default=_PLAIN.contract.downgrade.wait_days, ge=0, le=27)

    def terms(self) -> terms.Downgrade:
        """Return what the section says, but for its clause."""
        return terms.Downgrade(automatic=self.automatic, wait_days=self.wait_days)
