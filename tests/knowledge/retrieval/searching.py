"""A search of a bank, for tests of what is built on it."""

from __future__ import annotations

from pathlib import Path

from knowledge.questions import Bank
from knowledge.retrieval.embedding import Embedder
from knowledge.retrieval.index import build
from knowledge.retrieval.passages import Windows
from knowledge.retrieval.search import Search, WordSearch


def opened(bank: Bank, embedder: Embedder, folder: Path, beneath: Search | None = None) -> Search:
    """Searches the bank, and what lies beneath; new vectors go to the folder."""
    windows = Windows.of(bank)
    by_words = WordSearch(windows, beneath.by_words if beneath else None)
    return Search(by_words, build(windows, embedder, folder), embedder, beneath)
