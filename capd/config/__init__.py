"""capd.toml and the environment become one frozen Config, or every mistake at once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, model_validator

from capd.config import checks
from capd.config.decide import DecideConfig
from capd.config.enforcement import EnforceConfig
from capd.config.field import FieldConfig
from capd.config.notify import EmailConfig, NotifyConfig, WebhookConfig
from capd.config.retention import RetentionConfig
from capd.config.shapes import SecretText, Strict
from capd.errors import ConfigError
from capd.inventory.credentials import resolve
from capd.model import Secret
from capd.strict import parse, read_toml

__all__ = [
    "Config",
    "EmailConfig",
    "NotifyConfig",
    "WebhookConfig",
    "find",
    "load",
    "secret",
]

PLACES = (Path("capd.toml"), Path("/etc/capd/capd.toml"))


class Operator(Strict):
    """Whose network it is; months and notices are in its local time."""

    name: Annotated[str, AfterValidator(checks.one_line)] = "Example Wireless"
    support: Annotated[str, AfterValidator(checks.one_line)] | None = None  # in every mail
    timezone: Annotated[str, AfterValidator(checks.zone)] = "UTC"
    currency: Annotated[str, AfterValidator(checks.currency)] = "GBP"

    @property
    def zone(self) -> ZoneInfo:
        """Return the time zone itself."""
        return ZoneInfo(self.timezone)


class StoreConfig(Strict):
    """Where the books are kept; the url may carry a password, so it is not shown."""

    url: Annotated[str, AfterValidator(checks.store_url)] = Field(
        default="sqlite:///capd.db", repr=False
    )
    retention: RetentionConfig = RetentionConfig()


class SnmpConfig(Strict):
    """How devices are polled."""

    engine: Literal["gufo", "pysnmp"] = "gufo"
    interval_s: float = Field(default=300, gt=0)
    timeout_s: float = Field(default=2.0, gt=0)
    retries: int = Field(default=1, ge=0, le=10)
    at_once: int = Field(default=500, ge=1)
    silent_after: int = Field(default=3, ge=1)  # polls without an answer before it is asked less
    silent_interval_s: float | None = Field(default=None, gt=0)  # None: four times interval_s
    firmware_minimum: Annotated[dict[str, str], AfterValidator(checks.versions)] = Field(
        default_factory=dict  # by profile
    )


class TrapConfig(Strict):
    """Where SNMP traps and informs are heard; an empty text: nowhere."""

    listen: Annotated[str, AfterValidator(checks.listen)] | None = None


class MqttConfig(Strict):
    """The broker to listen to; None of a url: no broker."""

    url: Annotated[str, AfterValidator(checks.mqtt_url)] | None = None
    username: Annotated[str, AfterValidator(checks.one_line)] | None = None
    password: SecretText | None = None
    ca: str | None = None
    client_id: Annotated[str, AfterValidator(checks.one_line)] = "capd"
    clean_session: bool = True  # false: the broker keeps QoS 1 messages while capd is away
    session_expiry_s: int = Field(default=86_400, ge=60, le=7 * 86_400)
    share: Annotated[str, AfterValidator(checks.share)] | None = None

    @model_validator(mode="after")
    def _one_way(self) -> MqttConfig:
        if self.share is not None and not self.clean_session:
            raise ValueError(
                "share and clean_session = false exclude each other: messages would wait in the "
                "session of a member that is gone"
            )
        return self

    @model_validator(mode="before")
    @classmethod
    def _login(cls, data: object) -> object:
        return checks.split_login(data, "url")


class CollectConfig(Strict):
    """Where polls come from."""

    snmp: SnmpConfig = SnmpConfig()
    traps: TrapConfig = TrapConfig()
    mqtt: MqttConfig = MqttConfig()
    batch_ms: int = Field(default=250, ge=1, le=10_000)  # group commit: at most this late
    batch_readings: int = Field(default=2000, ge=1)  # and at most this many


class ApiConfig(Strict):
    """Where the API, /metrics, /healthz and /readyz are served; an empty text: nowhere."""

    listen: Annotated[str, AfterValidator(checks.listen)] | None = "127.0.0.1:8080"
    device_metrics: bool = True  # capd_device_up{device}
    streams: int = Field(default=50, ge=0, le=10_000)  # clients that follow the events at once


class _File(Strict):
    operator: Operator = Operator()
    store: StoreConfig = StoreConfig()
    collect: CollectConfig = CollectConfig()
    decide: DecideConfig = DecideConfig()
    enforce: EnforceConfig = EnforceConfig()
    notify: NotifyConfig = NotifyConfig()
    field: FieldConfig = FieldConfig()
    api: ApiConfig = ApiConfig()
    device_profiles: str | None = Field(default=None, min_length=1)  # the operator's own profiles


class Config(_File):
    """All of capd.toml; sections bear the names of the folders that they configure."""

    source: str | None = None  # the file it came from

    def problems(self) -> list[str]:
        """Return what is well written and cannot be used here: files and secrets not there."""
        where = self.source or "capd.toml"
        found = [f"{where}: {key}: {problem}" for key, problem in _useless(self)]
        for key, name in (
            *(("decide.policy", name) for name in self.decide.policies),
            ("collect.mqtt.ca", self.collect.mqtt.ca),
        ):
            if name is not None and not Path(name).is_file():
                found.append(f"{where}: {key}: no such file: {name}")
        for key, name in (
            ("device_profiles", self.device_profiles),
            ("notify.templates", self.notify.templates),
        ):
            if name is not None and not Path(name).is_dir():
                found.append(f"{where}: {key}: no such folder: {name}")
        return found


def secret(written: Secret | str) -> Secret:
    """Return the credential behind *written*: a literal, `env:NAME` or `file:PATH`.

    Raises ConfigError with one line that never shows the credential.
    """
    return resolve(written if isinstance(written, Secret) else Secret(written))


def find(path: Path | None) -> Path:
    """Return the configuration file: *path*, else $CAPD_CONFIG, ./capd.toml, /etc/capd's.

    Raises ConfigError that names `capd init` where there is none.
    """
    if path is None and os.environ.get("CAPD_CONFIG"):
        path = Path(os.environ["CAPD_CONFIG"])
    if path is None:
        path = next((place for place in PLACES if place.is_file()), None)
    if path is None:
        raise ConfigError(
            "no capd.toml here nor in /etc/capd: `capd init` writes one, -c FILE names another"
        )
    return path


def load(path: Path | None) -> Config:
    """Return the configuration of *path* (None: look in the usual places), paths made absolute.

    Raises ConfigError with every mistake in the file, each with its key and a guess.
    """
    path = find(path)
    if not path.exists():
        raise ConfigError(f"{path}: no such file; `capd init` writes one")
    read = parse(_File, read_toml(path), source=str(path))
    folder = path.absolute().parent
    sections = {name: getattr(read, name) for name in _File.model_fields}
    return _at(Config(**sections, source=str(path)), folder)


def _at(config: Config, folder: Path) -> Config:
    """Return *config* with its paths taken from *folder*, where capd.toml is."""
    mqtt, email, webhook = config.collect.mqtt, config.notify.email, config.notify.webhook
    mqtt = mqtt.model_copy(
        update={"ca": _path(mqtt.ca, folder), "password": _reference(mqtt.password, folder)}
    )
    email = email.model_copy(update={"password": _reference(email.password, folder)})
    webhook = webhook.model_copy(update={"secret": _reference(webhook.secret, folder)})
    policy = _paths(config.decide.policy, folder)
    store = {"url": _database(config, folder)}
    return config.model_copy(
        update={
            "store": config.store.model_copy(update=store),
            "collect": config.collect.model_copy(update={"mqtt": mqtt}),
            "decide": config.decide.model_copy(update={"policy": policy}),
            "notify": config.notify.model_copy(
                update={
                    "email": email,
                    "webhook": webhook,
                    "templates": _path(config.notify.templates, folder),
                }
            ),
            "device_profiles": _path(config.device_profiles, folder),
        }
    )


def _paths(names: str | tuple[str, ...], folder: Path) -> str | tuple[str, ...]:
    found = tuple(
        str(_path(name, folder)) for name in ((names,) if isinstance(names, str) else names)
    )
    return found[0] if isinstance(names, str) else found


def _path(name: str | None, folder: Path) -> str | None:
    return None if name is None else str(folder / Path(name).expanduser())


def _database(config: Config, folder: Path) -> str:
    url = config.store.url
    if url.startswith(("env:", "file:")):
        try:
            written = _reference(Secret(url), folder) or Secret(url)
            url = checks.store_url(resolve(written).reveal())
        except (ConfigError, ValueError) as exc:
            raise ConfigError(f"{config.source}: store.url: {exc}") from None
    name = url.removeprefix("sqlite:///")
    return url if name == url else f"sqlite:///{folder / name}"


def _reference(written: Secret | None, folder: Path) -> Secret | None:
    if written is None or not written.reveal().startswith("file:"):
        return written
    return Secret(f"file:{folder / written.reveal().removeprefix('file:')}")


def _useless(config: Config) -> Iterator[tuple[str, str]]:
    for key, written in (
        ("collect.mqtt.password", config.collect.mqtt.password),
        ("notify.email.password", config.notify.email.password),
        ("notify.webhook.secret", config.notify.webhook.secret),
    ):
        try:
            resolve(written or Secret(""))
        except ConfigError as exc:
            yield key, str(exc)
