"""Pure: one subscription of a family at an address, unless it is agreed (CT-13)."""

from collections import defaultdict
from collections.abc import Collection

from capd.model import Inventory, Subscriber, SubscriberId


def place(address: str | None) -> str:
    """Return what makes *address* the same place as another: neither blanks nor capitals do."""
    return " ".join((address or "").casefold().replace(",", " ").split())


def taken(there: Inventory, new: Inventory, ended: Collection[SubscriberId]) -> list[str]:
    """Return, a line each, the addresses that *new* gives to a second subscription.

    Those of *ended* contracts are free. Services that are linked share an address, and so does who
    says `shares_address`. What is there already is not looked at again; those who come together, as
    when an operator's book is taken over, were agreed before.
    """
    before = {one.id: one for one in there.subscribers}
    everyone = before | {one.id: one for one in new.subscribers}
    products = {one.id: one.family for one in (*there.products, *new.products)}
    at: dict[tuple[str, str | None], list[Subscriber]] = defaultdict(list)
    for one in everyone.values():
        if place(one.address) and one.id not in ended:
            at[place(one.address), products.get(one.product)].append(one)
    problems, named = [], set()
    for one in new.subscribers:
        old = before.get(one.id)
        if old is not None and place(old.address) == place(one.address):
            continue
        for other in at[place(one.address), products.get(one.product)]:
            pair = frozenset({one.id, other.id})
            if other.id not in before or _together(one, other) or one.id in ended or pair in named:
                continue
            named.add(pair)
            problems.append(
                f"subscriber {one.id}: address: {other.id} is served there already, and there is "
                "one subscription an address; shares_address says that another is agreed (CT-13)"
            )
    return problems


def _together(one: Subscriber, other: Subscriber) -> bool:
    agreed = one.shares_address or other.shares_address
    return one.id == other.id or agreed or other.id in one.linked or one.id in other.linked
