"""One queue for everything that's posted: questions, reveals, counts, reminders and notes to managers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ix_delivery_open", "delivery")
    op.drop_index("ix_delivery_count", "delivery")
    with op.batch_alter_table("delivery", reflect_kwargs={"resolve_fks": False}) as batch:
        for name, target in (("workspace_id", "workspace"), ("subject_id", "delivery"), ("member_id", "member")):
            batch.add_column(sa.Column(name, sa.Integer, nullable=True))
            batch.create_foreign_key(f"fk_delivery_{name}", target, [name], ["id"], ondelete="CASCADE")
        for name in ("recipient", "text", "claim_token"):
            batch.add_column(sa.Column(name, sa.String, nullable=True))
        for name in ("available_at", "first_claimed_at"):
            batch.add_column(sa.Column(name, sa.DateTime(timezone=True), nullable=True))
        for name in ("claims", "refusals", "shown_answers"):
            batch.add_column(sa.Column(name, sa.Integer, nullable=False, server_default="0"))
        batch.alter_column("channel_id", existing_type=sa.Integer, nullable=True)
        batch.alter_column("schedule_id", existing_type=sa.Integer, nullable=True)
        batch.alter_column("day", existing_type=sa.Date, nullable=True)
    _fill()
    # Ids are part of keys on platforms, so SQLite must not give the id of a deleted delivery to another one.
    with op.batch_alter_table(
        "delivery", table_kwargs={"sqlite_autoincrement": True}, reflect_kwargs={"resolve_fks": False}
    ) as batch:
        batch.alter_column("workspace_id", existing_type=sa.Integer, nullable=False)
        batch.alter_column("available_at", existing_type=sa.DateTime(timezone=True), nullable=False)
        for name in ("lease_until", "attempts", "count_due", "counted_at"):
            batch.drop_column(name)
    _partial_index("ix_delivery_open", ["available_at"], "state IN ('due', 'sending')")
    _partial_index("ix_delivery_member_id", ["member_id"], "member_id IS NOT NULL")
    _partial_index("uq_delivery_subject_id_kind", ["subject_id", "kind"], "subject_id IS NOT NULL", unique=True)


def _partial_index(name: str, columns: list[str], condition: str, *, unique: bool = False) -> None:
    where = sa.text(condition)
    op.create_index(name, "delivery", columns, unique=unique, sqlite_where=where, postgresql_where=where)


def _fill() -> None:
    op.execute(
        """
        UPDATE delivery SET
            workspace_id = (SELECT workspace_id FROM channel WHERE channel.id = delivery.channel_id),
            available_at = COALESCE(lease_until, due_at),
            first_claimed_at = CASE WHEN attempts > 0 THEN due_at END,
            shown_answers = CASE WHEN counted_at IS NULL OR count_due IS NOT NULL THEN 0 ELSE (
                SELECT COUNT(*) FROM answer JOIN round ON round.id = answer.round_id
                WHERE round.delivery_id = delivery.id
            ) END
        """
    )
    op.execute(
        """
        UPDATE delivery SET subject_id = (
            SELECT daily.id FROM delivery AS daily
            WHERE daily.schedule_id = delivery.schedule_id AND daily.day = delivery.day AND daily.kind = 'daily'
        )
        WHERE kind = 'reveal'
        """
    )
    op.execute(
        """
        INSERT INTO delivery
            (kind, workspace_id, channel_id, subject_id, due_at, available_at, state, attempts)
        SELECT 'count', workspace_id, channel_id, id, count_due, count_due, 'due', 0
        FROM delivery WHERE count_due IS NOT NULL AND message_ref IS NOT NULL
        """
    )
