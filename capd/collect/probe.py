"""Look at one device: what family it is, what it counts, and what capd could do with it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from capd.collect import look
from capd.collect.agent import Agent, Engine, Habits
from capd.collect.decode import rows, varbinds
from capd.collect.decode.plans import Fact
from capd.collect.decode.rows import Value
from capd.collect.look import Walks
from capd.collect.recognise import family, identity
from capd.collect.shelves import Shelf, shelves
from capd.errors import CannotBeDone, DeviceError, DeviceUnreachable
from capd.model import SnmpAccess
from capd.polled import INTERFACES, Interfaces, SnmpCollect
from capd.profiles import Profile

_UP = 1
_WARY = SnmpCollect(max_oids=8, max_repetitions=10)  # as long as nobody knows what it bears
_MOST_PORTS = 2000  # that a look reads
_VERSIONS = ("2c", "1")  # tried where nobody says which: some radios speak the older alone


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """An interface of the device; in and out as the device sees them."""

    index: int
    name: str
    up: bool
    in_bytes: int | None
    out_bytes: int | None
    speed_bps: int | None
    bits: int = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What a device said of itself, and what capd could do with it."""

    address: str
    profile: str | None  # None: no profile knows it
    title: str | None
    sys_descr: str
    sys_object_id: str
    sys_name: str
    snmp_version: str = "2c"
    uptime_s: float | None = None  # since it booted
    agent_uptime_s: float | None = None
    serial: str | None = None
    mac: str | None = None
    model: str | None = None
    firmware: str | None = None
    ports: tuple[Port, ...] = ()
    tables: tuple[Shelf, ...] = ()
    health: Mapping[str, float | str] = field(default_factory=dict)
    counts: bool = False
    enforces: bool = False
    can: tuple[str, ...] = ()  # sentences
    unverified: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()  # what it did not answer


async def probe(
    address: str,
    access: SnmpAccess,
    engine: Engine,
    profiles: Mapping[str, Profile],
    profile: str | None = None,
    *,
    any_version: bool = False,
) -> Probe:
    """Return what the device at *address* says; read by *profile*, or by the one that knows it.

    With *any_version* SNMPv1 is tried where v2c meets silence. Raises DeviceUnreachable,
    DeviceRefused, NonsenseFromDevice; CannotBeDone for a profile that does not exist or reads
    nothing over SNMP.
    """
    if profile is not None and profile not in profiles:
        raise CannotBeDone(f"there is no profile {profile}: see `capd profiles`")
    agent = await reach(Agent(engine, access, address, Habits.of(_WARY)), any_version=any_version)
    who = await identity(agent)
    known = profiles[profile] if profile else await family(agent, profiles, who)
    seen = Probe(
        address=address,
        profile=known.name if known else None,
        title=known.title if known else None,
        sys_descr=who.sys_descr,
        sys_object_id=who.sys_object_id,
        sys_name=who.sys_name,
        snmp_version=agent.access.version,
        can=() if known else ("no profile knows it: copy the nearest in device_profiles/",),
    )
    return await _read(agent, seen, known) if known else seen


async def reach(agent: Agent, *, any_version: bool) -> Agent:
    """Return *agent*, asked in the version that it answers. Raises DeviceUnreachable."""
    versions = _VERSIONS if any_version and agent.access.version != "3" else ()
    for version in versions[:-1]:
        tried = replace(agent, access=replace(agent.access, version=version))
        try:
            await tried.one(rows.SYS_OBJECT_ID)
        except DeviceUnreachable:
            continue
        return tried
    last = versions[-1] if versions else agent.access.version
    return replace(agent, access=replace(agent.access, version=last))


async def _read(agent: Agent, seen: Probe, profile: Profile) -> Probe:
    snmp = profile.snmp
    if snmp is None:
        raise CannotBeDone(f"profile {profile.name} reads nothing over SNMP")
    agent = replace(agent, habits=Habits.of(snmp))
    problems: list[str] = []
    facts = {fact.name: fact for fact in await look.facts_of(agent, snmp)}
    asked = [fact.oid for fact in facts.values()] + [uptime.oid for uptime in snmp.uptimes]
    cells = await agent.cells(list(dict.fromkeys(asked)))
    since: dict[str, float] = {}
    for uptime in snmp.uptimes:
        ticks = cells.get(uptime.oid)
        if isinstance(ticks, int) and ticks >= 0:
            since.setdefault(uptime.since, round(ticks * uptime.unit_s, 6))
    walks: Walks = {}
    ports = await _ports(agent, snmp.interfaces, walks, problems)
    tables = await shelves(agent, snmp, walks, problems)
    figures = _figures(facts, cells)
    return replace(
        seen,
        uptime_s=since.get("box"),
        agent_uptime_s=since.get("agent"),
        serial=_said(figures, "serial"),
        mac=_said(figures, "mac"),
        model=_said(figures, "model"),
        firmware=_said(figures, "firmware"),
        ports=ports,
        tables=tables,
        health=figures,
        counts=any(_counts(port) for port in ports) or any(table.counts for table in tables),
        enforces=profile.enforce is not None,
        can=tuple(_abilities(profile, ports, tables, restarts="box" in since)),
        unverified=profile.unverified,
        problems=tuple(problems),
    )


def _said(figures: dict[str, float | str], name: str) -> str | None:
    """Take *name* out of *figures*, since it has a place of its own."""
    value = figures.pop(name, None)
    return None if value is None else str(value)


def _figures(facts: Mapping[str, Fact], cells: Mapping[str, Value]) -> dict[str, float | str]:
    measured = {
        name: varbinds.measured(name, cells.get(fact.oid), fact.scale)
        for name, fact in facts.items()
    }
    return {name: figure for name, figure in measured.items() if figure is not None}


async def _ports(
    agent: Agent, table: Interfaces, walks: Walks, problems: list[str]
) -> tuple[Port, ...]:
    try:
        column, names = await look.named(agent, table, INTERFACES, walks)
        at = [oid[len(column) + 1 :] for oid in names][:_MOST_PORTS]
        if len(names) > len(at):
            problems.append(f"interfaces: of {len(names)} the first {len(at)} were read")
        wide = [f"{each}.{row}" for each in (table.in_bytes, table.out_bytes) for row in at]
        about = [each for each in (table.oper_status, table.speed_mbps) if each]
        cells = await agent.cells(wide + [f"{each}.{row}" for each in about for row in at])
        narrow = [row for row in at if rows.placed(table, column, row, cells).narrow]
        if table.narrow:
            both = (table.narrow.in_bytes, table.narrow.out_bytes)
            cells |= await agent.cells([f"{each}.{row}" for each in both for row in narrow])
    except DeviceError as exc:
        problems.append(f"interfaces: {exc}")
        return ()
    return tuple(
        _port(table, row, names[f"{column}.{row}"], cells, narrow=row in narrow) for row in at
    )


def _port(
    table: Interfaces, row: str, name: Value, cells: Mapping[str, Value], *, narrow: bool
) -> Port:
    counters = table.narrow if narrow and table.narrow else table
    mbps = _count(cells.get(f"{table.speed_mbps}.{row}"))
    return Port(
        index=int(row.rpartition(".")[2]),
        name=rows.text_of(name),
        up=cells.get(f"{table.oper_status}.{row}", _UP) == _UP,
        in_bytes=_count(cells.get(f"{counters.in_bytes}.{row}")),
        out_bytes=_count(cells.get(f"{counters.out_bytes}.{row}")),
        speed_bps=mbps * 1_000_000 if mbps else None,
        bits=32 if narrow else table.counter_bits,
    )


def _count(value: Value) -> int | None:
    return value if isinstance(value, int) and value >= 0 else None


def _counts(port: Port) -> bool:
    return port.in_bytes is not None and port.out_bytes is not None


def _abilities(
    profile: Profile, ports: tuple[Port, ...], tables: tuple[Shelf, ...], *, restarts: bool
) -> Iterator[str]:
    """Yield what capd could do with the device, a sentence each."""
    for bits in (64, 32):
        counting = sum(_counts(port) and port.bits == bits for port in ports)
        if counting:
            yield f"count the bytes of {counting} interfaces ({bits}-bit counters)"
    for table in tables:
        if table.counts:
            yield f"count the bytes of {len(table.rows)} {table.title} (table {table.name})"
        else:
            yield f"see {len(table.rows)} {table.title} (table {table.name}), without their bytes"
    if not any(_counts(port) for port in ports) and not any(each.counts for each in tables):
        yield "count nothing: no interface shows its counters; check its SNMP view and version"
    if restarts:
        yield "tell a restart of the box from a restart of its agent"
    else:
        yield "tell a restart only where a counter falls: the device does not say when it booted"
    if profile.enforce is not None:
        yield f"suspend, restore and limit over SSH ({profile.enforce.netmiko})"
    else:
        yield profile.enforce_elsewhere or "count only"
    if profile.unverified:
        yield f"nobody has yet seen on real hardware: {'; '.join(profile.unverified)}"
