"""How long a search takes, one thread, beside its floor: one bare pass of the same query through the model."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from statistics import quantiles
from tempfile import gettempdir
from time import perf_counter

from knowledge.format.reader import load
from knowledge.retrieval.embedding import Embedder
from knowledge.retrieval.evaluation import read_cases
from knowledge.retrieval.index import build
from knowledge.retrieval.passages import Windows
from knowledge.retrieval.search import Search, WordSearch
from knowledge.retrieval.suggest import suggest


def timed(work: Callable[[str], object], queries: list[str]) -> list[float]:
    """Milliseconds of each call."""
    times = []
    for query in queries:
        start = perf_counter()
        work(query)
        times.append((perf_counter() - start) * 1000)
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path, nargs="?", default=Path("knowledge/eval/dev.jsonl"))
    parser.add_argument("--data", type=Path, default=Path(gettempdir()) / "studyhall-fit", help="folder of the index")
    args = parser.parse_args()
    queries = [case.query for case in read_cases(args.file.read_text("utf-8").splitlines())]

    start = perf_counter()
    bank = load().bank
    print(f"load {len(bank)} questions: {(perf_counter() - start) * 1000:.0f} ms")
    embedder = Embedder(threads=1)
    windows = Windows.of(bank)
    start = perf_counter()
    index = build(windows, embedder, args.data, lambda done, total: print(f"embed {done} of {total}", end="\r"))
    print(f"open the index ({len(windows.texts)} windows): {(perf_counter() - start) * 1000:.0f} ms")
    start = perf_counter()
    by_words = WordSearch(windows)
    by_words.search("warm up")
    print(f"first search by words: {perf_counter() - start:.1f} s")
    start = perf_counter()
    search = Search(by_words, index, embedder)
    search.warm()
    print(f"load the model, first search by meaning: {perf_counter() - start:.1f} s")

    works: list[tuple[str, Callable[[str], object]]] = [
        ("floor: the model alone", lambda query: embedder.vectors([query])),
        ("search", search.search),
        ("by words", by_words.search),
        ("suggest, no model", lambda query: suggest(bank, query[:12])),
    ]
    rounds: dict[str, list[float]] = {name: [] for name, _ in works}
    for _ in range(2):  # in turns, so that a busy moment of the machine falls on each
        for name, work in works:
            rounds[name] += timed(work, queries)
    for name, times in rounds.items():
        cuts = quantiles(times, n=100, method="inclusive")
        print(f"{name:24} p50 {cuts[49]:6.2f} ms   p99 {cuts[98]:6.2f} ms   ({len(times)} queries)")


if __name__ == "__main__":
    main()
