"""A meter may be a row of a table: a station, a queue, a session.

Revision ID: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("meters", sa.Column("table", sa.Text(), nullable=True))
    op.add_column("meters", sa.Column("row", sa.Text(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("meters") as meters:
        meters.drop_column("row")
        meters.drop_column("table")
