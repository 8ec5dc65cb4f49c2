"""How well each question of a bank fits a query, in several measures; what they weigh together is `search`'s to say."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from itertools import chain

import numpy as np

from knowledge.embed import Embedded, Embedder, Floats, Ids
from knowledge.index import TOKEN_SCALE, Index
from knowledge.lexicon import Lexicon, words
from knowledge.questions import Bank
from knowledge.windows import short_windows, windows

CANDIDATES = 16
"""Questions that are compared word by word; the others are too far away as a whole."""
WORDS_COUNT = 0.2
"""What finding all words of a query counts beside the cosine when candidates are chosen."""
QUERY_TOKENS = 64
"""Tokens of a query that are compared; of a longer one the rarest."""
FLOOR = 0.05
"""Least weight of a token, however common it is."""

NAMES = ("wording", "wording_tokens", "body_tokens", "wording_words", "near_wordings")
"""The measures, 0 to 1. Wording: title, name and aliases, the best of them. Body: the windows of the text.

Plain: cosine of the whole. Tokens: MaxSim, each token of the query with its nearest in the window, rare ones counting
more. Words: the share of the query's words found, by rarity. Near wordings: mean cosine of the three nearest.
"""
QUERY_NAMES = ("unknown", "any_unknown", "brevity")
"""Of the query alone: share of its words, by rarity, that the bank lacks; whether it lacks any; 1 / its words."""


@dataclass(frozen=True, slots=True, eq=False)
class Signals:
    """Measures of the candidates: a row each of `values` (columns as in `NAMES`), and of the query (`QUERY_NAMES`)."""

    candidates: Ids
    values: Floats
    query: Floats


class Measure:
    """Measures queries against one bank and its index."""

    def __init__(self, bank: Bank, index: Index, embedder: Embedder) -> None:
        if index.keys != tuple(question.fingerprint for question in bank):
            raise ValueError("the index is of another bank: build it again")
        self._index = index
        self._embedder = embedder
        self._lexicon = Lexicon(list(chain.from_iterable(map(windows, bank))))
        counts = np.bincount(index.owners, minlength=len(bank))
        firsts = np.concatenate([[0], np.cumsum(counts)])
        self._spans = list(zip(firsts[:-1].tolist(), firsts[1:].tolist(), strict=True))
        place = np.arange(len(index.owners)) - firsts[index.owners]
        self._short = place < np.array([short_windows(question) for question in bank])[index.owners]
        seen: dict[int, int] = {}
        for start, stop in zip(index.starts[:-1], index.starts[1:], strict=True):
            for token in np.unique(index.ids[start:stop]).tolist():
                seen[token] = seen.get(token, 0) + 1
        self._token_windows = seen

    def repaired(self, query: str) -> str:
        """The query with its typing errors mended."""
        return self._lexicon.repaired(query, self._embedder.is_word)

    def __call__(self, query: str, *, limit: int = CANDIDATES, without: Collection[int] = ()) -> Signals:
        """Measure a repaired query against the `limit` questions that seem nearest, none of those in `without`."""
        embedded = self._embedder.both([query])[0]
        cosines = self._index.sentences @ embedded.sentence
        found, of_query = self._words(query)
        near = cosines + WORDS_COUNT * found
        best = np.array([near[first:last].max() for first, last in self._spans], np.float32)
        best[list(without)] = -np.inf
        most = min(limit, len(best) - len(without))
        candidates = np.argsort(-best, kind="stable")[:most].astype(np.int32)
        tokens = self._tokens(embedded)
        rows = [self._row(number, cosines, tokens, found) for number in candidates.tolist()]
        return Signals(candidates, np.array(rows, np.float32).reshape(-1, len(NAMES)), of_query)

    def _row(self, number: int, cosines: Floats, tokens: tuple[Floats, Floats], found: Floats) -> list[float]:
        first, last = self._spans[number]
        short = self._short[first:last]
        cosine = cosines[first:last]
        similar = self._max_sim(first, last, *tokens)
        share = found[first:last]
        body = ~short
        near = np.sort(cosine[short])[-3:]
        return [
            cosine[short].max(),
            similar[short].max(),
            similar[body].max(initial=0.0),
            share[short].max(),
            near.mean(),
        ]

    def _tokens(self, query: Embedded) -> tuple[Floats, Floats]:
        """The query's tokens and their weights, which sum to 1."""
        total = len(self._index.owners) + 1
        rarity = [np.log(total / (self._token_windows.get(token, 0) + 0.5)) for token in query.ids.tolist()]
        weights = np.sqrt(np.maximum(np.array(rarity, np.float32), FLOOR))
        keep = np.sort(np.argsort(-weights, kind="stable")[:QUERY_TOKENS])
        return query.tokens[keep], np.asarray(weights[keep] / max(float(weights[keep].sum()), FLOOR), np.float32)

    def _max_sim(self, first: int, last: int, tokens: Floats, weights: Floats) -> Floats:
        index = self._index
        start, stop = index.starts[first], index.starts[last]
        if not len(tokens):
            return np.zeros(last - first, np.float32)
        similar = (index.tokens[start:stop].astype(np.float32) @ tokens.T) / TOKEN_SCALE
        starts = index.starts[first:last] - start
        return np.asarray(np.maximum.reduceat(similar, starts, axis=0) @ weights, np.float32)

    def _words(self, query: str) -> tuple[Floats, Floats]:
        """Share of the query's words in each window, and the measures of the query alone."""
        found = np.zeros(len(self._index.owners), np.float32)
        every = dict.fromkeys(words(query))
        total = lost = 0.0
        for word in every:
            places, rarity = self._lexicon.places(word), self._lexicon.rarity(word)
            found[places] += rarity
            total += rarity
            lost += rarity * (not len(places))
        share = lost / max(total, FLOOR)
        found /= max(total, FLOOR)
        return found, np.array([share, lost > 0, 1 / max(1, len(every))], np.float32)
