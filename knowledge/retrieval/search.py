"""Find the questions that answer a query, how likely each one is to, and whether any does."""

from __future__ import annotations

import unicodedata
from collections.abc import Set
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from knowledge.format.invisible import HIDDEN
from knowledge.questions import Bank, Question
from knowledge.retrieval import weights
from knowledge.retrieval.embedding import Embedder
from knowledge.retrieval.features import (
    MAX_CANDIDATES,
    QUERY_FEATURES,
    FeatureExtractor,
    Features,
    KeywordExtractor,
    SemanticExtractor,
)
from knowledge.retrieval.index import Index
from knowledge.retrieval.lexicon import words
from knowledge.retrieval.passages import Passages, plain
from knowledge.retrieval.weights import Weights

MAX_QUERY_LENGTH = 1000
"""Characters of a query that count."""
MAX_TOPICS = 3


@dataclass(frozen=True, slots=True)
class Hit:
    """A question and the probability that it answers the query; those of all questions and of "no answer" sum to 1."""

    question: Question
    score: float


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The best questions, best first, even if none of them fits (`answered` is False then).

    `clear`: the first is well ahead of the second. `topics`: the nearest ones, best first. `keywords_only`: only the
    words of the query were compared, not its meaning.
    """

    answered: bool
    clear: bool
    hits: tuple[Hit, ...]
    topics: tuple[str, ...]
    keywords_only: bool = False


class _BankSearch:
    """Search a bank with whatever features the extractor measures."""

    def __init__(self, bank: Bank, extractor: FeatureExtractor, weight: Weights, *, keywords_only: bool) -> None:
        self.bank = bank
        self._extractor = extractor
        self._weights = weight
        self._keywords_only = keywords_only

    def search(self, query: str, k: int = 10, without: Set[str] = frozenset()) -> SearchResult:
        """Return the best `k` questions for the query, leaving out the ids in `without`.

        A query without a letter or digit finds nothing.
        """
        cleaned = clean(query)
        if not words(cleaned) or k < 1:
            return SearchResult(False, False, (), self.bank.topics[:MAX_TOPICS], self._keywords_only)
        features = self.features(cleaned, limit=max(k, MAX_CANDIDATES), without=without)
        return self._rank(features, k)

    def features(self, query: str, *, limit: int = MAX_CANDIDATES, without: Set[str] = frozenset()) -> Features:
        """Return the features behind a search for a cleaned query."""
        return self._extractor.features(query, limit=limit, without=without)

    def _rank(self, features: Features, k: int) -> SearchResult:
        """Score the candidates: the softmax of their weighted features, with "no answer" as one more candidate."""
        weight = self._weights
        of_candidate = np.array([weight.features[name] for name in self._extractor.names], np.float32)
        of_query = np.array([weight.no_answer[name] for name in QUERY_FEATURES], np.float32)
        logits = np.append(features.values @ of_candidate, weight.no_answer["constant"] + features.query @ of_query)
        odds = np.exp((logits - logits.max()).astype(np.float64))
        *scores, no_answer = (odds / odds.sum()).tolist()
        order = np.argsort(-odds[:-1], kind="stable")
        ranked = [Hit(features.candidates[number], scores[number]) for number in order]
        first, second = [*(hit.score for hit in ranked[:2]), 0.0, 0.0][:2]
        answered = bool(ranked) and no_answer < weight.no_answer_above
        clear = answered and first >= weights.CLEAR_MIN_SCORE and first >= weights.CLEAR_MIN_RATIO * second
        return SearchResult(answered, clear, tuple(ranked[:k]), _topics(ranked), self._keywords_only)


class KeywordSearch(_BankSearch):
    """Search a bank by keywords, without vectors or a model. If there's a `base`, search its bank too."""

    def __init__(self, passages: Passages, base: KeywordSearch | None = None) -> None:
        self.passages = passages
        self.extractor: KeywordExtractor = KeywordExtractor(passages, base.extractor if base else None)
        bank = passages.bank.over(base.bank) if base else passages.bank
        super().__init__(bank, self.extractor, weights.KEYWORDS, keywords_only=True)


class Search(_BankSearch):
    """Search a bank by keywords and meaning. If there's a `base`, search its bank too.

    A search takes tens of milliseconds of one core: call it in a thread. The first one loads the model; `warm` does it
    early.
    """

    def __init__(self, keywords: KeywordSearch, index: Index, embedder: Embedder, base: Search | None = None) -> None:
        threadpool_limits(embedder.threads, "blas")  # NumPy's threads spin while they wait: seven times the CPU
        self.keywords = keywords
        base_extractor = base.extractor if base else None
        self.extractor: SemanticExtractor = SemanticExtractor(keywords.extractor, index, embedder, base_extractor)
        super().__init__(keywords.bank, self.extractor, weights.SEMANTIC, keywords_only=False)

    def warm(self) -> None:
        """Load the model, so that the first member doesn't have to wait for it."""
        self.search("warm up")


def clean(query: str) -> str:
    """Return the query as plain words on one line, without invisible characters, cut at `MAX_QUERY_LENGTH`."""
    text = unicodedata.normalize("NFKC", query[: 4 * MAX_QUERY_LENGTH])
    return plain(HIDDEN.sub(" ", text)).strip()[:MAX_QUERY_LENGTH]


def _topics(ranked: list[Hit]) -> tuple[str, ...]:
    shares: dict[str, float] = {}
    for hit in ranked:
        shares[hit.question.topic] = shares.get(hit.question.topic, 0.0) + hit.score
    return tuple(sorted(shares, key=lambda topic: -shares[topic])[:MAX_TOPICS])
