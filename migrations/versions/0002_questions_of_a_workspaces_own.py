"""Custom questions of a workspace."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("workspace", sa.Column("own_version", sa.Integer, nullable=False, server_default="0"))
    op.create_table(
        "own_question",
        sa.Column("workspace_id", sa.Integer, nullable=False),
        sa.Column("question_id", sa.String, nullable=False),
        sa.Column("topic", sa.String, nullable=False),
        sa.Column("source", sa.String, nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspace.id"], name="fk_own_question_workspace_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("workspace_id", "question_id", name="pk_own_question"),
    )
