"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TEXT = sa.String()
WORD = sa.String(length=16)
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "person",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_person"),
    )
    op.create_table(
        "post",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("channel", TEXT, nullable=False),
        sa.Column("body", TEXT, nullable=False),
        sa.Column("posted_at", MOMENT, nullable=False),
        sa.Column("seen_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_post"),
        sa.UniqueConstraint("key", name="uq_post_key"),
    )
    op.create_index(
        "ix_post_unseen",
        "post",
        ["id"],
        sqlite_where=sa.text("seen_at IS NULL"),
        postgresql_where=sa.text("seen_at IS NULL"),
    )
    op.create_table(
        "workspace",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("platform", TEXT, nullable=False),
        sa.Column("external_id", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("zone", TEXT, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_workspace"),
        sa.UniqueConstraint("platform", "external_id", name="uq_workspace_platform_external_id"),
    )
    op.create_table(
        "channel",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("workspace_id", sa.Integer, nullable=False),
        sa.Column("external_id", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspace.id"], name="fk_channel_workspace_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_channel"),
        sa.UniqueConstraint("workspace_id", "external_id", name="uq_channel_workspace_id_external_id"),
    )
    op.create_table(
        "retired",
        sa.Column("workspace_id", sa.Integer, nullable=False),
        sa.Column("question_id", TEXT, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspace.id"], name="fk_retired_workspace_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("workspace_id", "question_id", name="pk_retired"),
    )
    op.create_table(
        "team",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("workspace_id", sa.Integer, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspace.id"], name="fk_team_workspace_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_team"),
        sa.UniqueConstraint("workspace_id", "key", name="uq_team_workspace_id_key"),
    )
    op.create_table(
        "tier",
        sa.Column("workspace_id", sa.Integer, nullable=False),
        sa.Column("channel_id", sa.Integer, nullable=False),
        sa.Column("period", TEXT, nullable=False),
        sa.Column("points", sa.Integer, nullable=False),
        sa.Column("members", sa.Integer, nullable=False),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspace.id"], name="fk_tier_workspace_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("workspace_id", "channel_id", "period", "points", name="pk_tier"),
    )
    op.create_table(
        "total",
        sa.Column("workspace_id", sa.Integer, nullable=False),
        sa.Column("channel_id", sa.Integer, nullable=False),
        sa.Column("period", TEXT, nullable=False),
        sa.Column("kind", WORD, nullable=False),
        sa.Column("subject_id", sa.Integer, nullable=False),
        sa.Column("points", sa.Integer, nullable=False),
        sa.Column("answers", sa.Integer, nullable=False),
        sa.Column("active", sa.Integer, nullable=False),
        sa.Column("listed", sa.Boolean, nullable=False),
        sa.Column("reached_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspace.id"], name="fk_total_workspace_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("workspace_id", "channel_id", "period", "kind", "subject_id", name="pk_total"),
    )
    op.create_index(
        "ix_total_rank",
        "total",
        [
            "workspace_id",
            "channel_id",
            "period",
            "kind",
            "listed",
            sa.literal_column("points DESC"),
            "reached_at",
            "subject_id",
        ],
    )
    op.create_table(
        "member",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("workspace_id", sa.Integer, nullable=False),
        sa.Column("person_id", sa.Integer, nullable=False),
        sa.Column("external_id", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("manager", sa.Boolean, nullable=False),
        sa.Column("team_id", sa.Integer, nullable=True),
        sa.Column("zone", TEXT, nullable=True),
        sa.Column("rollover", sa.Integer, nullable=False),
        sa.Column("next_zone", TEXT, nullable=True),
        sa.Column("next_rollover", sa.Integer, nullable=True),
        sa.Column("next_from", MOMENT, nullable=True),
        sa.Column("listed", sa.Boolean, nullable=False),
        sa.Column("last_day", sa.Date, nullable=True),
        sa.Column("streak", sa.Integer, nullable=False),
        sa.Column("longest", sa.Integer, nullable=False),
        sa.Column("freezes", sa.Integer, nullable=False),
        sa.Column("joined_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_member_person_id"),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name="fk_member_team_id", ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspace.id"], name="fk_member_workspace_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_member"),
        sa.UniqueConstraint("workspace_id", "external_id", name="uq_member_workspace_id_external_id"),
    )
    op.create_index("ix_member_person_id", "member", ["person_id"])
    op.create_index("ix_member_team_id", "member", ["team_id"])
    op.create_table(
        "schedule",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("channel_id", sa.Integer, nullable=False),
        sa.Column("request_id", TEXT, nullable=False),
        sa.Column("at", sa.Time, nullable=False),
        sa.Column("zone", TEXT, nullable=False),
        sa.Column("weekdays", TEXT, nullable=False),
        sa.Column("topics", sa.JSON, nullable=False),
        sa.Column("difficulty", TEXT, nullable=True),
        sa.Column("reveal", sa.Time, nullable=False),
        sa.Column("state", WORD, nullable=False),
        sa.Column("paused_until", sa.Date, nullable=True),
        sa.Column("problem", TEXT, nullable=True),
        sa.Column("next_day", sa.Date, nullable=True),
        sa.Column("next_due", MOMENT, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["channel_id"], ["channel.id"], name="fk_schedule_channel_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_schedule"),
        sa.UniqueConstraint("channel_id", "request_id", name="uq_schedule_channel_id_request_id"),
    )
    op.create_index(
        "ix_schedule_due",
        "schedule",
        ["next_due"],
        sqlite_where=sa.text("next_due IS NOT NULL"),
        postgresql_where=sa.text("next_due IS NOT NULL"),
    )
    op.create_table(
        "delivery",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("schedule_id", sa.Integer, nullable=False),
        sa.Column("channel_id", sa.Integer, nullable=False),
        sa.Column("kind", WORD, nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("state", WORD, nullable=False),
        sa.Column("lease_until", MOMENT, nullable=True),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("problem", TEXT, nullable=True),
        sa.Column("message_ref", TEXT, nullable=True),
        sa.Column("posted_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["channel_id"], ["channel.id"], name="fk_delivery_channel_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["schedule_id"], ["schedule.id"], name="fk_delivery_schedule_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_delivery"),
        sa.UniqueConstraint("schedule_id", "kind", "day", name="uq_delivery_schedule_id_kind_day"),
    )
    op.create_index("ix_delivery_channel_day", "delivery", ["channel_id", "day"])
    op.create_index(
        "ix_delivery_open",
        "delivery",
        ["due_at"],
        sqlite_where=sa.text("state IN ('due', 'sending', 'posted')"),
        postgresql_where=sa.text("state IN ('due', 'sending', 'posted')"),
    )
    op.create_table(
        "report",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("workspace_id", sa.Integer, nullable=False),
        sa.Column("member_id", sa.Integer, nullable=False),
        sa.Column("request_id", TEXT, nullable=False),
        sa.Column("question_id", TEXT, nullable=False),
        sa.Column("body", TEXT, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("closed_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name="fk_report_member_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspace.id"], name="fk_report_workspace_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_report"),
        sa.UniqueConstraint("member_id", "request_id", name="uq_report_member_id_request_id"),
    )
    op.create_index("ix_report_workspace_id", "report", ["workspace_id"])
    op.create_table(
        "rest_change",
        sa.Column("member_id", sa.Integer, nullable=False),
        sa.Column("from_day", sa.Date, nullable=False),
        sa.Column("weekdays", TEXT, nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name="fk_rest_change_member_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("member_id", "from_day", name="pk_rest_change"),
    )
    op.create_table(
        "round",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("token", TEXT, nullable=False),
        sa.Column("workspace_id", sa.Integer, nullable=False),
        sa.Column("channel_id", sa.Integer, nullable=False),
        sa.Column("member_id", sa.Integer, nullable=True),
        sa.Column("delivery_id", sa.Integer, nullable=True),
        sa.Column("request_id", TEXT, nullable=True),
        sa.Column("kind", WORD, nullable=False),
        sa.Column("question_id", TEXT, nullable=False),
        sa.Column("order", TEXT, nullable=False),
        sa.Column("fingerprint", TEXT, nullable=False),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("closes_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["channel_id"], ["channel.id"], name="fk_round_channel_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"], name="fk_round_delivery_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name="fk_round_member_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspace.id"], name="fk_round_workspace_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_round"),
        sa.UniqueConstraint("delivery_id", name="uq_round_delivery_id"),
        sa.UniqueConstraint("token", name="uq_round_token"),
    )
    op.create_index("ix_round_channel_id", "round", ["channel_id"])
    op.create_index("ix_round_member_id", "round", ["member_id"])
    op.create_table(
        "answer",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("request_id", TEXT, nullable=False),
        sa.Column("round_id", sa.Integer, nullable=False),
        sa.Column("member_id", sa.Integer, nullable=False),
        sa.Column("workspace_id", sa.Integer, nullable=False),
        sa.Column("channel_id", sa.Integer, nullable=False),
        sa.Column("team_id", sa.Integer, nullable=True),
        sa.Column("question_id", TEXT, nullable=False),
        sa.Column("topic", TEXT, nullable=False),
        sa.Column("choice", sa.Integer, nullable=True),
        sa.Column("text", TEXT, nullable=True),
        sa.Column("share", sa.Float, nullable=True),
        sa.Column("right", sa.Boolean, nullable=True),
        sa.Column("assessed", sa.Boolean, nullable=False),
        sa.Column("counted", sa.Boolean, nullable=False),
        sa.Column("uncounted", TEXT, nullable=False),
        sa.Column("points", sa.Integer, nullable=False),
        sa.Column("accepted_at", MOMENT, nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("zone", TEXT, nullable=False),
        sa.Column("week", TEXT, nullable=False),
        sa.Column("month", TEXT, nullable=False),
        sa.ForeignKeyConstraint(["channel_id"], ["channel.id"], name="fk_answer_channel_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name="fk_answer_member_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["round_id"], ["round.id"], name="fk_answer_round_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name="fk_answer_team_id", ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspace.id"], name="fk_answer_workspace_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_answer"),
        sa.UniqueConstraint("round_id", "member_id", name="uq_answer_round_id_member_id"),
    )
    op.create_index("ix_answer_channel_id", "answer", ["channel_id"])
    op.create_index("ix_answer_member_day", "answer", ["member_id", "day"])
    op.create_index("ix_answer_team_id", "answer", ["team_id"])
    op.create_index("ix_answer_workspace_month", "answer", ["workspace_id", "month"])
    op.create_table(
        "peek",
        sa.Column("round_id", sa.Integer, nullable=False),
        sa.Column("member_id", sa.Integer, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name="fk_peek_member_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["round_id"], ["round.id"], name="fk_peek_round_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("round_id", "member_id", name="pk_peek"),
    )
    op.create_index("ix_peek_member_id", "peek", ["member_id"])
