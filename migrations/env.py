"""Runs migrations on the connection that `bot.store.upgrade` hands over.

Started by Alembic's own command line (to write a new revision), it connects to DATABASE_URL by itself.
"""

import asyncio
import os
import sys
from collections.abc import Collection, Mapping
from typing import Any

from alembic import context
from alembic.runtime.migration import MigrationContext, MigrationInfo
from alembic.script import Script
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import SQLModel

from bot.store import models  # noqa: F401  (fills the metadata)
from bot.store.urls import address


def migrate(connection: Connection) -> None:
    """Runs the migrations in the transaction that is open; on SQLite a table is rebuilt to change it."""
    progress = context.config.attributes.get("progress", lambda line: None)

    def told(ctx: MigrationContext, step: MigrationInfo, heads: Collection[Any], run_args: Mapping[str, Any]) -> None:
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


async def connect_and_migrate(url: str) -> None:
    engine = create_async_engine(address(url))
    async with engine.begin() as connection:
        await connection.run_sync(migrate)
    await engine.dispose()


given = context.config.attributes.get("connection")
if given is not None:
    migrate(given)
elif "DATABASE_URL" in os.environ:
    asyncio.run(connect_and_migrate(os.environ["DATABASE_URL"]))
else:
    sys.exit("Set DATABASE_URL to the database whose tables are compared, or use `studyhall db upgrade`.")
