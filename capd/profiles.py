"""device_profiles/*.toml become frozen Profiles, or every mistake in them at once.

A profile is data: how a family of devices is recognised, what is read from it, what is typed into
it. `device_profiles/README.md` explains each key to the person who adds a radio.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from capd import dialect, polled, published, strict
from capd.dialect import Enforce
from capd.errors import ConfigError
from capd.model import Device, Meter
from capd.polled import Expression, Recognise, SnmpCollect
from capd.published import MqttCollect


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Setting(_Strict):
    """A value that the profile asks of each device (or meter) in its `settings`."""

    help: str
    pattern: Expression  # the whole value must match, before it is typed anywhere
    default: str | None = None  # None: must be given
    kind: Literal["text", "addresses"] = "text"  # addresses: IPv4 and IPv6, separated by commas


class Profile(_Strict):
    """One family of devices."""

    name: str  # the file's, without .toml
    title: str
    notes: str = ""
    unverified: tuple[str, ...] = ()  # keys whose values nobody has seen on real hardware
    recognise: tuple[Recognise, ...] = ()  # one [recognise] or several [[recognise]]: any will do
    settings: dict[str, Setting] = {}
    snmp: SnmpCollect | None = None  # [collect.snmp] in the file
    mqtt: MqttCollect | None = None  # [collect.mqtt]
    enforce: Enforce | None = None  # None: count only; see enforce_elsewhere
    enforce_like: str | None = None  # the profile whose lines are typed into this family, too
    enforce_elsewhere: str | None = None  # "count only, enforce upstream on …"


class _Collect(_Strict):
    snmp: SnmpCollect | None = None
    mqtt: MqttCollect | None = None


class _File(_Strict):
    """A profile as its file is laid out."""

    title: str
    notes: str = ""
    unverified: tuple[str, ...] = ()
    recognise: tuple[Recognise, ...] = ()
    settings: dict[str, Setting] = {}
    collect: _Collect = _Collect()
    enforce: Enforce | None = None
    enforce_like: str | None = None
    enforce_elsewhere: str | None = None


def shipped() -> Path:
    """Return the folder of the profiles that come with capd."""
    package = Path(__file__).parent
    inside = package / "_device_profiles"  # an installed wheel
    return inside if inside.is_dir() else package.parent / "device_profiles"


def load_all(extra: Path | None = None) -> dict[str, Profile]:
    """Return the profiles by name: those that come with capd, and on top the ones in *extra*.

    Raises ConfigError with every mistake of every file.
    """
    loaded: dict[str, Profile] = {}
    problems: list[str] = []
    for path in _files(extra, problems):
        try:
            loaded[path.stem] = load(path)
        except ConfigError as exc:
            problems.extend(exc.problems)
    loaded |= {each.name: _like(each, loaded, problems) for each in loaded.values()}
    if problems:
        raise ConfigError(*problems)
    return loaded


def _like(profile: Profile, known: Mapping[str, Profile], problems: list[str]) -> Profile:
    """Return *profile* with the lines of the one that it enforces like."""
    if profile.enforce_like is None:
        return profile
    other = known.get(profile.enforce_like)
    where = f"profile {profile.name}: enforce_like"
    if other is None or other.enforce is None:
        guess = strict.did_you_mean(profile.enforce_like, known)
        problems.append(f"{where}: {profile.enforce_like!r} types nothing.{guess}")
        return profile
    defaults = {name: setting.default for name, setting in profile.settings.items()}
    problems += [f"{where}: {each}" for each in dialect.mistakes(other.enforce, defaults)]
    return profile.model_copy(update={"enforce": other.enforce})


def _files(extra: Path | None, problems: list[str]) -> Iterator[Path]:
    yield from sorted(shipped().glob("*.toml"))
    if extra is None:
        return
    if extra.is_dir():
        yield from sorted(extra.glob("*.toml"))
    else:
        problems.append(f"device_profiles: there is no folder {extra}")


def load(path: Path) -> Profile:
    """Return the profile in the file at *path*.

    Raises ConfigError with every mistake in it.
    """
    data = strict.read_toml(path)
    if isinstance(data.get("recognise"), dict):
        data["recognise"] = [data["recognise"]]
    file = strict.parse(_File, data, source=str(path))
    problems = [f"{path}: {line}" for line in _mistakes(file)]
    if problems:
        raise ConfigError(*problems)
    return Profile(
        name=path.stem,
        title=file.title,
        notes=file.notes,
        unverified=file.unverified,
        recognise=file.recognise,
        settings=file.settings,
        snmp=file.collect.snmp,
        mqtt=file.collect.mqtt,
        enforce=file.enforce,
        enforce_like=file.enforce_like,
        enforce_elsewhere=file.enforce_elsewhere,
    )


def _mistakes(file: _File) -> Iterator[str]:
    """Yield what types cannot see: values that do not go together."""
    for name, setting in file.settings.items():
        if setting.default is not None and not re.fullmatch(setting.pattern, setting.default):
            yield f"settings.{name}.default: {setting.default!r} does not match its own pattern"
    for signs in file.recognise:
        yield from polled.recognise_mistakes(signs)
    if file.collect.snmp:
        yield from polled.mistakes(file.collect.snmp)
    if file.enforce and file.enforce_like:
        yield "enforce_like: says nothing beside [enforce], which is typed"
    if file.enforce:
        defaults = {name: setting.default for name, setting in file.settings.items()}
        yield from dialect.mistakes(file.enforce, defaults)
    if file.collect.mqtt:
        yield from published.mistakes(file.collect.mqtt, frozenset(file.settings))


def firmware_behind(profile: Profile, firmware: str, minimum: str | None) -> str | None:
    """Return the version that *firmware* is behind: *minimum*, else the profile's; None: none.

    What is no version is behind nothing (CT-16).
    """
    snmp = profile.snmp
    wanted = minimum or (snmp.firmware_minimum if snmp is not None else None)
    found = re.search(snmp.firmware_version, firmware) if snmp is not None else None
    if wanted is None or found is None:
        return None
    version = polled.version_of(found[1] if found.re.groups else found[0])
    return wanted if version and version < polled.version_of(wanted) else None


def settings_of(profile: Profile, device: Device, meter: Meter | None = None) -> dict[str, str]:
    """Return what *profile* asks of *device*: its own settings, the meter's on top, or defaults.

    Raises ConfigError with each one that is missing, unknown or does not match its pattern.
    """
    given = {**device.settings, **(meter.settings if meter is not None else {})}
    problems = [f"device {device.id}: {line}" for line in _setting_mistakes(profile, given)]
    if problems:
        raise ConfigError(*problems)
    defaults = {n: s.default for n, s in profile.settings.items() if s.default is not None}
    return defaults | given


def _setting_mistakes(profile: Profile, given: dict[str, str]) -> Iterator[str]:
    for name in sorted(given.keys() - profile.settings.keys()):
        guess = strict.did_you_mean(name, profile.settings)
        yield f"settings.{name}: profile {profile.name} knows no such setting.{guess}"
    for name, setting in profile.settings.items():
        text = given.get(name, setting.default)
        if text is None:
            yield f"settings.{name}: must be given: {setting.help}"
        elif not re.fullmatch(setting.pattern, text):
            yield f"settings.{name}: {text!r} does not look like {setting.help}"
        elif setting.kind == "addresses":
            try:
                dialect.addresses_of(text)
            except ValueError as exc:
                yield f"settings.{name}: {exc}"
