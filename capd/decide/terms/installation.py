"""Installations (IN): when a booking may be cancelled free, and what a visit costs."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """What goes with an engineer's visit; prices in the operator's currency."""

    free_until_working_days: int = 2  # IN-4: before the day; later costs the visit
    visit_fee: Decimal = Decimal("50.00")
    job: str = "IN-1"
    quote: str = "IN-2"
    not_standard: str = "IN-3"
    visit: str = "IN-4"
