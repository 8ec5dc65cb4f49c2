"""How well each question of a bank fits a query, in several measures; what they weigh together is `search`'s to say."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from itertools import chain
from math import log

import numpy as np

from knowledge import projection
from knowledge.embed import Embedded, Floats
from knowledge.index import TOKEN_SCALE, Index
from knowledge.lexicon import Lexicon, words
from knowledge.questions import Bank, Question
from knowledge.windows import Kind, windows

CANDIDATES = 40
"""Questions that are compared word by word; the others are too far away as a whole."""
WORDS_COUNT = 0.2
"""What finding all words of a query counts beside the cosine when candidates are chosen."""
QUERY_TOKENS = 64
"""Tokens of a query that are compared; of a longer one the rarest."""
FLOOR = 0.05
"""Least weight of a token, however common it is."""

NAMES = (
    "wording_tokens",
    "wording_words",
    "near_wordings",
    "fitted_wording",
    "near_fitted",
    "fitted_point",
    "body_tokens",
    "fitted_body",
    "words",
)
"""The measures, 0 to 1, each of the best of a question's windows of that kind.

Fitted: cosine after the bank's own `projection`; near: its mean over the three nearest wordings, before the map and
after it. Tokens: MaxSim, each token of the query with its nearest in the window, rare ones counting more. Words: the
share of the query's words found, by rarity, in one wording; last, in all the windows together. Plain cosines and the
tokens of the points were tried too and weighed nothing.
"""
QUERY_NAMES = ("unknown", "any_unknown", "brevity")
"""Of the query alone: share of its words, by rarity, that the bank lacks; whether it lacks any; 1 / its words."""


@dataclass(frozen=True, slots=True, eq=False)
class Signals:
    """Measures of the candidates: a row each of `values` (columns as in `NAMES`), and of the query (`QUERY_NAMES`)."""

    candidates: tuple[Question, ...]
    values: Floats
    query: Floats

    def over(self, beneath: Signals) -> Signals:
        """Those of two banks together; what the query is like is said by this one."""
        return Signals(self.candidates + beneath.candidates, np.concatenate([self.values, beneath.values]), self.query)


class Measure:
    """Measures queries against one bank and its index.

    What lies `beneath` has a say in how rare words and tokens are: a few questions alone could not tell.
    """

    def __init__(self, bank: Bank, index: Index, beneath: Measure | None = None) -> None:
        if index.keys != tuple(question.fingerprint for question in bank):
            raise ValueError("the index is of another bank: build it again")
        self._index = index
        self._beneath = beneath
        self._questions = tuple(bank)
        self._numbers = {question.id: number for number, question in enumerate(bank)}
        cut = list(chain.from_iterable(map(windows, bank)))
        texts = [text for _, text in cut]
        self._lexicon: Lexicon = Lexicon(texts, beneath._lexicon if beneath else None)
        counts = np.bincount(index.owners, minlength=len(bank))
        firsts = np.concatenate([[0], np.cumsum(counts)])
        self._firsts = firsts[:-1]
        self._spans = list(zip(firsts[:-1].tolist(), firsts[1:].tolist(), strict=True))
        self._kinds = np.array([kind for kind, _ in cut])
        asked = self._kinds != Kind.BODY
        self._map: Floats = beneath._map if beneath else projection.fit(index.sentences[asked], index.owners[asked])
        self._fitted = projection.project(index.sentences, self._map)
        seen: dict[int, int] = {}
        for start, stop in zip(index.starts[:-1], index.starts[1:], strict=True):
            for token in np.unique(index.ids[start:stop]).tolist():
                seen[token] = seen.get(token, 0) + 1
        self._token_windows = seen

    def repaired(self, query: str, is_word: Callable[[str], bool]) -> str:
        """The query with its typing errors mended."""
        return self._lexicon.repaired(query, is_word)

    def __call__(self, query: str, embedded: Embedded, *, limit: int, without: Collection[str] = ()) -> Signals:
        """Measure a repaired query against the `limit` questions that seem nearest, none of the ids in `without`."""
        cosines = self._index.sentences @ embedded.sentence
        fitted = self._fitted @ projection.project(embedded.sentence[None], self._map)[0]
        found, held, of_query = self._words(query)
        best = np.maximum.reduceat((cosines + fitted) / 2 + WORDS_COUNT * found, self._firsts)
        left_out = [self._numbers[id] for id in without if id in self._numbers]
        best[left_out] = -np.inf
        most = min(limit, len(best) - len(left_out))
        nearest = np.argsort(-best, kind="stable")[:most].tolist()
        tokens = self._tokens(embedded)
        rows = [[*self._of_windows(number, cosines, fitted, tokens, found), held[number]] for number in nearest]
        values = np.array(rows, np.float32).reshape(-1, len(NAMES))
        return Signals(tuple(self._questions[number] for number in nearest), values, of_query)

    def _of_windows(
        self, number: int, cosines: Floats, fitted: Floats, tokens: tuple[Floats, Floats], found: Floats
    ) -> list[float]:
        first, last = self._spans[number]
        kinds, cosine, after = self._kinds[first:last], cosines[first:last], fitted[first:last]
        similar = self._max_sim(first, last, *tokens)
        wording, point, body = (kinds == kind for kind in Kind)
        return [
            similar[wording].max(),
            found[first:last][wording].max(),
            np.sort(cosine[wording])[-3:].mean(),
            after[wording].max(),
            np.sort(after[wording])[-3:].mean(),
            after[point].max(initial=0.0),
            similar[body].max(initial=0.0),
            after[body].max(initial=0.0),
        ]

    def _tokens(self, query: Embedded) -> tuple[Floats, Floats]:
        """The query's tokens and their weights, which sum to 1."""
        rarity = [self._token_rarity(token) for token in query.ids.tolist()]
        weights = np.sqrt(np.maximum(np.array(rarity, np.float32), FLOOR))
        keep = np.sort(np.argsort(-weights, kind="stable")[:QUERY_TOKENS])
        return query.tokens[keep], np.asarray(weights[keep] / max(float(weights[keep].sum()), FLOOR), np.float32)

    def _token_rarity(self, token: int) -> float:
        count = total = 0
        measure: Measure | None = self
        while measure:
            count += measure._token_windows.get(token, 0)
            total += len(measure._index.owners)
            measure = measure._beneath
        return log((total + 1) / (count + 0.5))

    def _max_sim(self, first: int, last: int, tokens: Floats, weights: Floats) -> Floats:
        index = self._index
        start, stop = index.starts[first], index.starts[last]
        if not len(tokens):
            return np.zeros(last - first, np.float32)
        similar = (index.tokens[start:stop].astype(np.float32) @ tokens.T) / TOKEN_SCALE
        starts = index.starts[first:last] - start
        return np.asarray(np.maximum.reduceat(similar, starts, axis=0) @ weights, np.float32)

    def _words(self, query: str) -> tuple[Floats, Floats, Floats]:
        """Share of the query's words in each window and in each question, and the measures of the query alone."""
        owners = self._index.owners
        found, held = np.zeros(len(owners), np.float32), np.zeros(len(self._questions), np.float32)
        every = dict.fromkeys(words(query))
        total = lost = 0.0
        for word in every:
            places, rarity = self._lexicon.places(word), self._lexicon.rarity(word)
            found[places] += rarity
            held[np.unique(owners[places])] += rarity
            total += rarity
            lost += rarity * (not self._lexicon.knows(word))
        total = max(total, FLOOR)
        share = lost / total
        return found / total, held / total, np.array([share, lost > 0, 1 / max(1, len(every))], np.float32)
