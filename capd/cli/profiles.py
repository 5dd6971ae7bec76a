"""`capd profiles`: the families of devices that are known, and whether their files hold."""

from pathlib import Path

import typer

from capd import config as configuration
from capd import profiles as families
from capd.cli.options import ConfigFile, Json
from capd.cli.output import as_json, line, table
from capd.errors import ConfigError
from capd.profiles import Profile

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
