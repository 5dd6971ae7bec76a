"""The service book: what devices are to be told, and what a person must decide."""

from pathlib import Path
from typing import Annotated

import typer

from capd.answers.desk import change, order_record
from capd.cli.books import author, opened, wait
from capd.cli.options import ConfigFile, Json, Note
from capd.cli.output import as_json, line, table
from capd.clock import utc_now
from capd.errors import ConfigError
from capd.model import OrderState
from capd.strict import did_you_mean

app = typer.Typer(help="The orders to devices: open, held for a person, applied, failed.")

Which = Annotated[str, typer.Argument(metavar="ID|all", help="The order's number, or all of them.")]


@app.callback(invoke_without_command=True)
def orders(
    ctx: typer.Context,
    state: Annotated[
        str | None, typer.Option("--state", metavar="S", help="Only these.", show_default=False)
    ] = None,
    json: Json = False,
    config: ConfigFile = None,
) -> None:
    """List the orders, newest first."""
    if ctx.invoked_subcommand is None:
        wait(_list(config, state, json=json))


@app.command()
def approve(which: Which, note: Note, json: Json = False, config: ConfigFile = None) -> None:
    """Let held orders go."""
    wait(_decide(config, which, note, approve=True, json=json))


@app.command()
def refuse(which: Which, note: Note, json: Json = False, config: ConfigFile = None) -> None:
    """Say no to held orders."""
    wait(_decide(config, which, note, approve=False, json=json))


@app.command()
def retry(which: Which, note: Note, json: Json = False, config: ConfigFile = None) -> None:
    """Try failed orders afresh, after what stood in the way was put right."""
    wait(_retry(config, which, note, json=json))


async def _list(path: Path | None, state: str | None, *, json: bool) -> None:
    states = None if state is None else [_state(state)]
    async with opened(path) as books:
        found = await books.store.orders.listing(states=states)
    if json:
        as_json([order_record(order) for order in found])
        return
    table(
        ("id", "state", "device", "subscriber", "change", "tries", "reason"),
        [
            (
                str(order.id),
                order.state.value,
                order.device,
                order.subscriber,
                change(order),
                str(order.attempts),
                order.detail or order.reason,
            )
            for order in found
        ],
        empty="No orders.",
    )


def _state(text: str) -> OrderState:
    states = [state.value for state in OrderState]
    if text not in states:
        problem = f"--state: wants one of {', '.join(states)}, not {text!r}."
        raise ConfigError((problem + did_you_mean(text, states)).removesuffix("."))
    return OrderState(text)


async def _decide(path: Path | None, which: str, note: str, *, approve: bool, json: bool) -> None:
    number = _number(which)
    async with opened(path, change=True) as books:
        count = await books.store.orders.decide(
            number, approve=approve, author=author(), note=note, at=utc_now()
        )
    if json:
        as_json({"orders": count, "approved": approve})
    else:
        line(f"{count} order{'s' * (count != 1)} {'approved' if approve else 'refused'}")


async def _retry(path: Path | None, which: str, note: str, *, json: bool) -> None:
    number = _number(which)
    async with opened(path, change=True) as books:
        count = await books.store.orders.retry(number, author=author(), note=note, at=utc_now())
    if json:
        as_json({"orders": count, "retried": True})
    else:
        line(f"{count} order{'s' * (count != 1)} to be tried again")


def _number(which: str) -> int | None:
    if which == "all":
        return None
    if not (which.isascii() and which.isdigit()):
        raise ConfigError(f"wants the number of an order, or all, not {which!r}")
    return int(which)
