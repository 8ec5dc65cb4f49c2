"""Parse Markdown once for every dialect: one tree, from which each platform writes."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Sequence
from functools import cache, lru_cache
from typing import Any

from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode

from bot.text.cleaning import clean, visible
from bot.text.formulas import unicode_text
from knowledge.format.commonmark import has_links, new_parser

MAX_FORMULAS = 100
"""Formulas of a text that are written in Unicode, which takes a millisecond each; further ones stay LaTeX."""
_LINE_BREAKS = re.compile(r"[\n\r\f]+")
# A sentence without formatting, addresses or formulas, as most are; parsing would take a hundred times as long.
_PLAIN = re.compile(r"[A-Za-zÀ-ÿ](?:[A-Za-z0-9À-ÿ ,;?!'’()–-]|\.(?!\w))*")
_parser = cache(new_parser)
Nodes = Sequence[SyntaxTreeNode]


def is_plain(text: str) -> bool:
    """Return whether a text is the same in every dialect, so that it needn't be parsed."""
    return not text or (_PLAIN.fullmatch(text) is not None and not text.endswith(" "))


@lru_cache(maxsize=256)
def parse(text: str) -> Nodes:
    """Return the blocks of a text, without invisible characters. Cached: most members read the same question."""
    return tuple(SyntaxTreeNode(tokens(text)).children)


def tokens(text: str) -> list[Token]:
    """Return the same as a stream of tokens."""
    text = clean(text)
    found = _parser(links=has_links(text)).parse(text)
    if "&" in text:  # an entity may have become an invisible character, or a line break
        for token in found:
            for child in token.children or ():
                child.content = _LINE_BREAKS.sub(" ", visible(child.content))
    _write_formulas(found)
    return found


def _write_formulas(found: Sequence[Token]) -> None:
    """Give the formulas their text in Unicode, except those that it can't say without loss, or that are too many."""
    formulas = [token for block in found for token in (block, *(block.children or ())) if token.type.startswith("math")]
    for number, token in enumerate(formulas):
        text = unicode_text(token.content) if number < MAX_FORMULAS else None
        if text and (token.type == "math_block" or "\n" not in text):
            token.meta["text"] = text


def formula_text(node: SyntaxTreeNode | Token) -> str | None:
    """Return a formula's text in Unicode, of several lines only if it's a display formula; None if it has none."""
    text = node.meta.get("text")
    return None if text is None else str(text)


def parts(text: str, drawn: Container[Any]) -> Iterator[Nodes | str]:
    """Yield the text's blocks in runs, and between those the LaTeX of each display formula in `drawn`."""
    run: list[SyntaxTreeNode] = []
    for node in parse(text):
        if node.type != "math_block" or node.content not in drawn:
            run.append(node)
            continue
        if run:
            yield run
            run = []
        yield node.content
    if run:
        yield run


def display_formulas(text: str) -> list[str]:
    """Return the LaTeX of the display formulas that stand on lines of their own, each once."""
    if "$$" not in text and "\\[" not in text:
        return []
    return list(dict.fromkeys(node.content for node in parse(text) if node.type == "math_block"))
