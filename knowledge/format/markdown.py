"""Check the Markdown of the bank: no characters that are invisible or reorder others, no unreadable formulas."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from functools import cache
from itertools import chain
from unicodedata import name

from markdown_it import MarkdownIt
from markdown_it.token import Token

from knowledge.format.commonmark import new_parser
from knowledge.format.latex import unreadable
from knowledge.questions import Question

Note = Callable[[int, str], None]
"""Called for each problem with its line (from 1; 0 is the whole file) and what would be right."""

HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters but tab and newline
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # turn the direction of what follows
    "\u00ad\u115f\u1160\u180e\u200b-\u200d\u2060-\u2065\u206a-\u206f\u3164\ufeff"  # no width
    "\u2028\u2029\ufff9-\ufffb\U000e0000-\U000e0fff]"  # separators, annotations, tags
)
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


def hidden(text: str) -> str:
    """Return the name of the first invisible character, also if it's written as an entity; or "" without any."""
    match = HIDDEN.search(text) or ("&" in text and HIDDEN.search(html.unescape(text)))
    if not match:
        return ""
    return f"U+{ord(match[0]):04X} ({name(match[0], 'a control character').lower()})"


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
