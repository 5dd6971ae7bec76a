"""The guard: what it lets through, what it has stopped, and a person's word that it may go on."""

from dataclasses import asdict
from pathlib import Path

import typer

from capd.cli.books import author, opened, wait
from capd.cli.options import ConfigFile, Json, Note
from capd.cli.output import as_json, line
from capd.clock import utc_now
from capd.decide.guard import JUMP_WITHIN, USUAL_OVER
from capd.errors import CannotBeDone
from capd.model import Event, OrderState
from capd.units import rfc3339, size_text

app = typer.Typer(help="What limits suspensions, and whether a jump has stopped them all.")


@app.callback(invoke_without_command=True)
def guard(ctx: typer.Context, json: Json = False, config: ConfigFile = None) -> None:
    """Show the limits, how much of them is used, and what is held or stopped."""
    if ctx.invoked_subcommand is None:
        wait(_show(config, json=json))


@app.command()
def clear(note: Note, json: Json = False, config: ConfigFile = None) -> None:
    """Let suspensions go on after a stop; what is held meanwhile stays held."""
    wait(_clear(config, note, json=json))


async def _show(path: Path | None, *, json: bool) -> None:
    now = utc_now()
    async with opened(path) as books:
        limits = books.house.limits
        orders = await books.store.orders.counts()
        async with books.store.looking() as book:
            stop = await book.stop()
            used = await book.since(now - 4 * JUMP_WITHIN)
            recent = await book.caps_exceeded(now - JUMP_WITHIN, now)
            surges = await book.surges.people(now - JUMP_WITHIN, now)
            largest = await book.surges.largest(now - 4 * JUMP_WITHIN)
            before = await book.caps_exceeded(now - JUMP_WITHIN - USUAL_OVER, now - JUMP_WITHIN)
    record = {
        "stopped": stop.sentence,
        "stopped_at": rfc3339(stop.at) if stop.at and stop.sentence else None,
        "cleared_at": None if stop.cleared_at is None else rfc3339(stop.cleared_at),
        "held": orders[OrderState.HELD],
        "suspensions_last_hour": used,
        "most_suspensions": limits.most_suspensions,
        "most_in_sector": limits.most_in_sector,
        "most_share": limits.most_share,
        "caps_exceeded_15_minutes": recent,
        "usual_15_minutes": round(before * (JUMP_WITHIN / USUAL_OVER), 1),
        "jump": limits.jump,
        "surges_15_minutes": surges,
        "surge": limits.surge,
        "largest_surges_last_hour": [{**asdict(one), "at": rfc3339(one.at)} for one in largest],
    }
    if json:
        as_json(record)
        return
    line(stop.sentence or "Nothing is stopped.")
    line(f"{used} suspensions in the last hour, of {limits.most_suspensions}")
    line(f"{orders[OrderState.HELD]} held for a person (`capd orders --state held`)")
    line(f"{recent} caps exceeded in 15 minutes; usual: {record['usual_15_minutes']}")
    line(f"{surges} with more bytes in 15 minutes than they would use")
    for one in largest:
        span = f"{size_text(one.down_bytes + one.up_bytes)} in {one.seconds:.0f} s"
        line(f"  {one.subscriber} on {one.device}: {span}, at {rfc3339(one.at)}")
    if stop.sentence:
        line("When it is understood: `capd guard clear --note TEXT`, then approve or refuse.")


async def _clear(path: Path | None, note: str, *, json: bool) -> None:
    async with opened(path, change=True) as books, books.store.judging() as desk:
        if (await desk.suspensions.stop()).sentence is None:
            raise CannotBeDone("the guard has stopped nothing")
        text = f"The guard's stop is cleared: {note}."
        event = Event(
            at=utc_now(), kind="guard_cleared", text=text, author=author(), figures={"note": note}
        )
        await desk.record([event])
    if json:
        as_json({"cleared": True, "at": rfc3339(event.at)})
    else:
        line(f"{text} What is held waits for `capd orders approve` or `refuse`.")
