"""device_profiles/*.toml become frozen Profiles, or every mistake in them at once.

A profile is data: how a family of devices is recognised, what is read from it, what is typed into
it. `device_profiles/README.md` explains each key to the person who adds a radio.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Setting(_Strict):
    """A value that the profile asks of each device (or meter) in its `settings`."""

    help: str
    pattern: str  # the whole value must match, before it is typed anywhere
    default: str | None = None  # None: must be given


class Recognise(_Strict):
    """How to tell this family; profiles are tried in the order of `priority`, lowest first."""

    priority: int = 500
    sys_object_id: tuple[str, ...] = ()  # prefixes, any of them
    sys_descr: str | None = None  # regular expression, found anywhere
    exists: str | None = None  # a further OID that must answer
    matches: str | None = None  # and its value must contain this expression


class UptimeOid(_Strict):
    """Where an uptime is read; `box` is since the box booted, `agent` only since its agent did."""

    oid: str
    since: Literal["box", "agent"]
    unit_s: float = 0.01  # TimeTicks are hundredths


class Interfaces(_Strict):
    """Counter columns of a table of interfaces; a row is found by its name, never by its index."""

    name: str = "1.3.6.1.2.1.31.1.1.1.1"  # IF-MIB ifName
    in_bytes: str = "1.3.6.1.2.1.31.1.1.1.6"  # ifHCInOctets
    out_bytes: str = "1.3.6.1.2.1.31.1.1.1.10"  # ifHCOutOctets
    counter_bits: Literal[32, 64] = 64
    oper_status: str | None = "1.3.6.1.2.1.2.2.1.8"  # ifOperStatus: of two rows, the one that is up
    speed_mbps: str | None = "1.3.6.1.2.1.31.1.1.1.15"  # ifHighSpeed
    index_is_epoch: bool = False  # a new index proves new counters (CN-5)
    epoch_names: str | None = None  # expression: of rows named so, it proves them in any case
    unit_bytes: int = 1  # what one count is worth


class HealthOid(_Strict):
    """Something worth knowing of a radio, beside its counters."""

    oid: str
    scale: float = 1.0


class SnmpCollect(_Strict):
    """What to read over SNMP, and the agent's habits."""

    versions: tuple[Literal["1", "2c", "3"], ...] = ("2c", "3")
    bulk: bool = True
    max_oids: int = Field(default=20, ge=1, le=60)
    max_repetitions: int = Field(default=20, ge=1, le=50)
    uptimes: tuple[UptimeOid, ...] = (UptimeOid(oid="1.3.6.1.2.1.1.3.0", since="agent"),)
    interfaces: Interfaces = Interfaces()
    serial: str | None = None  # scalar OIDs
    firmware: str | None = None
    health: dict[str, HealthOid] = {}


class JsonMap(_Strict):
    """Where the values are in a JSON payload: paths of keys; `{ifName}` is the meter's."""

    rx_bytes: str  # as the device's interface sees it: "if/{ifName}/rx"
    tx_bytes: str
    uptime_s: str | None = None
    at: str | None = None  # seconds since 1970, or RFC 3339
    serial: str | None = None


class MqttCollect(_Strict):
    """What devices of this family publish. Identity is the topic's {name}, never the payload's."""

    format: Literal["collectd", "json"]
    topic: str  # {name} and {ifName}, each a whole level or within one
    uptime_topic: str | None = None  # collectd: PREFIX/{name}/uptime/uptime
    counter_bits: Literal[32, 64] = 64
    map: JsonMap | None = None  # for format = "json"


class Verify(_Strict):
    """The read-back: one line typed, and what must be in the answer for each state.

    The expressions are rendered like the lines (values escaped), then searched for.
    """

    line: str
    suspended: str  # found: suspended; not found: in service
    rate: str | None = None  # found: the rate of {down_bps}/{up_bps} is set


class Enforce(_Strict):
    """What is typed for each difference between two services."""

    netmiko: str  # Netmiko's device_type
    suspend: tuple[str, ...]
    restore: tuple[str, ...]
    rate: tuple[str, ...] = ()  # {down_bps}, {up_bps}, {down_kbps} …
    unrate: tuple[str, ...] = ()  # no rate is owed any more
    save: tuple[str, ...] = ()  # once, after all lines of a session
    verify: Verify
    failure_marks: tuple[str, ...] = ()  # expressions that mean "the device said no"
    leak_bytes_per_hour: int = 10_000_000  # the walled garden's own traffic


class Profile(_Strict):
    """One family of devices."""

    name: str  # the file's, without .toml
    title: str
    notes: str = ""
    unverified: tuple[str, ...] = ()  # keys whose values nobody has seen on real hardware
    recognise: Recognise | None = None
    settings: dict[str, Setting] = {}
    snmp: SnmpCollect | None = None  # [collect.snmp] in the file
    mqtt: MqttCollect | None = None  # [collect.mqtt]
    enforce: Enforce | None = None  # None: count only; see enforce_elsewhere
    enforce_elsewhere: str | None = None  # "count only, enforce upstream on …"
