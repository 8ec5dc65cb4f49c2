"""Which workspace a member's direct messages are about."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("member", sa.Column("chosen_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_member_external_id", "member", ["external_id"])
