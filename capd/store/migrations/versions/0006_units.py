"""Products may count seconds instead of bytes.

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("products", sa.Column("unit", sa.Text(), server_default="bytes", nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("products") as products:
        products.drop_column("unit")
