"""Find the display formulas in a reply's texts, which may be drawn as pictures."""

from __future__ import annotations

from collections.abc import Iterator

from bot.replies import Block, Explanation, Reply, Text, Verdict
from bot.text.markdown import display_formulas


def formulas(reply: Reply) -> Iterator[str]:
    """Yield the LaTeX of each display formula in the reply."""
    for block in reply.blocks:
        yield from formulas_of(block)


def formulas_of(block: Block) -> Iterator[str]:
    """Yield the LaTeX of each display formula in the block."""
    for text in _texts(block):
        yield from display_formulas(text)


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
