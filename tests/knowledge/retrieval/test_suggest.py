"""Suggestions while typing."""

from __future__ import annotations

import pytest

from knowledge.format.reader import load
from knowledge.questions import Bank
from knowledge.retrieval.suggest import suggest


@pytest.mark.parametrize(
    ("typed", "question_id"),
    [("what is lo", "lora"), ("LORA", "lora"), ("auto var", "vae"), ("documents", "rag"), ("retreival", "rag")],
)
def test_the_question_that_was_typed_comes_first(bank: Bank, typed: str, question_id: str) -> None:
    assert suggest(bank, typed)[0].id == question_id


def test_nothing_typed_gives_the_banks_first_questions(bank: Bank) -> None:
    assert [question.id for question in suggest(bank, " ", limit=2)] == ["lora", "rag"]


def test_a_title_with_the_prefix_comes_before_one_that_contains_it(bank: Bank) -> None:
    assert suggest(bank, "how")[0].id == "vae"


def test_each_question_is_suggested_once(bank: Bank) -> None:
    suggestions = suggest(bank, "what is")

    assert len({question.id for question in suggestions}) == len(suggestions)


@pytest.mark.parametrize("typed", ["", "?", "🎉", "x" * 5000, "zzzzqqq"])
def test_odd_prefixes_never_give_more_than_the_limit(typed: str) -> None:
    assert len(suggest(load().bank, typed, limit=25)) <= 25
