"""How well each question of a bank fits a query, in several measures; what they weigh together is `search`'s to say."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from knowledge.questions import Question
from knowledge.retrieval import projection
from knowledge.retrieval.embedding import Floats
from knowledge.retrieval.index import Index
from knowledge.retrieval.lexicon import Lexicon, words
from knowledge.retrieval.passages import Kind, Windows

CANDIDATES = 40
"""Questions that are measured in full; the others are too far away as a whole."""
WORDS_COUNT = 0.2
"""What finding all words of a query counts beside the cosine when candidates are chosen."""
FLOOR = 0.05
"""Least rarity of a whole query, however common its words are."""

WORD_NAMES = ("wording_overlap", "point_words", "words")
"""The measures of words alone, 0 to 1: the best overlap with a wording (F1 of the query's share that the wording has
and of the wording's share that the query has), the share of the query's words in the best point, and in all of a
question's windows together; all by rarity."""
NAMES = ("wording_words", "near_wordings", "fitted_wording", "near_fitted", "fitted_point", "fitted_body", "words")
"""The measures of words and meaning, 0 to 1, each of the best of a question's windows of that kind.

Fitted: cosine after the bank's own `projection`; near: its mean over the three nearest wordings, before the map and
after it. Plain cosines, and the likeness of single tokens (MaxSim), were tried too and weighed nothing.
"""
QUERY_NAMES = ("unknown", "any_unknown", "brevity")
"""Of the query alone: share of its words, by rarity, that the bank lacks; whether it lacks any; 1 / its words."""


@dataclass(frozen=True, slots=True, eq=False)
class Signals:
    """Measures of the candidates: a row each of `values` (`WORD_NAMES` or `NAMES`), and of the query."""

    candidates: tuple[Question, ...]
    values: Floats
    query: Floats

    def over(self, beneath: Signals) -> Signals:
        """Those of two banks together; what the query is like is said by this one."""
        return Signals(self.candidates + beneath.candidates, np.concatenate([self.values, beneath.values]), self.query)


@dataclass(frozen=True, slots=True, eq=False)
class Shares:
    """Share of a query's words, by rarity, in each window and in each question; what the query is like, and how rare
    its words are together.
    """

    windows: Floats
    questions: Floats
    query: Floats
    rarity: float


class WordMeasure:
    """Measures the words of queries against one bank. What lies `beneath` has a say in how rare a word is."""

    def __init__(self, windows: Windows, beneath: WordMeasure | None = None) -> None:
        self.windows = windows
        self.lexicon: Lexicon = Lexicon(windows.texts, beneath.lexicon if beneath else None)
        self.questions = tuple(windows.bank)
        self.firsts = windows.firsts
        self._rarities: Floats = self.lexicon.rarities()
        self._numbers = {question.id: number for number, question in enumerate(self.questions)}

    def repaired(self, query: str, is_word: Callable[[str], bool]) -> str:
        """The query with its typing errors mended."""
        return self.lexicon.repaired(query, is_word)

    def __call__(self, query: str, *, limit: int, without: Collection[str] = ()) -> Signals:
        """Measure a repaired query against the `limit` questions that seem nearest, none of the ids in `without`."""
        shares = self.shares(query)
        kinds = self.windows.kinds
        overlap = 2 * shares.rarity * shares.windows / (shares.rarity + self._rarities)
        wording, point = kinds == Kind.WORDING, kinds == Kind.POINT
        values = np.stack(
            [
                np.maximum.reduceat(np.where(wording, overlap, 0.0), self.firsts),
                np.maximum.reduceat(np.where(point, shares.windows, 0.0), self.firsts),
                shares.questions,
            ],
            axis=1,
        ).astype(np.float32)
        nearest = self.nearest(values.sum(axis=1), limit, without)
        return Signals(tuple(self.questions[number] for number in nearest), values[nearest], shares.query)

    def nearest(self, scores: Floats, limit: int, without: Collection[str]) -> list[int]:
        """The numbers of the `limit` questions with the highest scores, none of the ids in `without`."""
        left_out = [self._numbers[id] for id in without if id in self._numbers]
        scores[left_out] = -np.inf
        found: list[int] = np.argsort(-scores, kind="stable")[: min(limit, len(scores) - len(left_out))].tolist()
        return found

    def shares(self, query: str) -> Shares:
        """Where the query's words stand."""
        owners = self.windows.owners
        found, held = np.zeros(len(owners), np.float32), np.zeros(len(self.questions), np.float32)
        every = dict.fromkeys(words(query))
        total = lost = 0.0
        for word in every:
            places, rarity = self.lexicon.places(word), self.lexicon.rarity(word)
            found[places] += rarity
            held[np.unique(owners[places])] += rarity
            total += rarity
            lost += rarity * (not self.lexicon.knows(word))
        total = max(total, FLOOR)
        query_is = np.array([lost / total, lost > 0, 1 / max(1, len(every))], np.float32)
        return Shares(found / total, held / total, query_is, total)


class Measure:
    """Measures queries by words and by meaning. The map of a few questions on top is that of what lies `beneath`."""

    def __init__(self, by_words: WordMeasure, index: Index, beneath: Measure | None = None) -> None:
        self._by_words = by_words
        self._vectors = index.vectors
        self._kinds = index.windows.kinds
        asked = self._kinds != Kind.BODY
        owners = index.windows.owners
        self._map: Floats = beneath._map if beneath else projection.fit(self._vectors[asked], owners[asked])
        self._fitted = projection.project(self._vectors, self._map)
        bounds = [*by_words.firsts.tolist(), len(owners)]
        self._spans = list(pairwise(bounds))

    def __call__(self, query: str, vector: Floats, *, limit: int, without: Collection[str] = ()) -> Signals:
        """Measure a repaired query against the `limit` questions that seem nearest, none of the ids in `without`."""
        shares = self._by_words.shares(query)
        cosines = self._vectors @ vector
        fitted = self._fitted @ projection.project(vector[None], self._map)[0]
        best = np.maximum.reduceat((cosines + fitted) / 2 + WORDS_COUNT * shares.windows, self._by_words.firsts)
        nearest = self._by_words.nearest(best, limit, without)
        rows = [
            [*self._of_windows(number, cosines, fitted, shares.windows), shares.questions[number]] for number in nearest
        ]
        questions = tuple(self._by_words.questions[number] for number in nearest)
        return Signals(questions, np.array(rows, np.float32).reshape(-1, len(NAMES)), shares.query)

    def _of_windows(self, number: int, cosines: Floats, fitted: Floats, found: Floats) -> list[float]:
        first, last = self._spans[number]
        kinds, cosine, after = self._kinds[first:last], cosines[first:last], fitted[first:last]
        wording, point, body = (kinds == kind for kind in Kind)
        return [
            found[first:last][wording].max(),
            np.sort(cosine[wording])[-3:].mean(),
            after[wording].max(),
            np.sort(after[wording])[-3:].mean(),
            after[point].max(initial=0.0),
            after[body].max(initial=0.0),
        ]
