"""Find the rows of a device's meters, and where its serial, firmware and health are."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from capd.collect.agent import Agent
from capd.collect.decode import rows
from capd.collect.decode.plans import Fact
from capd.collect.decode.rows import Found, Index, Key, Row, Value
from capd.collect.decode.varbinds import measured
from capd.errors import NonsenseFromDevice
from capd.model import Radio
from capd.polled import ALIASES, INTERFACES, Interfaces, SnmpCollect, Table

Walks = dict[str, Mapping[str, Value]]
"""Columns that were walked in this visit already."""


async def index_of(
    agent: Agent, snmp: SnmpCollect, keys: Iterable[Key], old: Index, walks: Walks
) -> Index:
    """Return where the rows of *keys* are, each table walked once.

    A row of *old* that the walk of a table does not show is kept as a guess: walks may end early,
    and asking for the row itself shows whether it is there.
    """
    wanted: dict[str, list[Key]] = {}
    for key in keys:
        wanted.setdefault(key.table, []).append(key)
    index: dict[Key, Found] = {}
    for table, mine in wanted.items():
        if table in (INTERFACES, ALIASES):
            index |= await _interfaces(agent, snmp.interfaces, mine, walks)
        else:
            index |= await _rows(agent, snmp.tables[table], mine, old, walks)
    return index


async def walked(agent: Agent, column: str, walks: Walks) -> Mapping[str, Value]:
    """Return everything under *column*, walked at most once a visit."""
    if column not in walks:
        walks[column] = await agent.walk(column)
    return walks[column]


async def shelf(agent: Agent, table: Table, walks: Walks) -> tuple[str, Mapping[str, Value]]:
    """Return the first column of *table* that has rows, and its cells."""
    for column in table.columns:
        cells = await walked(agent, column, walks)
        if cells:
            return column, cells
    return table.columns[0], {}


async def _interfaces(
    agent: Agent, table: Interfaces, keys: Sequence[Key], walks: Walks
) -> dict[Key, Found]:
    column, names = await named(agent, table, keys[0].table, walks)
    if not names:
        raise NonsenseFromDevice(
            f"shows no interfaces under {table.name[0]}: check what its SNMP view, or the SNMPv3 "
            "user, may see"
        )
    there = rows.names_in(column, names)
    found = {key: there[key.name] for key in keys if key.name in there}
    twins = [row for at in found.values() if len(at) > 1 for row in at]
    status = table.oper_status
    statuses = await agent.cells([f"{status}.{row}" for row in twins]) if status else {}
    chosen = {key: rows.choose(at, status, statuses) for key, at in found.items()}
    cells = await agent.cells(list(_about(table, chosen.values())))
    return {key: rows.placed(table, column, row, cells) for key, row in chosen.items()}


def _about(table: Interfaces, chosen: Iterable[str]) -> Iterable[str]:
    """Yield what must be known of a row before its counters are read."""
    for row in chosen:
        if table.type:
            yield f"{table.type}.{row}"
        if table.narrow:
            yield f"{table.in_bytes}.{row}"
            yield f"{table.out_bytes}.{row}"


async def named(
    agent: Agent, table: Interfaces, which: str, walks: Walks
) -> tuple[str, Mapping[str, Value]]:
    """Return the column in which the interfaces have names, and the names."""
    columns = (table.alias,) if which == ALIASES and table.alias else table.name
    for column in columns:
        names = await walked(agent, column, walks)
        if names:
            return column, names
    return columns[0], {}


async def _rows(
    agent: Agent, table: Table, keys: Sequence[Key], old: Index, walks: Walks
) -> dict[Key, Found]:
    index: dict[Key, Found] = {}
    for key in keys:
        fixed = rows.fixed(table, key.name)
        if fixed is not None:
            index[key] = Found(fixed, fixed=True)
    missing = [key for key in keys if key not in index]
    if not missing:
        return index
    column, cells = await shelf(agent, table, walks)
    there = rows.indexed(table, column, cells)
    behind: Mapping[bytes, Sequence[str]] = {}
    if not old and cells and any(key.name not in there for key in missing):
        behind = await _behind(agent, table, column, cells, walks)
    for key in missing:
        if key.name in there:
            index[key] = Found(rows.choose(there[key.name], None, {}), table.key)
        elif key in old:
            index[key] = old[key]._replace(guess=True)
        elif key.name in behind:
            index[key] = Found(rows.choose(behind[key.name], None, {}), table.key, guess=True)
    return index


async def _behind(
    agent: Agent, table: Table, column: str, cells: Mapping[str, Value], walks: Walks
) -> Mapping[bytes, Sequence[str]]:
    """Return the rows that the walk of *column* did not show, where it ended early.

    Another column may be whole: an agent that stumbles over one value ends the walk without a word.
    """
    other = next((term for term in table.in_bytes if term.lstrip("-") != column), None)
    if other is None:
        return {}
    other = other.lstrip("-")
    shown = {oid[len(column) :] for oid in cells}
    more = [oid[len(other) :] for oid in await walked(agent, other, walks)]
    left = [at for at in more if at not in shown]
    if not left:
        return {}
    if table.key is None:
        return rows.indexed(table, other, {f"{other}{at}": None for at in left})
    return rows.indexed(table, column, await agent.cells([f"{column}{at}" for at in left]))


_ABOUT = ("serial", "mac", "model", "firmware")


def how_many(snmp: SnmpCollect) -> int:
    """Return how many facts of a device the profile names."""
    return sum(bool(getattr(snmp, name)) for name in _ABOUT) + len(snmp.health)


async def facts_of(agent: Agent, snmp: SnmpCollect) -> tuple[Fact, ...]:
    """Return where the serial, the firmware and the health of the device are read."""
    wanted = {name: (getattr(snmp, name), 1.0) for name in _ABOUT}
    wanted |= {name: (each.oid, each.scale) for name, each in snmp.health.items()}
    found: list[Fact] = []
    for name, (places, scale) in wanted.items():
        oid = await _place(agent, places)
        if oid is not None:
            found.append(Fact(name, oid, scale))
    return tuple(found)


async def health_of(
    agent: Agent, snmp: SnmpCollect, mine: Iterable[Row]
) -> Mapping[str, Mapping[str, float | str]]:
    """Return how the radios are that *mine* are the rows of, by meter."""
    asked: dict[str, tuple[str, str, float]] = {}
    for row in mine:
        table = snmp.tables.get(row.key.table)
        for name, each in table.health.items() if table else ():
            asked[f"{each.oid[0]}.{row.where.at}"] = (row.meter, name, each.scale)
    found: dict[str, dict[str, float | str]] = {}
    for oid, value in (await agent.cells(list(asked))).items():
        meter, name, scale = asked[oid]
        figure = measured(name, value, scale)
        if figure is not None:
            found.setdefault(meter, {})[name] = figure
    return found


async def _place(agent: Agent, places: Sequence[str]) -> str | None:
    """Return the first of *places* that answers; one alone need not be tried beforehand."""
    for place in places:
        if place.endswith(".*"):
            there = await agent.first(place.removesuffix(".*"))
            if there is not None:
                return there[0]
        elif len(places) == 1 or await agent.one(place) is not None:
            return place
    return None


async def radios(
    agent: Agent, snmp: SnmpCollect, metered: Collection[str], walks: Walks
) -> tuple[Radio, ...] | None:
    """Return who is connected, by the tables of radios; None where there is no such table.

    A table that is one only where it is *metered* may else be full of phones.
    """
    found: dict[str, Radio] = {}
    tables = [
        table
        for name, table in snmp.tables.items()
        if table.radios is True or (table.radios == "metered" and name in metered)
    ]
    for table in tables:
        column, cells = await shelf(agent, table, walks)
        for mac, indices in rows.indexed(table, column, cells).items():
            name = cells.get(f"{column}.{indices[0]}") if column == table.name else None
            text = "" if name is None else rows.text_of(name)
            found[rows.mac_text(mac)] = Radio(mac=rows.mac_text(mac), name=text)
    return tuple(found.values()) if tables else None
