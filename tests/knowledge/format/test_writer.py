"""Writing a question's file, and reading the same question back."""

from __future__ import annotations

from dataclasses import replace

from knowledge.format.reader import load, read
from knowledge.format.writer import markdown
from knowledge.questions import Bank, Question


def round_trip(question: Question) -> Question | set[tuple[int, str]]:
    problems: set[tuple[int, str]] = set()
    return read(question.topic, question.id, markdown(question), problems) or problems


def test_the_whole_built_in_bank_survives_a_round_trip() -> None:
    bank = load().bank

    assert [question.id for question in bank if round_trip(question) != question] == []


def test_a_question_without_an_optional_part_survives_a_round_trip(bank: Bank) -> None:
    whole = bank["lora"]
    for question in (
        replace(whole, in_depth=""),
        replace(whole, key_points=()),
        replace(whole, misconceptions=()),
        replace(whole, choices=()),
        replace(whole, follow_ups=()),
        replace(whole, aliases=(), related=(), references=(), tags=(), as_of=None),
    ):
        assert round_trip(question) == question


def test_a_question_only_needs_an_answer() -> None:
    question = Question(
        "own-freeze", "house-rules", "When may we deploy?", load().bank["lora"].difficulty, "Not on Friday."
    )

    assert round_trip(question) == question
