"""Fair use (FU): how much is excessive, what is said first, and what follows if it goes on."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class Follows(StrEnum):
    """What follows when excessive use goes on after it was told of (FU-2)."""

    RESTRICT = "restrict"
    SUSPEND = "suspend"
    CHARGE = "charge"


@dataclass(frozen=True, slots=True, kw_only=True)
class FairUse:
    """A staged rule: told what was used and what is fair, then acted on if it goes on."""

    fair: int | None = None  # in the product's unit, a period; None: no such rule
    families: tuple[str, ...] = ()  # of the products it is for; none: of all
    grace_h: int = 24 * 7  # after the first notice, whatever more is used
    excess: int | None = None  # so much more at once is going on as well, whatever the time
    follows: Follows = Follows.RESTRICT
    down_bps: int = 2_000_000  # of a restriction, until the period ends
    up_bps: int = 1_000_000
    unit: int = 60  # of a charge: each unit begun beyond what is fair
    unit_price: Decimal = Decimal("0.10")
    notice: str = "FU-1"
    action: str = "FU-2"
    idle: str = "FU-3"
    idle_months: int = 6
