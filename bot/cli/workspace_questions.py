"""Read and add a workspace's custom questions from the command line."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bot.config.loader import Config
from bot.store.engine import Store
from bot.study.workspaces import custom_questions

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from knowledge.questions import Bank, Question


async def read(config: Config, workspace: str) -> Bank:
    """Return a workspace's custom questions. Raises SetupError if there's no such workspace."""
    async with _open_store(config) as store:
        return await store.query(_bank, workspace)


async def add(config: Config, workspace: str, questions: Sequence[Question]) -> list[str]:
    """Store questions for a workspace, all or none, and return the ids of the new ones. Raises SetupError."""
    async with _open_store(config) as store:
        return await store.transaction(_add, workspace, questions, datetime.now(UTC))


def _bank(connection: Connection, workspace: str) -> Bank:
    return custom_questions.bank_of(connection, custom_questions.workspace_named(connection, workspace).id)


def _add(connection: Connection, workspace: str, questions: Sequence[Question], now: datetime) -> list[str]:
    workspace_id = custom_questions.workspace_named(connection, workspace).id
    return custom_questions.add(connection, workspace_id, questions, now)


@asynccontextmanager
async def _open_store(config: Config) -> AsyncIterator[Store]:
    """Open the database for one command. Raises DatabaseError if it isn't ready."""
    store = await Store.open(config.database_url)
    try:
        await store.ready()
        yield store
    finally:
        await store.close()
