"""What devices last said of themselves, and radios that nobody supplied."""

from sqlalchemy import BigInteger, Column, ForeignKey, PrimaryKeyConstraint, Table, Text

from capd.store.tables.naming import metadata

device_health = Table(
    "device_health",
    metadata,
    Column("device", Text, ForeignKey("devices.id"), nullable=False),
    Column("meter", Text, nullable=False),  # "": the device itself
    Column("at", BigInteger, nullable=False),
    Column("figures", Text, nullable=False),  # JSON: signal_dbm, firmware, serial, …
    PrimaryKeyConstraint("device", "meter"),
)
unknown_radios = Table(
    "unknown_radios",
    metadata,
    Column("device", Text, ForeignKey("devices.id"), nullable=False),  # the access point
    Column("mac", Text, nullable=False),
    Column("name", Text, nullable=False),  # what it calls itself
    Column("first_at", BigInteger, nullable=False),
    Column("last_at", BigInteger, nullable=False),
    Column("event", BigInteger, ForeignKey("events.id"), nullable=False),
    PrimaryKeyConstraint("device", "mac"),
)
