"""The section [fair_use] (FU): a staged rule on excessive use."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from capd.decide.terms.fair import FairUse, Follows
from capd.policies.shapes import Clause, Money, Rate, Size, Strict

_PLAIN = FairUse()
_Family = Annotated[str, Field(min_length=1, max_length=80)]


class FairUseSection(Strict):
    """[fair_use]: what is fair, and what follows when more goes on."""

    fair: Size | None = _PLAIN.fair
    families: tuple[_Family, ...] = _PLAIN.families
    grace_hours: int = Field(default=_PLAIN.grace_h, ge=0, le=24 * 31)
    excess: Size | None = _PLAIN.excess
    follows: Follows = _PLAIN.follows
    down: Rate = _PLAIN.down_bps
    up: Rate = _PLAIN.up_bps
    unit: Size = _PLAIN.unit
    unit_price: Money = _PLAIN.unit_price
    notice: Clause = _PLAIN.notice
    action: Clause = _PLAIN.action
    idle: Clause = _PLAIN.idle
    idle_months: int = Field(default=_PLAIN.idle_months, ge=1, le=120)

    @model_validator(mode="after")
    def _there_is_a_rule(self) -> Self:
        of_a_rule = {"families", "grace_hours", "excess", "follows", "down", "up"}
        if self.fair is None and self.model_fields_set & of_a_rule:
            raise ValueError("fair is missing: how much is fair in a period")
        return self

    def terms(self) -> FairUse:
        """Return what the section says."""
        return FairUse(
            fair=self.fair,
            families=self.families,
            grace_h=self.grace_hours,
            excess=self.excess,
            follows=self.follows,
            down_bps=self.down,
            up_bps=self.up,
            unit=self.unit,
            unit_price=self.unit_price,
            notice=self.notice,
            action=self.action,
            idle=self.idle,
            idle_months=self.idle_months,
        )
