"""Which questions answer a query, how likely each is to, and whether any does."""

from __future__ import annotations

import unicodedata
from collections.abc import Set
from dataclasses import dataclass

import numpy as np

from knowledge import weights
from knowledge.embed import Embedded, Embedder
from knowledge.index import Index
from knowledge.lexicon import words
from knowledge.questions import Bank, Question
from knowledge.signals import CANDIDATES, NAMES, QUERY_NAMES, Measure, Signals
from knowledge.suggest import suggest
from knowledge.text import HIDDEN
from knowledge.windows import plain

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

    `clear`: the first is well ahead of the second. `topics` are the nearest, best first.
    """

    answered: bool
    clear: bool
    hits: tuple[Hit, ...]
    topics: tuple[str, ...]


class Search:
    """Searches one bank, and together with it the bank of another search that lies `beneath`.

    Takes tens of milliseconds of one core: call it in a thread. The first search loads the model, and one may do that
    early with `warm`.
    """

    def __init__(self, bank: Bank, index: Index, embedder: Embedder, beneath: Search | None = None) -> None:
        self.bank: Bank = bank.over(beneath.bank) if beneath else bank
        self._beneath = beneath
        self._embedder = embedder
        self._measure: Measure = Measure(bank, index, beneath._measure if beneath else None)
        self._of_each = np.array([weights.SIGNALS[name] for name in NAMES], np.float32)
        self._of_query = np.array([weights.NOTHING[name] for name in QUERY_NAMES], np.float32)

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
        scores, nothing = self._probabilities(signals)
        order = np.argsort(-scores, kind="stable")
        ranked = [Hit(signals.candidates[i], float(scores[i])) for i in order]
        first, second = [*(hit.score for hit in ranked[:2]), 0.0, 0.0][:2]
        answered = bool(ranked) and nothing < weights.NOTHING_ABOVE
        clear = answered and first >= weights.CLEAR_ABOVE and first >= weights.CLEAR_TIMES * second
        return Found(answered, clear, tuple(ranked[:k]), _topics(ranked))

    def signals(self, query: str, *, limit: int = CANDIDATES, without: Set[str] = frozenset()) -> Signals:
        """The measures behind a search for a cleaned query."""
        repaired = self._measure.repaired(query, self._embedder.is_word)
        return self._signals(repaired, self._embedder.both([repaired])[0], limit, without)

    def _signals(self, query: str, embedded: Embedded, limit: int, without: Set[str]) -> Signals:
        mine = self._measure(query, embedded, limit=limit, without=without)
        return mine.over(self._beneath._signals(query, embedded, limit, without)) if self._beneath else mine

    def suggest(self, prefix: str, limit: int = 25) -> tuple[Question, ...]:
        """Questions whose title or aliases begin like, or resemble, what was typed so far; needs no model."""
        return suggest(self.bank, prefix, limit)

    def _probabilities(self, signals: Signals) -> tuple[np.ndarray[tuple[int], np.dtype[np.float64]], float]:
        """Each candidate's probability, and that of nothing answering."""
        strengths = np.append(
            signals.values @ self._of_each, weights.NOTHING["constant"] + signals.query @ self._of_query
        )
        odds = np.exp((strengths - strengths.max()).astype(np.float64))
        odds /= odds.sum()
        return odds[:-1], float(odds[-1])


def clean(query: str) -> str:
    """A query as plain words on one line, without characters that nobody sees, cut at `LONGEST`."""
    text = unicodedata.normalize("NFKC", query[: 4 * LONGEST])
    return plain(HIDDEN.sub(" ", text)).strip()[:LONGEST]


def _topics(ranked: list[Hit]) -> tuple[str, ...]:
    shares: dict[str, float] = {}
    for hit in ranked:
        shares[hit.question.topic] = shares.get(hit.question.topic, 0.0) + hit.score
    return tuple(sorted(shares, key=lambda topic: -shares[topic])[:TOPICS])
