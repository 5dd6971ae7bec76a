"""`capd discover`: what answers in a range of addresses, what it is, and what of it is new."""

import json
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from ipaddress import ip_network
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from capd.cli.books import open_store, wait
from capd.cli.device import settings_of
from capd.cli.options import ConfigFile, Json
from capd.cli.output import as_json, line, table
from capd.collect.discover import Found, Key, Manner, compared
from capd.collect.discover import discover as look
from capd.collect.snmp_gufo import GufoEngine
from capd.config import Config
from capd.errors import CannotBeDone, ConfigError, StoreError
from capd.model import Device, DeviceId, Secret, SnmpAccess
from capd.network import unlocked
from capd.opening import profiles_of
from capd.profiles import Profile

_UNASKED, _MOST = 4096, 1 << 20
_LARGEST_PORT = 65_535
_VERSIONS = ("2c", "1")  # some radios speak the older alone
_HIDDEN = "env:SNMP_"
_PUBLIC = "public"  # a community that is no secret


def discover(
    networks: Annotated[
        list[str], typer.Argument(metavar="CIDR...", help="Such as 10.9.0.0/24; or one address.")
    ],
    *,
    community: Annotated[
        list[str] | None,
        typer.Option("--community", help="Also env:NAME or file:PATH; may be given several times."),
    ] = None,
    from_config: Annotated[
        bool, typer.Option("--from-config", help="Try what the inventory's devices are read with.")
    ] = False,
    port: Annotated[int, typer.Option("--port", min=1, max=_LARGEST_PORT)] = 161,
    timeout: Annotated[float, typer.Option("--timeout", metavar="S", min=0.05)] = 1.0,
    at_once: Annotated[int, typer.Option("--at-once", min=1, max=500)] = 32,
    rate: Annotated[
        float, typer.Option("--rate", min=0.1, help="Addresses a second, at most.")
    ] = 50.0,
    yes: Annotated[bool, typer.Option("--yes", help=f"More than {_UNASKED} addresses.")] = False,
    toml: Annotated[
        bool, typer.Option("--toml", help="Print what is new as an inventory, to be imported.")
    ] = False,
    as_inventory: Annotated[bool, typer.Option("--inventory", help="The same in JSON.")] = False,
    json: Json = False,
    config: ConfigFile = None,
) -> None:
    """Look through a range of addresses: what answers SNMP, what it is, what of it is new."""
    addresses = _addresses(networks, yes=yes)
    asked = _Asked(communities=community or [], from_config=from_config, port=port)
    manner = Manner(at_once=at_once, a_second=rate)
    settings = settings_of(config)
    keys, found = wait(_discover(settings, addresses, asked, manner, timeout))
    profiles = profiles_of(settings)
    if json:
        as_json([_record(each) for each in found])
    elif toml or as_inventory:
        _say_inventory(found, keys, profiles, toml=toml)
    else:
        _say(found, len(addresses))


class _Asked:
    """With what to ask."""

    def __init__(self, *, communities: Sequence[str], from_config: bool, port: int) -> None:
        self.communities = communities
        self.from_config = from_config
        self.port = port

    def keys(self, devices: Sequence[Device]) -> list[SnmpAccess]:
        """Return what to try, secrets as they were written."""
        given = list(self.communities)
        if not given and not self.from_config:
            given = [_PUBLIC]
        ways = [
            SnmpAccess(version=version, community=Secret(each), port=self.port)
            for each in given
            for version in _VERSIONS
        ]
        if self.from_config:
            written = (device.snmp for device in devices if device.snmp is not None)
            ways += [replace(access, port=self.port) for access in written]
        return list(dict.fromkeys(ways))


async def _discover(
    settings: Config, addresses: Sequence[str], asked: _Asked, manner: Manner, timeout_s: float
) -> tuple[list[SnmpAccess], list[Found]]:
    devices = await _inventory(settings, needed=asked.from_config)
    written = asked.keys(devices)
    if not written:
        raise CannotBeDone("--from-config: no device of the inventory is read over SNMP")
    keys = [Key(_opened(access), nth) for nth, access in enumerate(written)]
    engine = GufoEngine(timeout_s=timeout_s, retries=0, sessions=manner.at_once)
    console = Console(stderr=True)
    try:
        with Progress(console=console, transient=True, disable=not sys.stderr.isatty()) as bar:
            task = bar.add_task("looking", total=len(addresses))
            found = await look(
                addresses,
                keys,
                engine,
                profiles_of(settings),
                manner=manner,
                step=lambda: bar.advance(task),
            )
    finally:
        await engine.close()
    return written, compared(found, devices)


def _opened(access: SnmpAccess) -> SnmpAccess:
    device = unlocked(Device(id=DeviceId("-"), profile="", snmp=access))
    return device.snmp or access


def _addresses(networks: Sequence[str], *, yes: bool) -> list[str]:
    problems: list[str] = []
    found: dict[str, None] = {}
    count = 0
    for text in networks:
        try:
            network = ip_network(text, strict=False)
        except ValueError:
            problems.append(f"{text!r} is no network such as 10.9.0.0/24, and no address")
            continue
        count += network.num_addresses
        if count <= _MOST:
            found |= dict.fromkeys(str(host) for host in network.hosts())
    if problems:
        raise ConfigError(*problems)
    if count > _MOST:
        raise CannotBeDone(f"{count} addresses are more than anybody wants to wait for")
    if count > _UNASKED and not yes:
        raise CannotBeDone(f"{count} addresses are many: say --yes if you mean it")
    return list(found)


async def _inventory(settings: Config, *, needed: bool) -> list[Device]:
    if settings.source is None:
        if needed:
            raise CannotBeDone("--from-config: there is no configuration")
        return []
    try:
        async with open_store(settings) as store:
            return list((await store.people.devices()).values())
    except (CannotBeDone, StoreError):
        if needed:
            raise
        return []


def _record(found: Found) -> dict[str, object]:
    who = found.who
    return {
        "address": found.address,
        "profile": found.profile,
        "title": found.title,
        "sys_name": who.sys_name if who else None,
        "sys_descr": who.sys_descr if who else None,
        "sys_object_id": who.sys_object_id if who else None,
        "serial": found.serial,
        "mac": found.mac,
        "model": found.model,
        "firmware": found.firmware,
        "snmp_version": found.key.access.version,
        "new": found.is_new,
        "device": found.device,
        "inventory_address": found.elsewhere,
        "problem": found.problem,
    }


def _say(found: Sequence[Found], looked_at: int) -> None:
    table(
        ("address", "what", "name", "model", "serial", "mac", "firmware", "inventory"),
        [
            (
                each.address,
                each.profile or each.problem or "not known",
                each.who.sys_name if each.who else "",
                each.model or "",
                each.serial or "",
                each.mac or "",
                each.firmware or "",
                _standing(each),
            )
            for each in found
        ],
        empty="",
    )
    new = sum(each.is_new for each in found)
    line(f"{looked_at} addresses: {len(found)} answer, {new} of them new")


def _standing(found: Found) -> str:
    if found.device is None:
        return "new"
    return f"{found.device} (at {found.elsewhere} there)" if found.elsewhere else found.device


def _say_inventory(
    found: Sequence[Found],
    written: Sequence[SnmpAccess],
    profiles: dict[str, Profile],
    *,
    toml: bool,
) -> None:
    new = [each for each in found if each.is_new and each.profile]
    rows = [_row(each, written[each.key.nth]) for each in new]
    taken: set[object] = set()
    for row, each in zip(rows, new, strict=True):
        if row["id"] in taken:
            row["id"] = _plain(each.address)
        taken.add(row["id"])
    if toml:
        if any(_HIDDEN in json.dumps(row) for row in rows):
            line(f"# {_HIDDEN} … stands for a secret: set the variable, or write it in its place")
        for row in rows:
            for text in _toml(row, profiles):
                line(text)
    else:
        as_json({"devices": rows})


def _row(found: Found, written: SnmpAccess) -> dict[str, object]:
    name = found.who.sys_name if found.who else ""
    row: dict[str, object] = {
        "id": _plain(name) or _plain(found.address),
        "profile": found.profile,
        "address": found.address,
        "serial": found.serial,
        "mac": found.mac,
        "snmp": _snmp(written),
    }
    return {key: value for key, value in row.items() if value}


def _snmp(written: SnmpAccess) -> dict[str, object]:
    """Return *written* as an inventory has it: references as they are, literals by their place."""
    row: dict[str, object] = {"version": written.version, "port": written.port}
    for key in ("user", "auth", "priv"):
        row[key] = getattr(written, key)
    for key in ("community", "auth_key", "priv_key"):
        secret: Secret | None = getattr(written, key)
        if secret is not None:
            text = secret.reveal()
            shown = text.startswith(("env:", "file:")) or text == _PUBLIC
            row[key] = text if shown else f"{_HIDDEN}{key.upper()}"
    return {key: value for key, value in row.items() if value is not None}


def _plain(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-").lower()


def _toml(row: dict[str, object], profiles: dict[str, Profile]) -> Iterator[str]:
    yield "[[devices]]"
    for key, value in row.items():
        if isinstance(value, dict):
            inner = ", ".join(f"{name} = {json.dumps(each)}" for name, each in value.items())
            yield f"{key} = {{ {inner} }}"
        else:
            yield f"{key} = {json.dumps(value)}"
    profile = profiles[str(row["profile"])]
    needed = [(name, each) for name, each in profile.settings.items() if each.default is None]
    for name, setting in needed:
        yield f'# settings.{name} = ""   # must be given: {setting.help}'
    yield ""
