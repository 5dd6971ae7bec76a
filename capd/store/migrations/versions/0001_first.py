"""The first tables.

Revision ID: 0001
Revises: nothing
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_APPEND_ONLY = {
    "events": "the audit trail is only ever appended to",
    "topups": "top-ups are only ever appended to",
    "charges": "charges are only ever appended to",
}


def upgrade() -> None:
    op.create_table(
        "devices",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("profile", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("serial", sa.Text(), nullable=True),
        sa.Column("mac", sa.Text(), nullable=True),
        sa.Column("snmp", sa.Text(), nullable=True),
        sa.Column("ssh", sa.Text(), nullable=True),
        sa.Column("mqtt_name", sa.Text(), nullable=True),
        sa.Column("collect", sa.Text(), nullable=True),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.Column("interval_s", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_devices"),
    )
    op.create_table(
        "entries",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("meter", sa.Text(), nullable=False),
        sa.Column("subscriber", sa.Text(), nullable=False),
        sa.Column("period_start", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=False),
        sa.Column("down", sa.BigInteger(), nullable=False),
        sa.Column("up", sa.BigInteger(), nullable=False),
        sa.Column("estimated", sa.BigInteger(), nullable=False),
        sa.Column("unknown_us", sa.BigInteger(), nullable=False),
        sa.Column("counts", sa.Boolean(), nullable=False),
        sa.Column("quality", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("down_raw", sa.BigInteger(), nullable=False),
        sa.Column("up_raw", sa.BigInteger(), nullable=False),
        sa.Column("uptime_s", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_entries"),
    )
    op.create_index(
        "ix_entries_subscriber_started_at", "entries", ["subscriber", "started_at"], unique=False
    )
    op.create_table(
        "events",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("clause", sa.Text(), nullable=True),
        sa.Column("subscriber", sa.Text(), nullable=True),
        sa.Column("device", sa.Text(), nullable=True),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("figures", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_events"),
    )
    op.create_index("ix_events_subscriber_id", "events", ["subscriber", "id"], unique=False)
    op.create_table(
        "implausible",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("meter", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_implausible"),
    )
    op.create_table(
        "meter_states",
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("meter", sa.Text(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.Column("down_raw", sa.BigInteger(), nullable=False),
        sa.Column("up_raw", sa.BigInteger(), nullable=False),
        sa.Column("uptime_s", sa.Float(), nullable=True),
        sa.Column("agent_uptime_s", sa.Float(), nullable=True),
        sa.Column("epoch", sa.Text(), nullable=True),
        sa.Column("counter_bits", sa.Integer(), nullable=False),
        sa.Column("link_bps", sa.BigInteger(), nullable=True),
        sa.Column("identity", sa.Text(), nullable=True),
        sa.Column("retained", sa.Boolean(), nullable=False),
        sa.Column("candidate_at", sa.BigInteger(), nullable=True),
        sa.Column("candidate", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("device", "meter", name="pk_meter_states"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "products",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("cap_bytes", sa.BigInteger(), nullable=True),
        sa.Column("counts", sa.Text(), nullable=False),
        sa.Column("down_bps", sa.BigInteger(), nullable=True),
        sa.Column("up_bps", sa.BigInteger(), nullable=True),
        sa.Column("price", sa.Text(), nullable=True),
        sa.Column("family", sa.Text(), nullable=False),
        sa.Column("upgrade_to", sa.Text(), nullable=True),
        sa.Column("delay_h", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_products"),
    )
    op.create_table(
        "remembered",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_remembered"),
    )
    op.create_table(
        "sectors",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("capacity_down_bps", sa.BigInteger(), nullable=True),
        sa.Column("capacity_up_bps", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_sectors"),
    )
    op.create_table(
        "totals",
        sa.Column("subscriber", sa.Text(), nullable=False),
        sa.Column("period_start", sa.BigInteger(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("period_end", sa.BigInteger(), nullable=False),
        sa.Column("down", sa.BigInteger(), nullable=False),
        sa.Column("up", sa.BigInteger(), nullable=False),
        sa.Column("estimated", sa.BigInteger(), nullable=False),
        sa.Column("unknown_us", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("subscriber", "period_start", name="pk_totals"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("event", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("subscriber", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["event"], ["events.id"], name="fk_outbox_event"),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
        sa.UniqueConstraint("event", "channel", name="uq_outbox_event_channel"),
    )
    op.create_index(
        "ix_outbox_open",
        "outbox",
        ["channel", "subscriber", "id"],
        unique=False,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_table(
        "seen",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("event", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["event"], ["events.id"], name="fk_seen_event"),
        sa.PrimaryKeyConstraint("kind", "reference", name="pk_seen"),
    )
    op.create_table(
        "subscribers",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("cycle_day", sa.Integer(), nullable=False),
        sa.Column("sector", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("linked", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["product"], ["products.id"], name="fk_subscribers_product"),
        sa.ForeignKeyConstraint(["sector"], ["sectors.id"], name="fk_subscribers_sector"),
        sa.PrimaryKeyConstraint("id", name="pk_subscribers"),
    )
    op.create_table(
        "applied",
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("subscriber", sa.Text(), nullable=False),
        sa.Column("meter", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("suspended", sa.Boolean(), nullable=False),
        sa.Column("down_bps", sa.BigInteger(), nullable=True),
        sa.Column("up_bps", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=True),
        sa.Column("order_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["device"], ["devices.id"], name="fk_applied_device"),
        sa.ForeignKeyConstraint(["subscriber"], ["subscribers.id"], name="fk_applied_subscriber"),
        sa.PrimaryKeyConstraint("device", "subscriber", name="pk_applied"),
    )
    op.create_index("ix_applied_subscriber", "applied", ["subscriber"], unique=False)
    op.create_table(
        "breaches",
        sa.Column("subscriber", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("counted_bytes", sa.BigInteger(), nullable=False),
        sa.Column("allowance_bytes", sa.BigInteger(), nullable=False),
        sa.Column("event", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["event"], ["events.id"], name="fk_breaches_event"),
        sa.ForeignKeyConstraint(["subscriber"], ["subscribers.id"], name="fk_breaches_subscriber"),
        sa.PrimaryKeyConstraint("subscriber", "period", name="pk_breaches"),
    )
    op.create_table(
        "charges",
        sa.Column("event", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("subscriber", sa.Text(), nullable=False),
        sa.Column("charge", sa.Text(), nullable=False),
        sa.Column("amount", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("breach", sa.Text(), nullable=True),
        sa.Column("period", sa.Text(), nullable=True),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["event"], ["events.id"], name="fk_charges_event"),
        sa.ForeignKeyConstraint(["subscriber"], ["subscribers.id"], name="fk_charges_subscriber"),
        sa.PrimaryKeyConstraint("event", name="pk_charges"),
    )
    op.create_index(
        "ix_charges_subscriber_period", "charges", ["subscriber", "period"], unique=False
    )
    op.create_table(
        "delays",
        sa.Column("event", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("subscriber", sa.Text(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["event"], ["events.id"], name="fk_delays_event"),
        sa.ForeignKeyConstraint(["subscriber"], ["subscribers.id"], name="fk_delays_subscriber"),
        sa.PrimaryKeyConstraint("event", name="pk_delays"),
    )
    op.create_index("ix_delays_subscriber_event", "delays", ["subscriber", "event"], unique=False)
    op.create_table(
        "given",
        sa.Column("event", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("subscriber", sa.Text(), nullable=False),
        sa.Column("notice", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("allowance_bytes", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["event"], ["events.id"], name="fk_given_event"),
        sa.ForeignKeyConstraint(["subscriber"], ["subscribers.id"], name="fk_given_subscriber"),
        sa.PrimaryKeyConstraint("event", name="pk_given"),
    )
    op.create_index("ix_given_subscriber_period", "given", ["subscriber", "period"], unique=False)
    op.create_table(
        "holds",
        sa.Column("event", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("subscriber", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("clause", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.Column("period", sa.Text(), nullable=True),
        sa.Column("down_bps", sa.BigInteger(), nullable=True),
        sa.Column("up_bps", sa.BigInteger(), nullable=True),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.Column("closed_by", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["closed_by"], ["events.id"], name="fk_holds_closed_by"),
        sa.ForeignKeyConstraint(["event"], ["events.id"], name="fk_holds_event"),
        sa.ForeignKeyConstraint(["subscriber"], ["subscribers.id"], name="fk_holds_subscriber"),
        sa.PrimaryKeyConstraint("event", name="pk_holds"),
    )
    op.create_index(
        "uq_holds_open",
        "holds",
        ["subscriber", "reason"],
        unique=True,
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_table(
        "meters",
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("subscriber", sa.Text(), nullable=False),
        sa.Column("if_name", sa.Text(), nullable=True),
        sa.Column("down", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("counter_bits", sa.Integer(), nullable=True),
        sa.Column("link_bps", sa.BigInteger(), nullable=True),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["device"], ["devices.id"], name="fk_meters_device"),
        sa.ForeignKeyConstraint(["subscriber"], ["subscribers.id"], name="fk_meters_subscriber"),
        sa.PrimaryKeyConstraint("device", "id", name="pk_meters"),
    )
    op.create_index("ix_meters_subscriber", "meters", ["subscriber"], unique=False)
    op.create_table(
        "orders",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("subscriber", sa.Text(), nullable=False),
        sa.Column("meter", sa.Text(), nullable=False),
        sa.Column("before", sa.Text(), nullable=False),
        sa.Column("after", sa.Text(), nullable=False),
        sa.Column("suspends", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("clause", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("released_at", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("transcript", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["device"], ["devices.id"], name="fk_orders_device"),
        sa.ForeignKeyConstraint(["subscriber"], ["subscribers.id"], name="fk_orders_subscriber"),
        sa.PrimaryKeyConstraint("id", name="pk_orders"),
    )
    op.create_index("ix_orders_released_at", "orders", ["released_at"], unique=False)
    op.create_index("ix_orders_state", "orders", ["state"], unique=False)
    op.create_index("ix_orders_subscriber", "orders", ["subscriber"], unique=False)
    op.create_table(
        "topups",
        sa.Column("event", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("subscriber", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["event"], ["events.id"], name="fk_topups_event"),
        sa.ForeignKeyConstraint(["subscriber"], ["subscribers.id"], name="fk_topups_subscriber"),
        sa.PrimaryKeyConstraint("event", name="pk_topups"),
        sa.UniqueConstraint("reference", name="uq_topups_reference"),
    )
    op.create_index("ix_topups_subscriber_period", "topups", ["subscriber", "period"], unique=False)

    for table, sentence in _APPEND_ONLY.items():
        if op.get_bind().dialect.name == "sqlite":
            _refuse_on_sqlite(table, sentence)
        else:
            _refuse_on_postgresql(table, sentence)


def _refuse_on_sqlite(table: str, sentence: str) -> None:
    for change in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER {table}_no_{change.lower()} BEFORE {change} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{sentence}'); END"
        )


def _refuse_on_postgresql(table: str, sentence: str) -> None:
    op.execute(
        f"CREATE FUNCTION {table}_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{sentence}'; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_append_only()"
    )


def downgrade() -> None:
    for table in _TABLES:
        op.drop_table(table)
    if op.get_bind().dialect.name != "sqlite":
        for table in _APPEND_ONLY:
            op.execute(f"DROP FUNCTION {table}_append_only()")


_TABLES = (
    "topups",
    "orders",
    "meters",
    "holds",
    "given",
    "delays",
    "charges",
    "breaches",
    "applied",
    "subscribers",
    "seen",
    "outbox",
    "totals",
    "sectors",
    "remembered",
    "products",
    "meter_states",
    "implausible",
    "events",
    "entries",
    "devices",
)
