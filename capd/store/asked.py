"""What is asked of the ledger for many subscribers at once, as one table in a statement.

All of it comes as one parameter, in JSON: thousands of parameters would be slow.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

import orjson
from sqlalchemy import BigInteger, FromClause, Select, Text, text
from sqlalchemy.ext.asyncio import AsyncConnection

_ASK = ("n", "who", "start", "since", "until")
_IN_JSON = {  # an item of an array, its elements, its type
    "sqlite": ("json_extract(value, '$[{}]')", "json_each", "text"),
    "postgresql": ("(value ->> {})", "json_array_elements", "json"),
}


@cache
def asks_of(dialect: str) -> FromClause:
    """Return what is asked as a table: a number, whose, and three moments in microseconds."""
    item, each, kind = _IN_JSON[dialect]
    columns = ", ".join(
        f"CAST({item.format(place)} AS {'text' if name == 'who' else 'bigint'}) AS {name}"
        for place, name in enumerate(_ASK)
    )
    query = text(f"SELECT {columns} FROM {each}(CAST(:asks AS {kind})) AS asked")  # noqa: S608 - names of our own
    kinds = {name: Text() if name == "who" else BigInteger() for name in _ASK}
    return query.columns(**kinds).cte("asks").prefix_with("MATERIALIZED")


async def answered(
    conn: AsyncConnection, query: Select[Any], asks: Sequence[Sequence[object]]
) -> Sequence[Any]:
    """Return the rows of *query*, which is about *asks*: each the columns behind its number."""
    told = orjson.dumps([(n, *ask) for n, ask in enumerate(asks)]).decode()
    found: Sequence[Any] = (await conn.execute(query, {"asks": told})).all()
    return found
