"""The words of a bank: how rare each is, where it stands, and what a misspelt one was meant to be."""

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
SHORTEST_TYPO = 5
"""Shorter words are one slip away from too many others."""
SLIPS = 0.2
"""Slips allowed per letter: one in five to nine letters, two in ten or more."""


def words(text: str) -> list[str]:
    """Lower-case words without a plural's s, in order."""
    return [_singular(word) for word in WORD.findall(text.casefold())]


@lru_cache(maxsize=65_536)  # a bank has 20 times as many words as different ones
def _singular(word: str) -> str:
    return PLURAL.sub("", word)


class Lexicon:
    """The words of some windows. How rare a word is, and whether it is spelt well, `beneath` has a say in too."""

    def __init__(self, texts: Sequence[str], beneath: Lexicon | None = None) -> None:
        self._beneath = beneath
        places: defaultdict[str, list[int]] = defaultdict(list)
        self._spellings: Counter[str] = Counter()
        for number, text in enumerate(texts):
            spelled = WORD.findall(text.casefold())
            for word in dict.fromkeys(map(_singular, spelled)):
                places[word].append(number)
            self._spellings.update(set(spelled))
        self._places = {word: np.array(numbers, np.int32) for word, numbers in places.items()}
        self._by_first: defaultdict[str, list[str]] = defaultdict(list)
        for spelling in self._spellings:
            if len(spelling) >= SHORTEST_TYPO - 1:
                self._by_first[spelling[0]].append(spelling)
        self._windows = len(texts)

    def places(self, word: str) -> npt.NDArray[np.int32]:
        """The windows that hold the word, ascending."""
        return self._places.get(word, np.empty(0, np.int32))

    def knows(self, word: str) -> bool:
        """Whether any window holds the word."""
        return self._counts(word)[0] > 0

    def rarity(self, word: str) -> float:
        """Inverse document frequency: about 0 for a word of every window, largest for an unknown one."""
        count, windows = self._counts(word)
        return log((windows + 1) / (count + 0.5))

    def rarities(self) -> npt.NDArray[np.float32]:
        """How rare the words of each window are together, each word once."""
        found = np.zeros(self._windows, np.float32)
        for word, places in self._places.items():
            found[places] += self.rarity(word)
        return found

    def _counts(self, word: str) -> tuple[int, int]:
        """The windows that hold the word, and all there are."""
        count, windows = self._beneath._counts(word) if self._beneath else (0, 0)
        return count + len(self.places(word)), windows + self._windows

    def repaired(self, text: str, is_word: Callable[[str], bool]) -> str:
        """The text with each misspelt word replaced by the bank's nearest; of equally near ones the most frequent.

        A word is misspelt when neither the bank nor `is_word` knows it. Its first letter is taken to be right.
        """
        return WORD.sub(lambda found: self._meant(found[0], is_word), text)

    def _meant(self, given: str, is_word: Callable[[str], bool]) -> str:
        word = given.casefold()
        if len(word) < SHORTEST_TYPO or not word.isalpha() or self._spelt(word) or is_word(word):
            return given
        slips = int(len(word) * SLIPS)
        spellings = [spelling for lexicon in self._all() for spelling in lexicon._by_first.get(word[0], ())]
        near = process.extract(word, spellings, scorer=OSA.distance, score_cutoff=slips, limit=8)
        return min(near, key=lambda one: (one[1], -self._spelt(one[0])), default=(given, 0, 0))[0]

    def _spelt(self, word: str) -> int:
        """How many windows spell a word so."""
        return sum(lexicon._spellings[word] for lexicon in self._all())

    def _all(self) -> tuple[Lexicon, ...]:
        return (self, *self._beneath._all()) if self._beneath else (self,)
