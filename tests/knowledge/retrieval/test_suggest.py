"""Suggestions while typing."""

from __future__ import annotations

import pytest

from knowledge.format.reader import load
from knowledge.questions import Bank
from knowledge.retrieval.suggest import suggest


@pytest.mark.parametrize(
    ("typed", "id"),
    [("what is lo", "lora"), ("LORA", "lora"), ("auto var", "vae"), ("documents", "rag"), ("retreival", "rag")],
)
def test_what_was_typed_brings_its_question_first(bank: Bank, typed: str, id: str) -> None:
    assert suggest(bank, typed)[0].id == id


def test_nothing_typed_brings_the_banks_first(bank: Bank) -> None:
    assert [question.id for question in suggest(bank, " ", limit=2)] == ["lora", "rag"]


def test_a_title_that_begins_so_comes_before_one_that_has_the_word(bank: Bank) -> None:
    assert suggest(bank, "how")[0].id == "vae"


def test_each_question_is_suggested_once(bank: Bank) -> None:
    found = suggest(bank, "what is")

    assert len({question.id for question in found}) == len(found)


@pytest.mark.parametrize("typed", ["", "?", "🎉", "x" * 5000, "zzzzqqq"])
def test_odd_beginnings_never_bring_more_than_the_limit(typed: str) -> None:
    assert len(suggest(load().bank, typed, limit=25)) <= 25
