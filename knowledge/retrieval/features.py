"""Measure how well each question of a bank fits a query. `search` turns these features into scores."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np

from knowledge.questions import Question
from knowledge.retrieval import projection
from knowledge.retrieval.embedding import Embedder, Floats
from knowledge.retrieval.index import Index
from knowledge.retrieval.lexicon import Lexicon, words
from knowledge.retrieval.models.packaged import vocabulary
from knowledge.retrieval.passages import Kind, Passages

MAX_CANDIDATES = 40
"""Questions that get all features; the others are too far from the query."""
KEYWORD_WEIGHT = 0.2
"""When candidates are chosen, how much finding every word of the query counts next to the cosine."""
MIN_QUERY_IDF = 0.05
"""Smallest idf of a whole query, however common its words are."""

KEYWORD_FEATURES = ("wording_overlap", "point_words", "words")
"""Features of words alone, 0 to 1 and weighted by idf: the best overlap with a wording (the F1 score of the query's
words in the wording and the wording's words in the query), the share of the query's words in the best point, and their
share in all of a question's passages together."""
SEMANTIC_FEATURES = (
    "wording_words", "near_wordings", "projected_wording", "near_projected", "projected_point", "projected_body",
    "words",
)  # fmt: skip
"""Features of words and meaning, 0 to 1, each of a question's best passage of that kind.

"projected": the cosine after the bank's own `projection`; "near": the mean cosine of the three nearest wordings, before
and after the projection. Plain cosines, and the similarity of single tokens (MaxSim), got no weight when tried.
"""
QUERY_FEATURES = ("unknown", "any_unknown", "brevity")
"""Features of the query alone: the share of its words, by idf, that the bank lacks; whether it lacks any; 1 / its
words."""


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """One row of `values` per candidate (`KEYWORD_FEATURES` or `SEMANTIC_FEATURES`), and the `QUERY_FEATURES`."""

    candidates: tuple[Question, ...]
    values: Floats
    query: Floats

    def over(self, base: Features) -> Features:
        """Join the candidates of two banks; the features of the query are this one's."""
        return Features(self.candidates + base.candidates, np.concatenate([self.values, base.values]), self.query)


class FeatureExtractor(Protocol):
    """Something that measures a query against a bank."""

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the columns of `Features.values`."""
        ...

    def features(self, query: str, *, limit: int, without: Set[str]) -> Features:
        """Correct the query's typos and measure it against the `limit` nearest questions of each bank.

        Questions whose ids are in `without` are left out.
        """
        ...


@dataclass(frozen=True, slots=True, eq=False)
class KeywordMatches:
    """The share of a query's words, by idf, in each passage and question; its `QUERY_FEATURES`; the total idf."""

    passages: Floats
    questions: Floats
    query: Floats
    idf: float


class KeywordExtractor:
    """Measure queries by their words. A `base` bank is searched too, and counts when measuring how rare a word is."""

    names = KEYWORD_FEATURES

    def __init__(self, passages: Passages, base: KeywordExtractor | None = None) -> None:
        self.passages = passages
        self.questions = tuple(passages.bank)
        self.firsts = passages.firsts
        self._base = base
        self.lexicon: Lexicon = Lexicon(passages.texts, base.lexicon if base else None)
        self._passage_idfs: Floats = self.lexicon.passage_idfs()
        self._numbers = {question.id: number for number, question in enumerate(self.questions)}

    def corrected(self, query: str) -> str:
        """Return the query with its typos corrected."""
        return self.lexicon.corrected(query, vocabulary().__contains__)

    def features(self, query: str, *, limit: int, without: Set[str]) -> Features:
        return self.measure(self.corrected(query), limit, without)

    def measure(self, corrected: str, limit: int, without: Set[str]) -> Features:
        """Do what `features` does, for a query whose typos are corrected."""
        matches = self.matches(corrected)
        kinds = self.passages.kinds
        overlap = 2 * matches.idf * matches.passages / (matches.idf + self._passage_idfs)
        wording, point = kinds == Kind.WORDING, kinds == Kind.POINT
        values = np.stack(
            [
                np.maximum.reduceat(np.where(wording, overlap, 0.0), self.firsts),
                np.maximum.reduceat(np.where(point, matches.passages, 0.0), self.firsts),
                matches.questions,
            ],
            axis=1,
        ).astype(np.float32)
        best = self.best(values.sum(axis=1), limit, without)
        features = Features(tuple(self.questions[number] for number in best), values[best], matches.query)
        return features.over(self._base.measure(corrected, limit, without)) if self._base else features

    def best(self, scores: Floats, limit: int, without: Set[str]) -> list[int]:
        """Return the numbers of the `limit` questions with the highest scores, without the ids in `without`."""
        left_out = [self._numbers[question_id] for question_id in without if question_id in self._numbers]
        scores[left_out] = -np.inf
        best: list[int] = np.argsort(-scores, kind="stable")[: min(limit, len(scores) - len(left_out))].tolist()
        return best

    def matches(self, corrected: str) -> KeywordMatches:
        """Find where the words of a corrected query are."""
        owners = self.passages.owners
        in_passages, in_questions = np.zeros(len(owners), np.float32), np.zeros(len(self.questions), np.float32)
        distinct = dict.fromkeys(words(corrected))
        total = unknown = 0.0
        for word in distinct:
            passages, idf = self.lexicon.passages_with(word), self.lexicon.idf(word)
            in_passages[passages] += idf
            in_questions[np.unique(owners[passages])] += idf
            total += idf
            unknown += idf * (not self.lexicon.knows(word))
        total = max(total, MIN_QUERY_IDF)
        query = np.array([unknown / total, unknown > 0, 1 / max(1, len(distinct))], np.float32)
        return KeywordMatches(in_passages / total, in_questions / total, query, total)


class SemanticExtractor:
    """Measure queries by words and meaning. A `base` bank is searched too, and its projection is used for both.

    Words and typos are left to `keywords`, which has the same passages as the index.
    """

    names = SEMANTIC_FEATURES

    def __init__(
        self, keywords: KeywordExtractor, index: Index, embedder: Embedder, base: SemanticExtractor | None = None
    ) -> None:
        self._keywords = keywords
        self._embedder = embedder
        self._base = base
        self._vectors = index.vectors
        self._kinds = index.passages.kinds
        owners = index.passages.owners
        short = self._kinds != Kind.BODY
        self.projection: Floats = base.projection if base else projection.fit(self._vectors[short], owners[short])
        self._projected = projection.project(self._vectors, self.projection)
        self._spans = list(pairwise([*keywords.firsts.tolist(), len(owners)]))

    def features(self, query: str, *, limit: int, without: Set[str]) -> Features:
        corrected = self._keywords.corrected(query)
        return self.measure(corrected, self._embedder.vectors([corrected])[0], limit, without)

    def measure(self, corrected: str, vector: Floats, limit: int, without: Set[str]) -> Features:
        """Do what `features` does, for a corrected query and its vector."""
        matches = self._keywords.matches(corrected)
        cosines = self._vectors @ vector
        projected = self._projected @ projection.project(vector[None], self.projection)[0]
        scores = np.maximum.reduceat(
            (cosines + projected) / 2 + KEYWORD_WEIGHT * matches.passages, self._keywords.firsts
        )
        best = self._keywords.best(scores, limit, without)
        rows = [
            [*self._of_passages(number, cosines, projected, matches.passages), matches.questions[number]]
            for number in best
        ]
        candidates = tuple(self._keywords.questions[number] for number in best)
        values = np.array(rows, np.float32).reshape(-1, len(SEMANTIC_FEATURES))
        features = Features(candidates, values, matches.query)
        return features.over(self._base.measure(corrected, vector, limit, without)) if self._base else features

    def _of_passages(self, number: int, cosines: Floats, projected: Floats, keywords: Floats) -> list[float]:
        """Return all `SEMANTIC_FEATURES` of a question but the last."""
        first, last = self._spans[number]
        kinds, cosine, after = self._kinds[first:last], cosines[first:last], projected[first:last]
        wording, point, body = (kinds == kind for kind in Kind)
        return [
            keywords[first:last][wording].max(),
            np.sort(cosine[wording])[-3:].mean(),
            after[wording].max(),
            np.sort(after[wording])[-3:].mean(),
            after[point].max(initial=0.0),
            after[body].max(initial=0.0),
        ]
