"""Search a small bank in tests."""

from __future__ import annotations

from pathlib import Path

from knowledge.questions import Bank
from knowledge.retrieval.embedding import Embedder
from knowledge.retrieval.index import build
from knowledge.retrieval.passages import Passages
from knowledge.retrieval.search import KeywordSearch, Search


def open_search(bank: Bank, embedder: Embedder, folder: Path, base: Search | None = None) -> Search:
    """Search the bank together with that of `base`; new vectors are saved in the folder."""
    passages = Passages.of(bank)
    keywords = KeywordSearch(passages, base.keywords if base else None)
    return Search(keywords, build(passages, embedder, folder), embedder, base)
