"""`capd products`: what is sold, and how a product is withdrawn (CT-7)."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from capd.answers.network import product_record
from capd.cli.books import Books, author, local_moment, opened, wait
from capd.cli.options import ConfigFile, Json
from capd.cli.output import as_json, line, table
from capd.cli.setup import bring_in, show_changes
from capd.clock import utc_now
from capd.decide.contract import withdrawal
from capd.errors import CannotBeDone, ConfigError
from capd.model import Inventory, Product, ProductId
from capd.sales import sales_turn
from capd.store import Changes
from capd.strict import did_you_mean

app = typer.Typer(help="What is sold.", no_args_is_help=True)
_AT_A_TIME = 500
_COLUMNS = ("subscriber", "from", "to", "on", "was", "price", "bound")


@app.command("list")
def list_(json: Json = False, config: ConfigFile = None) -> None:
    """List the products."""
    wait(_list(config, json=json))


async def _list(path: Path | None, *, json: bool) -> None:
    async with opened(path) as books:
        records = [product_record(one) for one in (await books.store.people.products()).values()]
    if json:
        as_json(records)
        return
    columns = ("id", "name", "family", "price", "withdrawn_on", "replaced_by")
    rows = [["" if one[key] is None else str(one[key]) for key in columns] for one in records]
    table(columns, rows, empty="No products.")


@app.command()
def withdraw(
    product: Annotated[str, typer.Argument(metavar="PRODUCT", help="The product's id.")],
    on: Annotated[str, typer.Option("--on", metavar="DAY", help="Not sold from then on.")],
    replaced_by: Annotated[
        str | None, typer.Option("--replaced-by", metavar="PRODUCT", show_default=False)
    ] = None,
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show who would be moved where; change nothing.")
    ] = False,
    json: Json = False,
    config: ConfigFile = None,
) -> None:
    """Withdraw a product: who has it is told, chooses another, or is moved to the nearest."""
    wait(_withdraw(config, product, on, replaced_by, dry_run=dry_run, json=json))


async def _withdraw(
    path: Path | None, name: str, on: str, other: str | None, *, dry_run: bool, json: bool
) -> None:
    async with opened(path, change=not dry_run) as books:
        gone = await _withdrawn(books, name, on, other)
        moves = await _moves(books, gone)
    if not dry_run:
        await bring_in(path, Inventory(products=(gone,)))
    if json:
        as_json({"dry_run": dry_run, "product": product_record(gone), "moves": moves})
        return
    rows = [["" if move[key] is None else str(move[key]) for key in _COLUMNS] for move in moves]
    table(_COLUMNS, rows, empty=f"Nobody has {gone.name}.")
    line("dry run: nothing was changed" if dry_run else f"{gone.name} is withdrawn")


@app.command()
def change(
    product: Annotated[str, typer.Argument(metavar="PRODUCT", help="The product's id.")],
    *,
    price: Annotated[str | None, typer.Option(metavar="AMOUNT", show_default=False)] = None,
    cap: Annotated[
        str | None, typer.Option(metavar="SIZE", help="Or: unlimited.", show_default=False)
    ] = None,
    down: Annotated[str | None, typer.Option(metavar="RATE", show_default=False)] = None,
    up: Annotated[str | None, typer.Option(metavar="RATE", show_default=False)] = None,
    counts: Annotated[
        str | None, typer.Option(metavar="WAY", help="download, upload, both", show_default=False)
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="DAY", help="Where it is worse; else the first that is allowed.",
            show_default=False,
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would change; change nothing.")
    ] = False,
    json: Json = False,
    config: ConfigFile = None,
) -> None:  # fmt: skip
    """Change what a product is; who is worse off by it is told, and keeps it until their day."""
    asked = {"price": price, "cap": cap, "down": down, "up": up, "counts": counts, "from": since}
    details = {key: value for key, value in asked.items() if value is not None}
    if not details.keys() - {"from"}:
        raise ConfigError("what becomes something else? --price, --cap, --down, --up or --counts")
    changes = wait(_change(config, product, details, dry_run=dry_run))
    show_changes(changes, dry_run=dry_run, json=json)


async def _change(
    path: Path | None, name: str, details: dict[str, str], *, dry_run: bool
) -> Changes:
    async with opened(path, change=not dry_run) as books:
        house, now = books.house, utc_now()
        return await sales_turn(house, name, details, author=author(), now=now, dry_run=dry_run)


@app.command()
def offer(
    product: Annotated[str, typer.Argument(metavar="PRODUCT", help="The product's id.")],
    *,
    json: Json = False,
    config: ConfigFile = None,
) -> None:
    """Sell a product again that was withdrawn; who was told that it goes is told that it stays."""
    wait(_offer(config, product, json=json))


async def _offer(path: Path | None, name: str, *, json: bool) -> None:
    async with opened(path) as books:
        there = await _known(books, name)
    again = replace(there, withdrawn_on=None, replaced_by=None)
    await bring_in(path, Inventory(products=(again,), sold_again=frozenset({again.id})))
    if json:
        as_json(product_record(again))
    else:
        line(f"{again.name} is sold{'' if there.withdrawn_on is None else ' again'}")


async def _known(books: Books, name: str) -> Product:
    """Return the product *name*; CannotBeDone with a guess where there is none."""
    catalogue = await books.store.people.products()
    found = catalogue.get(ProductId(name))
    if found is None:
        problem = f"there is no product {name!r}.{did_you_mean(name, catalogue)}"
        raise CannotBeDone(problem.removesuffix("."))
    return found


async def _withdrawn(books: Books, name: str, on: str, other: str | None) -> Product:
    product = await _known(books, name)
    by = product.replaced_by if other is None else (await _known(books, other)).id
    if other == name:
        raise CannotBeDone(f"{name} cannot take its own place")
    at = local_moment(on, books.config, option="--on").astimezone(books.house.zone)
    return replace(product, withdrawn_on=at.date(), replaced_by=by)


async def _moves(books: Books, gone: Product) -> list[withdrawal.Figures]:
    """Return what would become of each who has *gone*."""
    now, house = utc_now(), books.house
    catalogue = {**await books.store.people.products(), gone.id: gone}
    found: list[withdrawal.Figures] = []
    after = ""
    while ids := await books.store.people.ids(after=after, limit=_AT_A_TIME):
        after = ids[-1]
        for one in await books.store.people.standings(ids, now, house.zone, house.window_months):
            if one.product.id == gone.id and not withdrawal.has_ended(one):
                mine = replace(  # as it is for them, though it may have changed for others (CT-6)
                    one.product, withdrawn_on=gone.withdrawn_on, replaced_by=gone.replaced_by
                )
                case = house.case(replace(one, product=mine), catalogue, now)
                found.append(withdrawal.move(case, mine))
    return found
