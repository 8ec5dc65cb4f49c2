"""The display formulas of a reply's texts, which may be drawn as pictures."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bot.replies import Block, Explanation, Reply, Text, Verdict

DISPLAY = re.compile(r"(```.*?```|`[^`\n]+`)|(?<!\\)\$\$(.+?)\$\$", re.DOTALL)
"""Code, in which nothing is a formula, or a display formula: its LaTeX is the second group."""


def formulas(reply: Reply) -> Iterator[str]:
    """The display formulas that the reply's texts hold."""
    for block in reply.blocks:
        yield from formulas_of(block)


def formulas_of(block: Block) -> Iterator[str]:
    for text in _texts(block):
        yield from (found[2].strip() for found in DISPLAY.finditer(text) if found[2])


def _texts(block: Block) -> tuple[str, ...]:
    match block:
        case Text(body):
            return (body,)
        case Verdict():
            return (block.reason, block.reference)
        case Explanation(text, done=True):
            return (text,)
        case _:
            return ()
