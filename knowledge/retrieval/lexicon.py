"""The words of a bank: how rare each one is, which passages have it, and how to correct a misspelled one."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from functools import lru_cache
from math import log

import numpy as np
import numpy.typing as npt
from rapidfuzz import process
from rapidfuzz.distance import OSA

WORD = re.compile(r"[^\W_]+")
PLURAL = re.compile(r"(?<=[a-z]{3})(?<![siu])s$")
MIN_CORRECTED_LENGTH = 5
"""Shorter words are one typo away from too many others."""
TYPOS_PER_LETTER = 0.2
"""Typos allowed: one in words of five to nine letters, two in words of ten or more."""


def words(text: str) -> list[str]:
    """Return the words in lower case, without a plural's s, in order."""
    return [_singular(word) for word in WORD.findall(text.casefold())]


@lru_cache(maxsize=65_536)  # each distinct word of a bank occurs about 20 times
def _singular(word: str) -> str:
    return PLURAL.sub("", word)


class Lexicon:
    """The words of some passages. Rarity and spelling also take into account those of a `base`, if there is one."""

    def __init__(self, texts: Sequence[str], base: Lexicon | None = None) -> None:
        self._base = base
        passages: defaultdict[str, list[int]] = defaultdict(list)
        self.spellings: Counter[str] = Counter()
        for number, text in enumerate(texts):
            spellings = WORD.findall(text.casefold())
            for word in dict.fromkeys(map(_singular, spellings)):
                passages[word].append(number)
            self.spellings.update(set(spellings))
        self._passages = {word: np.array(numbers, np.int32) for word, numbers in passages.items()}
        self.by_first_letter: defaultdict[str, list[str]] = defaultdict(list)
        for spelling in self.spellings:
            if len(spelling) >= MIN_CORRECTED_LENGTH - 1:
                self.by_first_letter[spelling[0]].append(spelling)
        self._passage_count = len(texts)

    def passages_with(self, word: str) -> npt.NDArray[np.int32]:
        """Return the numbers of the passages that have the word, ascending."""
        return self._passages.get(word, np.empty(0, np.int32))

    def knows(self, word: str) -> bool:
        """Return whether any passage has the word."""
        return self.counts(word)[0] > 0

    def idf(self, word: str) -> float:
        """Return the inverse document frequency: about 0 for a word of every passage, largest for an unknown one."""
        count, total = self.counts(word)
        return log((total + 1) / (count + 0.5))

    def passage_idfs(self) -> npt.NDArray[np.float32]:
        """Sum the `idf` of each passage's words, each word once."""
        sums = np.zeros(self._passage_count, np.float32)
        for word, passages in self._passages.items():
            sums[passages] += self.idf(word)
        return sums

    def counts(self, word: str) -> tuple[int, int]:
        """Return how many passages have the word, and how many there are."""
        count, total = self._base.counts(word) if self._base else (0, 0)
        return count + len(self.passages_with(word)), total + self._passage_count

    def corrected(self, text: str, is_word: Callable[[str], bool]) -> str:
        """Replace each misspelled word by the bank's nearest; of equally near ones, by the most frequent.

        A word is misspelled if neither the bank nor `is_word` knows it. Its first letter is assumed to be right.
        """
        return WORD.sub(lambda match: self._correction(match[0], is_word), text)

    def _correction(self, typed: str, is_word: Callable[[str], bool]) -> str:
        word = typed.casefold()
        if len(word) < MIN_CORRECTED_LENGTH or not word.isalpha() or self._spelling_count(word) or is_word(word):
            return typed
        max_typos = int(len(word) * TYPOS_PER_LETTER)
        spellings = [spelling for lexicon in self.layers() for spelling in lexicon.by_first_letter.get(word[0], ())]
        near = process.extract(word, spellings, scorer=OSA.distance, score_cutoff=max_typos, limit=8)
        return min(near, key=lambda match: (match[1], -self._spelling_count(match[0])), default=(typed, 0, 0))[0]

    def _spelling_count(self, word: str) -> int:
        """Count the passages that have exactly this spelling."""
        return sum(lexicon.spellings[word] for lexicon in self.layers())

    def layers(self) -> tuple[Lexicon, ...]:
        """Return this lexicon, its base, the base's base and so on."""
        return (self, *self._base.layers()) if self._base else (self,)
