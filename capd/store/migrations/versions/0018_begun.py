"""Which orders a session has begun to carry out.

Revision ID: 0018
Revises: 0017
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    new: sa.Column[bool] = sa.Column(
        "begun", sa.Boolean(), nullable=False, server_default=sa.false()
    )
    op.add_column("orders", new)
    with op.batch_alter_table("orders") as table:
        table.alter_column("begun", server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("orders") as table:
        table.drop_column("begun")
