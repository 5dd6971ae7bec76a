"""The section [prepaid] (E-1): products with a balance."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from capd.decide.terms.prepaid import Prepaid
from capd.policies.shapes import Clause, Strict

_PLAIN = Prepaid()


class PrepaidSection(Strict):
    """[prepaid]: when the subscriber is told that the balance runs out."""

    clause: Clause = _PLAIN.clause
    shares: tuple[Annotated[int, Field(ge=1, le=100)], ...] = _PLAIN.shares

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if list(self.shares) != sorted(set(self.shares)):
            raise ValueError("shares must rise, each once")
        return self

    def terms(self) -> Prepaid:
        """Return what the section says."""
        return Prepaid(shares=self.shares, clause=self.clause)
