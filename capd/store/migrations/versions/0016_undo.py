"""What an activation found, and who wants it undone.

Revision ID: 0016
Revises: 0015
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("activations", sa.Column("former", sa.Text(), nullable=True))
    op.add_column("activations", sa.Column("undo", sa.Text(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("activations") as table:
        table.drop_column("undo")
        table.drop_column("former")
