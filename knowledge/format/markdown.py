"""What a text of the bank may hold: no characters that hide or reorder others, no formula that cannot be read."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from functools import cache
from itertools import chain
from typing import Any
from unicodedata import name

from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.dollarmath import dollarmath_plugin
from pylatexenc.latexwalker import LatexWalker, LatexWalkerParseError, get_default_latex_context_db

Note = Callable[[int, str], None]
"""Takes down one mistake: its line (from 1), and what would be right."""

HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters but tab and newline
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # turn the direction of what follows
    "\u00ad\u115f\u1160\u180e\u200b-\u200d\u2060-\u2065\u206a-\u206f\u3164\ufeff"  # no width
    "\u2028\u2029\ufff9-\ufffb\U000e0000-\U000e0fff]"  # separators, annotations, tags
)
ARGUMENTS = re.compile(r"[{}%]|\\(?:frac|sqrt|text|math|left|right|begin|end|hat|bar|tilde|vec|operatorname)|\\$")
DOLLAR = re.compile(r"(?<!\\)(?:\\\\)*\$")


NOT_NEEDED = ["entity", "autolink", "emphasis", "link", "image", "html_inline", "newline", "reference"]


@cache
def markdown() -> MarkdownIt:
    """CommonMark with `$...$` and `$$...$$`, as far as finding sections, code and formulas needs it.

    A dollar next to a digit is money. What only a renderer has to know is off: that halves the time.
    """
    parser = MarkdownIt("commonmark", {"html": False}).use(dollarmath_plugin, allow_digits=False)
    return parser.disable(NOT_NEEDED)


@cache
def _macros() -> Any:
    return get_default_latex_context_db()  # making it takes longer than reading a formula


def hidden(text: str) -> str:
    """The name of the first character of `text` that a reader would not see, also written as an entity; or ""."""
    found = HIDDEN.search(text) or ("&" in text and HIDDEN.search(html.unescape(text)))
    if not found:
        return ""
    return f"U+{ord(found[0]):04X} ({name(found[0], 'a control character').lower()})"


def no_hidden_characters(source: str, note: Note) -> None:
    """Note every line that holds a control, direction or zero-width character."""
    if not HIDDEN.search(source) and "&" not in source:
        return
    for number, line in enumerate(source.split("\n"), 1):
        if which := hidden(line):
            note(number, f"holds {which}, which readers cannot see: delete it")


def readable_formulas(tokens: list[Token], offset: int, note: Note) -> None:
    """Note formulas whose braces or environments do not match, and dollars that open none.

    `offset` is the number of lines of the file that come before the Markdown.
    """
    for token in tokens:
        line = offset + (token.map[0] if token.map else 0) + 1
        for formula in _formulas(token):
            if why := unreadable(formula):
                note(line, f"the formula ${formula.strip()}$ cannot be read: {why}")
        if token.type == "inline" and _loose_dollars(token):
            note(line, "a dollar sign opens no formula: close the formula, or write \\$ for a dollar")


@cache
def unreadable(formula: str) -> str:
    """Why LaTeX would refuse this formula, or ""."""
    if not ARGUMENTS.search(formula):
        return ""  # nothing there that could be left open, and reading is slow
    try:
        LatexWalker(formula, latex_context=_macros(), tolerant_parsing=False).get_latex_nodes()
    except LatexWalkerParseError as error:
        return str(error.msg)
    except RecursionError:
        return "it is nested too deeply"
    if len(re.findall(r"\\left(?![a-z])", formula)) != len(re.findall(r"\\right(?![a-z])", formula)):
        return "every \\left needs its \\right"
    return ""


def formulas(text: str) -> Iterator[str]:
    """The formulas of a Markdown text, without their dollars."""
    if "$" in text:
        for token in markdown().parse(text):
            for formula in _formulas(token):
                yield formula.strip()


def _formulas(token: Token) -> Iterator[str]:
    for part in chain([token], token.children or ()):
        if part.type.startswith("math"):
            yield part.content


def _loose_dollars(inline: Token) -> bool:
    count = len(DOLLAR.findall(inline.content))
    for part in inline.children or ():
        if part.type.startswith("math"):
            count -= 2 * len(part.markup)
        elif part.type == "code_inline":
            count -= len(DOLLAR.findall(part.content))
    return count > 0
