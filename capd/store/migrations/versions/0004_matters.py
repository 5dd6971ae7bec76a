"""Matters: what is open between operator and subscriber; charges have an id.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "matters",
        sa.Column("subscriber", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("open", sa.Boolean(), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("event", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["event"], ["events.id"], name="fk_matters_event"),
        sa.ForeignKeyConstraint(["subscriber"], ["subscribers.id"], name="fk_matters_subscriber"),
        sa.PrimaryKeyConstraint("subscriber", "kind", "key", name="pk_matters"),
    )
    only_open = sa.text("open")
    op.create_index(
        "ix_matters_open",
        "matters",
        ["subscriber"],
        unique=False,
        sqlite_where=only_open,
        postgresql_where=only_open,
    )
    op.create_index("ix_matters_kind_subscriber", "matters", ["kind", "subscriber"], unique=False)
    op.add_column("charges", sa.Column("charge_id", sa.Text(), nullable=True))
    op.create_index("ix_charges_charge_id", "charges", ["charge_id"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_charges_charge_id", table_name="charges")
    with op.batch_alter_table("charges") as charges:
        charges.drop_column("charge_id")
    op.drop_table("matters")
