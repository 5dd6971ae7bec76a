"""What a person tells capd of a subscriber: bought, moved, held, released; and the brake."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from capd import config as configuration
from capd.brake import brake_turn
from capd.cli.books import author, local_moment, opened, wait
from capd.cli.options import ConfigFile, Json, Note, Subscriber, Until
from capd.cli.output import as_json, line
from capd.clock import utc_now
from capd.decide import facts
from capd.errors import CannotBeDone, ConfigError
from capd.house import PAUSED_SEEN
from capd.lines import event_record
from capd.model import Event, Fact, SubscriberId
from capd.pipeline import accept_turn
from capd.units import rfc3339

Reason = Annotated[str, typer.Argument(metavar="REASON", help="non_payment, aup, security, …")]
Rate = Annotated[str | None, typer.Option(metavar="RATE", show_default=False)]


def topup(
    subscriber: Subscriber,
    size: Annotated[str, typer.Argument(metavar="SIZE", help="Such as 10GB.")],
    reference: Annotated[
        str, typer.Option("--reference", metavar="REF", help="The same one twice adds once.")
    ],
    json: Json = False,
    config: ConfigFile = None,
) -> None:
    """Add data to this period."""
    wait(tell(config, "topup", subscriber, {"size": size, "reference": reference}, json=json))


def plan(
    subscriber: Subscriber,
    product: Annotated[str, typer.Argument(metavar="PRODUCT", help="The product's id.")],
    note: Annotated[str, typer.Option("--note", metavar="TEXT", help="Why.")] = "",
    json: Json = False,
    config: ConfigFile = None,
) -> None:
    """Change the product, under the rules of the contract."""
    wait(tell(config, "plan", subscriber, {"product": product, "note": note}, json=json))


def hold(
    subscriber: Subscriber,
    reason: Reason,
    note: Note,
    *,
    until: Until = None,
    down: Rate = None,
    up: Rate = None,
    json: Json = False,
    config: ConfigFile = None,
) -> None:
    """Open a hold; --down and --up are the rates of one that only limits."""
    details = {"reason": reason, "note": note, "down": down or "", "up": up or ""}
    wait(tell(config, "hold", subscriber, details, until=until, json=json))


def release(
    subscriber: Subscriber,
    reason: Reason,
    note: Note,
    json: Json = False,
    config: ConfigFile = None,
) -> None:
    """Close a hold."""
    wait(tell(config, "release", subscriber, {"reason": reason, "note": note}, json=json))


def delay(
    subscriber: Subscriber,
    until: Annotated[str, typer.Option("--until", metavar="TIME", help="Until when.")],
    note: Note,
    json: Json = False,
    config: ConfigFile = None,
) -> None:
    """Put off whatever follows from going over the cap."""
    wait(tell(config, "delay", subscriber, {"note": note}, until=until, json=json))


def pause(note: Note, json: Json = False, config: ConfigFile = None) -> None:
    """Pull the brake: everything is still seen, judged and shown; nothing is pushed."""
    wait(_brake(config, note, paused=True, json=json))


def resume(note: Note, json: Json = False, config: ConfigFile = None) -> None:
    """Let the brake go: open orders are carried out again."""
    wait(_brake(config, note, paused=False, json=json))


async def tell(
    path: Path | None,
    kind: str,
    who: str,
    details: Mapping[str, str],
    *,
    until: str | None = None,
    json: bool,
) -> None:
    """Tell a fact, and print what became different; *details* that are empty are left out."""
    settings = configuration.load(path)
    told = {key: value for key, value in details.items() if value}
    if until is not None:
        told["until"] = rfc3339(local_moment(until, settings))
    now = utc_now()
    fact = Fact(at=now, fact=kind, subscriber=SubscriberId(who), details=told, author=author())
    wrong = facts.check(fact)
    if wrong:
        raise ConfigError(*(f"capd {kind}: {each}" for each in wrong))
    async with opened(path, change=True) as books:
        if await books.store.people.subscriber(SubscriberId(who)) is None:
            raise await books.nobody(who)
        before = await books.store.trail.last_id()
        refused = await accept_turn(books.house, fact, now=now)
        if refused is not None:
            raise CannotBeDone(f"{who}: {refused}")
        found = await books.store.trail.events(after=before, subscriber=SubscriberId(who))
        _say([(number, event) for number, event in found], _already(fact), json=json)


def _already(fact: Fact) -> str:
    if fact.fact == "topup":
        return f"{fact.details['reference']} was added before; nothing changed"
    return "it is so already; nothing changed"


def _say(found: list[tuple[int, Event]], nothing: str, *, json: bool) -> None:
    if json:
        as_json([event_record(event, id_=number) for number, event in found])
    elif not found:
        line(nothing)
    for _, event in found if not json else ():
        line(event.text)


async def _brake(path: Path | None, note: str, *, paused: bool, json: bool) -> None:
    async with opened(path, change=True) as books:
        before = await books.store.trail.last_id()
        await brake_turn(
            books.house, paused=paused, note=note, author=author(), by="command", now=utc_now()
        )
        # the daemon is not to take back on its next start what was said here
        await books.store.people.remember(PAUSED_SEEN, str(books.config.decide.paused))
        found = await books.store.trail.events(after=before)
        _say(found, f"capd is {'paused' if paused else 'not paused'} already", json=json)
