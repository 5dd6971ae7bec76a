"""The section [addons] (AD): what may be bought on top of a product."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Self

from pydantic import Field, model_validator

from capd.decide.terms.addons import AddonClauses, Addons, Every, Offer
from capd.policies.shapes import Clause, Money, Size, Strict

_PLAIN = Addons()
_Name = Annotated[str, Field(min_length=1, max_length=80)]
_Key = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]


class _Clauses(Strict):
    active: Clause = _PLAIN.clauses.active
    renewal: Clause = _PLAIN.clauses.renewal
    end: Clause = _PLAIN.clauses.end
    single: Clause = _PLAIN.clauses.single
    carry: Clause = _PLAIN.clauses.carry
    cancel: Clause = _PLAIN.clauses.cancel
    capped: Clause = _PLAIN.clauses.capped
    refund: Clause = _PLAIN.clauses.refund


class _Offer(Strict):
    name: _Name
    month: Money | None = None
    year: Money | None = None
    adds: Size | None = None
    families: tuple[_Name, ...] = ("broadband",)

    @model_validator(mode="after")
    def _is_sold(self) -> Self:
        if self.month is None and self.year is None:
            raise ValueError("wants a price for month, year or both")
        return self

    def offer(self) -> Offer:
        by: Mapping[Every, Decimal | None] = {Every.MONTH: self.month, Every.YEAR: self.year}
        return Offer(
            name=self.name,
            prices={every: price for every, price in by.items() if price is not None},
            adds_bytes=self.adds,
            families=self.families,
        )


class AddonSection(Strict):
    """[addons]: the offers, and the times that go with them."""

    wait_for_payment: bool = _PLAIN.wait_for_payment
    active_within_hours: int = Field(default=_PLAIN.active_within_h, ge=0, le=24 * 31)
    notice_hours: int = Field(default=_PLAIN.notice_h, ge=0, le=24 * 31)
    clauses: _Clauses = _Clauses()
    offers: dict[_Key, _Offer] | None = None

    def terms(self) -> Addons:
        """Return what the section says."""
        offers = None if self.offers is None else {k: o.offer() for k, o in self.offers.items()}
        return Addons(
            offers=_PLAIN.offers if offers is None else offers,
            wait_for_payment=self.wait_for_payment,
            active_within_h=self.active_within_hours,
            notice_h=self.notice_hours,
            clauses=AddonClauses(**self.clauses.model_dump()),
        )
