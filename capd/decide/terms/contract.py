"""What the contract says: its term, how it changes, how it ends."""

from dataclasses import dataclass, field

from capd.model import Reason


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
    wait_days: int = 14  # after a month's end for a meter that is silent


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """The survey's estimate against what is measured (CT-8)."""

    well_under: int = 60  # per cent of the estimate
    clause: str = "CT-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """How long before they hold new terms, and worse ones of a product, are told (CT-6, B-3)."""

    notice_months: int = 1  # calendar months
    notice_days: int = 0
    clause: str = "CT-6"


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawn:
    """How long there is to choose another product in the place of a withdrawn one (CT-7)."""

    notice_days: int = 30
    clause: str = "CT-7"


@dataclass(frozen=True, slots=True, kw_only=True)
class Moving:
    """What a move to another address is (CT-2, CT-13, C-5)."""

    as_new: bool = False  # a disconnection and a new installation
    clause: str = "CT-2"
    one_each: str = "CT-13"  # one subscription an address


@dataclass(frozen=True, slots=True, kw_only=True)
class EndingTerms:
    """How the contract ends (CT-15, C-6, AU-3), and what that costs and frees."""

    notice_days: int = 30
    clause: str = "CT-15"
    cause: str = "AU-3"  # at once
    keep_evidence: bool = True  # a legal hold on whom the contract is ended at once
    early_share: int = 100  # per cent of the price for what is left of the minimum term
    early_for_cause: bool = False  # charged as well where the operator ends it
    early: str = "CT-2"
    equipment: str = "IN-5"
    address_days: int = 30  # off for so long, a static address goes to somebody else (CT-9)
    addresses: str = "CT-9"


@dataclass(frozen=True, slots=True, kw_only=True)
class Linked:
    """What hangs on a connection is off with it (CT-10)."""

    clause: str = "CT-10"
    notice_hours: int = 0
    not_for: tuple[Reason, ...] = (Reason.MAINTENANCE,)  # the operator's fault


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """The terms of the contract."""

    term: Term = field(default_factory=Term)
    downgrade: Downgrade = field(default_factory=Downgrade)
    speed: Speed = field(default_factory=Speed)
    changes: Changes = field(default_factory=Changes)
    withdrawn: Withdrawn = field(default_factory=Withdrawn)
    moving: Moving = field(default_factory=Moving)
    ending: EndingTerms = field(default_factory=EndingTerms)
    linked: Linked = field(default_factory=Linked)
