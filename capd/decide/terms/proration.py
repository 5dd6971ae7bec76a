"""What is begun or changed in mid-month is charged by days (B-2)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Proration:
    """Whether capd tells billing what a change in mid-month costs, or gives back."""

    price: bool = False
    clause: str = "B-2"
