"""Which questions answer a query, how likely each is to, and whether any does."""

from __future__ import annotations

import unicodedata
from collections.abc import Set
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from knowledge.format.markdown import HIDDEN
from knowledge.questions import Bank, Question
from knowledge.retrieval import weights
from knowledge.retrieval.embedding import Embedder, Floats
from knowledge.retrieval.features import CANDIDATES, NAMES, QUERY_NAMES, WORD_NAMES, Measure, Signals, WordMeasure
from knowledge.retrieval.index import Index
from knowledge.retrieval.lexicon import words
from knowledge.retrieval.models.packaged import vocabulary
from knowledge.retrieval.passages import Windows, plain
from knowledge.retrieval.weights import Weights

LONGEST = 1000
"""Characters of a query that count."""
TOPICS = 3


@dataclass(frozen=True, slots=True)
class Hit:
    """A question and the probability that it answers the query; those of all questions and of "none" sum to 1."""

    question: Question
    score: float


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found, best first, also where nothing fits (`answered` is False).

    `clear`: the first is well ahead of the second. `topics` are the nearest, best first. `by_words`: nobody looked at
    what the query means, only at its words.
    """

    answered: bool
    clear: bool
    hits: tuple[Hit, ...]
    topics: tuple[str, ...]
    by_words: bool = False


class WordSearch:
    """Searches a bank by words alone, which needs neither vectors nor a model; and the bank of another `beneath`."""

    def __init__(self, windows: Windows, beneath: WordSearch | None = None) -> None:
        self.bank: Bank = windows.bank.over(beneath.bank) if beneath else windows.bank
        self._beneath = beneath
        self.measure: WordMeasure = WordMeasure(windows, beneath.measure if beneath else None)

    def search(self, query: str, k: int = 10, without: Set[str] = frozenset()) -> Found:
        """Like `Search.search`, by words alone."""
        cleaned = clean(query)
        if not words(cleaned) or k < 1:
            return Found(False, False, (), self.bank.topics[:TOPICS], by_words=True)
        signals = self.signals(cleaned, limit=max(k, CANDIDATES), without=without)
        return _weighed(signals, weights.WORDS, WORD_NAMES, k, by_words=True)

    def signals(self, query: str, *, limit: int = CANDIDATES, without: Set[str] = frozenset()) -> Signals:
        """The measures behind a search for a cleaned query."""
        return self._signals(self.measure.repaired(query, vocabulary().__contains__), limit, without)

    def _signals(self, query: str, limit: int, without: Set[str]) -> Signals:
        mine = self.measure(query, limit=limit, without=without)
        return mine.over(self._beneath._signals(query, limit, without)) if self._beneath else mine


class Search:
    """Searches a bank by words and meaning, and together with it the bank of another search that lies `beneath`.

    Takes tens of milliseconds of one core: call it in a thread. The first search loads the model, and one may do that
    early with `warm`.
    """

    def __init__(self, by_words: WordSearch, index: Index, embedder: Embedder, beneath: Search | None = None) -> None:
        threadpool_limits(embedder.threads, "blas")  # NumPy's threads spin while they wait: seven times the CPU
        self.bank = by_words.bank
        self.by_words = by_words
        self._beneath = beneath
        self._embedder = embedder
        self._measure: Measure = Measure(by_words.measure, index, beneath._measure if beneath else None)

    def warm(self) -> None:
        """Load the model, so that the first member does not wait for it."""
        self.search("warm up")

    def search(self, query: str, k: int = 10, without: Set[str] = frozenset()) -> Found:
        """The best `k` questions for `query`, none of those whose ids are in `without`.

        A query without a letter or digit finds nothing.
        """
        cleaned = clean(query)
        if not words(cleaned) or k < 1:
            return Found(False, False, (), self.bank.topics[:TOPICS])
        signals = self.signals(cleaned, limit=max(k, CANDIDATES), without=without)
        return _weighed(signals, weights.MEANING, NAMES, k)

    def signals(self, query: str, *, limit: int = CANDIDATES, without: Set[str] = frozenset()) -> Signals:
        """The measures behind a search for a cleaned query."""
        repaired = self.by_words.measure.repaired(query, vocabulary().__contains__)
        return self._signals(repaired, self._embedder.vectors([repaired])[0], limit, without)

    def _signals(self, query: str, vector: Floats, limit: int, without: Set[str]) -> Signals:
        mine = self._measure(query, vector, limit=limit, without=without)
        return mine.over(self._beneath._signals(query, vector, limit, without)) if self._beneath else mine


def _weighed(signals: Signals, weight: Weights, names: tuple[str, ...], k: int, *, by_words: bool = False) -> Found:
    """What the measures say together: the softmax of each candidate's strength, and of "none"."""
    of_each = np.array([weight.signals[name] for name in names], np.float32)
    of_query = np.array([weight.nothing[name] for name in QUERY_NAMES], np.float32)
    strengths = np.append(signals.values @ of_each, weight.nothing["constant"] + signals.query @ of_query)
    odds = np.exp((strengths - strengths.max()).astype(np.float64))
    *scores, nothing = (odds / odds.sum()).tolist()
    order = np.argsort(-odds[:-1], kind="stable")
    ranked = [Hit(signals.candidates[i], scores[i]) for i in order]
    first, second = [*(hit.score for hit in ranked[:2]), 0.0, 0.0][:2]
    answered = bool(ranked) and nothing < weight.nothing_above
    clear = answered and first >= weights.CLEAR_ABOVE and first >= weights.CLEAR_TIMES * second
    return Found(answered, clear, tuple(ranked[:k]), _topics(ranked), by_words)


def clean(query: str) -> str:
    """A query as plain words on one line, without characters that nobody sees, cut at `LONGEST`."""
    text = unicodedata.normalize("NFKC", query[: 4 * LONGEST])
    return plain(HIDDEN.sub(" ", text)).strip()[:LONGEST]


def _topics(ranked: list[Hit]) -> tuple[str, ...]:
    shares: dict[str, float] = {}
    for hit in ranked:
        shares[hit.question.topic] = shares.get(hit.question.topic, 0.0) + hit.score
    return tuple(sorted(shares, key=lambda topic: -shares[topic])[:TOPICS])
