"""The ledger's statements, with as little Python a row as each driver allows.

Two thousand readings a batch: SQLAlchemy's own way of binding rows would cost as much as the rest.
SQLite binds a list of rows in C; PostgreSQL takes one array a column. Both say how many rows hit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Float, Integer, Table
from sqlalchemy.ext.asyncio import AsyncConnection

from capd.store.tables import entries, meter_states, totals

_STATE = [column.name for column in meter_states.columns]
_WAS = ["was_last_at", "was_candidate_at"]
_KEY = ["device", "meter"]
_SET = [name for name in _STATE if name not in _KEY]
_ENTRY = [column.name for column in entries.columns if column.name != "id"]
_TOTAL = [column.name for column in totals.columns]
_ADDED = ["down", "up", "estimated", "unknown_us"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Statements:
    """What the ledger writes, in one dialect; rows have the order of the tables' columns."""

    add_states: str  # of meters never seen; one that somebody else inserted is left, and not a hit
    move_states: str  # a row ends with the last_at and candidate_at that must still be there
    add_entries: str  # a row has no id
    add_totals: str  # to what is there


def _insert(table: Table, names: Sequence[str], rows: str, conflict: str = "") -> str:
    return f"INSERT INTO {table.name} ({', '.join(names)}) {rows} {conflict}"


def _add_up(greatest: str) -> str:
    sums = ", ".join(f"{name} = totals.{name} + excluded.{name}" for name in _ADDED)
    newest = f"last_at = {greatest}(totals.last_at, excluded.last_at)"
    end = "period_end = excluded.period_end"  # a changed cycle day ends it early
    return f"ON CONFLICT (subscriber, period_start) DO UPDATE SET {sums}, {newest}, {end}"


def _sqlite() -> Statements:
    def values(names: Sequence[str]) -> str:
        return f"VALUES ({', '.join('?' * len(names))})"

    # numbered, so that a row may begin with its key as the table does
    numbers = {name: f"?{number}" for number, name in enumerate([*_STATE, *_WAS], 1)}
    moved = ", ".join(f"{name} = {numbers[name]}" for name in _SET)
    return Statements(
        add_states=_insert(meter_states, _STATE, values(_STATE), "ON CONFLICT DO NOTHING"),
        move_states=f"UPDATE meter_states SET {moved}"  # noqa: S608 - our own names
        f" WHERE device = {numbers['device']} AND meter = {numbers['meter']}"
        f" AND last_at = {numbers['was_last_at']}"
        f" AND candidate_at IS {numbers['was_candidate_at']}",
        add_entries=_insert(entries, _ENTRY, values(_ENTRY)),
        add_totals=_insert(totals, _TOTAL, values(_TOTAL), _add_up("max")),
    )


def _array_type(column: Column[Any]) -> str:
    for kind, name in ((Boolean, "boolean"), (BigInteger, "bigint"), (Integer, "integer")):
        if isinstance(column.type, kind):
            return name
    return "double precision" if isinstance(column.type, Float) else "text"


def _postgresql() -> Statements:
    def unnest(table: Table, names: Sequence[str]) -> str:
        types = [_array_type(table.columns[name.removeprefix("was_")]) for name in names]
        arrays = ", ".join(f"${number}::{kind}[]" for number, kind in enumerate(types, 1))
        return f"unnest({arrays}) AS n ({', '.join(names)})"

    def rows(table: Table, names: Sequence[str]) -> str:
        return f"SELECT * FROM {unnest(table, names)}"  # noqa: S608 - our own names

    moved = ", ".join(f"{name} = n.{name}" for name in _SET)
    return Statements(
        add_states=_insert(
            meter_states, _STATE, rows(meter_states, _STATE), "ON CONFLICT DO NOTHING"
        ),
        move_states=f"UPDATE meter_states AS t SET {moved}"  # noqa: S608 - our own names
        f" FROM {unnest(meter_states, [*_STATE, *_WAS])}"
        " WHERE t.device = n.device AND t.meter = n.meter AND t.last_at = n.was_last_at"
        " AND t.candidate_at IS NOT DISTINCT FROM n.was_candidate_at",
        add_entries=_insert(entries, _ENTRY, rows(entries, _ENTRY)),
        add_totals=_insert(totals, _TOTAL, rows(totals, _TOTAL), _add_up("greatest")),
    )


SQLITE = _sqlite()
POSTGRESQL = _postgresql()


async def run(conn: AsyncConnection, statement: str, rows: Sequence[tuple[Any, ...]]) -> int:
    """Write *rows* with one of the `Statements`; return how many hit."""
    if not rows:
        return 0
    if conn.dialect.name == "sqlite":
        result = await conn.exec_driver_sql(statement, list(rows))
    else:
        columns = tuple(list(column) for column in zip(*rows, strict=True))
        result = await conn.exec_driver_sql(statement, columns)
    return result.rowcount
