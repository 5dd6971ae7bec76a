"""What is sold becomes something else, by the notice that is owed (CT-6, B-3)."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from capd.errors import ConfigError, NoSuch
from capd.house import House
from capd.inventory.schema import ProductRow
from capd.inventory.written import product_row
from capd.model import Fact, Inventory, Product
from capd.pipeline import decide_turn
from capd.store import Changes
from capd.strict import did_you_mean, parse

FACT = "product"
"""The kind of fact that says so; it is about no subscriber."""

UNLIMITED = "unlimited"


async def sales_turn(
    house: House,
    product: str,
    details: Mapping[str, str],
    *,
    author: str,
    now: datetime,
    dry_run: bool = False,
) -> Changes:
    """Change *product* as a row of an inventory would that has *details*; judge everybody.

    Raises NoSuch where it is not sold, ConfigError with every mistake: what is no price or cap, a
    day that is too near for what is worse. The same twice is the same as once.
    """
    catalogue = await house.store.people.products()
    there = next((one for name, one in catalogue.items() if name == product), None)
    if there is None:
        guess = did_you_mean(product, catalogue)
        raise NoSuch(f"there is no product {product!r}.{guess}".removesuffix("."))
    told = Inventory(products=(changed(there, details),))
    people = house.store.people
    changes = await people.apply(told, dry_run=dry_run, author=author, at=now, notice=house.notice)
    if changes and not dry_run:
        await decide_turn(house, await people.ids(), now=now)
    return changes


def changed(product: Product, details: Mapping[str, str]) -> Product:
    """Return *product* with *details*, written as in an inventory; ConfigError where they are not.

    A cap may be "unlimited". Without `from` the notice says the day.
    """
    row = product_row(replace(product, terms_from=None)) | dict(details)
    if row["cap"] == UNLIMITED:
        row["cap"] = None
    return parse(ProductRow, row, source=f"product {product.id}", texts=True).product()


async def told(house: House, fact: Fact, *, now: datetime) -> str | None:
    """Take in a fact of kind FACT; return why, where it is refused."""
    details = {key: value for key, value in fact.details.items() if key != "product" and value}
    product = fact.details["product"]
    try:
        await sales_turn(house, product, details, author=fact.author, now=now)
    except ConfigError as exc:
        return "; ".join(exc.problems)
    except NoSuch as exc:
        return str(exc)
    return None
