"""All that is told of contracts."""

from collections.abc import Mapping

from capd.decide.contract import (
    activation,
    addresses,
    cycle_days,
    ending,
    equipment,
    moves,
    plans,
)
from capd.decide.told import FactKind

FACTS: Mapping[str, FactKind] = {
    **plans.FACTS,
    **activation.FACTS,
    **ending.FACTS,
    **equipment.FACTS,
    **addresses.FACTS,
    **moves.FACTS,
    **cycle_days.FACTS,
}
