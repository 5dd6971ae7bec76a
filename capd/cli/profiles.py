"""`capd profiles`: the families of devices that are known, and whether their files hold."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from capd import config as configuration
from capd import profiles as families
from capd.cli.options import ConfigFile, Json
from capd.cli.output import as_json, line, table
from capd.errors import CannotBeDone, ConfigError
from capd.polled import SnmpCollect
from capd.profiles import Profile
from capd.strict import did_you_mean

app = typer.Typer(help="The device profiles: what capd knows how to read and to configure.")


@app.callback(invoke_without_command=True)
def profiles(ctx: typer.Context, json: Json = False, config: ConfigFile = None) -> None:
    """List the device profiles."""
    if ctx.invoked_subcommand is not None:
        return
    found = families.load_all(_own(config))
    if json:
        as_json([_record(profile) for profile in found.values()])
        return
    table(
        ("name", "read over", "configured", "unverified", "title"),
        [
            (
                profile.name,
                ", ".join(_ways(profile)),
                "yes" if profile.enforce else "elsewhere" if profile.enforce_elsewhere else "no",
                str(len(profile.unverified) or ""),
                profile.title,
            )
            for profile in found.values()
        ],
        empty="No profiles.",
    )


@app.command()
def check(json: Json = False, config: ConfigFile = None) -> None:
    """Read every profile strictly; tell every mistake of every file."""
    found = families.load_all(_own(config))
    if json:
        as_json({"ok": True, "profiles": sorted(found)})
    else:
        line(f"{len(found)} profiles hold: {', '.join(sorted(found))}")


@app.command()
def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of a profile.")],
    json: Json = False,
    config: ConfigFile = None,
) -> None:
    """Say all that is known of one family: how it is told, read, configured; what is not sure."""
    found = families.load_all(_own(config))
    if name not in found:
        problem = f"there is no profile {name!r}.{did_you_mean(name, found)}"
        raise CannotBeDone(problem.removesuffix("."))
    profile = found[name]
    if json:
        whole = profile.model_dump(mode="json", exclude_defaults=True, exclude={"enforce"})
        as_json(_record(profile) | whole)
        return
    for text in _told(profile):
        line(text)


def _told(profile: Profile) -> Iterator[str]:
    yield f"{profile.name}: {profile.title}"
    yield from profile.notes.strip().splitlines()
    for way in profile.recognise:
        signs = way.model_dump(exclude_defaults=True, exclude={"priority"})
        told = ", ".join(f"{key} {_plain(value)}" for key, value in signs.items())
        yield f"recognised by ({way.priority}): {told}"
    if profile.snmp is not None:
        yield from _told_snmp(profile.snmp)
    if profile.mqtt is not None:
        yield f"heard over MQTT: {profile.mqtt.format}, topic {profile.mqtt.topic}"
    for key, setting in profile.settings.items():
        wanted = "must be given" if setting.default is None else f"else {setting.default!r}"
        yield f"setting {key}: {setting.help} ({wanted})"
    if profile.enforce is not None:
        yield f"configured over SSH (Netmiko {profile.enforce.netmiko})"
    else:
        yield f"not configured: {profile.enforce_elsewhere or 'count only'}"
    for each in profile.unverified:
        yield f"not seen on real hardware: {each}"


def _told_snmp(snmp: SnmpCollect) -> Iterator[str]:
    bulk = "GETBULK" if snmp.bulk else "no GETBULK"
    versions = ", ".join(snmp.versions)
    yield f"asked over SNMP {versions} ({bulk}, at most {snmp.max_oids} OIDs at once)"
    for uptime in snmp.uptimes:
        yield f"uptime of the {uptime.since}: {uptime.oid}"
    ports, narrow = snmp.interfaces, " or 32" if snmp.interfaces.narrow else ""
    yield f"interfaces: {ports.in_bytes}, {ports.out_bytes}: {ports.counter_bits}{narrow} bits"
    for name, table_ in snmp.tables.items():
        by = "MAC" if table_.by_mac else "name"
        what = "no bytes"
        if table_.in_bytes:
            bits = f"{table_.counter_bits} bits of {table_.unit_bytes} bytes"
            what = f"{', '.join(table_.in_bytes)} in, {', '.join(table_.out_bytes)} out, {bits}"
            what += f", {table_.down} is down"
        yield f"table {name} ({table_.title}), by {by}: {what}"
        if table_.needs:
            yield f"  {table_.needs}"
    if snmp.health:
        yield f"health: {', '.join(snmp.health)}"
    if snmp.firmware_minimum:
        yield f"firmware at least {snmp.firmware_minimum}"


def _plain(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple | list) else repr(value)


def _own(config: Path | None) -> Path | None:
    """Return the operator's own folder, where there is a configuration that names one."""
    try:
        file = configuration.find(config)
    except ConfigError:
        return None
    own = configuration.load(file).device_profiles
    return None if own is None else Path(own)


def _ways(profile: Profile) -> list[str]:
    return [way for way in ("snmp", "mqtt") if getattr(profile, way) is not None]


def _record(profile: Profile) -> dict[str, object]:
    return {
        "name": profile.name,
        "title": profile.title,
        "read_over": _ways(profile),
        "configured": profile.enforce is not None,
        "configured_elsewhere": profile.enforce_elsewhere,
        "settings": {
            name: {"help": setting.help, "default": setting.default}
            for name, setting in profile.settings.items()
        },
        "unverified": list(profile.unverified),
    }
