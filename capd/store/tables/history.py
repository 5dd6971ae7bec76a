"""Usage that is too old for single readings: hours, days, and the sums of what has lapsed.

Every counted byte is in just one of `entries`, `hours`, `days` and `lapsed`.
"""

from sqlalchemy import BigInteger, Column, ForeignKey, PrimaryKeyConstraint, Table, Text

from capd.store.tables.naming import metadata


def _of_spans(name: str) -> Table:
    return Table(
        name,
        metadata,
        Column("subscriber", Text, nullable=False),
        Column("started_at", BigInteger, nullable=False),  # of the local hour or day
        Column("period_start", BigInteger, nullable=False),
        Column("ended_at", BigInteger, nullable=False),
        Column("down", BigInteger, nullable=False),
        Column("up", BigInteger, nullable=False),
        Column("estimated", BigInteger, nullable=False),
        Column("unknown_us", BigInteger, nullable=False),
        PrimaryKeyConstraint("subscriber", "started_at", "period_start"),
        sqlite_with_rowid=False,
    )


hours = _of_spans("hours")
days = _of_spans("days")
lapsed = Table(
    "lapsed",
    metadata,
    Column("subscriber", Text, nullable=False),
    Column("period_start", BigInteger, nullable=False),
    Column("started_at", BigInteger, nullable=False),  # of the first day in it
    Column("ended_at", BigInteger, nullable=False),  # and of the last one
    Column("down", BigInteger, nullable=False),
    Column("up", BigInteger, nullable=False),
    Column("estimated", BigInteger, nullable=False),
    Column("unknown_us", BigInteger, nullable=False),
    PrimaryKeyConstraint("subscriber", "period_start"),
    sqlite_with_rowid=False,
)
legal_holds = Table(
    "legal_holds",
    metadata,
    Column("subscriber", Text, ForeignKey("subscribers.id"), primary_key=True),
    Column("event", BigInteger, ForeignKey("events.id"), nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("author", Text, nullable=False),
    Column("note", Text, nullable=False),
)
