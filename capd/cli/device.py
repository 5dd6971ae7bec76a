"""`capd device probe`: what is at an address, and what capd could do with it."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Literal

import typer

from capd import config as configuration
from capd import inventory
from capd.cli.books import open_store, wait
from capd.cli.options import ConfigFile, Json
from capd.cli.output import as_json, line, table
from capd.cli.readiness import lacking
from capd.collect.probe import Probe
from capd.collect.probe import probe as look
from capd.config import Config
from capd.errors import CannotBeDone, ConfigError, DeviceError, StoreError
from capd.model import Device, Secret, SnmpAccess
from capd.network import unlocked
from capd.opening import profiles_of
from capd.parts import engine_of
from capd.units import rate_text

app = typer.Typer(help="Devices in the field.", no_args_is_help=True)

_LARGEST_PORT = 65_535
_SOME = 5


@app.callback()
def _device() -> None:
    """Look at devices in the field."""


@app.command()
def probe(
    address: Annotated[
        str, typer.Argument(metavar="ADDRESS", help="IP address or name, or a device's id.")
    ],
    *,
    profile: Annotated[
        str | None, typer.Option("--profile", metavar="P", help="Else recognised.")
    ] = None,
    community: Annotated[
        str | None,
        typer.Option("--community", help="Also env:NAME or file:PATH; else the device's, public."),
    ] = None,
    version: Annotated[
        Literal["1", "2c", "3"] | None, typer.Option("--snmp-version", show_default=False)
    ] = None,
    port: Annotated[
        int | None, typer.Option("--port", min=1, max=_LARGEST_PORT, show_default=False)
    ] = None,
    json: Json = False,
    config: ConfigFile = None,
) -> None:
    """Recognise a device, read its counters and health, say what capd could do with it.

    The credentials are those of the inventory where the device is in it; then it is logged in to as
    well, to see whether it would take a suspension. Nothing is changed.
    """
    asked = SnmpAccess(
        version=version or "2c",
        port=port or 161,
        community=None if community is None else inventory.resolve(Secret(community)),
    )
    found = wait(_probe(address, asked, profile, config, given=(community, version, port)))
    if json:
        as_json(asdict(found))
    else:
        _say(found)


async def _probe(
    address: str,
    asked: SnmpAccess,
    profile: str | None,
    path: Path | None,
    *,
    given: tuple[object, ...],
) -> Probe:
    settings = settings_of(path)
    known, lack = None, None
    if settings.source is not None:
        known, lack = await _known(settings, address)
    target, access = (known.address or address, known.snmp) if known else (address, None)
    access = access if access is not None and not any(given) else asked
    guess = access is asked and given[1] is None  # nobody said which version it speaks
    if access.version != "3" and access.community is None:
        access = replace(access, community=Secret("public"))
    if profile is None and known is not None and access is known.snmp:
        profile = known.profile
    engine = engine_of(settings.collect.snmp)
    try:
        found = await look(
            target, access, engine, profiles_of(settings), profile, any_version=guess
        )
    except DeviceError as exc:
        raise CannotBeDone(f"{target}: {exc}") from None
    finally:
        await engine.close()
    if lack is None:
        return found
    ready = () if lack else ("take a suspension: its login, settings and firewall are as it needs",)
    return replace(found, problems=(*found.problems, *lack), can=(*found.can, *ready))


def settings_of(path: Path | None) -> Config:
    """Return the configuration; without one a device can be looked at all the same."""
    try:
        file = configuration.find(path)
    except ConfigError:
        return Config()
    return configuration.load(file)


async def _known(settings: Config, address: str) -> tuple[Device | None, list[str] | None]:
    """Return the device of the inventory with this id or address, its credentials opened.

    With it, what stands in the way of a suspension there; None: nothing is typed into it.
    """
    try:
        async with open_store(settings) as store:
            devices = await store.people.devices()
            mine = [unlocked(d) for d in devices.values() if address in (d.id, d.address)][:1]
            lack = await lacking(settings, store, mine, profiles_of(settings))
    except (CannotBeDone, StoreError):
        return None, None
    return (mine[0], lack.get(mine[0].id)) if mine else (None, None)


def _say(found: Probe) -> None:
    named = f"{found.profile}: {found.title}" if found.profile else "no profile knows it"
    line(f"{found.address}: {named}")
    for name, value in (
        ("says", found.sys_descr),
        ("name", found.sys_name),
        ("object id", found.sys_object_id),
        ("model", found.model),
        ("serial", found.serial),
        ("mac", found.mac),
        ("firmware", found.firmware),
        ("up for", None if found.uptime_s is None else f"{found.uptime_s:.0f} s"),
        ("agent up for", None if found.agent_uptime_s is None else f"{found.agent_uptime_s:.0f} s"),
    ):
        if value:
            line(f"{name:<12}  {value}")
    for name, figure in found.health.items():
        line(f"{name:<12}  {figure if isinstance(figure, str) else format(figure, 'g')}")
    if found.ports:
        table(
            ("index", "interface", "state", "speed", "in bytes", "out bytes"),
            [
                (
                    str(port.index),
                    port.name,
                    "up" if port.up else "down",
                    rate_text(port.speed_bps) if port.speed_bps else "",
                    "" if port.in_bytes is None else str(port.in_bytes),
                    "" if port.out_bytes is None else str(port.out_bytes),
                )
                for port in found.ports
            ],
            empty="",
        )
    for shelf in found.tables:
        some = ", ".join(shelf.rows[:_SOME]) + (", …" if len(shelf.rows) > _SOME else "")
        line(f"table {shelf.name} ({shelf.title}): {some}")
        if shelf.counters:
            counted = [(one.row, str(one.down_bytes), str(one.up_bytes)) for one in shelf.counters]
            table((shelf.name, "down bytes", "up bytes"), counted, empty="")
    for problem in found.problems:
        line(f"! {problem}")
    for sentence in found.can:
        line(f"- {sentence}")
