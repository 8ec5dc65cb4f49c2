"""Checks of a whole bank."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest

from knowledge.format.reader import load
from knowledge.lint import (
    check,
    check_coverage,
    check_formulas,
    check_similarity,
    longest_share,
    stats,
    unchecked,
    words,
)
from knowledge.questions import Bank, Choice
from knowledge.retrieval.embedding import Embedder
from knowledge.retrieval.index import build
from knowledge.retrieval.passages import Passages


def reasons(bank: Bank) -> str:
    return "\n".join(map(str, check(bank)))


COVERAGE = Path(__file__).resolve().parents[3] / "shared" / "bank" / "coverage.csv"


def test_the_built_in_bank_has_no_problems() -> None:
    loaded = load()

    assert loaded.problems == ()
    assert check(loaded.bank) == ()
    assert len(loaded.bank) >= 256


@pytest.mark.skipif(not COVERAGE.is_file(), reason="the list of required questions isn't here")
def test_the_built_in_bank_has_every_required_question() -> None:
    with COVERAGE.open(encoding="utf-8", newline="") as lines:
        assert check_coverage(load().bank, csv.DictReader(lines)) == ()


def test_an_unknown_related_id_is_reported(bank: Bank) -> None:
    wrong = Bank.of([replace(bank["lora"], related=("lroa", "lora")), bank["rag"]])

    assert "there's no question 'lroa'" in reasons(wrong)
    assert "is related to itself" in reasons(wrong)


def test_lengths_out_of_bounds_are_reported(bank: Bank) -> None:
    assert "rag/rag.md: words in the answer: 18, should be 60 to 150" in reasons(bank)
    assert "aliases: 2, should be 6 to 30" in reasons(bank)


def test_two_questions_with_the_same_wording_are_reported(bank: Bank) -> None:
    copy = replace(bank["rag"], aliases=("Low-rank adapters!",))

    assert "lora and rag share the wording" in reasons(Bank.of([bank["lora"], copy]))


def test_a_bank_whose_right_choice_is_mostly_the_longest_is_reported(bank: Bank) -> None:
    telling = (Choice("a very long right choice", True), *(Choice(f"short {i}", False, "no") for i in range(3)))
    wrong = Bank.of(replace(question, choices=telling) for question in bank)

    assert longest_share(wrong) == 1.0
    assert "the right choice is the longest in 100% of questions" in reasons(wrong)


def test_formulas_and_code_are_not_counted_as_prose() -> None:
    assert words("one $a + b$ three\n\n$$\nx + y\n$$\n\n```python\nno words here\n```\nfour") == 4


def test_stats_count_topics_and_difficulties(bank: Bank) -> None:
    assert stats(bank) == {
        "total": 3,
        "topics": {"fine-tuning": 1, "rag": 1, "vae": 1},
        "difficulties": {"easy": 1, "medium": 1, "hard": 1},
    }


def test_references_that_nobody_looked_up_are_counted(bank: Bank) -> None:
    reference = replace(bank["lora"].references[0], checked=False, at="")

    assert unchecked(bank) == 0
    assert unchecked(Bank.of([replace(bank["lora"], references=(reference, reference))])) == 2


@pytest.mark.parametrize(
    ("formula", "reason"),
    [
        (r"\frac{a}{b", "} is missing"),
        (r"\mathop{x}\limits_i", r"not supported: \mathop, \limits"),
        (r"\begin{array}{c} x \end{array}", "the environments are aligned"),
        (r"\left( x", "\\right is missing"),
    ],
)
def test_a_formula_that_cannot_be_drawn_is_reported(bank: Bank, formula: str, reason: str) -> None:
    wrong = Bank.of([replace(bank["lora"], in_depth=f"So ${formula}$ holds."), bank["rag"]])
    (problem,) = check_formulas(wrong)

    assert problem.path.name == "lora.md"
    assert reason in problem.reason


def test_formulas_that_can_be_drawn_pass(bank: Bank) -> None:
    fine = (
        r"$$\begin{aligned} x &= \frac{1}{\sqrt{2}} \\ y &= \sum_{i=1}^n \hat{x}_i \odot \mathbb{E}[z] \end{aligned}$$"
    )

    assert check_formulas(Bank.of([replace(bank["lora"], in_depth=fine)])) == ()


def test_two_questions_that_ask_nearly_the_same_thing_are_reported(
    bank: Bank, embedder: Embedder, tmp_path: Path
) -> None:
    copy = replace(bank["lora"], id="adapters", title="What is a LoRA?", aliases=())
    wrong = Bank.of([*bank, copy])
    (problem,) = check_similarity(build(Passages.of(wrong), embedder, tmp_path))

    assert "adapters" in str(problem)
    assert "lora" in str(problem)


def test_missing_required_questions_are_reported(bank: Bank) -> None:
    rows = [{"id": "lora", "topic": "rag"}, {"id": "gan", "topic": "gan", "question": "What is a GAN?"}, {"id": "rag"}]
    found = [problem.reason for problem in check_coverage(bank, rows)]

    assert found == ["belongs in the topic 'rag'", "lacks the question 'gan' (What is a GAN?)"]


def test_ids_of_custom_questions_are_rejected_in_a_bank_of_files(bank: Bank) -> None:
    assert "for a workspace's custom questions" in reasons(Bank.of([replace(bank["rag"], id="own-rag")]))
