"""What follows from the contract, in the order in which it is looked at."""

from capd.decide.addons.book import KIND as ADDON
from capd.decide.addons.book import addons_of
from capd.decide.addons.rules import ending as addon_ending
from capd.decide.case import Case, Rule, needs
from capd.decide.contract import (
    addresses,
    downgrades,
    ending,
    linked,
    plans,
    product_terms,
    withdrawal,
)
from capd.decide.holds import has_ended
from capd.model import Event


@needs(ADDON)
def addons_ended(case: Case) -> tuple[Event, ...]:
    """End what was bought on top of a product with the contract: nothing renews after it."""
    if not has_ended(case.standing):
        return ()
    return tuple(
        event
        for addon in addons_of(case.standing)
        for event in addon_ending(case, addon, case.now, why=" with the contract")
    )


RULES: tuple[Rule, ...] = (
    ending.begun_again,  # CT-1
    product_terms.due,  # CT-6, B-3
    plans.due,  # CT-2
    withdrawal.due,  # CT-7
    withdrawal.told,  # CT-7
    downgrades.over,  # UC-5
    downgrades.offers,  # UC-5
    ending.due,  # CT-15
    addons_ended,
    linked.held,  # CT-10
    addresses.released,  # CT-9
)
