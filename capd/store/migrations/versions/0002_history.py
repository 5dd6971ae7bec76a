"""Usage by hour and by day, the sums of what has lapsed, and legal holds.

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_BACK_INTO_ENTRIES = """
    INSERT INTO entries (device, meter, subscriber, period_start, started_at, ended_at,
                         down, up, estimated, unknown_us, counts, quality, rule, down_raw, up_raw)
    SELECT '', '{table}', subscriber, period_start, started_at, ended_at,
           down, up, estimated, unknown_us, true, 'counted', 'CN-12', 0, 0 FROM {table}
"""


def _of_spans(name: str) -> None:
    op.create_table(
        name,
        sa.Column("subscriber", sa.Text(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("period_start", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=False),
        sa.Column("down", sa.BigInteger(), nullable=False),
        sa.Column("up", sa.BigInteger(), nullable=False),
        sa.Column("estimated", sa.BigInteger(), nullable=False),
        sa.Column("unknown_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("subscriber", "started_at", "period_start", name=f"pk_{name}"),
        sqlite_with_rowid=False,
    )


def upgrade() -> None:
    _of_spans("hours")
    _of_spans("days")
    op.create_table(
        "lapsed",
        sa.Column("subscriber", sa.Text(), nullable=False),
        sa.Column("period_start", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=False),
        sa.Column("down", sa.BigInteger(), nullable=False),
        sa.Column("up", sa.BigInteger(), nullable=False),
        sa.Column("estimated", sa.BigInteger(), nullable=False),
        sa.Column("unknown_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("subscriber", "period_start", name="pk_lapsed"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "legal_holds",
        sa.Column("subscriber", sa.Text(), nullable=False),
        sa.Column("event", sa.BigInteger(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["event"], ["events.id"], name="fk_legal_holds_event"),
        sa.ForeignKeyConstraint(
            ["subscriber"], ["subscribers.id"], name="fk_legal_holds_subscriber"
        ),
        sa.PrimaryKeyConstraint("subscriber", name="pk_legal_holds"),
    )


def downgrade() -> None:
    for table in ("lapsed", "days", "hours"):  # their bytes are in no other table
        op.execute(_BACK_INTO_ENTRIES.format(table=table))
    for table in ("legal_holds", "lapsed", "days", "hours"):
        op.drop_table(table)
