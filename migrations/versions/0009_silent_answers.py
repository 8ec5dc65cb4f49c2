"""Schedules whose answers are posted without a notification."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("schedule", sa.Column("silent", sa.Boolean, nullable=False, server_default="0"))
