"""What field techs do: radios that go into service."""

from sqlalchemy import BigInteger, Column, Index, Table, Text

from capd.store.tables.naming import metadata

activations = Table(
    "activations",
    metadata,
    Column("id", Text, primary_key=True),
    Column("subscriber", Text, nullable=False),  # as pressed: it may name nobody
    Column("device", Text, nullable=False),
    Column("serial", Text),
    Column("mac", Text),
    Column("author", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("steps", Text, nullable=False),  # JSON
    Column("ended_at", BigInteger),
    Column("former", Text),  # JSON: what it found, to be put back where it is undone
    Column("undo", Text),  # JSON: who wants it undone, when, why
    Index(None, "state"),
    Index(None, "subscriber", "at"),
)
