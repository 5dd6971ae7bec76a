"""The audit trail, and what is projected from it."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from capd.store.tables.naming import metadata

events = Table(
    "events",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),  # without gaps
    Column("at", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("clause", Text),
    Column("subscriber", Text),
    Column("device", Text),
    Column("author", Text, nullable=False),
    Column("figures", Text, nullable=False),
    Column("hash", Text, nullable=False),  # sha256 over the hash before and this row
    Index(None, "subscriber", "id"),
)
holds = Table(
    "holds",
    metadata,
    Column("event", BigInteger, ForeignKey("events.id"), primary_key=True, autoincrement=False),
    Column("subscriber", Text, ForeignKey("subscribers.id"), nullable=False),
    Column("reason", Text, nullable=False),
    Column("opened_at", BigInteger, nullable=False),
    Column("clause", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("until", BigInteger),
    Column("period", Text),
    Column("down_bps", BigInteger),
    Column("up_bps", BigInteger),
    Column("closed_at", BigInteger),
    Column("closed_by", BigInteger, ForeignKey("events.id")),
    Index(
        "uq_holds_open",
        "subscriber",
        "reason",
        unique=True,
        sqlite_where=text("closed_at IS NULL"),
        postgresql_where=text("closed_at IS NULL"),
    ),
)
given = Table(
    "given",
    metadata,
    Column("event", BigInteger, ForeignKey("events.id"), primary_key=True, autoincrement=False),
    Column("subscriber", Text, ForeignKey("subscribers.id"), nullable=False),
    Column("notice", Text, nullable=False),
    Column("period", Text, nullable=False),
    Column("allowance_bytes", BigInteger, nullable=False),
    Index(None, "subscriber", "period"),
)
topups = Table(
    "topups",
    metadata,
    Column("event", BigInteger, ForeignKey("events.id"), primary_key=True, autoincrement=False),
    Column("subscriber", Text, ForeignKey("subscribers.id"), nullable=False),
    Column("period", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("reference", Text, nullable=False),
    UniqueConstraint("reference"),
    Index(None, "subscriber", "period"),
)
breaches = Table(
    "breaches",
    metadata,
    Column("subscriber", Text, ForeignKey("subscribers.id"), nullable=False),
    Column("period", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("counted_bytes", BigInteger, nullable=False),
    Column("allowance_bytes", BigInteger, nullable=False),
    Column("event", BigInteger, ForeignKey("events.id"), nullable=False),
    PrimaryKeyConstraint("subscriber", "period"),
)
charges = Table(
    "charges",
    metadata,
    Column("event", BigInteger, ForeignKey("events.id"), primary_key=True, autoincrement=False),
    Column("subscriber", Text, ForeignKey("subscribers.id"), nullable=False),
    Column("charge", Text, nullable=False),
    Column("amount", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("breach", Text),
    Column("period", Text),  # the breach's
    Column("units", BigInteger, nullable=False),
    Column("charge_id", Text),  # None: of before charges had one
    Index(None, "subscriber", "period"),
    Index(None, "charge_id"),
)
delays = Table(
    "delays",
    metadata,
    Column("event", BigInteger, ForeignKey("events.id"), primary_key=True, autoincrement=False),
    Column("subscriber", Text, ForeignKey("subscribers.id"), nullable=False),
    Column("until", BigInteger, nullable=False),
    Column("author", Text, nullable=False),
    Column("note", Text, nullable=False),
    Index(None, "subscriber", "event"),
)
matters = Table(
    "matters",
    metadata,
    Column("subscriber", Text, ForeignKey("subscribers.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("open", Boolean, nullable=False),
    Column("opened_at", BigInteger, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Column("due_at", BigInteger),
    Column("data", Text, nullable=False),  # JSON: all that the newest event says of it
    Column("event", BigInteger, ForeignKey("events.id"), nullable=False),  # the newest
    PrimaryKeyConstraint("subscriber", "kind", "key"),
    Index(
        "ix_matters_open",
        "subscriber",
        sqlite_where=text("open"),
        postgresql_where=text("open"),
    ),
    Index(None, "kind", "subscriber"),
)
seen = Table(
    "seen",
    metadata,
    Column("kind", Text, nullable=False),
    Column("reference", Text, nullable=False),
    Column("event", BigInteger, ForeignKey("events.id"), nullable=False),
    PrimaryKeyConstraint("kind", "reference"),
)
remembered = Table(
    "remembered",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
)
