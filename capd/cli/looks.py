"""What can be looked at: a subscriber's why, the lists, the audit trail, the profiles."""

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from capd import config as configuration
from capd.answers.idle import idle as idle_ones
from capd.answers.subscribers import STATES
from capd.answers.subscribers import subscribers as answered
from capd.answers.why import explain as explained
from capd.cli.books import open_store, opened, wait
from capd.cli.options import ConfigFile, Json, Subscriber
from capd.cli.output import as_json, line, table
from capd.clock import utc_now
from capd.errors import ConfigError
from capd.lines import event_record
from capd.model import Event, SubscriberId
from capd.strict import did_you_mean
from capd.units import rate_text, rfc3339, size_text

_PAGE = 1000
_FOLLOW_S = 0.5


def subscribers(
    state: Annotated[
        str | None,
        typer.Option(
            "--state", metavar="S", help="active, restricted or suspended.", show_default=False
        ),
    ] = None,
    idle: Annotated[
        bool, typer.Option("--idle", help="Only who used nothing for months (FU-3).")
    ] = False,
    json: Json = False,
    config: ConfigFile = None,
) -> None:
    """List the subscribers: product, usage of the running period, holds."""
    if idle:
        _idle(config, json=json)
        return
    if state is not None and state not in STATES:
        problem = f"--state: wants {', '.join(STATES)}, not {state!r}."
        raise ConfigError((problem + did_you_mean(state, STATES)).removesuffix("."))
    records = wait(_subscribers(config, state))
    if json:
        as_json(records)
        return
    table(
        ("id", "name", "state", "product", "used", "of", "holds"),
        [
            (
                str(record["id"]),
                str(record["name"]),
                str(record["state"]),
                str(record["product"]),
                _size(record["counted_bytes"]),
                _size(record["allowance_bytes"]),
                ", ".join(hold["reason"] for hold in _listed(record["holds"])),
            )
            for record in records
        ],
        empty="No subscribers.",
    )


def _idle(config: Path | None, *, json: bool) -> None:
    async def listed() -> list[dict[str, object]]:
        async with opened(config) as books:
            return await idle_ones(books.house, utc_now())

    records = wait(listed())
    if json:
        as_json(records)
        return
    whole = [[r["id"], r["name"], r["used_until"] or "never", r["read_until"]] for r in records]
    rows = [tuple(str(cell or "never") for cell in row) for row in whole]
    table(("id", "name", "used until", "read until"), rows, empty="Nobody is idle.")


async def _subscribers(path: Path | None, wanted: str | None) -> list[dict[str, object]]:
    async with opened(path) as books:
        return await answered(books.house, utc_now(), state=wanted, limit=sys.maxsize)


def explain(subscriber: Subscriber, json: Json = False, config: ConfigFile = None) -> None:
    """Show what is owed and what is applied, why, by whom, and what would change it."""
    record = wait(_explain(config, subscriber))
    if json:
        as_json(record)
    else:
        _say_why(record)


async def _explain(path: Path | None, who: str) -> dict[str, object]:
    async with opened(path) as books:
        return await explained(books.house, who, utc_now())


def _say_why(record: Mapping[str, object]) -> None:
    line(f"{record['subscriber']}: {record['state']}")
    line(str(record["reason"]))
    line(f"owed: {_service(record['owed'])}")
    for row in _listed(record["applied"]):
        since = f" since {row['at']}" if row["at"] else ""
        line(f"on {row['device']}: {_service(row)} ({row['state']}{since})")
    if record["leaking_since"]:
        line(f"LEAKING since {record['leaking_since']}: suspended, and passes traffic all the same")
    for hold in _listed(record["holds"]):
        until = f" until {hold['until']}" if hold["until"] else ""
        note = f": {hold['note']}" if hold["note"] else ""
        by = f"by {hold['author']} at {hold['opened_at']}"
        line(f"hold {hold['reason']} ({hold['clause']}), {by}{until}{note}")
    _say_contract(record["contract"], record["policy"])
    figures = record["figures"]
    if isinstance(figures, dict):
        used, of = _size(figures["counted_bytes"]), _size(figures["allowance_bytes"])
        line(f"used {used} of {of} in {figures['period']}")
        if "balance_bytes" in figures:
            line(f"balance {_size(max(0, figures['balance_bytes']))}")
    for row in _listed(record["readings"]):
        counters = f"down {row['down_bytes']}, up {row['up_bytes']}"
        line(f"last read: {row['device']} {row['meter']} at {row['at']}: {counters}")
    for row in _listed(record["undelivered"]):
        why = row["bounce_diagnostic"] or row["problem"] or "no reason was given"
        line(f"not told: {row['notice']} of {row['decided_at']} {row['state']}: {why}")
    for sentence in _listed(record["what_would_change"]):
        line(f"- {sentence}")


def _say_contract(contract: object, policy: object) -> None:
    if not isinstance(contract, dict) or not isinstance(policy, dict):
        return
    since, free = contract["activated_on"], contract["minimum_term_ends_on"]
    words = [f"contract {contract['state']}"]
    words += [] if since is None else [f"since {since}", f"minimum term until {free}"]
    words += [] if contract["ends_at"] is None else [f"ends {contract['ends_at']}"]
    words += [f"{', '.join(contract['equipment'])} is out"] if contract["equipment"] else []
    line(f"{', '.join(words)}; terms {policy['name']}, version {policy['version']}")


def _service(record: object) -> str:
    if not isinstance(record, dict):
        return ""
    rates = [
        f"{name} {rate_text(record[f'{name}_bps'])}"
        for name in ("down", "up")
        if record[f"{name}_bps"]
    ]
    state = "suspended" if record["suspended"] else "in service"
    return ", ".join([record["product"], state, *rates])


def events(
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on as they happen, until stopped.")
    ] = False,
    since: Annotated[
        int, typer.Option("--since", metavar="ID", min=0, help="Only those after this one.")
    ] = 0,
    subscriber: Annotated[
        str | None, typer.Option("--subscriber", metavar="S", show_default=False)
    ] = None,
    json: Json = False,
    config: ConfigFile = None,
) -> None:
    """Show the audit trail: what changed, when, by whom, why."""
    wait(_events(config, since, subscriber, follow=follow, json=json))


async def _events(
    path: Path | None, after: int, who: str | None, *, follow: bool, json: bool
) -> None:
    settings = configuration.load(path)
    async with open_store(settings) as store:
        whose = None if who is None else SubscriberId(who)
        while True:
            while page := await store.trail.events(after=after, limit=_PAGE, subscriber=whose):
                for number, event in page:
                    after = number
                    _say_event(number, event, json=json)
            if not follow:
                return
            sys.stdout.flush()
            await asyncio.sleep(_FOLLOW_S)


def _say_event(number: int, event: Event, *, json: bool) -> None:
    if json:
        as_json(event_record(event, id_=number), at_once=True)
        return
    whose = event.subscriber or event.device or "-"
    line(f"{number}  {rfc3339(event.at)}  {event.kind}  {whose}  {event.author}  {event.text}")


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _size(count: object) -> str:
    return size_text(count) if isinstance(count, int) else "unlimited"
