"""Measuring a search."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.format.reader import load
from knowledge.questions import Bank
from knowledge.retrieval.embedding import Embedder
from knowledge.retrieval.evaluation import Case, auroc, evaluate, read_cases
from knowledge.retrieval.search import Search
from tests.knowledge.retrieval.searching import open_search

DEV = Path(__file__).parents[3] / "knowledge" / "eval" / "dev.jsonl"


def lines(*cases: tuple[str, list[str]]) -> list[str]:
    return [json.dumps({"query": query, "gold": gold}) for query, gold in cases]


@pytest.fixture
def search(bank: Bank, embedder: Embedder, tmp_path: Path) -> Search:
    return open_search(bank, embedder, tmp_path / "index")


def test_the_figures_match_the_cases(search: Search) -> None:
    found = evaluate(
        search,
        lines(
            ("what is lora", ["lora"]),
            ("how does retrieval-augmented generation work", ["rag", "vae"]),
            ("what is lora", ["rag"]),  # wrong on purpose: rag comes second or third
            ("how do i poach an egg", []),
        ),
    )

    assert found["recall_at_1"] == pytest.approx(2 / 3)
    assert found["recall_at_3"] == 1.0
    assert found["mrr_at_10"] in (pytest.approx((1 + 1 + 1 / 2) / 3), pytest.approx((1 + 1 + 1 / 3) / 3))
    assert found["refusal_auroc"] == 1.0
    assert found["false_answer_rate"] == 0.0
    assert found["missed_answer_rate"] == 0.0
    assert 0 < (found["p50_ms"] or 0) <= (found["p99_ms"] or 0)


def test_an_id_that_the_bank_lacks_is_never_found(search: Search) -> None:
    found = evaluate(search, lines(("what is lora", ["qlora"])))

    assert (found["recall_at_1"], found["recall_at_3"], found["mrr_at_10"]) == (0, 0, 0)


def test_a_rate_without_cases_is_none(search: Search) -> None:
    only_answerable = evaluate(search, lines(("what is lora", ["lora"])))
    only_unanswerable = evaluate(search, lines(("how do i poach an egg", [])))

    assert (only_answerable["refusal_auroc"], only_answerable["false_answer_rate"]) == (None, None)
    assert (only_unanswerable["recall_at_1"], only_unanswerable["missed_answer_rate"]) == (None, None)
    assert {*evaluate(search, []).values()} == {None}


@pytest.mark.parametrize(
    "line", ["{", "[]", '{"query": "x"}', '{"query": 1, "gold": []}', '{"query": "x", "gold": "lora"}', '{"gold": [1]}']
)
def test_a_bad_line_is_reported_with_its_number_and_what_is_right(line: str) -> None:
    with pytest.raises(ValueError, match=r'line 3 .*"gold": \["lora"\]'):
        read_cases(['{"query": "x", "gold": []}', "", line])


def test_unknown_keys_are_ignored() -> None:
    [case] = read_cases(['{"query": "x", "gold": ["a"], "kind": "lay"}'])

    assert case == Case("x", frozenset({"a"}))


def test_auroc_counts_pairs_and_half_the_ties() -> None:
    assert auroc([3, 2], [1, 2]) == (1 + 1 + 1 + 0.5) / 4
    assert auroc([], [1]) is None


scores = st.lists(st.floats(0, 1), min_size=1, max_size=20)


@given(scores, scores)
def test_swapped_auroc_is_the_complement(first: list[float], second: list[float]) -> None:
    assert (auroc(first, second) or 0) + (auroc(second, first) or 0) == pytest.approx(1)


def test_the_development_set_is_about_the_bank() -> None:
    cases = read_cases(DEV.read_text("utf-8").splitlines())
    bank = load().bank

    assert len({case.query for case in cases}) == len(cases)
    assert {question_id for case in cases for question_id in case.gold} <= {*bank.questions}
    wordings = {wording.casefold() for question in bank for wording in (question.title, *question.aliases)}
    assert sum(case.query.casefold() in wordings for case in cases) <= len(cases) / 20
