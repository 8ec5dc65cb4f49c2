"""Explanations store their request and whether they are public; open deliveries are those due or being sent."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

UNIQUE = "uq_explained_workspace_id_request_id"


def _open(*states: str) -> None:
    there = sa.text(f"state IN ({', '.join(map(repr, states))})")
    op.drop_index("ix_delivery_open", "delivery")
    op.create_index("ix_delivery_open", "delivery", ["due_at"], sqlite_where=there, postgresql_where=there)


def upgrade() -> None:
    _open("due", "sending")
    with op.batch_alter_table("explained") as batch:
        batch.add_column(sa.Column("request_id", sa.String, nullable=True))
        batch.add_column(sa.Column("public", sa.Boolean, nullable=False, server_default="0"))
        batch.create_unique_constraint(UNIQUE, ["workspace_id", "request_id"])
    explained = sa.table("explained", sa.column("token", sa.String), sa.column("public", sa.Boolean))
    # Until now the first letter of the token said it.
    op.execute(explained.update().where(explained.c.token.startswith("p")).values(public=True))
