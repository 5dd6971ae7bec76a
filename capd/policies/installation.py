"""The section [installation] (IN): cancelling a visit, and what it costs."""

from pydantic import Field

from capd.decide.terms.installation import Installation
from capd.policies.shapes import Clause, Money, Strict

_PLAIN = Installation()


class InstallationSection(Strict):
    """[installation]: an engineer's visit."""

    clause: Clause = _PLAIN.job
    quote: Clause = _PLAIN.quote
    not_standard: Clause = _PLAIN.not_standard
    visit: Clause = _PLAIN.visit
    free_until_working_days: int = Field(default=_PLAIN.free_until_working_days, ge=0, le=60)
    visit_fee: Money = _PLAIN.visit_fee

    def terms(self) -> Installation:
        """Return what the section says."""
        return Installation(
            free_until_working_days=self.free_until_working_days,
            visit_fee=self.visit_fee,
            job=self.clause,
            quote=self.quote,
            not_standard=self.not_standard,
            visit=self.visit,
        )
