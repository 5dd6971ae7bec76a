"""[recognise] and [collect.snmp] of a device profile: how a family is known, and what is asked.

`device_profiles/README.md` explains each key to the person who adds a radio.
"""

import re
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from capd.strict import did_you_mean

_OID = re.compile(r"[0-2](\.(0|[1-9][0-9]{0,9})){1,127}")
_INDEX = re.compile(r"(\{mac\}|\{row\}|\*|0|[1-9][0-9]{0,9})(\.(\{mac\}|\{row\}|\*|[0-9]{1,10}))*")

_MAC = re.compile(r"([0-9A-Fa-f]{2})[:-]?" * 5 + "([0-9A-Fa-f]{2})")

INTERFACES, ALIASES = "interfaces", "aliases"
"""The tables that every family has: interfaces by ifName, and by ifAlias."""

NUMBERS = frozenset({
    "airtime_percent", "capacity_percent", "ccq_percent", "channel_width_mhz", "cpu_percent",
    "distance_m", "frequency_mhz", "latency_ms", "link_state", "link_uptime_s", "memory_percent",
    "mse_db", "noise_dbm", "quality_percent", "remote_signal_dbm", "rsrp_dbm", "rsrq_db",
    "rx_capacity_bps", "rx_mcs", "rx_rate_bps", "signal_dbm", "signal_h_dbm", "sinr_db", "snr_db",
    "snr_h_db", "stations", "temperature_c", "tx_capacity_bps", "tx_mcs", "tx_power_dbm",
    "tx_rate_bps", "voltage_v",
})  # fmt: skip
"""The health that is a number, in the unit that its name ends in."""

TEXTS = frozenset({"access_point", "firmware", "link", "name", "network", "operator", "ssid"})
"""The health that is text."""


def _numeric(text: str) -> str:
    if _OID.fullmatch(text) is None:
        raise ValueError(f"wants a numeric OID such as 1.3.6.1.2.1.1.3.0, not {text!r}")
    return text


def _place(text: str) -> str:
    _numeric(text.removesuffix(".*"))
    return text


def _term(text: str) -> str:
    _numeric(text.removeprefix("-"))
    return text


def _compiles(text: str) -> str:
    try:
        re.compile(text)
    except re.error as exc:
        raise ValueError(f"{text!r} is no regular expression: {exc}") from None
    return text


def _index(text: str) -> str:
    if _INDEX.fullmatch(text) is None:
        raise ValueError(f"wants numbers, {{mac}}, {{row}} and * between dots, not {text!r}")
    return text


def _one_or_more(value: object) -> object:
    if isinstance(value, str):
        return (value,)
    return tuple(value) if isinstance(value, list) else value


Oid = Annotated[str, AfterValidator(_numeric)]
Expression = Annotated[str, AfterValidator(_compiles)]
Place = Annotated[str, AfterValidator(_place)]
"""An OID; one that ends in `.*` is the first that is there below it."""
Places = Annotated[tuple[Place, ...], BeforeValidator(_one_or_more)]
Oids = Annotated[tuple[Oid, ...], BeforeValidator(_one_or_more)]
Sum = Annotated[tuple[Annotated[str, AfterValidator(_term)], ...], BeforeValidator(_one_or_more)]
"""Columns that are added; one with `-` in front is taken away."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Recognise(_Strict):
    """One way to tell a family; all that is given must fit. The lowest `priority` is tried first.

    Among equals the longest sysObjectID wins, then the name of the profile.
    """

    priority: int = 500
    sys_object_id: tuple[Oid, ...] = ()  # prefixes in whole arcs, any of them
    sys_descr: Expression | None = None  # found anywhere
    exists: Oid | None = None  # a further OID that must answer, or something under it
    matches: Expression | None = None  # and a value must contain this
    absent: Oid | None = None  # and one that must not, nor anything under it


class UptimeOid(_Strict):
    """Where an uptime is read; `box` is since the box booted, `agent` only since its agent did."""

    oid: Oid
    since: Literal["box", "agent"]
    unit_s: float = Field(default=0.01, gt=0)  # TimeTicks are hundredths


class Narrow(_Strict):
    """The 32-bit columns of interfaces that have no wide ones."""

    in_bytes: Oid = "1.3.6.1.2.1.2.2.1.10"  # IF-MIB ifInOctets
    out_bytes: Oid = "1.3.6.1.2.1.2.2.1.16"  # ifOutOctets


class Interfaces(_Strict):
    """Counter columns of a table of interfaces; a row is found by its name, never by its index."""

    name: Oids = ("1.3.6.1.2.1.31.1.1.1.1", "1.3.6.1.2.1.2.2.1.2")  # ifName; without: ifDescr
    alias: Oid | None = "1.3.6.1.2.1.31.1.1.1.18"  # ifAlias: the table "aliases" is keyed by it
    in_bytes: Oid = "1.3.6.1.2.1.31.1.1.1.6"  # ifHCInOctets
    out_bytes: Oid = "1.3.6.1.2.1.31.1.1.1.10"  # ifHCOutOctets
    counter_bits: Literal[32, 64] = 64
    narrow: Narrow | None = None
    oper_status: Oid | None = "1.3.6.1.2.1.2.2.1.8"  # ifOperStatus: of two rows, the one that is up
    speed_mbps: Oid | None = "1.3.6.1.2.1.31.1.1.1.15"  # ifHighSpeed
    type: Oid | None = "1.3.6.1.2.1.2.2.1.3"  # ifType: only wired ports' speed is a limit
    speed_floor_mbps: int = Field(default=100, ge=0)  # agents say 10 of what they cannot ask
    index_is_epoch: bool = False  # a new index proves new counters (CN-5)
    epoch_names: Expression | None = None  # of rows named so, it proves them in any case
    unit_bytes: int = Field(default=1, ge=1)  # what one count is worth


class HealthOid(_Strict):
    """Something worth knowing of a radio, beside its counters."""

    oid: Places  # the first that answers; of a table's row, its columns
    scale: float = 1.0


class Age(_Strict):
    """How long a row has been there: a station's association, a session."""

    oid: Oid  # a column
    unit_s: float = Field(default=1.0, gt=0)
    proves: bool = False  # true: the row's counters begin at zero with it, for certain (CN-4)


class Table(_Strict):
    """Rows that are subscribers or radios: found by a key that stays, whatever their index."""

    title: str
    needs: str | None = None  # what somebody must do for it to be filled, as a sentence
    index: str = "*"  # arcs, {mac}, {row}, * (one arc that varies)
    key: Oid | None = None  # the column that names the row; None: its key is in the index
    key_is: Literal["mac", "name"] = "name"
    in_bytes: Sum = ()  # as the device sees it
    out_bytes: Sum = ()
    down: Literal["in", "out"] = "out"  # what the subscriber downloads, unless a meter says
    counter_bits: Literal[32, 64] = 64
    unit_bytes: int = Field(default=1, ge=1)
    rows: Expression | None = None  # what rows are called that a meter may name
    index_is_epoch: bool = False  # a new index proves new counters (CN-5)
    interval_s: int | None = Field(default=None, ge=1)  # poll at least so often: counters wrap
    age: Age | None = None
    radios: bool | Literal["metered"] = False  # each row is a radio, known by its MAC (CT-11)
    name: Oid | None = None  # what a radio calls itself
    health: dict[str, HealthOid] = {}

    @property
    def by_mac(self) -> bool:
        """Say whether rows are keyed by MAC addresses."""
        return self.key_is == "mac" if self.key is not None else "{mac}" in self.index

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the columns to walk, the first that has rows, to see which there are."""
        if self.key is not None:
            return (self.key,)
        counters = [term.lstrip("-") for term in self.in_bytes[:1]]
        health = [each.oid[0] for each in self.health.values()][:1]
        return tuple(each for each in (self.name, *counters, *health) if each is not None)


class SnmpCollect(_Strict):
    """What to read over SNMP, and the agent's habits."""

    versions: tuple[Literal["1", "2c", "3"], ...] = ("2c", "3")
    bulk: bool = True
    max_oids: int = Field(default=20, ge=1, le=60)
    max_repetitions: int = Field(default=20, ge=1, le=50)
    interval_s: int | None = Field(default=None, ge=1)  # poll at least so often: counters wrap
    uptimes: tuple[UptimeOid, ...] = (UptimeOid(oid="1.3.6.1.2.1.1.3.0", since="agent"),)
    interfaces: Interfaces = Interfaces()
    tables: dict[str, Table] = {}
    serial: Places = ()
    mac: Places = ()
    model: Places = ()
    firmware: Places = ()
    firmware_version: Expression = r"[0-9]+(?:\.[0-9]+)+"  # what of it is compared
    firmware_minimum: str | None = None  # CT-16: devices behind it are listed
    health: dict[str, HealthOid] = {}


def mistakes(snmp: SnmpCollect) -> Iterator[str]:
    """Yield what types cannot see in [collect.snmp]: values that do not go together."""
    yield from _health("collect.snmp.health", snmp.health)
    if snmp.firmware_minimum is not None and not version_of(snmp.firmware_minimum):
        yield f"collect.snmp.firmware_minimum: {snmp.firmware_minimum!r} has no numbers to compare"
    for name, table in snmp.tables.items():
        key = f"collect.snmp.tables.{name}"
        if name in (INTERFACES, ALIASES):
            yield f"{key}: the name is taken by the interfaces; choose another"
        yield from _table(key, table)
        yield from _health(f"{key}.health", table.health)


def recognise_mistakes(signs: Recognise) -> Iterator[str]:
    """Yield what types cannot see in one way to recognise a family."""
    if signs.matches and not signs.exists:
        yield "recognise.matches: says nothing without `exists`, the OID whose value it looks at"
    if not (signs.sys_object_id or signs.sys_descr or signs.exists):
        yield "recognise: wants sys_object_id, sys_descr or exists: this would fit every device"


def version_of(text: str) -> tuple[int, ...]:
    """Return the numbers in a version, for comparing: 6.49.10 is newer than 6.49.9."""
    return tuple(int(number) for number in re.findall(r"[0-9]+", text))


def counted_tables(snmp: SnmpCollect) -> list[str]:
    """Return the names of the tables whose rows a meter may name."""
    built_in = [INTERFACES, ALIASES] if snmp.interfaces.alias else [INTERFACES]
    return [*built_in, *(name for name, table in snmp.tables.items() if table.in_bytes)]


def row_problem(snmp: SnmpCollect, table: str, row: str) -> str | None:
    """Return what is wrong with a meter that names *row* in *table*, None if nothing is."""
    known = counted_tables(snmp)
    if table not in known:
        guess = did_you_mean(table, known)
        there = ", ".join(known)
        return f"table {table!r} is not counted here; there is {there}.{guess}".rstrip(".")
    own = snmp.tables.get(table)
    if own is not None and own.by_mac and mac_octets(row) is None:
        return f"row {row!r} is no MAC address, as the rows of {table} are"
    if own is not None and own.rows is not None and not re.fullmatch(own.rows, row):
        return f"row {row!r} is none of {table}: those look like {own.rows}"
    return None


def mac_octets(text: str) -> bytes | None:
    """Return the six octets of a MAC address, however it is written; None if it is none."""
    bare = text.strip().replace(".", "")
    return bytes.fromhex(re.sub("[:-]", "", bare)) if _MAC.fullmatch(bare) else None


def _table(key: str, table: Table) -> Iterator[str]:
    try:
        _index(table.index)
    except ValueError as exc:
        yield f"{key}.index: {exc}"
        return
    words = [word for word in ("{mac}", "{row}") if word in table.index]
    if table.key is None and len(words) != 1:
        yield f"{key}.index: must hold {{mac}} or {{row}}, since no `key` names the column of keys"
    if table.key is not None and words:
        yield f"{key}.index: {words[0]} says nothing, since `key` names the column of keys"
    if bool(table.in_bytes) != bool(table.out_bytes):
        yield f"{key}: in_bytes and out_bytes go together: one of them is missing"
    if table.radios and not table.by_mac:
        yield f"{key}.radios: needs rows that are keyed by their MAC"
    if not table.columns:
        yield f"{key}: has no column at all: in_bytes and out_bytes, key, name or health"


def _health(key: str, health: dict[str, HealthOid]) -> Iterator[str]:
    known = NUMBERS | TEXTS
    for name, each in health.items():
        if key != "collect.snmp.health" and (len(each.oid) > 1 or each.oid[0].endswith(".*")):
            yield f"{key}.{name}.oid: of a row it is one column"
        if name not in known:
            guess = did_you_mean(name, known)
            yield f"{key}.{name}: is no health that capd knows.{guess}".removesuffix(".")
