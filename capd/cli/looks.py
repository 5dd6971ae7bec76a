"""What can be looked at: a subscriber's why, the lists, the audit trail, the profiles."""

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from capd import config as configuration
from capd.account.report import seconds, usage_record
from capd.cli.books import Books, open_store, opened, wait
from capd.cli.options import ConfigFile, Json, Subscriber
from capd.cli.output import as_json, line, table
from capd.cli.usage import about
from capd.cli.usage import state as state_of
from capd.clock import utc_now
from capd.decide.case import allowance_with
from capd.decide.explain import explain as explained
from capd.decide.judge import judge
from capd.decide.standing import apply
from capd.errors import ConfigError
from capd.lines import event_record
from capd.model import Device, Event, MeterKey, MeterState, Standing, SubscriberId
from capd.strict import did_you_mean
from capd.units import rate_text, rfc3339, size_text

STATES = ("active", "restricted", "suspended")
_PAGE = 1000
_FOLLOW_S = 0.5


def subscribers(
    state: Annotated[
        str | None,
        typer.Option(
            "--state", metavar="S", help="active, restricted or suspended.", show_default=False
        ),
    ] = None,
    json: Json = False,
    config: ConfigFile = None,
) -> None:
    """List the subscribers: product, usage of the running period, holds."""
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


async def _subscribers(path: Path | None, wanted: str | None) -> list[dict[str, object]]:
    async with opened(path) as books:
        people = books.store.people
        standings = await people.standings(
            await people.ids(), utc_now(), books.house.zone, books.house.policy.window_months
        )
        records = [_subscriber(books, standing) for standing in standings]
    return [record for record in records if wanted in (None, record["state"])]


def _subscriber(books: Books, standing: Standing) -> dict[str, object]:
    who, product = standing.subscriber, standing.product
    usage = usage_record(standing.usage, product.counts, allowance_with(standing, product))
    usage |= about(standing, usage, books.house.policy)
    return {
        "id": who.id,
        "name": who.name,
        "email": who.email,
        "product": product.id,
        "sector": who.sector,
        "cycle_day": who.cycle_day,
        **{key: value for key, value in usage.items() if key not in ("kind", "subscriber")},
    }


def devices(json: Json = False, config: ConfigFile = None) -> None:
    """List the devices: where they are, whom they serve, when they were last read."""
    records = wait(_devices(config))
    if json:
        as_json(records)
        return
    table(
        ("id", "profile", "address", "subscribers", "last reading", "serial", "mac"),
        [
            (
                str(record["id"]),
                str(record["profile"]),
                str(record["address"] or ""),
                ", ".join(_listed(record["subscribers"])),
                str(record["last_reading_at"] or "never"),
                str(record["serial"] or ""),
                str(record["mac"] or ""),
            )
            for record in records
        ],
        empty="No devices.",
    )


async def _devices(path: Path | None) -> list[dict[str, object]]:
    async with opened(path) as books:
        found = await books.store.people.devices()
        states = await books.store.ledger.states(await books.store.people.meter_homes())
    return [_device(device, states) for device in found.values()]


def _device(device: Device, states: Mapping[MeterKey, MeterState]) -> dict[str, object]:
    keys = [MeterKey(device.id, meter.id) for meter in device.meters]
    read = [states[key].last.at for key in keys if key in states]
    return {
        "id": device.id,
        "profile": device.profile,
        "address": device.address,
        "serial": device.serial,
        "mac": device.mac,
        "mqtt_name": device.mqtt_name,
        "subscribers": list(dict.fromkeys(meter.subscriber for meter in device.meters)),
        "meters": [meter.id for meter in device.meters],
        "last_reading_at": rfc3339(max(read)) if read else None,
    }


def explain(subscriber: Subscriber, json: Json = False, config: ConfigFile = None) -> None:
    """Show what is owed and what is applied, why, by whom, and what would change it."""
    record = wait(_explain(config, subscriber))
    if json:
        as_json(record)
    else:
        _say_why(record)


async def _explain(path: Path | None, who: str) -> dict[str, object]:
    async with opened(path) as books:
        house, now = books.house, utc_now()
        standing = await books.standing(who, now)
        catalogue = await books.store.people.products()
        verdict = judge(
            standing, catalogue, house.policy, now, currency=house.currency, zone=house.zone
        )
        after = apply(standing, verdict.events, catalogue)
        applied = await books.store.orders.applied(standing.subscriber.id)
        record = explained(after, verdict, applied, catalogue, house.policy, zone=house.zone)
        record["state"] = state_of(after, house.policy)
        figures = record["figures"]
        if isinstance(figures, dict):
            figures["unknown_s"] = seconds(after.usage.unknown_us)
        record["readings"] = await _readings(books, standing)
        return record


async def _readings(books: Books, standing: Standing) -> list[dict[str, object]]:
    """Return the last reading of each of the subscriber's meters: the figures' evidence."""
    homes = await books.store.people.meter_homes()
    mine = [key for key, home in homes.items() if home.subscriber == standing.subscriber.id]
    states = await books.store.ledger.states(mine)
    return [
        {
            "device": key.device,
            "meter": key.meter,
            "role": homes[key].role.value,
            "at": rfc3339(found.last.at),
            "down_bytes": found.last.down_bytes,
            "up_bytes": found.last.up_bytes,
        }
        for key, found in sorted(states.items())
    ]


def _say_why(record: Mapping[str, object]) -> None:
    line(f"{record['subscriber']}: {record['state']}")
    line(str(record["reason"]))
    line(f"owed: {_service(record['owed'])}")
    for row in _listed(record["applied"]):
        since = f" since {row['at']}" if row["at"] else ""
        line(f"on {row['device']}: {_service(row)} ({row['state']}{since})")
    for hold in _listed(record["holds"]):
        until = f" until {hold['until']}" if hold["until"] else ""
        note = f": {hold['note']}" if hold["note"] else ""
        by = f"by {hold['author']} at {hold['opened_at']}"
        line(f"hold {hold['reason']} ({hold['clause']}), {by}{until}{note}")
    figures = record["figures"]
    if isinstance(figures, dict):
        used, of = _size(figures["counted_bytes"]), _size(figures["allowance_bytes"])
        line(f"used {used} of {of} in {figures['period']}")
    for row in _listed(record["readings"]):
        counters = f"down {row['down_bytes']}, up {row['up_bytes']}"
        line(f"last read: {row['device']} {row['meter']} at {row['at']}: {counters}")
    for sentence in _listed(record["what_would_change"]):
        line(f"- {sentence}")


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
