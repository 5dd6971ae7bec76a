"""What the mail server answered, and which mails came back.

Revision ID: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("outbox", sa.Column("answer", sa.Text(), nullable=True))
    op.add_column("outbox", sa.Column("message_id", sa.Text(), nullable=True))
    op.add_column("outbox", sa.Column("bounced", sa.BigInteger(), nullable=True))
    op.create_index("ix_outbox_subscriber_id", "outbox", ["subscriber", "id"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_outbox_subscriber_id", table_name="outbox")
    op.drop_column("outbox", "bounced")
    op.drop_column("outbox", "message_id")
    op.drop_column("outbox", "answer")
