"""Fit the weights of `knowledge/retrieval/weights.py`: what each measure counts in a search, with and without meaning.

A search picks one of the questions or "none": each has a strength, a weighted sum of its measures, and the
probabilities are their softmax. The weights make the right picks of the development set most likely, with a small
penalty on size, and no measure may count against a question. A query without its own question, at a weight of
`MASKED`, also teaches what "none" looks like.

The set is split in two by a hash of the query. Printed are the figures on each half of weights fitted on the first
alone (what to choose by, and what to report), and then the weights fitted on both, which are the ones to keep.
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
from knowledge.retrieval.features import NAMES, QUERY_NAMES, WORD_NAMES
from knowledge.retrieval.index import build
from knowledge.retrieval.passages import Windows
from knowledge.retrieval.search import Search, WordSearch, clean
from knowledge.retrieval.weights import Weights

MASKED = 0.1
PENALTY = 0.0001


@dataclass(frozen=True, slots=True)
class Row:
    """A case as numbers: measures of the candidates, of the query (a leading 1), and which candidates are right."""

    case: Case
    values: Floats
    query: Floats
    right: np.ndarray[tuple[int], np.dtype[np.bool_]]


def first_half(case: Case) -> bool:
    return hashlib.sha256(case.query.encode()).digest()[0] % 2 == 0


def measure(search: Search | WordSearch, case: Case) -> Row:
    signals = search.signals(clean(case.query))
    right = np.array([question.id in case.gold for question in signals.candidates])
    return Row(case, signals.values, np.append([1.0], signals.query).astype(np.float32), right)


def probabilities(row: Row, weights: Floats) -> Floats:
    """Of each candidate, and last of none."""
    count = row.values.shape[1]
    strengths = np.append(row.values @ weights[:count], row.query @ weights[count:])
    odds = np.exp(strengths - strengths.max())
    return np.asarray(odds / odds.sum())


def fit(rows: list[Row]) -> Floats:
    lessons = [(row, 1.0) for row in rows if row.right.any() or not row.case.gold]
    for row in rows:
        if row.case.gold:
            rest = ~row.right
            lessons.append((Row(row.case, row.values[rest], row.query, row.right[rest]), MASKED))

    def loss(weights: Floats) -> tuple[float, Floats]:
        total, slope = 0.0, np.zeros_like(weights)
        for row, count in lessons:
            found = probabilities(row, weights)
            wanted = np.append(np.where(row.right, found[:-1], 0.0), 0.0 if row.right.any() else found[-1])
            total -= count * np.log(wanted.sum() + 1e-12)
            pull = count * (found - wanted / wanted.sum())
            slope += np.append(row.values.T @ pull[:-1], row.query * pull[-1])
        size = sum(count for _, count in lessons)
        return float(total / size + PENALTY * weights @ weights), slope / size + 2 * PENALTY * weights

    count, of_query = rows[0].values.shape[1], 1 + len(QUERY_NAMES)
    start = np.zeros(count + of_query)
    bounds = [(0, None)] * count + [(None, None)] * of_query
    return np.asarray(minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x)


def report(name: str, rows: list[Row], weights: Floats, kept: Weights) -> None:
    tops: dict[bool, list[float]] = {True: [], False: []}
    answered: dict[bool, list[bool]] = {True: [], False: []}
    ranks, clear = [], []
    for row in rows:
        found = probabilities(row, weights)
        some = bool(row.case.gold)
        tops[some].append(float(found[:-1].max()))
        answered[some].append(bool(found[-1] < kept.nothing_above))
        first, second = np.sort(found[:-1])[-1:-3:-1]
        right_first = bool(row.right[found[:-1].argmax()])
        if found[-1] < kept.nothing_above and first >= shipped.CLEAR_ABOVE and first >= shipped.CLEAR_TIMES * second:
            clear.append(right_first)
        if some:
            best = found[:-1][row.right].max(initial=-1.0)
            ranks.append(int((found[:-1] > best).sum()) + 1)
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
    by_words = WordSearch(Windows.of(bank))
    by_meaning = Search(by_words, build(by_words.measure.windows, embedder, args.data), embedder)
    cases = read_cases(args.file.read_text("utf-8").splitlines())
    for title, search, names, kept in (
        ("MEANING", by_meaning, NAMES, shipped.MEANING),
        ("WORDS", by_words, WORD_NAMES, shipped.WORDS),
    ):
        print(title)
        rows = [measure(search, case) for case in cases]
        halves = {half: [row for row in rows if first_half(row.case) is half] for half in (True, False)}
        for half in halves:
            weights = fit(halves[half])
            report("  fitted half", halves[half], weights, kept)
            report("  other half ", halves[not half], weights, kept)
        report("  all, as shipped", rows, as_array(kept, names), kept)
        whole = fit(rows)
        report("  all, fitted on all", rows, whole, kept)
        counts = [round(float(weight), 2) for weight in whole]
        print("    signals =", dict(zip(names, counts, strict=False)))
        print("    nothing =", dict(zip(("constant", *QUERY_NAMES), counts[len(names) :], strict=True)))


def as_array(weights: Weights, names: tuple[str, ...]) -> Floats:
    """In the order of a fit."""
    of_query = (weights.nothing[name] for name in ("constant", *QUERY_NAMES))
    return np.array([*(weights.signals[name] for name in names), *of_query], np.float32)


if __name__ == "__main__":
    main()
