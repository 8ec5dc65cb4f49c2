"""Find the display formulas in a reply's texts, which may be drawn as pictures."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bot.replies import Block, Explanation, Reply, Text, Verdict

DISPLAY_FORMULA = re.compile(r"(```.*?```|`[^`\n]+`)|(?<!\\)\$\$(.+?)\$\$", re.DOTALL)
"""Code, which holds no formulas, or a display formula with its LaTeX as the second group."""


def formulas(reply: Reply) -> Iterator[str]:
    """Yield the LaTeX of each display formula in the reply."""
    for block in reply.blocks:
        yield from formulas_of(block)


def formulas_of(block: Block) -> Iterator[str]:
    """Yield the LaTeX of each display formula in the block."""
    for text in _texts(block):
        yield from (found[2].strip() for found in DISPLAY_FORMULA.finditer(text) if found[2])


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
