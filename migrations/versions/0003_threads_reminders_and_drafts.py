"""Threads, pins and counts of daily questions; reminders, drafts and explanations that were given."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def _moment(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=True)


def _no(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean, nullable=False, server_default="0")


def upgrade() -> None:
    op.add_column("workspace", _moment("left_at"))

    op.add_column("member", sa.Column("remind_at", sa.Time, nullable=True))
    op.add_column("member", _moment("next_reminder"))
    op.add_column("member", sa.Column("unreachable", sa.String, nullable=True))
    _partial_index("ix_member_reminder", "member", "next_reminder")

    with op.batch_alter_table("schedule") as schedule:
        schedule.add_column(_no("thread"))
        schedule.add_column(_no("pin"))
        schedule.add_column(sa.Column("role", sa.String, nullable=True))
        schedule.add_column(sa.Column("made_by", sa.Integer, nullable=True))
        schedule.create_foreign_key("fk_schedule_made_by", "member", ["made_by"], ["id"], ondelete="SET NULL")
        schedule.create_index("ix_schedule_made_by", ["made_by"])

    op.add_column("delivery", sa.Column("thread_ref", sa.String, nullable=True))
    op.add_column("delivery", _no("pinned"))
    op.add_column("delivery", _moment("count_due"))
    op.add_column("delivery", _moment("counted_at"))
    _partial_index("ix_delivery_count", "delivery", "count_due")

    op.create_table(
        "draft",
        sa.Column("member_id", sa.Integer, nullable=False),
        sa.Column("line", sa.String, nullable=False),
        sa.Column("values", sa.JSON, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name="fk_draft_member_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("member_id", "line", name="pk_draft"),
    )
    op.create_table(
        "explained",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("token", sa.String, nullable=False),
        sa.Column("workspace_id", sa.Integer, nullable=False),
        sa.Column("channel_id", sa.Integer, nullable=False),
        sa.Column("member_id", sa.Integer, nullable=False),
        sa.Column("parent_id", sa.Integer, nullable=True),
        sa.Column("asked", sa.String, nullable=False),
        sa.Column("text", sa.String, nullable=False),
        sa.Column("source", sa.String, nullable=False),
        sa.Column("why", sa.String, nullable=False),
        sa.Column("questions", sa.JSON, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspace.id"], name="fk_explained_workspace_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["channel_id"], ["channel.id"], name="fk_explained_channel_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name="fk_explained_member_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["parent_id"], ["explained.id"], name="fk_explained_parent_id", ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name="pk_explained"),
        sa.UniqueConstraint("token", name="uq_explained_token"),
    )
    for column in ("workspace_id", "channel_id", "member_id", "parent_id"):
        op.create_index(f"ix_explained_{column}", "explained", [column])


def _partial_index(name: str, table: str, column: str) -> None:
    """Create an index of only the rows with something left to do."""
    there = sa.text(f"{column} IS NOT NULL")
    op.create_index(name, table, [column], sqlite_where=there, postgresql_where=there)
