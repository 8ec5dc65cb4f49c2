"""The words of a bank: how rare each is, where it stands, and what a misspelt one was meant to be."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from math import log

import numpy as np
import numpy.typing as npt
from rapidfuzz import process
from rapidfuzz.distance import OSA

WORD = re.compile(r"[^\W_]+")
PLURAL = re.compile(r"(?<=[a-z]{3})(?<![siu])s$")
SHORTEST_TYPO = 5
"""Shorter words are one slip away from too many others."""
SLIPS = 0.2
"""Slips allowed per letter: one in five to nine letters, two in ten or more."""


def words(text: str) -> list[str]:
    """Lower-case words without a plural's s, in order."""
    return [PLURAL.sub("", word) for word in WORD.findall(text.casefold())]


class Lexicon:
    """The words of some windows."""

    def __init__(self, texts: Sequence[str]) -> None:
        places: defaultdict[str, list[int]] = defaultdict(list)
        self._spellings: Counter[str] = Counter()
        for number, text in enumerate(texts):
            for word in dict.fromkeys(words(text)):
                places[word].append(number)
            self._spellings.update(set(WORD.findall(text.casefold())))
        self._places = {word: np.array(numbers, np.int32) for word, numbers in places.items()}
        self._by_first: defaultdict[str, list[str]] = defaultdict(list)
        for spelling in self._spellings:
            if len(spelling) >= SHORTEST_TYPO - 1:
                self._by_first[spelling[0]].append(spelling)
        self._windows = len(texts)

    def places(self, word: str) -> npt.NDArray[np.int32]:
        """The windows that hold the word, ascending."""
        return self._places.get(word, np.empty(0, np.int32))

    def rarity(self, word: str) -> float:
        """Inverse document frequency: about 0 for a word of every window, largest for an unknown one."""
        return log((self._windows + 1) / (len(self.places(word)) + 0.5))

    def repaired(self, text: str, is_word: Callable[[str], bool]) -> str:
        """The text with each misspelt word replaced by the bank's nearest; of equally near ones the most frequent.

        A word is misspelt when neither the bank nor `is_word` knows it. Its first letter is taken to be right.
        """
        return WORD.sub(lambda found: self._meant(found[0], is_word), text)

    def _meant(self, given: str, is_word: Callable[[str], bool]) -> str:
        word = given.casefold()
        if len(word) < SHORTEST_TYPO or not word.isalpha() or word in self._spellings or is_word(word):
            return given
        slips = int(len(word) * SLIPS)
        near = process.extract(word, self._by_first[word[0]], scorer=OSA.distance, score_cutoff=slips, limit=8)
        return min(near, key=lambda one: (one[1], -self._spellings[one[0]]), default=(given, 0, 0))[0]
