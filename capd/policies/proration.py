"""The section [proration] (B-2): prices by days."""

from capd.decide.terms.proration import Proration
from capd.policies.shapes import Clause, Strict

_PLAIN = Proration()


class ProrationSection(Strict):
    """[proration]: whether a change in mid-month is charged, or credited, by days."""

    clause: Clause = _PLAIN.clause
    price: bool = _PLAIN.price

    def terms(self) -> Proration:
        """Return what the section says."""
        return Proration(price=self.price, clause=self.clause)
