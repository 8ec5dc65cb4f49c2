"""Comparing answers with key points and misconceptions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.coverage import MAX_SENTENCES, Coverage, measure_coverage, sentences
from knowledge.format.reader import load
from knowledge.questions import Bank
from knowledge.retrieval.embedding import Embedder


def states(coverage: Coverage) -> list[str]:
    return [point.state for point in coverage.points]


def test_points_are_found_by_the_sentence_that_mentions_them(bank: Bank, embedder: Embedder) -> None:
    answer = "The original weights stay frozen. We learn a low-rank update made of two small matrices."
    found = measure_coverage(bank["lora"], answer, embedder)

    assert states(found)[:2] == ["mentioned", "mentioned"]
    assert found.points[0].sentence == "The original weights stay frozen."
    assert found.points[1].sentence.startswith("We learn")
    assert not found.off_topic


def test_points_that_are_not_mentioned_are_missing(bank: Bank, embedder: Embedder) -> None:
    found = measure_coverage(bank["lora"], "The pretrained weights of the network stay frozen.", embedder)

    assert states(found)[0] == "mentioned"
    assert states(found)[2] == "missing"
    assert found.points[2].sentence == ""
    assert 0 < found.share < 1


@pytest.mark.parametrize("text", ["", " \n ", "?!", "I had pasta for lunch and then watched a football match."])
def test_an_answer_about_something_else_mentions_nothing(bank: Bank, embedder: Embedder, text: str) -> None:
    found = measure_coverage(bank["lora"], text, embedder)

    assert found.off_topic
    assert found.share == 0.0
    assert states(found) == ["missing"] * 3
    assert found.misconceptions == ()


def test_a_misconception_is_pointed_out_and_counts_for_no_point(bank: Bank, embedder: Embedder) -> None:
    found = measure_coverage(bank["lora"], "LoRA makes inference slower.", embedder)

    [suspected] = found.misconceptions
    assert suspected.reason == "merged, it adds nothing."
    assert suspected.sentence == "LoRA makes inference slower."
    assert "mentioned" not in states(found)


def test_denying_a_misconception_is_not_pointed_out(bank: Bank, embedder: Embedder) -> None:
    answer = "The weights are frozen. LoRA does not make every inference slower."

    assert measure_coverage(bank["lora"], answer, embedder).misconceptions == ()


def test_the_banks_own_answers_mention_most_of_their_points(embedder: Embedder) -> None:
    for question in list(load().bank)[::20]:
        found = measure_coverage(question, question.answer, embedder)
        assert not found.off_topic, question.id
        assert found.share >= 0.5, question.id


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ("It costs 1.5 s, e.g. on a GPU. Done.", ["It costs 1.5 s, e.g. on a GPU.", "Done."]),
        ("- first\n- second\n3. third", ["first", "second", "third"]),
        ("no full stop", ["no full stop"]),
        ("...\n!!", []),
    ],
)
def test_text_is_split_into_sentences(text: str, parts: list[str]) -> None:
    assert [part.removeprefix("- ") for part in sentences(text)] == parts


def test_a_long_sentence_counts_by_its_clauses_too() -> None:
    long = "first you freeze all of the pretrained weights, then you add two small matrices next to each of them, " * 2
    found = sentences(long)

    assert found[0] == " ".join(long.split())
    assert "then you add two small matrices next to each of them" in found


@given(st.text())
def test_any_text_has_sentences_with_words(text: str) -> None:
    found = sentences(text)

    assert len(found) <= MAX_SENTENCES
    assert all(sentence.strip() for sentence in found)
