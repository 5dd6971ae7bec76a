"""Add-ons (AD): what may be bought on top of a product, for how long, and how it ends."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum


class Every(StrEnum):
    """How long an add-on is bought for at a time (AD-2)."""

    MONTH = "month"
    YEAR = "year"

    @property
    def months(self) -> int:
        """Return the calendar months that it lasts."""
        return 12 if self is Every.YEAR else 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One add-on: no cap while it is active, or so much more in each period."""

    name: str
    prices: Mapping[Every, Decimal]  # in the operator's currency; only these terms are sold
    adds_bytes: int | None = None  # None: the allowance is unlimited
    families: tuple[str, ...] = ("broadband",)  # of the products it goes with


@dataclass(frozen=True, slots=True, kw_only=True)
class AddonClauses:
    """Where in the terms each rule on add-ons stands."""

    active: str = "AD-1"
    renewal: str = "AD-2"
    end: str = "AD-3"
    single: str = "AD-4"
    carry: str = "AD-5"
    cancel: str = "AD-6"
    capped: str = "AD-7"
    refund: str = "AD-8"


def _offers() -> Mapping[str, Offer]:
    prices = {Every.MONTH: Decimal("10.00"), Every.YEAR: Decimal("100.00")}
    return {"unlimited": Offer(name="Unlimited downloads", prices=prices)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Addons:
    """The add-ons on offer, and the times that go with them."""

    offers: Mapping[str, Offer] = field(default_factory=_offers)
    wait_for_payment: bool = False  # active only when billing says that it is paid
    active_within_h: int = 48  # AD-1: later alarms
    notice_h: int = 48  # AD-6: to cancel before a renewal
    clauses: AddonClauses = field(default_factory=AddonClauses)
