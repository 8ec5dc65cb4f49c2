"""Other people's text made fit for a question's file: nothing of it is read as the file's own structure."""

from __future__ import annotations

import html
import re

from markdown_it.token import Token

from knowledge.format.markdown import DOLLAR, HIDDEN, Note, markdown, readable_formulas
from knowledge.importers import markup

HALF = re.compile("[\ud800-\udfff]")
ENTITY = re.compile(r"&#?\w+;")
HEADING = re.compile(r"^( {0,3})#{1,2}(?=\s|$)")
LONGEST_TITLE = 300
ENDS = ("?", ".")


def text(source: str, note: Note) -> str:
    """The text without HTML and invisible characters, its large headings made small, its loose dollars escaped."""
    source = source.replace("\r\n", "\n").replace("\r", "\n")
    if (seen := visible(source)) != source:
        note(0, "characters that nobody can see are left out")
    if markup.dropped(seen):
        note(0, "scripts, styles and the like are left out")
    return _dollars(_headings(visible(markup.inline(seen)))).strip()


def visible(source: str) -> str:
    """The text without characters that nobody can see, written as they are or as entities, and without halves of them.

    JSON can write half of a character, which no file can hold.
    """
    source = HALF.sub("\ufffd", source)
    source = ENTITY.sub(lambda found: "" if HIDDEN.search(html.unescape(found[0])) else found[0], source)
    return HIDDEN.sub("", source)


def line(source: str, note: Note) -> str:
    """The text as a single line without a dash that would part it, as bullets have to be."""
    return " ".join(text(source, note).replace(" — ", ", ").split())


def title(source: str, note: Note) -> str:
    """A question's title: one line that ends in a question mark or a full stop."""
    found = re.sub(r"^[#>\-*+\s]+", "", " ".join(text(source, note).split()))
    if len(found) > LONGEST_TITLE:
        note(0, f"a title of {len(found)} characters is cut after {LONGEST_TITLE}")
        found = found[:LONGEST_TITLE].rsplit(" ", 1)[0] + " …"
    found = re.sub(r"^(\*\*|__)([^*_]+)\1$", r"\2", found)
    found = _dollars(found).rstrip(":;,! ")
    return found if found.endswith(ENDS) or not found else f"{found}."


def _headings(source: str) -> str:
    """Headings of the first two levels would be read as the file's own."""
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


def _dollars(source: str) -> str:
    """Escape the dollars of blocks whose formulas cannot be read, or that open none."""
    if "$" not in source:
        return source
    lines = source.split("\n")
    for token in markdown().parse(source):
        if token.map and _wrong(token):
            for row in range(*token.map):
                lines[row] = DOLLAR.sub(lambda found: f"{found[0][:-1]}\\$", lines[row])
    return "\n".join(lines)


def _wrong(token: Token) -> bool:
    found: list[str] = []
    readable_formulas([token], 0, lambda _, reason: found.append(reason))
    return bool(found)
