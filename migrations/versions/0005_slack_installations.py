"""Slack workspaces that installed the app, states of installations in progress, and requests already received."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def _moment(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    op.create_table(
        "installation",
        sa.Column("team", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("bot_user", sa.String, nullable=False),
        sa.Column("bot_id", sa.String, nullable=False),
        sa.Column("scopes", sa.String, nullable=False),
        sa.Column("installer", sa.String, nullable=False),
        sa.Column("token", sa.String, nullable=False),
        sa.Column("refresh", sa.String, nullable=True),
        _moment("expires_at", nullable=True),
        _moment("renewing_until", nullable=True),
        _moment("installed_at"),
        sa.PrimaryKeyConstraint("team", name="pk_installation"),
    )
    op.create_table(
        "oauth_state",
        sa.Column("digest", sa.String, nullable=False),
        _moment("expires_at"),
        sa.PrimaryKeyConstraint("digest", name="pk_oauth_state"),
    )
    op.create_table(
        "seen",
        sa.Column("platform", sa.String, nullable=False),
        sa.Column("id", sa.String, nullable=False),
        _moment("at"),
        sa.PrimaryKeyConstraint("platform", "id", name="pk_seen"),
    )
    op.create_index("ix_seen_at", "seen", ["at"])
