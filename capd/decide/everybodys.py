"""What is told of no subscriber: it is taken in elsewhere, and listed with the other facts."""

from collections.abc import Mapping

from capd.decide.shapes import day, money
from capd.decide.told import Answer, FactKind, Told


def _nothing(_told: Told) -> Answer:
    return ()


FACTS: Mapping[str, FactKind] = {
    "clock": FactKind(help="only lets time pass", of_subscriber=False, accept=_nothing),
    "product": FactKind(
        help="a product becomes something else, as by an import of its row; worse from a day "
        "that leaves who has it their notice (CT-6, B-3)",
        of_subscriber=False,
        required=("product",),
        optional=("price", "cap", "down", "up", "counts", "from"),
        shapes={"price": money, "from": day},
        accept=_nothing,
    ),
}
