"""Suggestions while a question is being typed: over titles and aliases, without any model."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from rapidfuzz import fuzz, process

from knowledge.questions import Bank, Question
from knowledge.retrieval.lexicon import WORD

LONGEST = 100
RESEMBLES = 65.0
"""Least likeness, 0 to 100, of a title to what was typed where no word of it begins so."""


def suggest(bank: Bank, prefix: str, limit: int = 25) -> tuple[Question, ...]:
    """First titles that begin so, then those with a word for each typed one, then such aliases, then similar titles.

    Within each in the order of the bank, the similar ones most similar first. Nothing typed: the bank's first.
    """
    found: dict[str, Question] = {}
    for question in _matches(bank, prefix[:LONGEST].casefold().strip()):
        if len(found) >= limit:
            break
        found.setdefault(question.id, question)
    return tuple(found.values())


def _matches(bank: Bank, typed: str) -> Iterator[Question]:
    yield from (question for question in bank if question.title.casefold().startswith(typed))
    starts = WORD.findall(typed)
    if not starts:
        return
    yield from (question for question in bank if _each_begins(starts, question.title))
    yield from (question for question in bank if any(_each_begins(starts, alias) for alias in question.aliases))
    titles = {question.id: question.title.casefold() for question in bank}
    similar = process.extract(typed, titles, scorer=fuzz.partial_token_ratio, score_cutoff=RESEMBLES, limit=None)
    similar.sort(key=lambda one: (-one[1], -fuzz.token_set_ratio(typed, one[0])))
    yield from (bank[id] for _, _, id in similar)


def _each_begins(starts: list[str], text: str) -> bool:
    words = _words(text)
    return all(any(word.startswith(start) for word in words) for start in starts)


@lru_cache(maxsize=65_536)  # every keystroke looks at each title and alias
def _words(text: str) -> tuple[str, ...]:
    return tuple(WORD.findall(text.casefold()))
