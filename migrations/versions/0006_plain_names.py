"""Tables and columns get the names that the program uses for what they hold.

Foreign and primary keys keep their old names, such as fk_explained_member_id: a later migration has to use those.

Only names change, and no rows except the terminal's posts that nobody has seen yet. These are stored as JSON with the
names of blocks and fields, which changed too.
"""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TABLES = {
    "own_question": "custom_question",
    "retired": "retired_question",
    "rest_change": "rest_days",
    "peek": "viewed_answer",
    "tier": "points_bucket",
    "explained": "explanation",
    "draft": "form_draft",
    "seen": "processed_request",
    "post": "terminal_post",
    "installation": "slack_installation",
}
COLUMNS = {
    "workspace": {"own_version": "custom_questions_version"},
    "team": {"key": "name_key"},
    "member": {"rollover": "day_starts_at", "next_rollover": "next_day_starts_at"},
    "round": {"token": "round_key", "order": "choice_order", "fingerprint": "choices_hash"},
    "answer": {
        "counted": "scored",
        "uncounted": "unscored_reason",
        "assessed": "self_graded",
        "right": "correct",
    },
    "explanation": {
        "token": "explanation_key",
        "why": "reason",
        "asked": "request_text",
        "public": "is_public",
    },
    "total": {"active": "active_members"},
    "terminal_post": {"key": "post_key"},
}


UNIQUE: dict[str, dict[str, tuple[str, ...]]] = {
    "team": {"uq_team_workspace_id_key": ("workspace_id", "name_key")},
    "round": {"uq_round_token": ("round_key",)},
    "explanation": {
        "uq_explained_token": ("explanation_key",),
        "uq_explained_workspace_id_request_id": ("workspace_id", "request_id"),
    },
    "terminal_post": {"uq_post_key": ("post_key",)},
}
"""Unique constraints by their old names."""
INDEXES = {
    "viewed_answer": ("member_id",),
    "explanation": ("workspace_id", "channel_id", "member_id", "parent_id"),
    "processed_request": ("at",),
}
"""Columns with an index of their own."""
BLOCKS = {"Choices": "Buttons"}
FIELDS = {
    "Buttons": {"actions": "buttons"},
    "Calendar": {"drawn": "as_picture"},
    "Explanation": {"why": "reason"},
    "Mastery": {"drawn": "as_picture"},
    "Menu": {"entries": "options", "many": "multiple", "of": "kind"},
    "Standings": {"drawn": "as_picture"},
}
"""Fields of a block, by the block's new name."""
PARTS = {
    "QuestionCard": {"options": {"action": "button"}},
    "Standings": {"rows": {"place": "rank"}, "mine": {"place": "rank"}},
}
"""Fields of the parts inside a block's field."""


def upgrade() -> None:
    for old, new in TABLES.items():
        op.rename_table(old, new)
    for table, names in COLUMNS.items():
        for old, new in names.items():
            op.execute(f'ALTER TABLE "{table}" RENAME COLUMN "{old}" TO "{new}"')
    for table, constraints in UNIQUE.items():
        with op.batch_alter_table(table, reflect_kwargs={"resolve_fks": False}) as batch:
            for name, columns in constraints.items():
                batch.drop_constraint(name, type_="unique")
                batch.create_unique_constraint(f"uq_{table}_{'_'.join(columns)}", columns)
    before = {new: old for old, new in TABLES.items()}
    for table, columns in INDEXES.items():
        for column in columns:
            op.drop_index(f"ix_{before[table]}_{column}", table)
            op.create_index(f"ix_{table}_{column}", table, [column])
    op.drop_index("ix_post_unseen", "terminal_post")
    unseen = sa.text("seen_at IS NULL")
    op.create_index("ix_terminal_post_unseen", "terminal_post", ["id"], sqlite_where=unseen, postgresql_where=unseen)
    _rename_in_unseen_posts(op.get_bind())


def _rename_in_unseen_posts(connection: sa.Connection) -> None:
    posts = sa.table("terminal_post", sa.column("id"), sa.column("body"), sa.column("seen_at"))
    unseen = sa.select(posts.c.id, posts.c.body).where(posts.c.seen_at.is_(None))
    for post_id, body in connection.execute(unseen).all():
        connection.execute(sa.update(posts).where(posts.c.id == post_id).values(body=_renamed_body(body)))


def _renamed_body(body: str) -> str:
    """Return the post with the new names; unchanged if it can't be read."""
    try:
        blocks = [_renamed_block(*block) for block in json.loads(body)]
    except (TypeError, ValueError, AttributeError):
        return body
    return json.dumps(blocks, ensure_ascii=False)


def _renamed_block(kind: str, fields: dict[str, Any]) -> list[Any]:
    kind = BLOCKS.get(kind, kind)
    parts = PARTS.get(kind, {})
    fields = {name: _renamed(value, parts[name]) if name in parts else value for name, value in fields.items()}
    return [kind, _renamed(fields, FIELDS.get(kind, {}))]


def _renamed(value: Any, names: dict[str, str]) -> Any:
    """Rename keys of an object, or of each object in a list; return anything else unchanged."""
    if isinstance(value, list):
        return [_renamed(item, names) for item in value]
    if isinstance(value, dict):
        return {names.get(name, name): item for name, item in value.items()}
    return value
