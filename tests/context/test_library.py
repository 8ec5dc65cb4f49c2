"""Search that is prepared in the background."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.context.library import Library
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
    """Open a library of three questions whose searches never wait."""
    opened = Library(a_bank(), tmp_path / "index", Embedder(), max_wait=0)
    yield opened
    opened.close()


async def test_a_search_does_not_wait_for_the_model_and_says_so(library: Library) -> None:
    found = await library.search("what is lora")

    assert found.keywords_only
    assert found.hits[0].question.id == "lora"
    assert library.pending == "the model is loading"


async def test_once_it_is_ready_search_uses_meaning(library: Library) -> None:
    await library.wait_ready()
    found = await library.search("cheap adapters for a big network")

    assert not found.keywords_only
    assert found.hits[0].question.id == "lora"
    assert library.pending == ""


async def test_without_a_limit_the_first_search_waits_for_the_model(tmp_path: Path) -> None:
    patient = Library(a_bank(), tmp_path, Embedder(), max_wait=None)
    try:
        assert not (await patient.search("what is lora")).keywords_only
    finally:
        patient.close()


async def test_progress_counts_the_embedded_passages(tmp_path: Path) -> None:
    reports: list[tuple[int, int]] = []
    bank = Bank.of([FREEZE])
    library = Library(bank, tmp_path, Embedder(), progress=lambda done, total: reports.append((done, total)))
    try:
        await library.wait_ready()
    finally:
        library.close()

    assert reports[0] == (0, reports[-1][1])
    assert reports[-1][0] == reports[-1][1] > 0


async def test_without_a_usable_model_search_matches_words(tmp_path: Path) -> None:
    library = Library(a_bank(), tmp_path / "index", Embedder(str(tmp_path)))
    try:
        with capture_logs() as logs:
            assert (await library.search("what is lora")).keywords_only
        assert [line["problem"] for line in logs if line["log_level"] == "error"] == ["SetupError"]
        assert library.pending == "it failed, and the log says why"
        with pytest.raises(SetupError, match=r"has no config\.json"):
            await library.wait_ready()
    finally:
        library.close()


async def test_custom_questions_are_found_by_words_at_once_and_by_meaning_later(library: Library) -> None:
    extended = library.extended_by(Bank.of([FREEZE]), "own/1")

    at_once = await extended.search("when may we deploy")
    await extended.wait_ready()
    later = await extended.search("is shipping allowed before the weekend")

    assert (at_once.keywords_only, at_once.hits[0].question.id) == (True, FREEZE.id)
    assert (later.keywords_only, later.hits[0].question.id) == (False, FREEZE.id)
    assert FREEZE.id not in {hit.question.id for hit in (await library.search("deploy on friday")).hits}
