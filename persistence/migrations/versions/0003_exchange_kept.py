"""Exchange: what a person has decided is told from another decision, also after the field was changed

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("conflict", sa.Column("chosen_hash", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    op.drop_column("conflict", "chosen_hash")
