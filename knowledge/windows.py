"""A question cut into the windows that search looks through, as plain words."""

from __future__ import annotations

import re
from collections.abc import Iterator

from knowledge.questions import OWN, Question

WORDS = 75
"""Words in a window of running text; the question goes before them."""
SHORTEST = 25
"""Fewer words than this at the end join the window before."""

LAYOUT = f"{WORDS}/{SHORTEST}/2"
"""Changes when the same question gives other windows."""

MARKS = re.compile(
    r"\\(?:mathbb|mathcal|mathrm|mathbf|text|left|right|begin|end|quad)(?![a-z])|\\[,;!]|^[`~]{3,}\w*|[$\\{}`*#|~^]",
    re.MULTILINE,
)


def plain(text: str) -> str:
    """Markdown and LaTeX as words on one line: `$\\sigma$` is sigma."""
    return " ".join(MARKS.sub(" ", text).split())


def windows(question: Question) -> tuple[str, ...]:
    """The title, the id's words, each alias; then the answer and the text in depth in pieces, each after the title.

    The id's words are what a question is called for short: without them "lora" finds whatever compares LoRA.
    """
    title = plain(question.title)
    pieces = [piece for text in (question.answer, question.in_depth) for piece in _pieces(plain(text).split())]
    name = question.id.removeprefix(OWN).replace("-", " ")
    return (
        title,
        name,
        *(plain(alias) or alias for alias in question.aliases),
        *(f"{title} {piece}" for piece in pieces),
    )


def short_windows(question: Question) -> int:
    """How many of a question's windows, from the first, are its title, name and aliases."""
    return 2 + len(question.aliases)


def _pieces(words: list[str]) -> Iterator[str]:
    start = 0
    while start < len(words):
        stop = start + WORDS if len(words) - start >= WORDS + SHORTEST else len(words)
        yield " ".join(words[start:stop])
        start = stop
