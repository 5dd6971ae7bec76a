"""`capd usage`: the ledger's figures of one subscriber and period."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from capd.account.history import By, Row
from capd.account.periods import period_named
from capd.account.report import seconds, usage_record
from capd.cli.books import Books, opened, wait
from capd.cli.options import ConfigFile, Json, Subscriber
from capd.cli.output import as_json, line, table
from capd.cli.plot import Usages, plot
from capd.clock import utc_now
from capd.decide import holds
from capd.decide.case import allowance_with
from capd.decide.policy import Policy
from capd.errors import CannotBeDone, ConfigError
from capd.model import Counts, Event, Hold, Product, ProductId, Standing, Usage
from capd.units import rfc3339, size_text

_PAGE = 1000


def usage(  # noqa: PLR0917 - typer makes options of them
    subscriber: Subscriber,
    period: Annotated[
        str | None,
        typer.Option(
            "--period", metavar="2026-11", help="Else the running one.", show_default=False
        ),
    ] = None,
    by: Annotated[
        By | None, typer.Option("--by", help="Parts, in local time.", show_default=False)
    ] = None,
    drawn: Annotated[
        bool, typer.Option("--plot", help="Draw it; by day, unless --by says otherwise.")
    ] = False,
    json: Json = False,
    config: ConfigFile = None,
) -> None:
    """Show what a subscriber used in a billing period.

    The state is `suspended` while a hold keeps service off, `restricted` while one limits its
    rates, else `active`.
    """
    if drawn and json:
        raise ConfigError("capd usage: --plot draws and --json does not: one of them")
    by = by or ("day" if drawn else None)
    record, usages = wait(_usage(config, subscriber, period, by))
    if json:
        as_json(record)
        return
    _say(record, parts=not drawn)
    if usages is not None and drawn:
        plot(usages)


async def _usage(
    path: Path | None, who: str, name: str | None, by: By | None
) -> tuple[dict[str, object], Usages | None]:
    async with opened(path) as books:
        now = utc_now()
        standing = await books.standing(who, now)
        at = now if name is None else _start(books, standing, name)
        if at > now:
            raise CannotBeDone(f"{who}: the period {name} has not begun")
        asked = standing if name is None else await books.standing(who, at)
        product = await _product_then(books, asked, ended=asked.period.end <= now)
        allowance = allowance_with(asked, product)
        record = usage_record(asked.usage, product.counts, allowance)
        record |= about(standing, record, books.house.policy)
        if by is None:
            return record, None
        zone, period = books.house.zone, asked.usage.period
        rows = await books.store.history.by_time(asked.usage.subscriber, period, by, zone)
        record["parts"] = _parts(asked.usage, product.counts, rows)
        return record, Usages(
            rows=rows, by=by, zone=zone, counts=product.counts, allowance_bytes=allowance
        )


def _start(books: Books, standing: Standing, name: str) -> datetime:
    try:
        return period_named(name, standing.subscriber.cycle_day, books.house.zone).start
    except ValueError as exc:
        raise ConfigError(f"--period: {exc}") from None


async def _product_then(books: Books, asked: Standing, *, ended: bool) -> Product:
    """Return the product that counted in the period: the one before the first later change."""
    if not ended:
        return asked.product
    later = await _first_change_after(books, asked)
    catalogue = await books.store.people.products()
    name = None if later is None else later.figures.get("from")
    return catalogue.get(ProductId(str(name)), asked.product)


async def _first_change_after(books: Books, asked: Standing) -> Event | None:
    after = 0
    while page := await books.store.trail.events(
        after=after, limit=_PAGE, subscriber=asked.subscriber.id
    ):
        for number, event in page:
            after = number
            if event.kind == "plan_changed" and event.at >= asked.period.end:
                return event
    return None


def about(standing: Standing, record: dict[str, object], policy: Policy) -> dict[str, object]:
    """Return what stands beside a usage record: what remains, the state, the open holds."""
    allowance, counted = record["allowance_bytes"], record["counted_bytes"]
    remaining = None
    if isinstance(allowance, int) and isinstance(counted, int):
        remaining = max(0, allowance - counted)
    return {
        "remaining_bytes": remaining,
        "state": state(standing, policy),
        "holds": [hold_record(hold) for hold in standing.holds],
    }


def state(standing: Standing, policy: Policy) -> str:
    """Return "suspended", "restricted" (a hold limits the rates) or "active"."""
    if holds.blocking(standing.holds, policy):
        return "suspended"
    return "restricted" if standing.holds else "active"


def hold_record(hold: Hold) -> dict[str, object]:
    """Return an open hold as JSON wants it."""
    return {
        "reason": hold.reason.value,
        "clause": hold.clause,
        "opened_at": rfc3339(hold.opened_at),
        "until": None if hold.until is None else rfc3339(hold.until),
        "author": hold.author,
        "note": hold.note,
        "text": hold.text,
    }


def _parts(whole: Usage, counts: Counts, rows: Sequence[Row]) -> list[dict[str, object]]:
    return [
        {
            "start": rfc3339(start),
            "end": rfc3339(end),
            "down_bytes": down,
            "up_bytes": up,
            "counted_bytes": Usage(
                subscriber=whole.subscriber, period=whole.period, down_bytes=down, up_bytes=up
            ).counted(counts),
            "estimated_bytes": estimated,
            "unknown_s": seconds(unknown_us),
        }
        for start, end, down, up, estimated, unknown_us in rows
    ]


def _say(record: dict[str, object], *, parts: bool) -> None:
    line(f"{record['subscriber']}, period {record['period']}: {record['state']}")
    line(f"from {record['start']} to {record['end']}")
    for name, key in (
        ("down", "down_bytes"), ("up", "up_bytes"), ("counted", "counted_bytes"),
        ("allowance", "allowance_bytes"), ("remaining", "remaining_bytes"),
        ("estimated", "estimated_bytes"),
    ):  # fmt: skip
        line(f"{name:<10} {_size(record[key])}")
    line(f"{'unknown':<10} {record['unknown_s']} s")
    told = record["holds"]
    for hold in told if isinstance(told, list) else ():
        line(f"hold: {hold['reason']}: {hold['text']}")
    shown = record.get("parts")
    if isinstance(shown, list) and parts:
        table(
            ("from", "down", "up", "counted"),
            [
                (part["start"], *(_size(part[f"{k}_bytes"]) for k in ("down", "up", "counted")))
                for part in shown
            ],
            empty="Nothing was counted.",
        )


def _size(count: object) -> str:
    return size_text(count) if isinstance(count, int) else "unlimited"
