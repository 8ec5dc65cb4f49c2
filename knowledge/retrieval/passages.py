"""Questions cut into the windows that search looks through, as plain words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from knowledge.questions import OWN, Bank, Question

WORDS = 75
"""Words in a window of running text; the question goes before them."""
SHORTEST = 25
"""Fewer words than this at the end join the window before."""

MARKS = re.compile(
    r"\\(?:mathbb|mathcal|mathrm|mathbf|text|left|right|begin|end|quad)(?![a-z])|\\[,;!]|^[`~]{3,}\w*|[$\\{}`*#|~^]",
    re.MULTILINE,
)


def plain(text: str) -> str:
    """Markdown and LaTeX as words on one line: `$\\sigma$` is sigma."""
    return " ".join(MARKS.sub(" ", text).split())


class Kind(IntEnum):
    """What a window is cut from. A question's windows come in this order."""

    WORDING = 0
    POINT = 1
    BODY = 2


def windows(question: Question) -> tuple[tuple[Kind, str], ...]:
    """The title, the id's words and each alias; the key points and the right choice; the text in pieces.

    The id's words are what a question is called for short: without them "lora" finds whatever compares LoRA. Pieces of
    the answer and of the text in depth stand after the title, which says what they are about.
    """
    title = plain(question.title)
    name = question.id.removeprefix(OWN).replace("-", " ")
    wordings = (title, name, *(plain(alias) or alias for alias in question.aliases))
    right = (choice.text for choice in question.choices if choice.right)
    points = (text for claim in (*question.key_points, *right) if (text := plain(claim)))
    pieces = (piece for text in (question.answer, question.in_depth) for piece in _pieces(plain(text).split()))
    return (
        *((Kind.WORDING, wording) for wording in wordings),
        *((Kind.POINT, point) for point in points),
        *((Kind.BODY, f"{title} {piece}") for piece in pieces),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """Those of a whole bank, in its order. Window w belongs to question `owners[w]`, which has at least one."""

    bank: Bank
    owners: npt.NDArray[np.int32]
    kinds: npt.NDArray[np.int8]
    texts: tuple[str, ...]

    @classmethod
    def of(cls, bank: Bank) -> Windows:
        """Cut every question."""
        cut = [(owner, kind, text) for owner, question in enumerate(bank) for kind, text in windows(question)]
        return cls(
            bank,
            np.array([owner for owner, _, _ in cut], np.int32),
            np.array([kind for _, kind, _ in cut], np.int8),
            tuple(text for _, _, text in cut),
        )

    @property
    def firsts(self) -> npt.NDArray[np.int64]:
        """The first window of each question, which is its title."""
        return np.searchsorted(self.owners, np.arange(len(self.bank)))


def _pieces(words: list[str]) -> Iterator[str]:
    start = 0
    while start < len(words):
        stop = start + WORDS if len(words) - start >= WORDS + SHORTEST else len(words)
        yield " ".join(words[start:stop])
        start = stop
