"""The first seconds after the start, or the minutes while a large custom bank is embedded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.context.library import Library
from bot.store.engine import Store
from knowledge.retrieval.embedding import Embedder
from tests.chat import Chat

BY_KEYWORDS = "Search by meaning isn't ready yet, so I went by keywords."


@pytest.fixture
def starting(library: Library, tmp_path: Path) -> Iterator[Library]:
    """Open the built-in bank with a search that never becomes ready: its model's folder is empty."""
    unready = Library(library.bank, tmp_path / "index", Embedder(str(tmp_path)), max_wait=0)
    yield unready
    unready.close()


@pytest.fixture
def chat(store: Store, starting: Library) -> Chat:
    return Chat(store, starting)


async def test_ask_answers_by_keywords_and_says_so(chat: Chat) -> None:
    said = await chat.say("ada", "ask what is mode collapse")

    assert said.strip().startswith(f"· {BY_KEYWORDS}")
    assert "What is mode collapse" in said
    assert "In depth" in said


async def test_a_search_without_a_match_says_that_it_used_keywords(chat: Chat) -> None:
    said = await chat.say("ada", "ask how long do I boil an egg")

    assert "I have nothing on that" in said
    assert BY_KEYWORDS in said


async def test_an_explanation_uses_keywords_and_says_so(chat: Chat) -> None:
    said = await chat.say("ada", "explain mode collapse")

    assert BY_KEYWORDS in said
    assert "From the question bank" in said


async def test_everything_else_works_as_usual(chat: Chat) -> None:
    right, _ = await chat.practice("ada", "gan")

    assert "Right!" in await chat.say("ada", right)
    assert "1 day" in await chat.say("ada", "streak")
    assert "✓" in await chat.say("maya", "schedule setup 09:00")
    assert chat.study.library.suggest("mode coll", 5)


async def test_a_quiz_about_a_message_uses_keywords(chat: Chat) -> None:
    assert "mode collapse" in (await chat.say("ada", "quiz our GAN has mode collapse")).lower()
