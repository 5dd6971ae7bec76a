"""The service book, what devices have and are to be given; and what people are to be told."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from capd.store.tables.naming import SERIAL, metadata

applied = Table(
    "applied",
    metadata,
    Column("device", Text, ForeignKey("devices.id"), nullable=False),
    Column("subscriber", Text, ForeignKey("subscribers.id"), nullable=False),
    Column("meter", Text, nullable=False),
    Column("product", Text, nullable=False),
    Column("suspended", Boolean, nullable=False),
    Column("down_bps", BigInteger),
    Column("up_bps", BigInteger),
    Column("state", Text, nullable=False),
    Column("at", BigInteger),
    Column("order_id", BigInteger),
    Column("looked_at", BigInteger),  # when it was last read back, by an order or to find drift
    PrimaryKeyConstraint("device", "subscriber"),
    Index(None, "subscriber"),
)
orders = Table(
    "orders",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("device", Text, ForeignKey("devices.id"), nullable=False),
    Column("subscriber", Text, ForeignKey("subscribers.id"), nullable=False),
    Column("meter", Text, nullable=False),
    Column("before", Text, nullable=False),  # a Service in JSON
    Column("after", Text, nullable=False),
    Column("suspends", Boolean, nullable=False),
    Column("reason", Text, nullable=False),
    Column("clause", Text),
    Column("created_at", BigInteger, nullable=False),
    Column("released_at", BigInteger),  # None: the guard holds it, or held it until it ended
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_at", BigInteger),
    Column("detail", Text, nullable=False),
    Column("transcript", Text, nullable=False),
    Column("device_before", Text),  # its words, before the first try
    Column("begun", Boolean, nullable=False),  # a session may have changed the device
    Index(None, "subscriber"),
    Index(None, "state"),
    Index(None, "released_at"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", SERIAL, primary_key=True),
    Column("event", BigInteger, ForeignKey("events.id"), nullable=False),
    Column("channel", Text, nullable=False),
    Column("subscriber", Text, nullable=False),  # "" where the event has none
    Column("recipient", Text),
    Column("state", Text, nullable=False),  # open, done, given_up
    Column("attempts", Integer, nullable=False),
    Column("next_at", BigInteger),
    Column("ended_at", BigInteger),
    Column("problem", Text, nullable=False),
    Column("answer", Text),  # of who took it
    Column("message_id", Text),  # of a mail
    Column("bounced", BigInteger),  # the event that says so (UC-7)
    UniqueConstraint("event", "channel"),
    Index(None, "subscriber", "id"),
    Index(
        "ix_outbox_open",
        "channel",
        "subscriber",
        "id",
        sqlite_where=text("state = 'open'"),
        postgresql_where=text("state = 'open'"),
    ),
)
surges = Table(
    "surges",
    metadata,
    Column("subscriber", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("device", Text, nullable=False),
    Column("down", BigInteger, nullable=False),
    Column("up", BigInteger, nullable=False),
    Column("us", BigInteger, nullable=False),  # in which they were counted
    PrimaryKeyConstraint("subscriber", "at"),
    Index(None, "at"),
)
