"""`capd check`: everything is read, nothing is changed."""

import asyncio
import ssl
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from capd import config as configuration
from capd import inventory, policies, profiles
from capd.cli.books import database_file, open_store, wait
from capd.cli.options import ConfigFile, Json
from capd.cli.output import as_json, line, problem
from capd.cli.readiness import lacking
from capd.config import Config
from capd.decide.book import Book
from capd.errors import CapdError, ConfigError
from capd.model import Device, Inventory, Secret
from capd.network import unlocked
from capd.notify.samples import checked
from capd.opening import channels_of, rules_of
from capd.profiles import Profile
from capd.store import Store
from capd.strict import did_you_mean

_BROKER_S = 5.0
_PORTS = {"mqtt": 1883, "mqtts": 8883}


@dataclass(slots=True)
class Findings:
    """What a check came upon: facts by name, mistakes in files, and what is out of reach."""

    found: dict[str, str] = field(default_factory=dict)
    mistakes: list[str] = field(default_factory=list)
    unreachable: list[str] = field(default_factory=list)


def check(
    json: Json = False,
    devices: Annotated[
        bool, typer.Option("--devices", help="Log in to those that are configured over SSH, too.")
    ] = False,
    config: ConfigFile = None,
) -> None:
    """Read configuration, policy, profiles, inventory, database and broker; change nothing."""
    findings = Findings()
    wait(_check(findings, config, devices=devices))
    if json:
        as_json(
            {
                "ok": not (findings.mistakes or findings.unreachable),
                **findings.found,
                "mistakes": findings.mistakes,
                "unreachable": findings.unreachable,
            }
        )
    else:
        for name, words in findings.found.items():
            line(f"{name}: {words}")
    for each in [*findings.mistakes, *findings.unreachable]:
        problem(each)
    if findings.mistakes or findings.unreachable:
        raise typer.Exit(2 if findings.mistakes else 1)
    if not json:
        line("all is well")


async def _check(findings: Findings, path: Path | None, *, devices: bool) -> None:
    file = configuration.find(path)
    try:
        settings = configuration.load(file)
    except ConfigError as exc:
        findings.mistakes.extend(exc.problems)
        _look_at_the_rest(findings, file)
        return
    findings.found["configuration"] = str(file)
    findings.mistakes.extend(settings.problems())
    book = _policies(findings, [Path(name) for name in settings.decide.policies])
    _attempts(findings, settings, book)
    _templates(findings, settings.notify.templates)
    known = _profiles(findings, settings.device_profiles)
    told = await _store(findings, settings, known)
    if devices and known is not None and told is not None and not findings.mistakes:
        await _devices(findings, settings, known, told)
    if book is not None and told is not None:
        findings.mistakes += [f"decide.policy: {one}" for one in _families(book, told)]
    await _broker(findings, settings)
    findings.found["brake"] = (
        "paused in the configuration" if settings.decide.paused else "not set in the configuration"
    )


def _look_at_the_rest(findings: Findings, file: Path) -> None:
    """Tell the mistakes of the other files as well, as far as a broken capd.toml names them."""
    try:
        raw = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return
    decide = raw.get("decide")
    name = decide.get("policy", "policy.toml") if isinstance(decide, dict) else "policy.toml"
    names = name if isinstance(name, list) else [name]
    _policies(findings, [file.parent / one for one in names if isinstance(one, str)])
    notify = raw.get("notify")
    folder = notify.get("templates") if isinstance(notify, dict) else None
    if isinstance(folder, str):
        _templates(findings, str(file.parent / folder))
    own = raw.get("device_profiles")
    if own is None or (isinstance(own, str) and (file.parent / own).is_dir()):
        _profiles(findings, None if own is None else str(file.parent / own))


def _policies(findings: Findings, paths: list[Path]) -> Book | None:
    there = [path for path in paths if path.is_file()]  # the others are told already, by their key
    if not there:
        return None
    try:
        book = policies.book(there)
    except ConfigError as exc:
        findings.mistakes.extend(exc.problems)
        return None
    lines = (policy for line in book.lines.values() for policy in line)
    told = [f"{one.name}, version {one.version}" for one in lines]
    findings.found["policy"] = f"{', '.join(map(str, there))}: {'; '.join(told)}"
    return book


def _attempts(findings: Findings, settings: Config, book: Book | None) -> None:
    """Say where the policy wants a mail before a suspension, and nothing would send one (C-2)."""
    if book is None or findings.mistakes:  # a policy that is not there is told already
        return
    sent = rules_of(settings, channels_of(settings), settings.notify.off)
    if sent != book and any("email" in one.dunning.attempts for one in book.listed()):
        findings.found["attempts"] = (
            "nothing sends a notice ([notify]): it is no attempt by e-mail, and a person is asked "
            "to write before anybody is suspended for a debt"
        )


def _families(book: Book, told: Inventory) -> Iterator[str]:
    """Yield what does not fit between the families of policies and those of products."""
    sold = {product.family for product in told.products}
    named = {family for families in book.lines for family in families}
    for family in sorted(named - sold) if sold else ():
        guess = did_you_mean(family, sold)
        yield f"families: no product is of the family {family!r}.{guess}".removesuffix(".")
    for family in sorted(sold - named) if () not in book.lines else ():
        yield f"families: no policy is for products of the family {family!r}"


def _templates(findings: Findings, folder: str | None) -> None:
    """Try the operator's templates on an event of every kind."""
    if folder is None or not Path(folder).is_dir():
        return  # told already, by its key
    try:
        letters = checked(folder)
    except ConfigError as exc:
        findings.mistakes.extend(exc.problems)
    else:
        findings.found["templates"] = f"{folder}: {', '.join(sorted(letters.own)) or 'none'}"


def _profiles(findings: Findings, own: str | None) -> dict[str, Profile] | None:
    folder = Path(own) if own is not None and Path(own).is_dir() else None
    try:
        known = profiles.load_all(folder)
    except ConfigError as exc:
        findings.mistakes.extend(exc.problems)
        return None
    findings.found["profiles"] = f"{len(known)}: {', '.join(sorted(known))}"
    return known


async def _store(
    findings: Findings, settings: Config, known: dict[str, Profile] | None
) -> Inventory | None:
    file = database_file(settings)
    if file is not None and not file.exists():
        findings.found["database"] = f"{file}: not there yet; `capd import FILE` makes it"
        return None
    try:
        store = await Store.open(settings.store.url)
        try:
            told = await store.people.inventory()
        finally:
            await store.close()
    except CapdError as exc:
        findings.unreachable.extend(str(exc).splitlines())
        return None
    findings.found["database"] = "answers, at the newest schema"
    findings.found["inventory"] = counts(told)
    problems = [*_unresolved(told), *(inventory.check(told, known) if known is not None else ())]
    findings.mistakes.extend(f"inventory: {each}" for each in problems)
    return told


async def _devices(
    findings: Findings, settings: Config, known: dict[str, Profile], told: Inventory
) -> None:
    """Log in to every device that is configured over SSH, and see whether it could suspend."""
    async with open_store(settings) as store:
        lack = await lacking(settings, store, map(unlocked, told.devices), known)
    ready = sum(1 for problems in lack.values() if not problems)
    findings.found["devices"] = f"{ready} of {len(lack)} would take a suspension"
    findings.unreachable += [problem for problems in lack.values() for problem in problems]


def counts(told: Inventory) -> str:
    """Return how much of everything there is."""
    meters = sum(len(device.meters) for device in told.devices)
    return (
        f"{len(told.products)} products, {len(told.sectors)} sectors,"
        f" {len(told.subscribers)} subscribers, {len(told.devices)} devices, {meters} meters"
    )


def _unresolved(told: Inventory) -> Iterator[str]:
    tried: dict[Secret, str | None] = {}
    for device in told.devices:
        for key, secret in _secrets(device):
            if secret not in tried:
                tried[secret] = _problem(secret)
            if tried[secret] is not None:
                yield f"device {device.id}: {key}: {tried[secret]}"


def _secrets(device: Device) -> Iterator[tuple[str, Secret]]:
    for name, access in (("snmp", device.snmp), ("ssh", device.ssh)):
        if access is None or not is_dataclass(access):
            continue
        for each in fields(access):
            value = getattr(access, each.name)
            if isinstance(value, Secret):
                yield f"{name}.{each.name}", value


def _problem(secret: Secret) -> str | None:
    try:
        inventory.resolve(secret)
    except ConfigError as exc:
        return str(exc)
    return None


async def _broker(findings: Findings, settings: Config) -> None:
    """Say whether the broker can be connected to; its login is tried by the daemon."""
    url = settings.collect.mqtt.url
    if url is None:
        findings.found["broker"] = "none configured"
        return
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
    try:
        secure = _tls(settings) if parts.scheme == "mqtts" else None
        async with asyncio.timeout(_BROKER_S):
            _, writer = await asyncio.open_connection(host, port, ssl=secure)
            writer.close()
            await writer.wait_closed()
    except TimeoutError:
        findings.unreachable.append(f"collect.mqtt.url: {host}:{port}: no answer")
    except (OSError, ssl.SSLError) as exc:
        words = (exc.strerror or str(exc)).splitlines()[0]
        findings.unreachable.append(f"collect.mqtt.url: {host}:{port}: {words}")
    else:
        findings.found["broker"] = f"{host}:{port} answers"


def _tls(settings: Config) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=settings.collect.mqtt.ca)
