"""The sections [holds.*]: what a hold for each reason does."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Self

from pydantic import model_validator

from capd.decide.policy import HoldRule, Policy
from capd.model import Reason
from capd.policies.shapes import Clause, Rate, Strict

_PLAIN = Policy()


class _Hold(Strict):
    clause: Clause
    blocking: bool = True
    asks_why: bool = False
    down: Rate | None = None
    up: Rate | None = None

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
            clause=self.clause,
            blocking=self.blocking,
            asks_why=self.asks_why,
            down_bps=self.down,
            up_bps=self.up,
        )


class _Apart(Strict):
    """A hold that stands for itself: what it does is not for the file to say."""

    clause: Clause


class Holds(Strict):
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
    credentials: _Apart | None = None
    linked: _Apart | None = None
    ended: _Apart | None = None

    def rules(self) -> Mapping[Reason, HoldRule]:
        """Return what every reason does; those left out stay as they are."""
        given = {Reason(name): _rule(Reason(name), hold) for name, hold in self if hold is not None}
        return {**_PLAIN.holds, **given}


def _rule(reason: Reason, written: _Hold | _Apart) -> HoldRule:
    if isinstance(written, _Hold):
        return written.rule()
    return replace(_PLAIN.hold_rule(reason), clause=written.clause)
