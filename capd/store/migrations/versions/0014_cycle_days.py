"""A subscriber's earlier cycle days, and until when each held.

Revision ID: 0014
Revises: 0013
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("subscribers", sa.Column("earlier_days", sa.Text(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("subscribers") as table:
        table.drop_column("earlier_days")
