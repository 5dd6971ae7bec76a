"""The contract: terms and withdrawal of products, an address that is shared by agreement.

Revision ID: 0011
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("products", sa.Column("term_months", sa.Integer(), nullable=True))
    op.add_column("products", sa.Column("withdrawn_on", sa.Text(), nullable=True))
    op.add_column("products", sa.Column("replaced_by", sa.Text(), nullable=True))
    op.add_column(
        "subscribers",
        sa.Column("shares_address", sa.Boolean(), nullable=False, server_default=sa.false()),
    )


def downgrade() -> None:
    with op.batch_alter_table("subscribers") as subscribers:
        subscribers.drop_column("shares_address")
    with op.batch_alter_table("products") as products:
        for name in ("replaced_by", "withdrawn_on", "term_months"):
            products.drop_column(name)
