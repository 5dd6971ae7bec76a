"""What the contract says: its term, how it changes, how it ends."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """The minimum term, and the days to cool off; both begin with the activation."""

    months: int = 12  # unless the product says otherwise
    cooling_off_days: int = 14  # CT-3
    start: str = "CT-1"
    clause: str = "CT-2"
    cooling_off: str = "CT-3"
    radios: str = "CT-11"


@dataclass(frozen=True, slots=True, kw_only=True)
class Downgrade:
    """The way back after an upgrade for going over the cap (UC-5)."""

    automatic: bool = False  # taken without being asked for


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """The survey's estimate against what is measured (CT-8)."""

    well_under: int = 60  # per cent of the estimate
    clause: str = "CT-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """The terms of the contract."""

    term: Term = field(default_factory=Term)
    downgrade: Downgrade = field(default_factory=Downgrade)
    speed: Speed = field(default_factory=Speed)
