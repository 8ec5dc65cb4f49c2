"""Sanitize other people's text for a question's file, so that none of it is read as the file's own structure."""

from __future__ import annotations

import html
import re

from markdown_it.token import Token

from knowledge.format.invisible import HIDDEN
from knowledge.format.markdown import DOLLAR, Note, check_formulas, markdown
from knowledge.format.sections import SENTENCE_ENDS
from knowledge.importers import markup

SURROGATE = re.compile("[\ud800-\udfff]")
ENTITY = re.compile(r"&#?\w+;")
HEADING = re.compile(r"^( {0,3})#{1,2}(?=\s|$)")
MAX_TITLE_LENGTH = 300


def text(source: str, note: Note) -> str:
    """Remove HTML and invisible characters, demote large headings, and escape loose dollar signs."""
    source = source.replace("\r\n", "\n").replace("\r", "\n")
    if (cleaned := visible(source)) != source:
        note(0, "invisible characters were left out")
    if markup.has_active_content(cleaned):
        note(0, markup.ACTIVE_CONTENT_LEFT_OUT)
    return _escape_loose_dollars(_demote_headings(visible(markup.inline(cleaned)))).strip()


def visible(source: str) -> str:
    """Remove invisible characters, including those written as entities, and replace lone surrogates.

    JSON can contain a lone surrogate (half of a character), but a UTF-8 file can't.
    """
    source = SURROGATE.sub("\ufffd", source)
    source = ENTITY.sub(lambda match: "" if HIDDEN.search(html.unescape(match[0])) else match[0], source)
    return HIDDEN.sub("", source)


def line(source: str, note: Note) -> str:
    """Make the text a single line without the dash that separates the parts of a bullet."""
    return " ".join(text(source, note).replace(" — ", ", ").split())


def title(source: str, note: Note) -> str:
    """Make the text a title: one line that ends like a sentence."""
    one_line = re.sub(r"^[#>\-*+\s]+", "", " ".join(text(source, note).split()))
    if len(one_line) > MAX_TITLE_LENGTH:
        note(0, f"a title of {len(one_line)} characters was cut after {MAX_TITLE_LENGTH}")
        one_line = one_line[:MAX_TITLE_LENGTH].rsplit(" ", 1)[0] + " …"
    one_line = re.sub(r"^(\*\*|__)([^*_]+)\1$", r"\2", one_line)
    one_line = _escape_loose_dollars(one_line).rstrip(":;,! ")
    return one_line if one_line.endswith(SENTENCE_ENDS) or not one_line else f"{one_line}."


def _demote_headings(source: str) -> str:
    """Turn headings of the first two levels, which would be read as the file's own, into third-level ones."""
    lines = source.split("\n")
    for token in markdown().parse(source):
        if token.type != "heading_open" or token.level or token.tag not in ("h1", "h2") or not token.map:
            continue
        first, after = token.map
        if HEADING.match(lines[first]):
            lines[first] = HEADING.sub(r"\1###", lines[first])
        else:  # underlined
            lines[first] = f"### {lines[first].strip()}"
            lines[after - 1] = ""
    return "\n".join(lines)


def _escape_loose_dollars(source: str) -> str:
    """Escape the dollar signs of blocks with an unreadable formula, or with a dollar that doesn't start one."""
    if "$" not in source:
        return source
    lines = source.split("\n")
    for token in markdown().parse(source):
        if token.map and _has_problem(token):
            for row in range(*token.map):
                lines[row] = DOLLAR.sub(lambda match: f"{match[0][:-1]}\\$", lines[row])
    return "\n".join(lines)


def _has_problem(token: Token) -> bool:
    problems: list[str] = []
    check_formulas([token], 0, lambda _, reason: problems.append(reason))
    return bool(problems)
