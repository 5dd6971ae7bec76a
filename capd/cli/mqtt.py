"""`capd mqtt sniff`: what is published, and what capd makes of it."""

import asyncio
import logging
import re
import sys
from contextlib import aclosing, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from capd import config as configuration
from capd.cli.books import open_store, wait
from capd.cli.options import ConfigFile, Json
from capd.cli.output import as_json, line, problem
from capd.clock import utc_now
from capd.collect.sniff import Sniffed, Sniffer, sniff
from capd.config import Config
from capd.errors import CannotBeDone, ConfigError
from capd.model import Device
from capd.network import network
from capd.opening import profiles_of
from capd.units import rfc3339

_FILTER = re.compile(r"(?:(?:[^+#\0/]*|\+)/)*(?:[^+#\0/]*|\+|#)(?<!^)", re.DOTALL)  # MQTT 5, 4.7

app = typer.Typer(help="What devices publish.", no_args_is_help=True)


@app.callback()
def _mqtt() -> None:
    """Look at what devices publish."""


@app.command("sniff")
def sniff_(
    topic: Annotated[
        str | None,
        typer.Option(
            "--topic", metavar="FILTER", help="Else all that the inventory's devices publish."
        ),
    ] = None,
    seconds: Annotated[
        float | None,
        typer.Option(
            "--seconds", metavar="S", min=0.1, help="Else until Ctrl-C.", show_default=False
        ),
    ] = None,
    json: Json = False,
    config: ConfigFile = None,
) -> None:
    """Show live what each message decodes to, or why it is refused; the daemon is not disturbed."""
    if topic is not None and not _FILTER.fullmatch(topic):
        raise ConfigError(f"--topic: wants a filter such as collectd/+/#, not {topic!r}")
    logging.getLogger("capd.collect").setLevel(logging.CRITICAL)  # it is all said here
    wait(_sniff(config, topic, seconds, json=json))


async def _sniff(
    path: Path | None, topic: str | None, seconds: float | None, *, json: bool
) -> None:
    settings = configuration.load(path)
    if settings.collect.mqtt.url is None:
        raise ConfigError(f"{settings.source}: collect.mqtt.url is missing: which broker?")
    known = profiles_of(settings)
    heard = network(await _devices(settings), known, broker=True).heard
    sniffer = Sniffer(heard, known)
    for each in sniffer.topics.problems:
        problem(each)
    filters = {topic} if topic is not None else sniffer.topics.filters or {"#"}
    count = 0
    with suppress(TimeoutError):
        async with (
            asyncio.timeout(seconds),
            aclosing(sniff(settings.collect.mqtt, sniffer, filters, utc_now)) as stream,
        ):
            async for sniffed in stream:
                count += 1
                _show(sniffed, json=json)
    if not count:
        raise CannotBeDone(f"nothing was published to {', '.join(sorted(filters))}")


async def _devices(settings: Config) -> list[Device]:
    """Return the devices in the store; none where there is no store yet."""
    try:
        async with open_store(settings) as store:
            return list((await store.people.devices()).values())
    except CannotBeDone as exc:
        problem(f"{exc}; until then every topic is unknown")
        return []


def _show(sniffed: Sniffed, *, json: bool) -> None:
    if json:
        as_json(asdict(sniffed) | {"at": rfc3339(sniffed.at)}, at_once=True)
        return
    line(f"{sniffed.at:%H:%M:%S}  {sniffed.topic}  {_sentence(sniffed)}")
    sys.stdout.flush()


def _sentence(sniffed: Sniffed) -> str:
    old = " (retained: a baseline at most)" if sniffed.retained else ""
    if sniffed.reason is not None:
        return f"REFUSED ({sniffed.reason}): {sniffed.text}{old}"
    up = "" if sniffed.uptime_s is None else f", up for {sniffed.uptime_s:.0f} s"
    if sniffed.meter is None:
        return f"{sniffed.device}: {sniffed.text}{up}{old}"
    age = "no time of its own" if sniffed.age_s is None else f"{sniffed.age_s:.1f} s old"
    note = "" if sniffed.text is None else f"; {sniffed.text}"
    counters = f"down {sniffed.down_bytes}, up {sniffed.up_bytes} bytes"
    return f"{sniffed.device} {sniffed.meter}: {counters}, {age}{up}{note}{old}"
