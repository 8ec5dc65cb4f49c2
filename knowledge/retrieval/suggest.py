"""Suggest questions while one is being typed, by titles and aliases, without a model."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from rapidfuzz import fuzz, process

from knowledge.questions import Bank, Question
from knowledge.retrieval.lexicon import WORD

MAX_LENGTH = 100
"""Characters of the typed text that count."""
MIN_SIMILARITY = 65.0
"""Smallest similarity, 0 to 100, between what was typed and a title that none of its words starts."""


def suggest(bank: Bank, prefix: str, limit: int = 25) -> tuple[Question, ...]:
    """Return questions for what was typed, best first.

    Those whose titles start with it come first, then titles with a word for each typed one, such aliases, and similar
    titles. Each group is in the order of the bank, the last one most similar first. With nothing typed, it's the bank's
    first.
    """
    suggestions: dict[str, Question] = {}
    for question in _matches(bank, prefix[:MAX_LENGTH].casefold().strip()):
        if len(suggestions) >= limit:
            break
        suggestions.setdefault(question.id, question)
    return tuple(suggestions.values())


def _matches(bank: Bank, typed: str) -> Iterator[Question]:
    yield from (question for question in bank if question.title.casefold().startswith(typed))
    starts = WORD.findall(typed)
    if not starts:
        return
    yield from (question for question in bank if _has_each(starts, question.title))
    yield from (question for question in bank if any(_has_each(starts, alias) for alias in question.aliases))
    titles = {question.id: question.title.casefold() for question in bank}
    similar = process.extract(typed, titles, scorer=fuzz.partial_token_ratio, score_cutoff=MIN_SIMILARITY, limit=None)
    similar.sort(key=lambda match: (-match[1], -fuzz.token_set_ratio(typed, match[0])))
    yield from (bank[question_id] for _, _, question_id in similar)


def _has_each(starts: list[str], text: str) -> bool:
    """Return whether the text has, for each of these starts, a word that begins with it."""
    words = _words(text)
    return all(any(word.startswith(start) for word in words) for start in starts)


@lru_cache(maxsize=65_536)  # every keystroke looks at each title and alias
def _words(text: str) -> tuple[str, ...]:
    return tuple(WORD.findall(text.casefold()))
