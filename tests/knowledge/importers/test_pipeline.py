"""Turning drafts into questions for a bank."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from knowledge.format import transaction
from knowledge.format.reader import NAME_LIMIT, SIZE_LIMIT, load
from knowledge.importers.draft import QuestionDraft
from knowledge.importers.normalize import normalized, slug
from knowledge.importers.pipeline import ImportPipeline
from knowledge.importers.read import of_question
from knowledge.importers.sanitize import MAX_TITLE_LENGTH
from knowledge.questions import Bank, Choice, Difficulty, Reference
from knowledge.retrieval.embedding import Embedder
from knowledge.retrieval.index import build
from knowledge.retrieval.passages import Passages


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("index")


def pipeline(
    bank: Bank, embedder: Embedder, cache: Path, *, duplicates: bool = False, prefix: str = ""
) -> ImportPipeline:
    index = build(Passages.of(bank), embedder, cache)
    return ImportPipeline(index, Bank(), embedder, duplicates=duplicates, prefix=prefix)


def test_a_new_question_gets_an_id_a_topic_and_a_difficulty(bank: Bank, embedder: Embedder, cache: Path) -> None:
    result = pipeline(bank, embedder, cache).run(
        [QuestionDraft("When do we deploy", "On Mondays.", topic="House Rules")]
    )

    (question,) = result.questions
    assert (question.id, question.topic, question.title) == ("when-do-we-deploy", "house-rules", "When do we deploy.")
    assert question.difficulty is Difficulty.MEDIUM
    assert result.problems == []


def test_the_first_questions_of_an_empty_bank_are_compared_with_each_other(embedder: Embedder, cache: Path) -> None:
    drafts = [QuestionDraft("What is LoRA?", "Adapters."), QuestionDraft("What is LoRA?", "Adapters.", line=7)]
    result = pipeline(Bank(), embedder, cache).run(drafts)

    assert [question.id for question in result.questions] == ["what-is-lora"]
    assert [(duplicate.draft.line, duplicate.where) for duplicate in result.duplicates] == [(7, "import")]


def test_a_duplicate_of_the_bank_is_reported_and_left_out(bank: Bank, embedder: Embedder, cache: Path) -> None:
    drafts = [
        QuestionDraft("Explain what LoRA is.", "Adapters.", line=7),
        QuestionDraft("How do plants grow?", "By light."),
    ]
    result = pipeline(bank, embedder, cache).run(drafts)

    assert [question.id for question in result.questions] == ["how-do-plants-grow"]
    (duplicate,) = result.duplicates
    assert (duplicate.draft.line, duplicate.match.id) == (7, "lora")
    assert 0.75 <= duplicate.similarity <= 1


def test_duplicates_are_imported_on_request(bank: Bank, embedder: Embedder, cache: Path) -> None:
    result = pipeline(bank, embedder, cache, duplicates=True).run(
        [QuestionDraft("What is LoRA?", "Adapters.", id="lora")]
    )

    assert [question.id for question in result.questions] == ["lora-2"]
    assert len(result.duplicates) == 1


def test_each_of_many_questions_with_the_same_title_gets_a_number(bank: Bank, embedder: Embedder, cache: Path) -> None:
    drafts = [QuestionDraft("What is LoRA?", answer, id="lora") for answer in ("Adapters.", "A method.", "Ranks.")]
    adding = pipeline(bank, embedder, cache, duplicates=True)

    assert [question.id for question in adding.run(drafts).questions] == ["lora-2", "lora-3", "lora-4"]
    assert [question.id for question in adding.run(drafts[:1]).questions] == ["lora-5"]


def test_duplicates_within_one_import_are_found_too(bank: Bank, embedder: Embedder, cache: Path) -> None:
    result = pipeline(bank, embedder, cache).run(
        [QuestionDraft("How do plants grow?", "By light."), QuestionDraft("How do plants grow", "With water.")]
    )

    assert [question.answer for question in result.questions] == ["By light."]
    assert result.duplicates[0].match.id == "how-do-plants-grow"


def test_a_draft_without_an_answer_is_left_out_with_its_line(bank: Bank, embedder: Embedder, cache: Path) -> None:
    result = pipeline(bank, embedder, cache).run([QuestionDraft("How do plants grow?", line=3)])

    assert result.questions == []
    assert result.problems == [(3, "was left out: it has no answer")]


def test_ids_of_custom_questions_have_a_prefix(bank: Bank, embedder: Embedder, cache: Path) -> None:
    result = pipeline(bank, embedder, cache, prefix="own-").run([QuestionDraft("How do plants grow?", "By light.")])

    assert result.questions[0].id == "own-how-do-plants-grow"


def test_a_duplicate_says_where_its_match_is_and_whether_it_is_the_same(
    bank: Bank, embedder: Embedder, cache: Path
) -> None:
    drafts = [
        of_question(bank["lora"]),
        QuestionDraft("How do plants grow?", "By light."),
        QuestionDraft("How do plants grow", "So."),
    ]
    result = pipeline(bank, embedder, cache, duplicates=True).run(drafts)

    assert [(duplicate.where, duplicate.same) for duplicate in result.duplicates] == [("bank", True), ("import", False)]
    assert [question.id for question in result.questions] == ["how-do-plants-grow", "how-do-plants-grow-2"]


def test_importing_duplicates_twice_adds_the_same_question_once(bank: Bank, embedder: Embedder, cache: Path) -> None:
    draft = QuestionDraft("How do plants grow?", "By light.")
    first = pipeline(bank, embedder, cache, prefix="own-").run([draft])
    repeated = ImportPipeline(
        build(Passages.of(bank), embedder, cache), Bank.of(first.questions), embedder, duplicates=True, prefix="own-"
    ).run([draft])

    assert repeated.questions == []
    assert repeated.duplicates[0].same


def test_a_folder_drops_the_prefix_of_custom_questions_and_avoids_used_ids(
    bank: Bank, embedder: Embedder, cache: Path
) -> None:
    index = build(Passages.of(bank), embedder, cache)
    result = ImportPipeline(index, Bank(), embedder, names={"plants"}).run(
        [
            QuestionDraft("How do plants grow?", "By light.", id="own-plants"),
            QuestionDraft("Own goals in chess?", "None."),
        ]
    )

    assert [question.id for question in result.questions] == ["plants-2", "goals-in-chess"]


def test_a_part_that_cannot_be_kept_is_left_out_with_a_note_and_the_question_stays(
    bank: Bank, embedder: Embedder, cache: Path
) -> None:
    drafts = [
        QuestionDraft("How do plants grow?", "By light.", line=1, references=(Reference("t", "b", 20),)),
        QuestionDraft(
            "Why do cats purr?", "They are content.", line=2, choices=(Choice("a", True), Choice("b", False, "c"))
        ),
    ]
    result = pipeline(bank, embedder, cache).run(drafts)

    assert [question.answer for question in result.questions] == ["By light.", "They are content."]
    assert [(line, reason.partition(":")[0]) for line, reason in result.problems] == [
        (1, "its references were left out"),
        (2, "its choices were left out"),
    ]


@pytest.mark.parametrize(
    "answer", ["word " * 60_000, "ü" * 140_000, "<div>" * 9000, "$" + "{" * 9000 + "}" * 9000 + "$"]
)
def test_a_question_that_is_too_large_or_too_deep_is_kept_or_reported(
    bank: Bank, embedder: Embedder, cache: Path, answer: str, tmp_path: Path
) -> None:
    result = pipeline(bank, embedder, cache).run([QuestionDraft("How do plants grow?", f"So: {answer}.")])
    transaction.add(tmp_path / "mine", result.questions)

    assert load(tmp_path / "mine").problems == ()
    assert result.problems or len(load(tmp_path / "mine").bank) == 1


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
def test_structure_in_an_answer_stays_part_of_the_answer(
    bank: Bank, embedder: Embedder, cache: Path, answer: str
) -> None:
    result = pipeline(bank, embedder, cache).run([QuestionDraft("How do plants grow?", f"By light.\n\n{answer}")])

    (question,) = result.questions
    assert question.answer.startswith("By light.")
    assert (question.in_depth, question.key_points, question.choices) == ("", (), ())
    assert "<script" not in question.answer


@settings(suppress_health_check=[*settings().suppress_health_check, HealthCheck.function_scoped_fixture])
@given(
    title=st.text(max_size=80), answer=st.text(max_size=200), depth=st.text(max_size=100), topic=st.text(max_size=90)
)
def test_any_text_becomes_a_question_or_a_problem(
    *, bank: Bank, embedder: Embedder, cache: Path, title: str, answer: str, depth: str, topic: str
) -> None:
    result = pipeline(bank, embedder, cache).run([QuestionDraft(title, answer, in_depth=depth, topic=topic)])

    assert len(result.questions) + len(result.duplicates) + bool(result.problems) >= 1


@given(st.text(max_size=200))
def test_slugs_are_valid_ids(text: str) -> None:
    slugged = slug(text, "question")

    assert 0 < len(slugged) <= NAME_LIMIT
    assert slugged == slugged.strip("-").lower()


def test_a_long_slug_ends_after_a_whole_word() -> None:
    assert slug("word " * 20, "question") == "-".join(["word"] * 12)
    assert slug("x" * 90, "question") == "x" * NAME_LIMIT


def test_a_long_title_is_cut_with_a_note() -> None:
    notes: list[str] = []
    question = normalized(QuestionDraft("What is it " * 40, "A thing."), lambda _, reason: notes.append(reason))

    assert question is not None
    assert len(question.title) <= MAX_TITLE_LENGTH + 3
    assert notes == ["a title of 439 characters was cut after 300"]


def test_several_parts_that_cannot_be_kept_are_left_out_together() -> None:
    notes: list[str] = []
    draft = QuestionDraft(
        "How do plants grow?", "By light.", references=(Reference("t", "b", 20),), choices=(Choice("a", True),)
    )
    question = normalized(draft, lambda _, reason: notes.append(reason))

    assert question is not None
    assert (question.answer, question.references, question.choices) == ("By light.", (), ())
    assert notes == ["everything but its answer and in-depth text was left out: " + notes[0].partition(": ")[2]]


def test_a_question_that_is_too_large_without_its_optional_parts_cannot_be_kept() -> None:
    notes: list[str] = []
    draft = QuestionDraft("How do plants grow?", "ü" * (SIZE_LIMIT // 2 + 1))

    assert normalized(draft, lambda _, reason: notes.append(reason)) is None
    assert notes == ["can't be kept: it's larger than 256 KiB, too large for one question"]
