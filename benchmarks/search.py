"""Time searches in one thread, and compare them with their lower bound: embedding the same query."""

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
from knowledge.retrieval.passages import Passages
from knowledge.retrieval.search import KeywordSearch, Search
from knowledge.retrieval.suggest import suggest


def milliseconds(work: Callable[[str], object], queries: list[str]) -> list[float]:
    """Time the call for each query."""
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
    passages = Passages.of(bank)
    start = perf_counter()
    index = build(passages, embedder, args.data, lambda done, total: print(f"embed {done} of {total}", end="\r"))
    print(f"open the index ({len(passages.texts)} passages): {(perf_counter() - start) * 1000:.0f} ms")
    start = perf_counter()
    keywords = KeywordSearch(passages)
    keywords.search("warm up")
    print(f"first keyword search: {perf_counter() - start:.1f} s")
    start = perf_counter()
    search = Search(keywords, index, embedder)
    search.warm()
    print(f"load the model, first semantic search: {perf_counter() - start:.1f} s")

    works: list[tuple[str, Callable[[str], object]]] = [
        ("lower bound: embedding", lambda query: embedder.vectors([query])),
        ("search", search.search),
        ("keywords only", keywords.search),
        ("suggest", lambda query: suggest(bank, query[:12])),
    ]
    times_by_name: dict[str, list[float]] = {name: [] for name, _ in works}
    for _ in range(2):  # alternating, so that a busy moment of the machine affects all of them
        for name, work in works:
            times_by_name[name] += milliseconds(work, queries)
    for name, times in times_by_name.items():
        cuts = quantiles(times, n=100, method="inclusive")
        print(f"{name:24} p50 {cuts[49]:6.2f} ms   p99 {cuts[98]:6.2f} ms   ({len(times)} queries)")


if __name__ == "__main__":
    main()
