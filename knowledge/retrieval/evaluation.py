"""How good search is on queries whose right questions are known."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import quantiles
from time import perf_counter

from knowledge.retrieval.search import Found, Search

WANTED = '{"query": "what is lora", "gold": ["lora"]}, with "gold": [] where nothing should be answered'
DEPTH = 10


@dataclass(frozen=True, slots=True)
class Case:
    """A query and the ids that answer it, any of which is right; without one, nothing should be answered."""

    query: str
    gold: frozenset[str]


def read_cases(lines: Iterable[str]) -> list[Case]:
    """Cases from JSON lines; empty lines are passed over, further keys too. ValueError names the line."""
    cases = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise ValueError(f"line {number} is not JSON ({error.msg}); a line is {WANTED}") from error
        query, gold = (row.get("query"), row.get("gold")) if isinstance(row, dict) else (None, None)
        if not isinstance(query, str) or not isinstance(gold, list) or not all(isinstance(id, str) for id in gold):
            raise ValueError(f"line {number} lacks a query (text) or gold (a list of ids); a line is {WANTED}")
        cases.append(Case(query, frozenset(gold)))
    return cases


def evaluate(search: Search, lines: Iterable[str]) -> dict[str, float | None]:
    """Recall, mean reciprocal rank, how well the top score tells what can be answered, both errors, and times.

    Recall and rank count the best-placed of a query's right ids. `false_answer_rate`: of those that nothing answers,
    the share answered. `missed_answer_rate`: of the others, the share not answered. An id that the bank lacks is never
    found. None where there is no case.
    """
    cases = read_cases(lines)
    if cases:
        search.warm()
    found, times = [], []
    for case in cases:
        start = perf_counter()
        found.append(search.search(case.query, DEPTH))
        times.append((perf_counter() - start) * 1000)
    pairs = list(zip(cases, found, strict=True))
    ranks = [_rank(case, result) for case, result in pairs if case.gold]
    asked = [result for case, result in pairs if case.gold]
    strange = [result for case, result in pairs if not case.gold]
    cuts = quantiles(times, n=100, method="inclusive") if len(times) > 1 else times * 99
    return {
        "recall_at_1": _mean([rank == 1 for rank in ranks]),
        "recall_at_3": _mean([0 < rank <= 3 for rank in ranks]),
        "mrr_at_10": _mean([1 / rank if rank else 0.0 for rank in ranks]),
        "refusal_auroc": auroc([_top(result) for result in asked], [_top(result) for result in strange]),
        "false_answer_rate": _mean([result.answered for result in strange]),
        "missed_answer_rate": _mean([not result.answered for result in asked]),
        "p50_ms": cuts[49] if cuts else None,
        "p99_ms": cuts[98] if cuts else None,
    }


def auroc(higher: Sequence[float], lower: Sequence[float]) -> float | None:
    """The probability that one of `higher` is above one of `lower`, ties counting half; None where either is empty."""
    return _mean([(a > b) + (a == b) / 2 for a in higher for b in lower])


def _rank(case: Case, found: Found) -> int:
    """Place of the first right hit, from 1; 0 where none is among the first `DEPTH`."""
    return next((place for place, hit in enumerate(found.hits, 1) if hit.question.id in case.gold), 0)


def _top(found: Found) -> float:
    return found.hits[0].score if found.hits else 0.0


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
