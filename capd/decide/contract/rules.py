"""What follows from the contract, in the order in which it is looked at."""

from capd.decide.case import Rule
from capd.decide.contract import downgrades, plans

RULES: tuple[Rule, ...] = (
    plans.due,  # CT-2
    downgrades.over,  # UC-5
    downgrades.offers,  # UC-5
)
