"""From which day on the terms of a product hold for whoever had it before.

Revision ID: 0015
Revises: 0014
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("products", sa.Column("terms_from", sa.Text(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("products") as table:
        table.drop_column("terms_from")
