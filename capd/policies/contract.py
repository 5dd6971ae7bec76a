"""The sections [contract.*]: its term, how it changes, how it ends."""

from pydantic import Field

from capd.decide.policy import Policy
from capd.decide.terms.contract import (
    Changes,
    Contract,
    Downgrade,
    EndingTerms,
    Linked,
    Moving,
    Speed,
    Term,
    Withdrawn,
)
from capd.model import Reason
from capd.policies.shapes import Clause, Days, Strict

_PLAIN = Policy().contract


class TermSection(Strict):
    """[contract.term]: the minimum term, and the days to cool off."""

    months: int = Field(default=_PLAIN.term.months, ge=0, le=120)
    cooling_off_days: Days = _PLAIN.term.cooling_off_days
    start: Clause = _PLAIN.term.start
    clause: Clause = _PLAIN.term.clause
    cooling_off: Clause = _PLAIN.term.cooling_off
    radios: Clause = _PLAIN.term.radios

    def terms(self) -> Term:
        """Return what the section says."""
        return Term(**dict(self))


class SpeedSection(Strict):
    """[contract.speed]: the survey's estimate against what is measured (CT-8)."""

    clause: Clause = _PLAIN.speed.clause
    well_under: int = Field(default=_PLAIN.speed.well_under, ge=1, le=100)

    def terms(self) -> Speed:
        """Return what the section says."""
        return Speed(**dict(self))


class ChangesSection(Strict):
    """[contract.changes]: how long before they hold new terms are told (CT-6, B-3)."""

    clause: Clause = _PLAIN.changes.clause
    notice_months: int = Field(default=_PLAIN.changes.notice_months, ge=0, le=24)
    notice_days: Days = _PLAIN.changes.notice_days

    def terms(self) -> Changes:
        """Return what the section says."""
        return Changes(**dict(self))


class WithdrawnSection(Strict):
    """[contract.withdrawn]: how long there is to choose another product (CT-7)."""

    clause: Clause = _PLAIN.withdrawn.clause
    notice_days: Days = _PLAIN.withdrawn.notice_days

    def terms(self) -> Withdrawn:
        """Return what the section says."""
        return Withdrawn(**dict(self))


class MovingSection(Strict):
    """[contract.moving]: what a move to another address is (CT-2, CT-13, C-5)."""

    clause: Clause = _PLAIN.moving.clause
    as_new: bool = _PLAIN.moving.as_new
    one_each: Clause = _PLAIN.moving.one_each

    def terms(self) -> Moving:
        """Return what the section says."""
        return Moving(**dict(self))


class EndingSection(Strict):
    """[contract.ending]: notice, cause, what is charged and what comes back (CT-15)."""

    clause: Clause = _PLAIN.ending.clause
    notice_days: Days = _PLAIN.ending.notice_days
    cause: Clause = _PLAIN.ending.cause
    keep_evidence: bool = _PLAIN.ending.keep_evidence
    early: Clause = _PLAIN.ending.early
    early_share: int = Field(default=_PLAIN.ending.early_share, ge=0, le=100)
    early_for_cause: bool = _PLAIN.ending.early_for_cause
    equipment: Clause = _PLAIN.ending.equipment
    addresses: Clause = _PLAIN.ending.addresses
    address_days: Days = _PLAIN.ending.address_days

    def terms(self) -> EndingTerms:
        """Return what the section says."""
        return EndingTerms(**dict(self))


class LinkedSection(Strict):
    """[contract.linked]: what hangs on a connection (CT-10)."""

    clause: Clause = _PLAIN.linked.clause
    notice_hours: int = Field(default=_PLAIN.linked.notice_hours, ge=0, le=24 * 366)
    not_for: tuple[Reason, ...] = _PLAIN.linked.not_for

    def terms(self) -> Linked:
        """Return what the section says."""
        return Linked(**dict(self))


class ContractSection(Strict):
    """[contract]: a section for each part of it."""

    term: TermSection = TermSection()
    speed: SpeedSection = SpeedSection()
    changes: ChangesSection = ChangesSection()
    withdrawn: WithdrawnSection = WithdrawnSection()
    moving: MovingSection = MovingSection()
    ending: EndingSection = EndingSection()
    linked: LinkedSection = LinkedSection()

    def terms(self, downgrade: Downgrade) -> Contract:
        """Return what the sections say; [downgrade] stands by itself."""
        return Contract(
            term=self.term.terms(),
            speed=self.speed.terms(),
            changes=self.changes.terms(),
            withdrawn=self.withdrawn.terms(),
            moving=self.moving.terms(),
            ending=self.ending.terms(),
            linked=self.linked.terms(),
            downgrade=downgrade,
        )
