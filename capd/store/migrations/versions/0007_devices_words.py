"""What a device said of itself before an order, and when what it has was last looked at.

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("orders", sa.Column("device_before", sa.Text(), nullable=True))
    op.add_column("applied", sa.Column("looked_at", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("applied") as table:
        table.drop_column("looked_at")
    with op.batch_alter_table("orders") as table:
        table.drop_column("device_before")
