"""The inventory: what is sold, to whom, and what it hangs on."""

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
    false,
)

from capd.store.tables.naming import metadata

products = Table(
    "products",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("cap_bytes", BigInteger),
    Column("counts", Text, nullable=False),
    Column("down_bps", BigInteger),
    Column("up_bps", BigInteger),
    Column("price", Text),
    Column("family", Text, nullable=False),
    Column("upgrade_to", Text),
    Column("delay_h", Integer),
    Column("unit", Text, nullable=False, server_default="bytes"),
    Column("term_months", Integer),
    Column("withdrawn_on", Text),  # a day, 2026-03-01
    Column("replaced_by", Text),
    Column("kind", Text, nullable=False, server_default="monthly"),
    Column("terms_from", Text),  # a day: up to then whoever had it keeps what it was (CT-6)
)
sectors = Table(
    "sectors",
    metadata,
    Column("id", Text, primary_key=True),
    Column("capacity_down_bps", BigInteger),
    Column("capacity_up_bps", BigInteger),
)
subscribers = Table(
    "subscribers",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("product", Text, ForeignKey("products.id"), nullable=False),
    Column("email", Text),
    Column("cycle_day", Integer, nullable=False),
    Column("sector", Text, ForeignKey("sectors.id")),
    Column("address", Text),
    Column("linked", Text, nullable=False),  # a JSON list
    Column("shares_address", Boolean, nullable=False, server_default=false()),
    Column("earlier_days", Text),  # a JSON list: [when it was changed, the cycle day up to then]
)
devices = Table(
    "devices",
    metadata,
    Column("id", Text, primary_key=True),
    Column("profile", Text, nullable=False),
    Column("address", Text),
    Column("serial", Text),
    Column("mac", Text),
    Column("snmp", Text),  # JSON; credentials as the operator wrote them
    Column("ssh", Text),
    Column("mqtt_name", Text),
    Column("collect", Text),
    Column("settings", Text, nullable=False),
    Column("interval_s", Integer),
)
meters = Table(
    "meters",
    metadata,
    Column("device", Text, ForeignKey("devices.id"), nullable=False),
    Column("id", Text, nullable=False),
    Column("position", Integer, nullable=False),  # the order that the operator wrote them in
    Column("subscriber", Text, ForeignKey("subscribers.id"), nullable=False),
    Column("if_name", Text),
    Column("table", Text),  # of the profile, instead of an interface
    Column("row", Text),
    Column("down", Text, nullable=False),  # "": as the profile's table says
    Column("role", Text, nullable=False),
    Column("counter_bits", Integer),
    Column("link_bps", BigInteger),
    Column("settings", Text, nullable=False),
    PrimaryKeyConstraint("device", "id"),
    Index(None, "subscriber"),
)
