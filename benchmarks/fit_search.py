"""Fit the weights in `knowledge/retrieval/weights.py`, for search with meaning and with keywords only.

A search picks one of the questions or "no answer": each has a logit, the weighted sum of its features, and a softmax
turns them into probabilities. Fitting maximizes the likelihood of the right picks in the development set, with a small
penalty on size; no feature may count against a question. Each query is also used without its right questions, with the
weight `MASKED_WEIGHT`, to show what "no answer" looks like.

The set is split in two by a hash of the query. The script prints the figures on each half for weights fitted on one
(choose by these, and report them), and then the weights fitted on both halves, which are the ones to ship.
"""

from __future__ import annotations

import argparse
import hashlib
from dataclasses import dataclass
from pathlib import Path
from tempfile import gettempdir

import numpy as np
from scipy.optimize import minimize

from knowledge.format.reader import load
from knowledge.retrieval import weights as shipped
from knowledge.retrieval.embedding import Embedder, Floats
from knowledge.retrieval.evaluation import Case, auroc, read_cases
from knowledge.retrieval.features import KEYWORD_FEATURES, QUERY_FEATURES, SEMANTIC_FEATURES
from knowledge.retrieval.index import build
from knowledge.retrieval.passages import Passages
from knowledge.retrieval.search import KeywordSearch, Search, clean
from knowledge.retrieval.weights import Weights

MASKED_WEIGHT = 0.1
PENALTY = 0.0001


@dataclass(frozen=True, slots=True)
class Row:
    """A case as numbers: features of the candidates and of the query (after a 1), and which candidates are right."""

    case: Case
    values: Floats
    query: Floats
    right: np.ndarray[tuple[int], np.dtype[np.bool_]]


def in_first_half(case: Case) -> bool:
    return hashlib.sha256(case.query.encode()).digest()[0] % 2 == 0


def measure(search: Search | KeywordSearch, case: Case) -> Row:
    features = search.features(clean(case.query))
    right = np.array([question.id in case.gold for question in features.candidates])
    return Row(case, features.values, np.append([1.0], features.query).astype(np.float32), right)


def probabilities(row: Row, weights: Floats) -> Floats:
    """Return the probability of each candidate, and then that of "no answer"."""
    count = row.values.shape[1]
    logits = np.append(row.values @ weights[:count], row.query @ weights[count:])
    odds = np.exp(logits - logits.max())
    return np.asarray(odds / odds.sum())


def fit(rows: list[Row]) -> Floats:
    samples = [(row, 1.0) for row in rows if row.right.any() or not row.case.gold]
    for row in rows:
        if row.case.gold:
            wrong = ~row.right
            samples.append((Row(row.case, row.values[wrong], row.query, row.right[wrong]), MASKED_WEIGHT))

    def loss(weights: Floats) -> tuple[float, Floats]:
        total, gradient = 0.0, np.zeros_like(weights)
        for row, sample_weight in samples:
            predicted = probabilities(row, weights)
            right = np.append(np.where(row.right, predicted[:-1], 0.0), 0.0 if row.right.any() else predicted[-1])
            total -= sample_weight * np.log(right.sum() + 1e-12)
            error = sample_weight * (predicted - right / right.sum())
            gradient += np.append(row.values.T @ error[:-1], row.query * error[-1])
        size = sum(sample_weight for _, sample_weight in samples)
        return float(total / size + PENALTY * weights @ weights), gradient / size + 2 * PENALTY * weights

    count, query_count = rows[0].values.shape[1], 1 + len(QUERY_FEATURES)
    start = np.zeros(count + query_count)
    bounds = [(0, None)] * count + [(None, None)] * query_count
    return np.asarray(minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x)


def report(name: str, rows: list[Row], weights: Floats, in_use: Weights) -> None:
    """Print the figures of the weights, with the thresholds that are in use."""
    tops: dict[bool, list[float]] = {True: [], False: []}
    answered: dict[bool, list[bool]] = {True: [], False: []}
    ranks, clear = [], []
    for row in rows:
        predicted = probabilities(row, weights)
        scores, no_answer = predicted[:-1], predicted[-1]
        answerable, is_answered = bool(row.case.gold), bool(no_answer < in_use.no_answer_above)
        tops[answerable].append(float(scores.max()))
        answered[answerable].append(is_answered)
        first, second = np.sort(scores)[-1:-3:-1]
        if is_answered and first >= shipped.CLEAR_MIN_SCORE and first >= shipped.CLEAR_MIN_RATIO * second:
            clear.append(bool(row.right[scores.argmax()]))
        if answerable:
            best = scores[row.right].max(initial=-1.0)
            ranks.append(int((scores > best).sum()) + 1)
    print(
        f"{name}: {len(rows)} queries, recall@1 {np.mean(np.array(ranks) == 1):.3f}, "
        f"recall@3 {np.mean(np.array(ranks) <= 3):.3f}, refusal AUROC {auroc(tops[True], tops[False]):.3f}, "
        f"false answers {np.mean(answered[False]):.3f}, missed {1 - np.mean(answered[True]):.3f}, "
        f"clear {len(clear) / len(rows):.3f} of which right {np.mean(clear):.3f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path, nargs="?", default=Path("knowledge/eval/dev.jsonl"))
    parser.add_argument("--data", type=Path, default=Path(gettempdir()) / "studyhall-fit", help="folder of the index")
    args = parser.parse_args()
    bank, embedder = load().bank, Embedder()
    keywords = KeywordSearch(Passages.of(bank))
    semantic = Search(keywords, build(keywords.passages, embedder, args.data), embedder)
    cases = read_cases(args.file.read_text("utf-8").splitlines())
    for title, search, names, in_use in (
        ("SEMANTIC", semantic, SEMANTIC_FEATURES, shipped.SEMANTIC),
        ("KEYWORDS", keywords, KEYWORD_FEATURES, shipped.KEYWORDS),
    ):
        print(title)
        rows = [measure(search, case) for case in cases]
        halves = {half: [row for row in rows if in_first_half(row.case) is half] for half in (True, False)}
        for half, half_rows in halves.items():
            weights = fit(half_rows)
            report("  fitted half", half_rows, weights, in_use)
            report("  other half ", halves[not half], weights, in_use)
        report("  all, as shipped", rows, as_array(in_use, names), in_use)
        whole = fit(rows)
        report("  all, fitted on all", rows, whole, in_use)
        counts = [round(float(weight), 2) for weight in whole]
        print("    features =", dict(zip(names, counts, strict=False)))
        print("    no_answer =", dict(zip(("constant", *QUERY_FEATURES), counts[len(names) :], strict=True)))


def as_array(weights: Weights, names: tuple[str, ...]) -> Floats:
    """Return the weights in the order that `fit` has them."""
    of_query = (weights.no_answer[name] for name in ("constant", *QUERY_FEATURES))
    return np.array([*(weights.features[name] for name in names), *of_query], np.float32)


if __name__ == "__main__":
    main()
