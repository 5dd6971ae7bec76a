"""The service book: what devices are to be told, and what a person must decide."""

from pathlib import Path
from typing import Annotated

import typer

from capd.answers.desk import change, order_record
from capd.answers.proof import leaks_of
from capd.answers.why import explain
from capd.cli.books import Books, author, opened, wait
from capd.cli.options import ConfigFile, Json, Note
from capd.cli.output import as_json, line, table
from capd.clock import utc_now
from capd.enforce.ssh import NetmikoPusher
from capd.errors import CannotBeDone, ConfigError
from capd.model import Fact, Order, OrderState, SectorId, SubscriberId
from capd.opening import profiles_of
from capd.pipeline import decide_turn
from capd.strict import did_you_mean
from capd.undo import undo as taken_back

app = typer.Typer(help="The orders to devices: open, held for a person, applied, failed.")

Which = Annotated[str, typer.Argument(metavar="ID|all", help="The order's number, or all of them.")]
Held = Annotated[
    str | None,
    typer.Argument(
        metavar="[ID|all]", help="The order's number, or all of them.", show_default=False
    ),
]
Every = Annotated[bool, typer.Option("--all", help="All that are held.")]
OfSector = Annotated[
    str | None,
    typer.Option("--sector", metavar="ID", help="All that are held in it.", show_default=False),
]


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
def approve(
    note: Note,
    which: Held = None,
    *,
    every: Every = False,
    sector: OfSector = None,
    json: Json = False,
    config: ConfigFile = None,
) -> None:
    """Let held orders go."""
    wait(_decide(config, _held(which, sector, every=every), note, approve=True, json=json))


@app.command()
def refuse(
    note: Note,
    which: Held = None,
    *,
    every: Every = False,
    sector: OfSector = None,
    json: Json = False,
    config: ConfigFile = None,
) -> None:
    """Say no to held orders."""
    wait(_decide(config, _held(which, sector, every=every), note, approve=False, json=json))


@app.command()
def retry(which: Which, note: Note, json: Json = False, config: ConfigFile = None) -> None:
    """Try failed orders afresh, after what stood in the way was put right."""
    wait(_retry(config, which, note, json=json))


@app.command()
def show(
    number: Annotated[int, typer.Argument(metavar="ID", help="The order's number.")],
    *,
    lines: Annotated[
        bool, typer.Option("--lines", help="Only what would be typed into the device.")
    ] = False,
    json: Json = False,
    config: ConfigFile = None,
) -> None:
    """Show one order: what is typed for it, what the device said before, and what it answered."""
    wait(_show(config, number, only_lines=lines, json=json))


@app.command()
def undo(
    count: Annotated[int, typer.Argument(metavar="N", min=1, help="How many, the newest first.")],
    note: Note,
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be told.")
    ] = False,
    json: Json = False,
    config: ConfigFile = None,
) -> None:
    """Take back the last N suspensions and changes of product: in what is owed, so that it lasts.

    Holds are released, caps put off until the period ends (UC-8), products changed back.
    """
    wait(_undo(config, count, note, dry_run=dry_run, json=json))


@app.command()
def repair(
    which: Annotated[
        str, typer.Argument(metavar="SUBSCRIBER|all", help="Whose service was changed by hand.")
    ],
    note: Note,
    json: Json = False,
    config: ConfigFile = None,
) -> None:
    """Put right what somebody changed by hand on a device (`drifted`)."""
    wait(_repair(config, which, note, json=json))


async def _show(path: Path | None, number: int, *, only_lines: bool, json: bool) -> None:
    async with opened(path) as books:
        order = await books.store.orders.get(number)
        if order is None:
            raise CannotBeDone(f"there is no order {number}")
        device = (await books.store.people.devices()).get(order.device)
        if device is None:
            raise CannotBeDone(f"{order.device}: no such device in the inventory")
        pusher = NetmikoPusher(profiles_of(books.config), books.config.enforce, utc_now)
        try:
            typed = list(await pusher.dry_run(device, order))
        finally:
            pusher.close()
        record = order_record(order) | {
            "lines": typed,
            "device_before": await books.store.orders.device_before(number),
            "transcript": await books.store.orders.transcript(number),
        }
    if json:
        as_json({"id": number, "lines": typed} if only_lines else record)
        return
    for each in typed if only_lines else ():
        line(each)
    for key, value in record.items() if not only_lines else ():
        _say_part(key, value)


def _say_part(key: str, value: object) -> None:
    """Print one field, those of several lines indented below their name."""
    text = "\n".join(str(each) for each in value) if isinstance(value, list) else str(value)
    if "\n" not in text and key != "lines":
        line(f"{key}: {text}")
        return
    line(f"{key}:")
    for each in text.splitlines():
        line(f"    {each}")


async def _undo(path: Path | None, count: int, note: str, *, dry_run: bool, json: bool) -> None:
    async with opened(path, change=True) as books:
        done = await taken_back(
            books.house, count, note=note, author=author(), now=utc_now(), dry_run=dry_run
        )
        states = {one.order.subscriber: await _state_of(books, one.order) for one in done}
    records = [
        {
            "order": one.order.id,
            "subscriber": one.order.subscriber,
            "change": change(one.order),
            "told": [f"{fact.fact} {_detail(fact)}" for fact in one.facts],
            "refused": list(one.refused),
            "dry_run": dry_run,
            "owed": states[one.order.subscriber],
        }
        for one in done
    ]
    if json:
        as_json(records)
    elif not records:
        line("There is nothing to take back.")
    for one in done if not json else ():
        said = "; ".join(f"{fact.fact} {_detail(fact)}" for fact in one.facts)
        no = "".join(f"; refused: {each}" for each in one.refused)
        owed = f"owed {'now' if not dry_run else 'as yet'}: {states[one.order.subscriber]}"
        who = f"{one.order.id}  {one.order.subscriber}"
        line(f"{who}  {said or 'nothing stands behind it any more'}{no}; {owed}")


def _detail(fact: Fact) -> str:
    return fact.details.get("reason") or fact.details.get("product") or fact.details["until"]


async def _state_of(books: Books, order: Order) -> str:
    """Return in a word what is owed now."""
    owed = (await explain(books.house, order.subscriber, utc_now()))["owed"]
    return "suspended" if isinstance(owed, dict) and owed["suspended"] else "in service"


async def _repair(path: Path | None, which: str, note: str, *, json: bool) -> None:
    who = None if which == "all" else SubscriberId(which)
    now = utc_now()
    async with opened(path, change=True) as books:
        found = await books.store.looks.repair(who, author=author(), note=note, at=now)
        if who is not None and not found:
            raise CannotBeDone(f"{which}: nothing of theirs was changed by hand")
        await decide_turn(books.house, found, now=now)
    if json:
        as_json({"services": len(found)})
    else:
        line(f"{len(found)} service{'s' * (len(found) != 1)} to be put right")


async def _list(path: Path | None, state: str | None, *, json: bool) -> None:
    states = None if state is None else [_state(state)]
    async with opened(path) as books:
        found = await books.store.orders.listing(states=states)
        leaks = await leaks_of(books.store)
    if json:
        as_json([order_record(order) | {"leaking": leaks.is_of(order)} for order in found])
        return
    table(
        ("id", "state", "device", "subscriber", "change", "tries", "reason"),
        [
            (
                str(order.id),
                "LEAKING" if leaks.is_of(order) else order.state.value,
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


def _held(which: str | None, sector: str | None, *, every: bool) -> tuple[int | None, str | None]:
    """Return the one order, or the one sector, that is meant; neither: all."""
    if (which is not None) + (sector is not None) + every != 1:
        raise ConfigError("which orders? give one of: the number of an order, --sector ID, --all")
    return (None if which is None else _number(which)), sector


async def _decide(
    path: Path | None, which: tuple[int | None, str | None], note: str, *, approve: bool, json: bool
) -> None:
    number, sector = which
    async with opened(path, change=True) as books:
        count = await books.store.orders.decide(
            number,
            sector=None if sector is None else SectorId(sector),
            approve=approve,
            author=author(),
            note=note,
            at=utc_now(),
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
