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
)
