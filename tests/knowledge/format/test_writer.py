"""Writing a question's file: what is read back is the same question."""

from __future__ import annotations

from dataclasses import replace

from knowledge.format.reader import load, read
from knowledge.format.writer import markdown
from knowledge.questions import Bank, Question


def again(question: Question) -> Question | set[tuple[int, str]]:
    problems: set[tuple[int, str]] = set()
    return read(question.topic, question.id, markdown(question), problems) or problems


def test_the_whole_built_in_bank_is_read_back_as_it_was() -> None:
    bank = load().bank

    assert [question.id for question in bank if again(question) != question] == []


def test_a_question_with_a_part_missing_is_read_back_as_it_was(bank: Bank) -> None:
    whole = bank["lora"]
    for question in (
        replace(whole, in_depth=""),
        replace(whole, key_points=()),
        replace(whole, misconceptions=()),
        replace(whole, choices=()),
        replace(whole, follow_ups=()),
        replace(whole, aliases=(), related=(), references=(), tags=(), as_of=None),
    ):
        assert again(question) == question


def test_an_answer_alone_is_enough() -> None:
    question = Question(
        "own-freeze", "house-rules", "When may we deploy?", load().bank["lora"].difficulty, "Not on Friday."
    )

    assert again(question) == question
