"""Run migrations on the connection that `bot.store.upgrade` passes in.

Started by Alembic's own command line (to write a new revision), connect to DATABASE_URL.
"""

import os
import sys
from collections.abc import Collection, Mapping
from typing import Any

from alembic import context
from alembic.runtime.migration import MigrationContext, MigrationInfo
from alembic.script import Script
from sqlalchemy import Connection
from sqlmodel import SQLModel

from bot.store import models, postgresql, sqlite  # noqa: F401  # the models fill the metadata
from bot.store.urls import file_of, parse_url


def migrate(connection: Connection) -> None:
    """Run the migrations in the open transaction; SQLite changes a table by rebuilding it."""
    progress = context.config.attributes.get("progress", lambda _line: None)

    def told(ctx: MigrationContext, step: MigrationInfo, heads: Collection[Any], run_args: Mapping[str, Any]) -> None:  # noqa: ARG001  # Alembic passes all by name
        script = step.up_revision
        assert isinstance(script, Script)  # noqa: S101 (revisions come from our folder of scripts)
        progress(f"Database revision {script.revision}: {script.doc}")

    context.configure(
        connection=connection,
        target_metadata=SQLModel.metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        on_version_apply=told,
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    migrate(given)
elif "DATABASE_URL" in os.environ:
    url = parse_url(os.environ["DATABASE_URL"])
    (postgresql.migrate if file_of(url) is None else sqlite.migrate)(url, migrate)
else:
    sys.exit("Set DATABASE_URL to the database to compare with, or use `studyhall db upgrade`.")
