"""Search that is made ready in the background."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.context.library import Library, OwnLibrary
from bot.errors import SetupError
from knowledge.format.reader import BUILT_IN, load_file
from knowledge.questions import Bank, Difficulty, Question
from knowledge.retrieval.embedding import Embedder

FREEZE = Question(
    id="own-deploy-freeze",
    topic="house-rules",
    title="When may we deploy on a Friday?",
    difficulty=Difficulty.EASY,
    answer="Only fixes of an outage go out on a Friday, and a second engineer has to be at hand.",
)


def a_bank() -> Bank:
    found = [load_file(BUILT_IN / path) for path in ("fine-tuning/lora.md", "rag/rag.md", "vae/vae-how-it-works.md")]
    return Bank.of(question for question in found if isinstance(question, Question))


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    """Three questions, and no patience."""
    opened = Library(a_bank(), tmp_path / "index", Embedder(), max_wait=0)
    yield opened
    opened.close()


async def test_a_search_does_not_wait_for_the_model_and_says_so(library: Library) -> None:
    found = await library.search("what is lora")

    assert found.keywords_only
    assert found.hits[0].question.id == "lora"
    assert library.pending == "the model is loading"


async def test_once_ready_it_goes_by_meaning(library: Library) -> None:
    await library.wait_ready()
    found = await library.search("cheap adapters for a big network")

    assert not found.keywords_only
    assert found.hits[0].question.id == "lora"
    assert library.pending == ""


async def test_with_patience_the_first_search_is_the_whole_one(tmp_path: Path) -> None:
    patient = Library(a_bank(), tmp_path, Embedder(), max_wait=None)
    try:
        assert not (await patient.search("what is lora")).keywords_only
    finally:
        patient.close()


async def test_what_is_embedded_is_counted(tmp_path: Path) -> None:
    reports: list[tuple[int, int]] = []
    bank = Bank.of([FREEZE])
    library = Library(bank, tmp_path, Embedder(), progress=lambda done, total: reports.append((done, total)))
    try:
        await library.wait_ready()
    finally:
        library.close()

    assert reports[0] == (0, reports[-1][1])
    assert reports[-1][0] == reports[-1][1] > 0


async def test_a_model_that_cannot_be_used_leaves_search_by_words(tmp_path: Path) -> None:
    library = Library(a_bank(), tmp_path / "index", Embedder(str(tmp_path)))
    try:
        assert (await library.search("what is lora")).keywords_only
        assert library.pending == "it failed, and the log says why"
        with pytest.raises(SetupError, match=r"has no config\.json"):
            await library.wait_ready()
    finally:
        library.close()


async def test_own_questions_are_found_by_words_at_once_and_by_meaning_once_embedded(library: Library) -> None:
    own = OwnLibrary(Bank.of([FREEZE]), library, 1)

    at_once = await own.search("when may we deploy")
    await own.wait_ready()
    later = await own.search("is shipping allowed before the weekend")

    assert (at_once.keywords_only, at_once.hits[0].question.id) == (True, FREEZE.id)
    assert (later.keywords_only, later.hits[0].question.id) == (False, FREEZE.id)
    assert FREEZE.id not in {hit.question.id for hit in (await library.search("deploy on friday")).hits}
