"""Convert HTML to Markdown: keep structure, code, and formulas; drop scripts, styles, comments, and attributes.

There are two kinds of text: HTML pages (`markdown`), where line breaks mean nothing, and Markdown with a few tags
(`inline`), where they matter. In both, a "<" that doesn't start a known tag is an ordinary character: $x_{<t}$ and the
token <s> of a language model stay.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9-]{0,30})((?:[\s/][^<>]{0,2000})?)>")
"""Bounded, so that no text makes matching slow. A match with a name that isn't listed below is text."""
DROPPED_ELEMENTS = _names("script style iframe object embed applet template textarea select svg math")
"""Dropped with everything in them."""
DROPPED_TAGS = _names("input button link meta base source track wbr")
"""Dropped; they have no content."""
BLOCKS = _names(
    "p div section article main header footer nav aside figure figcaption center table tbody thead tfoot ul ol dl "
    "details summary blockquote form noscript html body head title h1 h2 h3 h4 h5 h6"
)
MARKDOWN_SIGNS = {"b": "**", "strong": "**", "i": "*", "em": "*", "code": "`", "kbd": "`", "tt": "`", "samp": "`"}
BEFORE = {"li": "\n- ", "dt": "\n\n", "dd": "\n", "td": " | ", "th": " | ", "tr": "\n", "sub": "_", "sup": "^"}
PLAIN = _names("a span font u del ins small big strike mark abbr cite q label video audio picture marquee")
KNOWN = BLOCKS | MARKDOWN_SIGNS.keys() | BEFORE.keys() | PLAIN | {"br", "hr", "img", "pre"}
SINGLE = frozenset(("br", "hr", "img"))
FENCED = re.compile(
    r"^[ \t>]{0,20}(`{3,}+|~{3,}+)[^\n]*\n(?:.*?^[ \t>]{0,20}\1[`~]*[ \t]*$|.*\Z)", re.DOTALL | re.MULTILINE
)
SPAN = re.compile(
    r"(?<![\\`])(?P<ticks>`{1,5})(?!`)(?:[^`\n]|\n(?!\s*\n)|(?!(?P=ticks)(?!`))`){1,2000}?(?<!`)(?P=ticks)(?!`)"
    r"|\$\$[^$]{1,5000}\$\$|(?<![\\$])\$(?!\s)[^$\n]{1,1000}(?<!\s)\$(?![\d$])"
)
"""Inline code and formulas."""
MATHJAX = re.compile(
    r"\\\((.{1,1500}?)\\\)|\\\[(.{1,1500}?)\\\]|\[\$\](.{1,1500}?)\[/\$\]|\[latex\](.{1,1500}?)\[/latex\]", re.DOTALL
)
ALT = re.compile(r"""\balt\s*=\s*(?:"([^"]*)"|'([^']*)')""", re.IGNORECASE)
MAX_DEPTH = 60
"""Nesting of tags; deeper HTML is converted without its nesting."""
MAX_PAGE_LENGTH = 300_000
"""Maximum characters in a page; a longer one is converted without its nesting, which is fast."""
MAX_BLANK = 200
"""Blanks that follow each other in a page; the converter takes a time with the square of their number."""
LONG_BLANK = re.compile(r"\s{20,}")
HREF = re.compile(r"""\bhref\s*=\s*["']?(https?://[^\s"'<>]+)""", re.IGNORECASE)
OPENING = re.compile(r"(?<!\\)((?:\\\\)*)<(?=[a-zA-Z/!?])")
"""What a Markdown renderer may take for HTML."""
FORMULA = re.compile("\ue000(\\d+)\ue001")
"""The placeholder of a formula while a page is converted."""
ACTIVE_CONTENT_LEFT_OUT = "scripts, styles, and the like were left out"


@dataclass(frozen=True, slots=True)
class Piece:
    """Text between tags (`name` is ""), or a tag, whose attributes are its `content`.

    A dropped element is a piece without a name that is `closing`.
    """

    name: str
    closing: bool
    content: str


def has_tags(text: str) -> bool:
    """Return whether there are tags outside code and formulas."""
    return "<" in text and any(
        piece.name or piece.closing for code, part in _split_code(text) if not code for piece in _pieces(part)
    )


def is_page(text: str) -> bool:
    """Return whether the whole text is HTML: it has block tags and no Markdown."""
    names = {piece.name for piece in _pieces(text)}
    return bool(names & (BLOCKS | {"br", "li", "pre"})) and not re.search(r"^(?:[-*+] |\d+\. |#|```|~~~)", text, re.M)


def has_active_content(text: str) -> bool:
    """Return whether something is dropped that isn't just markup, such as a script."""
    return any(
        piece.closing and not piece.name for code, part in _split_code(text) if not code for piece in _pieces(part)
    )


def markdown(text: str, *, dollars: bool = False) -> str:
    """Convert a page. MathJax's brackets become dollar signs. `dollars`: the page's own dollar signs are money."""
    formulas: list[str] = []

    def placeholder(match: re.Match[str]) -> str:
        inline, display, old, latex = match.groups()
        formula = " ".join(html.unescape(re.sub(r"<[^<>]{0,200}>", " ", display or inline or old or latex)).split())
        formulas.append(f"$${formula}$$" if display else f"${formula}$")
        return f"\ue000{len(formulas) - 1}\ue001"

    text = MATHJAX.sub(placeholder, text.replace("\ue000", "").replace("\ue001", ""))
    text = text.replace("$", r"\$") if dollars else text
    pieces = list(_pieces(text))
    if len(text) > MAX_PAGE_LENGTH or _depth(pieces) > MAX_DEPTH:
        result = "".join(_flattened(pieces))
    else:
        from markdownify import MarkdownConverter

        converter = MarkdownConverter(
            heading_style="ATX", bullets="-", escape_asterisks=False, escape_underscores=False, escape_misc=False
        )
        page = LONG_BLANK.sub(lambda blank: blank[0][:MAX_BLANK], "".join(map(_clean_html, pieces)))
        result = str(converter.convert(page))
    result = "\n".join(_restore_formulas(line, formulas) for line in _escape_tags(result).split("\n"))
    return re.sub(r"\n{3,}", "\n\n", result).strip()


def inline(text: str) -> str:
    """Remove the tags from Markdown. Code and formulas don't change, and neither does a text without tags."""
    if not has_tags(text):
        return _escape_tags(text)
    parts = [
        part if code else _escape_openings("".join(_flattened(list(_pieces(part))))) for code, part in _split_code(text)
    ]
    return re.sub(r"\n{3,}", "\n\n", "".join(parts)).strip()


def _split_code(text: str) -> Iterator[tuple[bool, str]]:
    """Split the text, and say of each part whether it's code or a formula."""
    for fenced, part in _split(FENCED, text):
        if fenced:
            yield True, part
        else:
            yield from _split(SPAN, part)


def _split(pattern: re.Pattern[str], text: str) -> Iterator[tuple[bool, str]]:
    end = 0
    for match in pattern.finditer(text):
        yield False, text[end : match.start()]
        yield True, match[0]
        end = match.end()
    yield False, text[end:]


def _pieces(text: str) -> Iterator[Piece]:
    """Yield text and known tags in turn; a dropped element with its content is a single piece."""
    at, link = 0, ""
    text = _without_comments(text)
    while tag := TAG.search(text, at):
        name = tag[2].lower()
        if name not in KNOWN and name not in DROPPED_ELEMENTS and name not in DROPPED_TAGS:
            yield Piece("", False, text[at : tag.start()] + "<")
            at = tag.start() + 1
            continue
        yield Piece("", False, text[at : tag.start()])
        at = tag.end()
        if name in DROPPED_ELEMENTS and not tag[1] and not tag[3].rstrip().endswith("/"):
            end = re.compile(rf"</{name}\s{{0,100}}>", re.IGNORECASE).search(text, at)
            at = end.end() if end else len(text)
            yield Piece("", True, "")
        elif name in DROPPED_ELEMENTS or name in DROPPED_TAGS:
            yield Piece("", True, "")
        else:
            yield Piece(name, bool(tag[1]), tag[3])
            if name == "a":  # a link's URL goes in parentheses after its text
                if tag[1] and link:
                    yield Piece("", False, f" ({link})")
                link = href[1] if not tag[1] and (href := HREF.search(tag[3])) else ""
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
    """Return the piece as HTML without attributes, with entities for < and > that aren't tags."""
    if piece.name == "img":
        return html.escape(_picture(piece.content), quote=False)
    if piece.name in PLAIN:
        return ""
    if piece.name:
        return f"<{'/' * piece.closing}{piece.name}>"
    return piece.content.replace("<", "&lt;").replace(">", "&gt;")


def _flattened(pieces: list[Piece]) -> Iterator[str]:
    """Yield the text with Markdown signs in place of tags, ignoring their nesting."""
    for piece in pieces:
        if not piece.name:
            yield html.unescape(piece.content)
        elif piece.name == "br":
            yield "  \n"
        elif piece.name == "hr":
            yield "\n\n"
        elif piece.name == "img":
            yield _picture(piece.content)
        elif piece.name == "pre":
            yield "\n```\n"
        elif piece.name in MARKDOWN_SIGNS:
            yield MARKDOWN_SIGNS[piece.name]
        elif piece.name in BLOCKS:
            yield "\n\n"
        elif not piece.closing:
            yield BEFORE.get(piece.name, "")


def _picture(attributes: str) -> str:
    match = ALT.search(attributes)
    alt = " ".join(html.unescape(match[1] or match[2] or "").split()) if match else ""
    return f" (a picture: {alt}) " if alt else " (a picture) "


def _escape_tags(text: str) -> str:
    return "".join(part if code else _escape_openings(part) for code, part in _split_code(text))


def _escape_openings(text: str) -> str:
    return OPENING.sub(r"\1\\<", text)


def _restore_formulas(line: str, formulas: list[str]) -> str:
    """Put the formulas back; a display formula gets its own lines, unless that would break a list."""
    can_break = not re.match(r"[ \t]|[-*+>|]|\d+\.", line)

    def formula(match: re.Match[str]) -> str:
        text = formulas[int(match[1])] if int(match[1]) < len(formulas) else ""
        if text.startswith("$$"):
            return f"\n\n{text}\n\n" if can_break else text[1:-1]
        return text

    return FORMULA.sub(formula, line)
