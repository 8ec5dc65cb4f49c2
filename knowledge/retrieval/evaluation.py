"""Measure how good search is on queries whose answers are known."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import quantiles
from time import perf_counter

from knowledge.retrieval.search import Search, SearchResult

LINE_FORMAT = '{"query": "what is lora", "gold": ["lora"]}, with "gold": [] if nothing should be answered'
MAX_RANK = 10


@dataclass(frozen=True, slots=True)
class Case:
    """A query and the ids of the questions that answer it; with no ids, nothing should be answered."""

    query: str
    gold: frozenset[str]


def read_cases(lines: Iterable[str]) -> list[Case]:
    """Read cases from JSON lines, skipping empty lines and unknown keys. Raises ValueError with the line number."""
    cases = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise ValueError(f"line {number} isn't JSON ({error.msg}); a line is {LINE_FORMAT}") from error
        query, gold = (row.get("query"), row.get("gold")) if isinstance(row, dict) else (None, None)
        if (
            not isinstance(query, str)
            or not isinstance(gold, list)
            or not all(isinstance(question_id, str) for question_id in gold)
        ):
            raise ValueError(f"line {number} needs a query (text) and gold (a list of ids); a line is {LINE_FORMAT}")
        cases.append(Case(query, frozenset(gold)))
    return cases


def evaluate(search: Search, lines: Iterable[str]) -> dict[str, float | None]:
    """Return recall, mean reciprocal rank, the AUROC of the top score, both error rates, and times in milliseconds.

    Recall and rank count the best-placed gold id of a query; one that isn't in the bank counts as never found. The
    AUROC says how well the top score tells answerable queries from others. `false_answer_rate`: the share of queries
    without gold ids that were answered. `missed_answer_rate`: the share of the others that weren't. A figure without
    cases is None.
    """
    cases = read_cases(lines)
    if cases:
        search.warm()
    results, times = [], []
    for case in cases:
        start = perf_counter()
        results.append(search.search(case.query, MAX_RANK))
        times.append((perf_counter() - start) * 1000)
    pairs = list(zip(cases, results, strict=True))
    ranks = [_rank(case, result) for case, result in pairs if case.gold]
    answerable = [result for case, result in pairs if case.gold]
    unanswerable = [result for case, result in pairs if not case.gold]
    cuts = quantiles(times, n=100, method="inclusive") if len(times) > 1 else times * 99
    return {
        "recall_at_1": _mean([rank == 1 for rank in ranks]),
        "recall_at_3": _mean([0 < rank <= 3 for rank in ranks]),
        "mrr_at_10": _mean([1 / rank if rank else 0.0 for rank in ranks]),
        "refusal_auroc": auroc(
            [_top_score(result) for result in answerable], [_top_score(result) for result in unanswerable]
        ),
        "false_answer_rate": _mean([result.answered for result in unanswerable]),
        "missed_answer_rate": _mean([not result.answered for result in answerable]),
        "p50_ms": cuts[49] if cuts else None,
        "p99_ms": cuts[98] if cuts else None,
    }


def auroc(higher: Sequence[float], lower: Sequence[float]) -> float | None:
    """Return the probability that one of `higher` is above one of `lower`; a tie counts half. None if one is empty."""
    return _mean([(a > b) + (a == b) / 2 for a in higher for b in lower])


def _rank(case: Case, result: SearchResult) -> int:
    """Return the rank of the first right hit, from 1; 0 if none is among the first `MAX_RANK`."""
    return next((rank for rank, hit in enumerate(result.hits, 1) if hit.question.id in case.gold), 0)


def _top_score(result: SearchResult) -> float:
    return result.hits[0].score if result.hits else 0.0


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
