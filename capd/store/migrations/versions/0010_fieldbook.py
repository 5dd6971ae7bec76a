"""What devices last said of themselves, and radios that nobody supplied.

Revision ID: 0010
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "device_health",
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("meter", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("figures", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["device"], ["devices.id"], name="fk_device_health_device_devices"),
        sa.PrimaryKeyConstraint("device", "meter", name="pk_device_health"),
    )
    op.create_table(
        "unknown_radios",
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("mac", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("first_at", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.Column("event", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["device"], ["devices.id"], name="fk_unknown_radios_device_devices"
        ),
        sa.ForeignKeyConstraint(["event"], ["events.id"], name="fk_unknown_radios_event_events"),
        sa.PrimaryKeyConstraint("device", "mac", name="pk_unknown_radios"),
    )


def downgrade() -> None:
    op.drop_table("unknown_radios")
    op.drop_table("device_health")
