"""What is written after the fact: the drawer's decisions, corrections, gaps that are filled.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_SENTENCE = "adjustments are only ever appended to"
_OF_THE_DRAWER = ("note", "decided_by", "decided_at", "state", "subscriber")


def upgrade() -> None:
    op.add_column("implausible", sa.Column("subscriber", sa.Text(), nullable=True))
    op.add_column(
        "implausible", sa.Column("state", sa.Text(), server_default="open", nullable=False)
    )
    op.add_column("implausible", sa.Column("decided_at", sa.BigInteger(), nullable=True))
    op.add_column("implausible", sa.Column("decided_by", sa.Text(), nullable=True))
    op.add_column("implausible", sa.Column("note", sa.Text(), nullable=True))
    op.create_index("ix_implausible_state", "implausible", ["state"], unique=False)
    op.execute(
        "UPDATE implausible SET subscriber = e.subscriber FROM entries AS e "
        "WHERE e.quality = 'implausible' AND e.device = implausible.device "
        "AND e.meter = implausible.meter AND e.ended_at = implausible.at"
    )
    op.create_table(
        "adjustments",
        sa.Column("entry", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("source", sa.BigInteger(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("entry", name="pk_adjustments"),
    )
    op.create_index("ix_adjustments_kind_source", "adjustments", ["kind", "source"], unique=False)
    op.create_table(
        "gaps",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("subscriber", sa.Text(), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("meter", sa.Text(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=False),
        sa.Column("unknown_from", sa.BigInteger(), nullable=False),
        sa.Column("unknown_to", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("window_from", sa.BigInteger(), nullable=True),
        sa.Column("window_to", sa.BigInteger(), nullable=True),
        sa.Column("down", sa.BigInteger(), nullable=False),
        sa.Column("up", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_gaps"),
    )
    op.create_index("ix_gaps_subscriber_state", "gaps", ["subscriber", "state"], unique=False)
    _append_only()


def _append_only() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for change in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER adjustments_no_{change.lower()} BEFORE {change} ON adjustments "
                f"BEGIN SELECT RAISE(ABORT, '{_SENTENCE}'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION adjustments_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{_SENTENCE}'; END $$"
    )
    op.execute(
        "CREATE TRIGGER adjustments_append_only BEFORE UPDATE OR DELETE OR TRUNCATE "
        "ON adjustments FOR EACH STATEMENT EXECUTE FUNCTION adjustments_append_only()"
    )


def downgrade() -> None:
    op.drop_table("gaps")
    op.drop_table("adjustments")
    if op.get_bind().dialect.name != "sqlite":
        op.execute("DROP FUNCTION adjustments_append_only()")
    op.drop_index("ix_implausible_state", table_name="implausible")
    with op.batch_alter_table("implausible") as drawer:
        for column in _OF_THE_DRAWER:
            drawer.drop_column(column)
