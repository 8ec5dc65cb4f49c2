"""Conversations, with the built-in bank and the packaged model."""

from __future__ import annotations

import pytest

from bot.context.library import Library
from bot.store.engine import Store
from tests.chat import Chat


@pytest.fixture
def chat(store: Store, library: Library) -> Chat:
    return Chat(store, library)
