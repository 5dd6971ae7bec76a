"""capd.toml and the environment become one frozen Config, or every mistake at once."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Operator(_Strict):
    """Whose network it is; months and notices are in its local time."""

    name: str = "Example Wireless"
    timezone: str = "UTC"
    currency: str = Field(default="GBP", pattern=r"^[A-Z]{3}$")


class StoreConfig(_Strict):
    """Where the books are kept."""

    url: str = "sqlite:///capd.db"


class SnmpConfig(_Strict):
    """How devices are polled."""

    engine: Literal["gufo", "pysnmp"] = "gufo"
    interval_s: float = Field(default=300, gt=0)
    timeout_s: float = Field(default=2.0, gt=0)
    retries: int = Field(default=1, ge=0, le=10)
    at_once: int = Field(default=500, ge=1)
    silent_after: int = Field(default=3, ge=1)  # polls without an answer before it is asked less
    silent_interval_s: float | None = None  # None: four times interval_s


class MqttConfig(_Strict):
    """The broker to listen to; None of a url: no broker."""

    url: str | None = None
    username: str | None = None
    password: str | None = None
    ca: str | None = None
    client_id: str = "capd"


class CollectConfig(_Strict):
    """Where polls come from."""

    snmp: SnmpConfig = SnmpConfig()
    mqtt: MqttConfig = MqttConfig()
    batch_ms: int = Field(default=250, ge=1, le=10_000)  # group commit: at most this late
    batch_readings: int = Field(default=2000, ge=1)  # and at most this many


class DecideConfig(_Strict):
    """How usage is judged, and the brake."""

    policy: str = "policy.toml"
    paused: bool = False
    most_suspensions: int = Field(default=20, ge=0)
    every_s: float = Field(default=60.0, gt=0)  # everyone is judged again at least this often


class EnforceConfig(_Strict):
    """How devices are configured."""

    at_once: int = Field(default=20, ge=1, le=500)
    timeout_s: float = Field(default=30, gt=0)
    attempts: int = Field(default=5, ge=1)  # before a person must look
    backoff_s: float = Field(default=10, gt=0)  # doubled at each failure, at most an hour


class EmailConfig(_Strict):
    """The mail relay; without a url nobody is mailed."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)
    smtp: str | None = None
    from_: str | None = Field(default=None, alias="from")
    username: str | None = None
    password: str | None = None


class WebhookConfig(_Strict):
    """Where every event is posted, signed with the secret."""

    url: str | None = None
    secret: str | None = None
    timeout_s: float = Field(default=10, gt=0)
    attempts: int = Field(default=12, ge=1)


class NotifyConfig(_Strict):
    """Who is told."""

    email: EmailConfig = EmailConfig()
    webhook: WebhookConfig = WebhookConfig()


class ApiConfig(_Strict):
    """Where /metrics, /healthz and /readyz are served."""

    listen: str | None = "127.0.0.1:8080"
    device_metrics: bool = True  # capd_device_up{device}


class Config(_Strict):
    """All of capd.toml; sections bear the names of the folders that they configure."""

    operator: Operator = Operator()
    store: StoreConfig = StoreConfig()
    collect: CollectConfig = CollectConfig()
    decide: DecideConfig = DecideConfig()
    enforce: EnforceConfig = EnforceConfig()
    notify: NotifyConfig = NotifyConfig()
    api: ApiConfig = ApiConfig()
    device_profiles: str | None = None  # a folder of the operator's own profiles
    source: str | None = None  # the file it came from
