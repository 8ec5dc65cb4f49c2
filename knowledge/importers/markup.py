"""HTML -> Markdown: structure, code and formulas are kept; scripts, styles, comments and attributes are not.

Texts come in two kinds: pages of HTML (`markdown`), where line ends mean nothing, and Markdown with some tags in it
(`inline`), where they mean everything. In both, a "<" that opens no known tag is a sign like any other: $x_{<t}$ and
the token <s> of a language model stay as they are.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9-]{0,30})((?:[\s/][^<>]{0,2000})?)>")
"""Bounded, so that no text makes the search slow. What matches and is not known below is text."""
GONE = _names("script style iframe object embed applet template textarea select svg math")
"""Left out with all that is in them."""
EMPTY = _names("input button link meta base source track wbr")
"""Left out; nothing is in them."""
BLOCKS = _names(
    "p div section article main header footer nav aside figure figcaption center table tbody thead tfoot ul ol dl "
    "details summary blockquote form noscript html body head title h1 h2 h3 h4 h5 h6"
)
SIGNS = {"b": "**", "strong": "**", "i": "*", "em": "*", "code": "`", "kbd": "`", "tt": "`", "samp": "`"}
BEFORE = {"li": "\n- ", "dt": "\n\n", "dd": "\n", "td": " | ", "th": " | ", "tr": "\n", "sub": "_", "sup": "^"}
PLAIN = _names("a span font u del ins small big strike mark abbr cite q label video audio picture marquee")
KNOWN = BLOCKS | SIGNS.keys() | BEFORE.keys() | PLAIN | {"br", "hr", "img", "pre"}
SINGLE = frozenset(("br", "hr", "img"))
FENCED = re.compile(
    r"^[ \t>]{0,20}(`{3,}+|~{3,}+)[^\n]*\n(?:.*?^[ \t>]{0,20}\1[`~]*[ \t]*$|.*\Z)", re.DOTALL | re.MULTILINE
)
SPAN = re.compile(
    r"(?<![\\`])(?P<ticks>`{1,5})(?!`)(?:[^`\n]|\n(?!\s*\n)|(?!(?P=ticks)(?!`))`){1,2000}?(?<!`)(?P=ticks)(?!`)"
    r"|\$\$[^$]{1,5000}\$\$|(?<![\\$])\$(?!\s)[^$\n]{1,1000}(?<!\s)\$(?![\d$])"
)
"""Code and formulas within text."""
MATHJAX = re.compile(
    r"\\\((.{1,1500}?)\\\)|\\\[(.{1,1500}?)\\\]|\[\$\](.{1,1500}?)\[/\$\]|\[latex\](.{1,1500}?)\[/latex\]", re.DOTALL
)
ALT = re.compile(r"""\balt\s*=\s*(?:"([^"]*)"|'([^']*)')""", re.IGNORECASE)
DEEPEST = 60
"""Tags within tags; what is nested deeper is read without its nesting."""
LARGEST = 300_000
"""Characters read as a page; a longer text is read without nesting, which takes no time."""
HREF = re.compile(r"""\bhref\s*=\s*["']?(https?://[^\s"'<>]+)""", re.IGNORECASE)
OPENING = re.compile(r"(?<!\\)((?:\\\\)*)<(?=[a-zA-Z/!?])")
"""What a reader of Markdown may take for HTML."""
FORMULA = re.compile("\ue000(\\d+)\ue001")
"""Stands in for a formula while a page is read."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Text between tags (`name` is ""), or a tag; `rest` is what stands in it, or the text."""

    name: str
    closing: bool
    rest: str


def looks_like(text: str) -> bool:
    """Whether there are tags outside of code and formulas."""
    return "<" in text and any(
        piece.name or piece.closing for code, part in _parted(text) if not code for piece in _pieces(part)
    )


def is_page(text: str) -> bool:
    """Whether the text is HTML as a whole: it has blocks, and nothing in it is Markdown."""
    names = {piece.name for piece in _pieces(text)}
    return bool(names & (BLOCKS | {"br", "li", "pre"})) and not re.search(r"^(?:[-*+] |\d+\. |#|```|~~~)", text, re.M)


def dropped(text: str) -> bool:
    """Whether something is left out that is no mere markup."""
    return any(piece.closing and not piece.name for code, part in _parted(text) if not code for piece in _pieces(part))


def markdown(text: str, *, dollars: bool = False) -> str:
    """A page as Markdown. MathJax's brackets become dollars. `dollars`: those of the page itself are money."""
    formulas: list[str] = []

    def kept(found: re.Match[str]) -> str:
        inline, display, old, latex = found.groups()
        formula = " ".join(html.unescape(re.sub(r"<[^<>]{0,200}>", " ", display or inline or old or latex)).split())
        formulas.append(f"$${formula}$$" if display else f"${formula}$")
        return f"\ue000{len(formulas) - 1}\ue001"

    text = MATHJAX.sub(kept, text.replace("\ue000", "").replace("\ue001", ""))
    text = text.replace("$", r"\$") if dollars else text
    pieces = list(_pieces(text))
    if len(text) > LARGEST or _depth(pieces) > DEEPEST:
        found = "".join(_flat(pieces))
    else:
        from markdownify import MarkdownConverter

        converter = MarkdownConverter(
            heading_style="ATX", bullets="-", escape_asterisks=False, escape_underscores=False, escape_misc=False
        )
        found = str(converter.convert("".join(map(_clean_html, pieces))))
    found = "\n".join(_restored(line, formulas) for line in _escaped(found).split("\n"))
    return re.sub(r"\n{3,}", "\n\n", found).strip()


def inline(text: str) -> str:
    """Markdown without the tags in it. Code and formulas stay to the letter, and so does all of a text without tags."""
    if not looks_like(text):
        return _escaped(text)
    parts = [part if code else _signs_escaped("".join(_flat(list(_pieces(part))))) for code, part in _parted(text)]
    return re.sub(r"\n{3,}", "\n\n", "".join(parts)).strip()


def _parted(text: str) -> Iterator[tuple[bool, str]]:
    """The text in pieces, and of each whether it is code or a formula."""
    for fenced, part in _split(FENCED, text):
        if fenced:
            yield True, part
        else:
            yield from _split(SPAN, part)


def _split(pattern: re.Pattern[str], text: str) -> Iterator[tuple[bool, str]]:
    end = 0
    for found in pattern.finditer(text):
        yield False, text[end : found.start()]
        yield True, found[0]
        end = found.end()
    yield False, text[end:]


def _pieces(text: str) -> Iterator[Piece]:
    """Text and known tags in turn. What is left out with its inside is one piece: closing, without a name."""
    at, link = 0, ""
    text = _without_comments(text)
    while found := TAG.search(text, at):
        name = found[2].lower()
        if name not in KNOWN and name not in GONE and name not in EMPTY:
            yield Piece("", False, text[at : found.start()] + "<")
            at = found.start() + 1
            continue
        yield Piece("", False, text[at : found.start()])
        at = found.end()
        if name in GONE and not found[1] and not found[3].rstrip().endswith("/"):
            end = re.compile(rf"</{name}\s{{0,100}}>", re.IGNORECASE).search(text, at)
            at = end.end() if end else len(text)
            yield Piece("", True, "")
        elif name in GONE or name in EMPTY:
            yield Piece("", True, "")
        else:
            yield Piece(name, bool(found[1]), found[3])
            if name == "a":  # where a link led is told behind its words
                if found[1] and link:
                    yield Piece("", False, f" ({link})")
                link = address[1] if not found[1] and (address := HREF.search(found[3])) else ""
    yield Piece("", False, text[at:])


def _without_comments(text: str) -> str:
    kept, at = [], 0
    while (start := text.find("<!--", at)) >= 0 and (end := text.find("-->", start + 4)) >= 0:
        kept.append(text[at:start])
        at = end + 3
    return "".join(kept) + text[at:] if kept else text


def _depth(pieces: list[Piece]) -> int:
    depth = deepest = 0
    for piece in pieces:
        if piece.name and piece.name not in SINGLE:
            depth = max(0, depth - 1) if piece.closing else depth + 1
            deepest = max(deepest, depth)
    return deepest


def _clean_html(piece: Piece) -> str:
    """The piece as HTML without attributes, each sign that opens no tag as an entity."""
    if piece.name == "img":
        return html.escape(_picture(piece.rest), quote=False)
    if piece.name in PLAIN:
        return ""
    if piece.name:
        return f"<{'/' * piece.closing}{piece.name}>"
    return piece.rest.replace("<", "&lt;").replace(">", "&gt;")


def _flat(pieces: list[Piece]) -> Iterator[str]:
    """The text with each tag as the sign that Markdown has for it."""
    for piece in pieces:
        if not piece.name:
            yield html.unescape(piece.rest)
        elif piece.name == "br":
            yield "  \n"
        elif piece.name == "hr":
            yield "\n\n"
        elif piece.name == "img":
            yield _picture(piece.rest)
        elif piece.name == "pre":
            yield "\n```\n"
        elif piece.name in SIGNS:
            yield SIGNS[piece.name]
        elif piece.name in BLOCKS:
            yield "\n\n"
        elif not piece.closing:
            yield BEFORE.get(piece.name, "")


def _picture(attributes: str) -> str:
    found = ALT.search(attributes)
    alt = " ".join(html.unescape(found[1] or found[2] or "").split()) if found else ""
    return f" (a picture: {alt}) " if alt else " (a picture) "


def _escaped(text: str) -> str:
    return "".join(part if code else _signs_escaped(part) for code, part in _parted(text))


def _signs_escaped(text: str) -> str:
    return OPENING.sub(r"\1\\<", text)


def _restored(line: str, formulas: list[str]) -> str:
    """The line with its formulas; one to be displayed gets lines of its own, unless they would break a list."""
    alone = not re.match(r"[ \t]|[-*+>|]|\d+\.", line)

    def formula(found: re.Match[str]) -> str:
        text = formulas[int(found[1])] if int(found[1]) < len(formulas) else ""
        if text.startswith("$$"):
            return f"\n\n{text}\n\n" if alone else text[1:-1]
        return text

    return FORMULA.sub(formula, line)
