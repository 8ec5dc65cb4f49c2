"""Cut questions into the passages that search looks through, as plain words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from knowledge.questions import OWN, Bank, Question

PASSAGE_WORDS = 75
"""Words of running text in a passage; the question's title goes before them."""
MIN_PASSAGE_WORDS = 25
"""A shorter rest at the end joins the passage before it."""

MARKUP = re.compile(
    r"\\(?:mathbb|mathcal|mathrm|mathbf|text|left|right|begin|end|quad)(?![a-z])|\\[,;!]|^[`~]{3,}\w*|[$\\{}`*#|~^]",
    re.MULTILINE,
)


def plain(text: str) -> str:
    r"""Strip Markdown and LaTeX down to words on one line: `$\sigma$` becomes sigma."""
    return " ".join(MARKUP.sub(" ", text).split())


class Kind(IntEnum):
    """What a passage is cut from. A question's passages come in this order."""

    WORDING = 0
    POINT = 1
    BODY = 2


def passages_of(question: Question) -> tuple[tuple[Kind, str], ...]:
    """Cut a question: title, words of the id, aliases; then key points and the right choice; then the text in pieces.

    The words of the id are the question's short name: without them "lora" finds everything that compares LoRA with
    something. Pieces of the answer and of the in-depth text follow the title, which says what they're about.
    """
    title = plain(question.title)
    short_name = question.id.removeprefix(OWN).replace("-", " ")
    wordings = (title, short_name, *(plain(alias) or alias for alias in question.aliases))
    right = (choice.text for choice in question.choices if choice.right)
    points = (text for claim in (*question.key_points, *right) if (text := plain(claim)))
    pieces = (piece for text in (question.answer, question.in_depth) for piece in _pieces(plain(text).split()))
    return (
        *((Kind.WORDING, wording) for wording in wordings),
        *((Kind.POINT, point) for point in points),
        *((Kind.BODY, f"{title} {piece}") for piece in pieces),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Passages:
    """The passages of a whole bank, in its order. Passage p belongs to question number `owners[p]`."""

    bank: Bank
    owners: npt.NDArray[np.int32]
    kinds: npt.NDArray[np.int8]
    texts: tuple[str, ...]

    @classmethod
    def of(cls, bank: Bank) -> Passages:
        """Split every question in the bank into passages."""
        rows = [(owner, kind, text) for owner, question in enumerate(bank) for kind, text in passages_of(question)]
        return cls(
            bank,
            np.array([owner for owner, _, _ in rows], np.int32),
            np.array([kind for _, kind, _ in rows], np.int8),
            tuple(text for _, _, text in rows),
        )

    @property
    def firsts(self) -> npt.NDArray[np.int64]:
        """Return the number of each question's first passage, which is its title."""
        return np.searchsorted(self.owners, np.arange(len(self.bank)))


def _pieces(words: list[str]) -> Iterator[str]:
    start = 0
    while start < len(words):
        stop = start + PASSAGE_WORDS if len(words) - start >= PASSAGE_WORDS + MIN_PASSAGE_WORDS else len(words)
        yield " ".join(words[start:stop])
        start = stop
