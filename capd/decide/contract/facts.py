"""All that is told of contracts."""

from collections.abc import Mapping

from capd.decide.contract import activation, plans
from capd.decide.told import FactKind

FACTS: Mapping[str, FactKind] = {
    **plans.FACTS,
    **activation.FACTS,
}
