"""The whole bot behind each platform: a real store, the built-in bank, and a server that writes explanations."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from bot.app import App, TerminalPosts
from bot.context.library import Library
from bot.context.study import Study
from bot.dispatch.catalog import registry
from bot.inference.client import Inference
from bot.store.engine import Store
from tests.platforms.model import Model


@pytest.fixture
def model() -> Model:
    return Model()


@pytest.fixture
async def app(sqlite_store: Store, library: Library, model: Model) -> AsyncIterator[App]:
    await library.search("lora")  # the first search loads the model, which takes longer than a platform waits
    async with model.listening() as url:
        inference = Inference(url, model="small")
        study = Study(sqlite_store, library, clock=lambda: datetime.now(UTC), inference=inference)
        yield App(registry(), study, TerminalPosts(sqlite_store))
        await inference.close()
