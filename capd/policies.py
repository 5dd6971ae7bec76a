"""policy.toml becomes a frozen Policy, or every mistake in it at once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from capd import strict
from capd.decide.policy import Action, Clauses, HoldRule, Overage, Policy
from capd.model import Reason
from capd.units import bps_of, bytes_of

_Size = Annotated[int, BeforeValidator(bytes_of), Field(gt=0)]
_Rate = Annotated[int, BeforeValidator(bps_of), Field(gt=0)]
_Money = Annotated[Decimal, Field(ge=0, max_digits=14, decimal_places=2)]
_Clause = Annotated[str, Field(min_length=1, max_length=40)]
_Share = Annotated[int, Field(ge=1, le=1000)]

_PLAIN = Policy()


def load(path: Path) -> Policy:
    """Return the policy that the TOML file *path* describes.

    Raises ConfigError with every mistake at once, each with its key and a guess.
    """
    return strict.parse(_PolicyFile, strict.read_toml(path), source=str(path)).policy()


def default_path() -> Path:
    """Return where the policy that comes with capd is: the wireless broadband operator's."""
    package = Path(__file__).parent
    inside = package / "_policies"  # an installed wheel
    folder = inside if inside.is_dir() else package.parent / "deploy" / "policies"
    return folder / "wireless_broadband.toml"


def default_text() -> str:
    """Return the commented policy that comes with capd, as `capd init` writes it."""
    return strict.read_text(default_path())


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Allowance(_Strict):
    clause: _Clause = _PLAIN.clauses.allowance


class _Notices(_Strict):
    clause: _Clause = _PLAIN.clauses.notices
    shares: tuple[_Share, ...] = _PLAIN.notice_shares

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if list(self.shares) != sorted(set(self.shares)):
            raise ValueError("shares must rise, each once")
        return self


class _Cap(_Strict):
    clause: _Clause = _PLAIN.hold_rule(Reason.CAP).clause
    action: Action = _PLAIN.first_action
    back: _Clause = _PLAIN.clauses.back


class _Delay(_Strict):
    clause: _Clause = _PLAIN.clauses.delay
    hours: int = Field(default=_PLAIN.delay_h, ge=0, le=24 * 366)


class _Charge(_Strict):
    unit: _Size = _PLAIN.overage.unit_bytes
    unit_price: _Money = _PLAIN.overage.unit_price
    fee: _Money = _PLAIN.overage.fee


class _Repeat(_Strict):
    clause: _Clause = _PLAIN.clauses.repeat
    action: Action = _PLAIN.repeat_action
    window_months: int = Field(default=_PLAIN.window_months, ge=1, le=120)
    second_breach_in_same_period: bool = _PLAIN.second_breach_in_same_period
    charge: _Charge = _Charge()


class _Downgrade(_Strict):
    clause: _Clause = _PLAIN.clauses.downgrade


class _Hold(_Strict):
    clause: _Clause
    blocking: bool = True
    down: _Rate | None = None
    up: _Rate | None = None

    @model_validator(mode="after")
    def _rates_or_blocking(self) -> Self:
        limited = self.down is not None or self.up is not None
        if self.blocking and limited:
            raise ValueError("down and up are for a hold with blocking = false")
        if not self.blocking and not limited:
            raise ValueError("blocking = false wants down, up or both")
        return self

    def rule(self) -> HoldRule:
        return HoldRule(
            clause=self.clause, blocking=self.blocking, down_bps=self.down, up_bps=self.up
        )


class _Holds(_Strict):
    """One field a reason, so that a misspelt one is a mistake with a guess; cap has its own."""

    non_payment: _Hold | None = None
    breach: _Hold | None = None
    aup: _Hold | None = None
    security: _Hold | None = None
    fraud: _Hold | None = None
    restricted: _Hold | None = None
    maintenance: _Hold | None = None
    prepaid: _Hold | None = None
    spike: _Hold | None = None
    operator: _Hold | None = None

    def rules(self) -> Mapping[Reason, HoldRule]:
        given = {Reason(name): hold.rule() for name, hold in self if hold is not None}
        return {**_PLAIN.holds, **given}


class _PolicyFile(_Strict):
    name: str = Field(min_length=1, max_length=80)
    version: str = Field(min_length=1, max_length=40)
    valid_from: date
    allowance: _Allowance = _Allowance()
    notices: _Notices = _Notices()
    cap: _Cap = _Cap()
    delay: _Delay = _Delay()
    repeat: _Repeat = _Repeat()
    downgrade: _Downgrade = _Downgrade()
    holds: _Holds = _Holds()

    def policy(self) -> Policy:
        charge = self.repeat.charge
        return Policy(
            name=self.name,
            version=self.version,
            valid_from=self.valid_from,
            notice_shares=self.notices.shares,
            first_action=self.cap.action,
            repeat_action=self.repeat.action,
            window_months=self.repeat.window_months,
            second_breach_in_same_period=self.repeat.second_breach_in_same_period,
            overage=Overage(unit_bytes=charge.unit, unit_price=charge.unit_price, fee=charge.fee),
            delay_h=self.delay.hours,
            holds={**self.holds.rules(), Reason.CAP: HoldRule(clause=self.cap.clause)},
            clauses=self._clauses(),
        )

    def _clauses(self) -> Clauses:
        return Clauses(
            allowance=self.allowance.clause,
            back=self.cap.back,
            repeat=self.repeat.clause,
            downgrade=self.downgrade.clause,
            delay=self.delay.clause,
            notices=self.notices.clause,
        )
