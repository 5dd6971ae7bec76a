"""The sections [contract.*]: its term, how it changes, how it ends."""

from pydantic import Field

from capd.decide.policy import Policy
from capd.decide.terms.contract import Contract, Downgrade, Speed, Term
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


class ContractSection(Strict):
    """[contract]: a section for each part of it."""

    term: TermSection = TermSection()
    speed: SpeedSection = SpeedSection()

    def terms(self, downgrade: Downgrade) -> Contract:
        """Return what the sections say; [downgrade] stands by itself."""
        return Contract(term=self.term.terms(), speed=self.speed.terms(), downgrade=downgrade)
