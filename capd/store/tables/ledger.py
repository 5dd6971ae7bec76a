"""The ledger; no foreign keys, for this is the hot path."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
)

from capd.store.tables.naming import SERIAL, metadata

meter_states = Table(
    "meter_states",
    metadata,
    Column("device", Text, nullable=False),
    Column("meter", Text, nullable=False),
    Column("last_at", BigInteger, nullable=False),
    Column("down_raw", BigInteger, nullable=False),  # 64 bits without a sign, kept in 64 with one
    Column("up_raw", BigInteger, nullable=False),
    Column("uptime_s", Float),
    Column("agent_uptime_s", Float),
    Column("epoch", Text),
    Column("counter_bits", Integer, nullable=False),
    Column("link_bps", BigInteger),
    Column("identity", Text),
    Column("retained", Boolean, nullable=False),
    Column("candidate_at", BigInteger),
    Column("candidate", Text),  # a reading in JSON: falls are rare
    PrimaryKeyConstraint("device", "meter"),
    sqlite_with_rowid=False,
)
entries = Table(
    "entries",
    metadata,
    Column("id", SERIAL, primary_key=True),
    Column("device", Text, nullable=False),
    Column("meter", Text, nullable=False),
    Column("subscriber", Text, nullable=False),
    Column("period_start", BigInteger, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger, nullable=False),
    Column("down", BigInteger, nullable=False),
    Column("up", BigInteger, nullable=False),
    Column("estimated", BigInteger, nullable=False),
    Column("unknown_us", BigInteger, nullable=False),
    Column("counts", Boolean, nullable=False),
    Column("quality", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("down_raw", BigInteger, nullable=False),
    Column("up_raw", BigInteger, nullable=False),
    Column("uptime_s", Float),
    Index(None, "subscriber", "started_at"),
)
totals = Table(
    "totals",
    metadata,
    Column("subscriber", Text, nullable=False),
    Column("period_start", BigInteger, nullable=False),
    Column("period", Text, nullable=False),
    Column("period_end", BigInteger, nullable=False),
    Column("down", BigInteger, nullable=False),
    Column("up", BigInteger, nullable=False),
    Column("estimated", BigInteger, nullable=False),
    Column("unknown_us", BigInteger, nullable=False),
    Column("last_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("subscriber", "period_start"),
    sqlite_with_rowid=False,
)
implausible = Table(
    "implausible",
    metadata,
    Column("id", SERIAL, primary_key=True),
    Column("device", Text, nullable=False),
    Column("meter", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("evidence", Text, nullable=False),  # both readings and the figures, in JSON
    Column("subscriber", Text),
    Column("state", Text, nullable=False, server_default="open"),  # open, accepted, refused
    Column("decided_at", BigInteger),
    Column("decided_by", Text),
    Column("note", Text),
    Index(None, "state"),
)
adjustments = Table(  # append-only: who wrote an entry that no reading made, and why
    "adjustments",
    metadata,
    Column("entry", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),  # also the entry's quality
    Column("source", BigInteger),  # of what was accepted: implausible.id; of a fill: gaps.id
    Column("at", BigInteger, nullable=False),
    Column("author", Text, nullable=False),
    Column("note", Text, nullable=False),
    Index(None, "kind", "source"),
)
gaps = Table(  # what a main meter does not know, where a backup meter may (CN-14)
    "gaps",
    metadata,
    Column("id", SERIAL, primary_key=True),
    Column("subscriber", Text, nullable=False),
    Column("device", Text, nullable=False),
    Column("meter", Text, nullable=False),
    Column("started_at", BigInteger, nullable=False),  # of the whole entry
    Column("ended_at", BigInteger, nullable=False),
    Column("unknown_from", BigInteger, nullable=False),
    Column("unknown_to", BigInteger, nullable=False),
    Column("state", Text, nullable=False),  # waiting, filled, left (nothing to fill it), known
    Column("window_from", BigInteger),  # the backup's readings that filled it
    Column("window_to", BigInteger),
    Column("down", BigInteger, nullable=False),  # what it was filled with
    Column("up", BigInteger, nullable=False),
    Index(None, "subscriber", "state"),
)
