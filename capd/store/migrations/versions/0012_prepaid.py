"""Products may be prepaid.

Revision ID: 0012
Revises: 0011
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "products", sa.Column("kind", sa.Text(), server_default="monthly", nullable=False)
    )


def downgrade() -> None:
    with op.batch_alter_table("products") as products:
        products.drop_column("kind")
