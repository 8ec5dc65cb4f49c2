"""The bot behind its web application, with a library that nobody has prepared yet."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.app import App, TerminalPosts
from bot.context.library import Library
from bot.context.study import Study
from bot.dispatch.catalog import registry
from bot.store.engine import Store
from knowledge.format.reader import BUILT_IN, load_file
from knowledge.questions import Bank, Question
from knowledge.retrieval.embedding import Embedder
from tests.databases import SqliteDatabases


@asynccontextmanager
async def opened(url: str, folder: Path) -> AsyncIterator[App]:
    """Make an app with a bank of one question."""
    question = load_file(BUILT_IN / "fine-tuning" / "lora.md")
    assert isinstance(question, Question)
    store, library = await Store.open(url), Library(Bank.of([question]), folder / "index", Embedder(), max_wait=0)
    try:
        yield App(registry(), Study(store, library, clock=lambda: datetime.now(UTC)), TerminalPosts(store))
    finally:
        library.close()
        await store.close()


@pytest.fixture
async def fresh(sqlite_template: Path, tmp_path: Path) -> AsyncIterator[App]:
    async with opened(SqliteDatabases(sqlite_template, tmp_path).with_tables(), tmp_path) as app:
        yield app
