"""Check the Markdown of the bank: no characters that are invisible or reorder others, no unreadable formulas."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from itertools import chain

from markdown_it import MarkdownIt
from markdown_it.token import Token

from knowledge.format.commonmark import new_parser
from knowledge.format.invisible import HIDDEN, hidden
from knowledge.format.latex import unreadable
from knowledge.questions import Question

Note = Callable[[int, str], None]
"""Called for each problem with its line (from 1; 0 is the whole file) and what would be right."""

DOLLAR = re.compile(r"(?<!\\)(?:\\\\)*\$")
UNUSED_RULES = [
    *("entity", "autolink", "emphasis", "link", "image", "html_inline", "html_tag", "newline", "strikethrough"),
    *("table", "hide_bars", "show_bars", "math_paragraph"),
]


@cache
def markdown() -> MarkdownIt:
    """Return the parser that finds sections, code, and formulas.

    Rules that only a writer needs are off, which halves the time.
    """
    return new_parser().disable(UNUSED_RULES)


def check_hidden_characters(source: str, note: Note) -> None:
    """Note every line with a control, direction, or zero-width character."""
    if not HIDDEN.search(source) and "&" not in source:
        return
    for number, line in enumerate(source.split("\n"), 1):
        if character := hidden(line):
            note(number, f"contains {character}, which is invisible: delete it")


def check_formulas(tokens: list[Token], offset: int, note: Note) -> None:
    """Note formulas whose braces or environments don't match, and dollar signs that don't start a formula.

    `offset` is the number of lines before the Markdown.
    """
    for token in tokens:
        line = offset + (token.map[0] if token.map else 0) + 1
        for formula in _formulas(token):
            if reason := unreadable(formula):
                note(line, f"can't read the formula ${formula.strip()}$: {reason}")
        if token.type == "inline" and _has_loose_dollar(token):
            note(line, "a dollar sign doesn't start a formula: close the formula, or write \\$ for a dollar")


def formulas(text: str) -> Iterator[str]:
    """Yield the formulas of a Markdown text, without their dollar signs."""
    if "$" in text:
        for token in markdown().parse(text):
            for formula in _formulas(token):
                yield formula.strip()


def formulas_of(question: Question) -> Iterator[str]:
    """Yield every formula of a question, in the order of its file."""
    for text in texts_of(question):
        yield from formulas(text)


def texts_of(question: Question) -> Iterator[str]:
    """Yield every text of a question, in the order of its file."""
    yield from (question.title, question.answer, question.in_depth, *question.key_points)
    for misconception in question.misconceptions:
        yield from (misconception.claim, misconception.reason)
    for choice in question.choices:
        yield from (choice.text, choice.reason)
    yield from question.follow_ups


def _formulas(token: Token) -> Iterator[str]:
    for part in chain([token], token.children or ()):
        if part.type.startswith("math"):
            yield part.content


def _has_loose_dollar(inline: Token) -> bool:
    count = len(DOLLAR.findall(inline.content))
    for part in inline.children or ():
        if part.type.startswith("math") and part.markup.startswith("$"):
            count -= 2 * len(part.markup)
        elif part.type == "code_inline":
            count -= len(DOLLAR.findall(part.content))
    return count > 0
