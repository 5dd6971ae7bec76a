"""Who may ask over HTTP, and what they were answered."""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, Table, Text, text
from sqlalchemy import PrimaryKeyConstraint as PrimaryKey

from capd.store.tables.naming import SERIAL, metadata

tokens = Table(
    "tokens",
    metadata,
    Column("id", SERIAL, primary_key=True),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("subscriber", Text, ForeignKey("subscribers.id")),
    Column("digest", Text, nullable=False, unique=True),  # sha256 of the token, in hex
    Column("created_at", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("last_used_at", BigInteger),
    Column("revoked_at", BigInteger),
    Index(
        "uq_tokens_live",
        "name",
        unique=True,
        sqlite_where=text("revoked_at IS NULL"),
        postgresql_where=text("revoked_at IS NULL"),
    ),
)
answered = Table(
    "answered",
    metadata,
    Column("token", BigInteger, ForeignKey("tokens.id"), nullable=False),
    Column("key", Text, nullable=False),
    Column("asked", Text, nullable=False),  # sha256 of what was asked, in hex
    Column("status", Integer, nullable=False),
    Column("body", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    PrimaryKey("token", "key"),
    Index(None, "at"),
)
