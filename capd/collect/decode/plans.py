"""Pure: all that one poll asks of a device, in GETs that are no larger than it takes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from capd.collect.decode import Refused
from capd.collect.decode.rows import Index, Key, Row, Varbinds, is_session, keys_of, rows_of, shown
from capd.model import Device, DeviceId
from capd.polled import SnmpCollect, UptimeOid

PULSE = "1.3.6.1.2.1.1.3.0"  # sysUpTime: every agent has it, so a GET without it was refused whole
_MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class Get:
    """One GET: at most max_oids of a profile, rows whole."""

    oids: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Fact:
    """Something to know of the whole device: serial, firmware, model, mac, or its health."""

    name: str
    oid: str
    scale: float = 1.0


@dataclass(frozen=True, slots=True)
class Plan:
    """All that one poll asks of a device; the first GET has its uptimes and facts."""

    device: DeviceId
    gets: tuple[Get, ...]
    uptimes: tuple[UptimeOid, ...]
    facts: tuple[Fact, ...]
    problems: tuple[str, ...] = ()  # meters that name no row that there could be
    missing: tuple[Key, ...] = ()  # rows that the device does not have
    away: frozenset[str] = frozenset()  # meters whose row is asked alone, until it comes back
    guesses: frozenset[str] = frozenset()  # meters whose row no walk showed, but it was there

    @property
    def rows(self) -> tuple[Row, ...]:
        """Return all rows."""
        return tuple(row for get in self.gets for row in get.rows)


def plan(
    device: Device,
    snmp: SnmpCollect,
    index: Index,
    facts: Sequence[Fact] = (),
    *,
    most: int | None = None,
) -> Plan:
    """Return what to ask of *device*, whose rows are at *index*; at most *most* OIDs at once."""
    keys = keys_of(device, snmp)
    wanted = dict.fromkeys(key for key in keys.values() if not isinstance(key, str))
    bare = Plan(
        device=device.id,
        gets=(),
        uptimes=snmp.uptimes,
        facts=tuple(facts),
        problems=tuple(each for each in keys.values() if isinstance(each, str)),
        missing=tuple(key for key in wanted if key not in index),
    )
    return packed(bare, list(rows_of(device.meters, snmp, keys, index)), most or snmp.max_oids)


def packed(bare: Plan, rows: Sequence[Row], most: int, *, alone: Sequence[Row] = ()) -> Plan:
    """Return *bare* with *rows* in GETs of at most *most* OIDs, and each of *alone* by itself."""
    oids = list(dict.fromkeys([u.oid for u in bare.uptimes] + [fact.oid for fact in bare.facts]))
    gets, taken = list[Get](), list[Row]()
    while len(oids) > most:
        gets.append(Get(tuple(oids[:most]), ()))
        oids = oids[most:]
    for row in rows:
        if taken and len(oids) + len(row.oids) > most:
            gets.append(Get(tuple(oids), tuple(taken)))
            oids, taken = [PULSE], []
        oids += [oid for oid in row.oids if oid not in oids]
        taken.append(row)
    if oids:
        gets.append(Get(tuple(oids), tuple(taken)))
    gets += [Get(row.needed, (row,)) for row in alone]
    return replace(
        bare,
        gets=tuple(gets),
        away=frozenset(row.meter for row in alone),
        guesses=frozenset(row.meter for row in (*rows, *alone) if row.where.guess),
    )


def parts(get: Get) -> list[Get]:
    """Return *get* as smaller ones, rows whole; nothing where it is the smallest already."""
    mine = {oid for row in get.rows for oid in row.oids}
    others = tuple(oid for oid in get.oids if oid not in mine)
    if get.rows and others and others != (PULSE,):
        return [Get(others, ()), Get(tuple(oid for oid in get.oids if oid in mine), get.rows)]
    if len(get.rows) > 1:
        half = len(get.rows) // 2
        return [_of_rows(get.rows[:half]), _of_rows(get.rows[half:])]
    if get.rows:
        row = get.rows[0]
        more = [Get((oid,), ()) for oid in row.oids if oid not in row.needed]
        return [Get(row.needed, (row,)), *more] if set(get.oids) > set(row.needed) else []
    half = len(get.oids) // 2
    return [Get(get.oids[:half], ()), Get(get.oids[half:], ())] if half else []


def _of_rows(rows: Sequence[Row]) -> Get:
    return Get(tuple(dict.fromkeys(oid for row in rows for oid in row.oids)), tuple(rows))


def repacked(old: Plan, answered: Varbinds, asked: frozenset[str], most: int) -> Plan:
    """Return *old* without what was *asked* and does not answer, packed anew.

    SNMPv1 refuses a whole GET for one OID that is not there. A row that is away is asked alone.
    """
    silent = asked - answered.keys()

    def kept(oid: str | None) -> str | None:
        return None if oid in silent else oid

    rows, away = list[Row](), list[Row]()
    for row in old.rows:
        (away if silent.issuperset(row.needed) else rows).append(row)
    rows = [
        replace(
            row,
            status_oid=kept(row.status_oid),
            speed_oid=kept(row.speed_oid),
            age_oid=kept(row.age_oid),
        )
        for row in rows
    ]
    bare = replace(
        old,
        uptimes=tuple(uptime for uptime in old.uptimes if uptime.oid not in silent),
        facts=tuple(fact for fact in old.facts if fact.oid not in silent),
    )
    return packed(bare, rows, most, alone=away)


def absent(asked: Plan, snmp: SnmpCollect) -> Iterator[Refused]:
    """Yield a refusal for each meter without a row; sessions and stations come and go."""
    for text in asked.problems:
        yield Refused(reason="missing", text=text)
    gone: dict[str, list[Key]] = {}
    for key in asked.missing:
        gone.setdefault(key.table, []).append(key)
    there = {row.key.table for row in asked.rows}
    for table, keys in gone.items():
        known = snmp.tables.get(table)
        if known is None:
            loud = [key for key in keys if not is_session(snmp.interfaces, key.name)]
            yield from (_no(shown(key)) for key in loud)
        elif table not in there:
            names = [shown(key, by_mac=known.by_mac) for key in keys]
            more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
            needs = f"; {known.needs}" if known.needs else ""
            yield _no(", ".join(names[:_MOST_NAMED]) + more + needs)


def _no(what: str) -> Refused:
    return Refused(reason="missing", text=f"there is no {what}")
