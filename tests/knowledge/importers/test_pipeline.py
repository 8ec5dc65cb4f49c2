"""Drafts on their way into a bank."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from knowledge.format import transaction
from knowledge.format.reader import NAME_LIMIT, load
from knowledge.importers.draft import QuestionDraft
from knowledge.importers.normalize import slug
from knowledge.importers.pipeline import ImportPipeline
from knowledge.importers.read import of_question
from knowledge.questions import Bank, Choice, Difficulty, Reference
from knowledge.retrieval.embedding import Embedder
from knowledge.retrieval.index import build
from knowledge.retrieval.passages import Passages


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("index")


def intake(
    bank: Bank, embedder: Embedder, cache: Path, *, duplicates: bool = False, prefix: str = ""
) -> ImportPipeline:
    index = build(Passages.of(bank), embedder, cache)
    return ImportPipeline(index, Bank(), embedder, duplicates=duplicates, prefix=prefix)


def test_a_new_question_gets_a_name_a_topic_and_a_difficulty(bank: Bank, embedder: Embedder, cache: Path) -> None:
    taken = intake(bank, embedder, cache).run([QuestionDraft("When do we deploy", "On Mondays.", topic="House Rules")])

    (question,) = taken.questions
    assert (question.id, question.topic, question.title) == ("when-do-we-deploy", "house-rules", "When do we deploy.")
    assert question.difficulty is Difficulty.MEDIUM
    assert taken.problems == []


def test_what_the_bank_asks_already_is_shown_with_its_twin_and_left_out(
    bank: Bank, embedder: Embedder, cache: Path
) -> None:
    drafts = [
        QuestionDraft("Explain what LoRA is.", "Adapters.", line=7),
        QuestionDraft("How do plants grow?", "By light."),
    ]
    taken = intake(bank, embedder, cache).run(drafts)

    assert [question.id for question in taken.questions] == ["how-do-plants-grow"]
    (duplicate,) = taken.duplicates
    assert (duplicate.draft.line, duplicate.match.id) == (7, "lora")
    assert 0.75 <= duplicate.similarity <= 1


def test_duplicates_are_taken_when_asked_for(bank: Bank, embedder: Embedder, cache: Path) -> None:
    taken = intake(bank, embedder, cache, duplicates=True).run([QuestionDraft("What is LoRA?", "Adapters.", id="lora")])

    assert [question.id for question in taken.questions] == ["lora-2"]
    assert len(taken.duplicates) == 1


def test_twins_within_one_import_are_found_too(bank: Bank, embedder: Embedder, cache: Path) -> None:
    taken = intake(bank, embedder, cache).run(
        [QuestionDraft("How do plants grow?", "By light."), QuestionDraft("How do plants grow", "With water.")]
    )

    assert [question.answer for question in taken.questions] == ["By light."]
    assert taken.duplicates[0].match.id == "how-do-plants-grow"


def test_a_draft_without_an_answer_is_left_out_with_its_line(bank: Bank, embedder: Embedder, cache: Path) -> None:
    taken = intake(bank, embedder, cache).run([QuestionDraft("How do plants grow?", line=3)])

    assert taken.questions == []
    assert taken.problems == [(3, "is left out: it has no answer")]


def test_ids_of_a_workspace_begin_alike(bank: Bank, embedder: Embedder, cache: Path) -> None:
    taken = intake(bank, embedder, cache, prefix="own-").run([QuestionDraft("How do plants grow?", "By light.")])

    assert taken.questions[0].id == "own-how-do-plants-grow"


def test_where_a_twin_is_and_whether_it_is_the_same_is_told(bank: Bank, embedder: Embedder, cache: Path) -> None:
    drafts = [
        of_question(bank["lora"]),
        QuestionDraft("How do plants grow?", "By light."),
        QuestionDraft("How do plants grow", "So."),
    ]
    taken = intake(bank, embedder, cache, duplicates=True).run(drafts)

    assert [(it.where, it.same) for it in taken.duplicates] == [("bank", True), ("import", False)]
    assert [question.id for question in taken.questions] == ["how-do-plants-grow", "how-do-plants-grow-2"]


def test_asking_for_duplicates_twice_takes_the_same_question_once(bank: Bank, embedder: Embedder, cache: Path) -> None:
    draft = QuestionDraft("How do plants grow?", "By light.")
    first = intake(bank, embedder, cache, prefix="own-").run([draft])
    again = ImportPipeline(
        build(Passages.of(bank), embedder, cache), Bank.of(first.questions), embedder, duplicates=True, prefix="own-"
    ).run([draft])

    assert again.questions == []
    assert again.duplicates[0].same


def test_an_id_of_workspaces_is_given_up_in_a_folder_and_one_that_is_taken_is_not_given(
    bank: Bank, embedder: Embedder, cache: Path
) -> None:
    index = build(Passages.of(bank), embedder, cache)
    taken = ImportPipeline(index, Bank(), embedder, names={"plants"}).run(
        [
            QuestionDraft("How do plants grow?", "By light.", id="own-plants"),
            QuestionDraft("Own goals in chess?", "None."),
        ]
    )

    assert [question.id for question in taken.questions] == ["plants-2", "goals-in-chess"]


def test_a_part_that_cannot_be_kept_is_left_out_with_a_word_and_the_question_stays(
    bank: Bank, embedder: Embedder, cache: Path
) -> None:
    drafts = [
        QuestionDraft("How do plants grow?", "By light.", line=1, references=(Reference("t", "b", 20),)),
        QuestionDraft(
            "Why do cats purr?", "They are content.", line=2, choices=(Choice("a", True), Choice("b", False, "c"))
        ),
    ]
    taken = intake(bank, embedder, cache).run(drafts)

    assert [question.answer for question in taken.questions] == ["By light.", "They are content."]
    assert [(line, reason.partition(":")[0]) for line, reason in taken.problems] == [
        (1, "its references are left out"),
        (2, "its choices are left out"),
    ]


@pytest.mark.parametrize(
    "answer", ["word " * 60_000, "ü" * 140_000, "<div>" * 9000, "$" + "{" * 9000 + "}" * 9000 + "$"]
)
def test_what_is_too_large_or_too_deep_for_a_file_is_told(
    bank: Bank, embedder: Embedder, cache: Path, answer: str, tmp_path: Path
) -> None:
    taken = intake(bank, embedder, cache).run([QuestionDraft("How do plants grow?", f"So: {answer}.")])
    transaction.add(tmp_path / "mine", taken.questions)

    assert load(tmp_path / "mine").problems == ()
    assert taken.problems or len(load(tmp_path / "mine").bank) == 1


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
    taken = intake(bank, embedder, cache).run([QuestionDraft("How do plants grow?", f"By light.\n\n{answer}")])

    (question,) = taken.questions
    assert question.answer.startswith("By light.")
    assert (question.in_depth, question.key_points, question.choices) == ("", (), ())
    assert "<script" not in question.answer


@settings(suppress_health_check=[*settings().suppress_health_check, HealthCheck.function_scoped_fixture])
@given(
    title=st.text(max_size=80), answer=st.text(max_size=200), depth=st.text(max_size=100), topic=st.text(max_size=90)
)
def test_any_text_becomes_a_question_that_can_be_read_back_or_a_problem(
    bank: Bank, embedder: Embedder, cache: Path, title: str, answer: str, depth: str, topic: str
) -> None:
    taken = intake(bank, embedder, cache).run([QuestionDraft(title, answer, in_depth=depth, topic=topic)])

    assert len(taken.questions) + len(taken.duplicates) + bool(taken.problems) >= 1


@given(st.text(max_size=200))
def test_slugs_are_ids(text: str) -> None:
    found = slug(text, "question")

    assert 0 < len(found) <= NAME_LIMIT
    assert found == found.strip("-").lower()
