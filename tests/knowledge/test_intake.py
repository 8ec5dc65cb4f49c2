"""Drafts on their way into a bank."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from knowledge.embed import Embedder
from knowledge.importers.draft import Draft
from knowledge.index import build
from knowledge.intake import Intake, slug
from knowledge.load import NAME_LIMIT
from knowledge.questions import Bank, Difficulty


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("index")


def intake(bank: Bank, embedder: Embedder, cache: Path, *, duplicates: bool = False, prefix: str = "") -> Intake:
    index = build(bank, embedder, cache)
    return Intake(bank, index, Bank(), embedder, duplicates=duplicates, prefix=prefix)


def test_a_new_question_gets_a_name_a_topic_and_a_difficulty(bank: Bank, embedder: Embedder, cache: Path) -> None:
    taken = intake(bank, embedder, cache).take([Draft("When do we deploy", "On Mondays.", topic="House Rules")])

    (question,) = taken.questions
    assert (question.id, question.topic, question.title) == ("when-do-we-deploy", "house-rules", "When do we deploy.")
    assert question.difficulty is Difficulty.MEDIUM
    assert taken.problems == []


def test_what_the_bank_asks_already_is_shown_with_its_twin_and_left_out(
    bank: Bank, embedder: Embedder, cache: Path
) -> None:
    drafts = [Draft("Explain what LoRA is.", "Adapters.", line=7), Draft("How do plants grow?", "By light.")]
    taken = intake(bank, embedder, cache).take(drafts)

    assert [question.id for question in taken.questions] == ["how-do-plants-grow"]
    (duplicate,) = taken.duplicates
    assert (duplicate.draft.line, duplicate.twin.id) == (7, "lora")
    assert 0.75 <= duplicate.likeness <= 1


def test_duplicates_are_taken_when_asked_for(bank: Bank, embedder: Embedder, cache: Path) -> None:
    taken = intake(bank, embedder, cache, duplicates=True).take([Draft("What is LoRA?", "Adapters.", id="lora")])

    assert [question.id for question in taken.questions] == ["lora-2"]
    assert len(taken.duplicates) == 1


def test_twins_within_one_import_are_found_too(bank: Bank, embedder: Embedder, cache: Path) -> None:
    taken = intake(bank, embedder, cache).take(
        [Draft("How do plants grow?", "By light."), Draft("How do plants grow", "With water.")]
    )

    assert [question.answer for question in taken.questions] == ["By light."]
    assert taken.duplicates[0].twin.id == "how-do-plants-grow"


def test_a_draft_without_an_answer_is_left_out_with_its_line(bank: Bank, embedder: Embedder, cache: Path) -> None:
    taken = intake(bank, embedder, cache).take([Draft("How do plants grow?", line=3)])

    assert taken.questions == []
    assert taken.problems == [(3, "is left out: it has no answer")]


def test_ids_of_a_workspace_begin_alike(bank: Bank, embedder: Embedder, cache: Path) -> None:
    taken = intake(bank, embedder, cache, prefix="own-").take([Draft("How do plants grow?", "By light.")])

    assert taken.questions[0].id == "own-how-do-plants-grow"


STRANGE = [
    "# A heading\n\ntext\n\nAnother\n=======\n\nmore",
    "+++\ndifficulty = 1\n+++\n",
    "## Key points\n- not ours",
    "it costs $5 or $6, and $\\frac{1}{2$ too",
    "$$\\frac{a}{b$$",
    "<script>alert(1)</script><b>bold</b>",
    "```python\n# a comment\nprice = '$'\n```",
    "an entity &#x202E; turns",
    "- [x] a choice — with a dash — and another",
]


@pytest.mark.parametrize("answer", STRANGE)
def test_whatever_an_answer_holds_it_is_kept_as_an_answer(
    bank: Bank, embedder: Embedder, cache: Path, answer: str
) -> None:
    taken = intake(bank, embedder, cache).take([Draft("How do plants grow?", f"By light.\n\n{answer}")])

    (question,) = taken.questions
    assert question.answer.startswith("By light.")
    assert (question.in_depth, question.key_points, question.choices) == ("", (), ())
    assert "<script" not in question.answer


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    title=st.text(max_size=80), answer=st.text(max_size=200), depth=st.text(max_size=100), topic=st.text(max_size=90)
)
def test_any_text_becomes_a_question_that_can_be_read_back_or_a_problem(
    bank: Bank, embedder: Embedder, cache: Path, title: str, answer: str, depth: str, topic: str
) -> None:
    taken = intake(bank, embedder, cache).take([Draft(title, answer, in_depth=depth, topic=topic)])

    assert len(taken.questions) + len(taken.duplicates) + bool(taken.problems) >= 1


@given(st.text(max_size=200))
def test_slugs_are_ids(text: str) -> None:
    found = slug(text, "question")

    assert 0 < len(found) <= NAME_LIMIT
    assert found == found.strip("-").lower()
