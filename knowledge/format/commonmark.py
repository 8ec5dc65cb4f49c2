r"""The one parser of Markdown: CommonMark with tables, strikethrough, formulas, and the HTML tags that models write.

Formulas are `$...$` and `\(...\)` within a line, and `$$...$$` and `\[...\]` on lines of their own; their tokens are
`math_inline` and `math_block`. All rules take time in proportion to the text's length.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_block.table import escapedSplit, table
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

MAX_BRACKETS = 200
"""Brackets in a text up to which links are read: nested ones take milliseconds each."""
MAX_FORMULA = 4000
"""Characters between the delimiters of a formula."""
MAX_LINES = 60
"""Lines of a display formula."""
MAX_TAG_CONTENT = 400
"""Characters between a tag and the one that closes it."""
# Two words next to each other: "$5 per million or 6$" isn't a formula, and neither is "$A$".
_PROSE = re.compile(r"(?<![\\A-Za-z{])[A-Za-z]{2,}[,;]? +[A-Za-z]{2,}(?![A-Za-z}])")
_GROUPS = re.compile(r"\\[A-Za-z]+\s*\{[^{}]*\}")
_VARIABLE = re.compile(r"\{?[A-Z_][A-Z0-9_]{2,}")
_TAG = re.compile(r"<(?:br\s*/?|(sub|sup|b|strong|i|em|u|code|kbd))>", re.IGNORECASE)
_STYLES = {"b": "strong", "strong": "strong", "i": "em", "em": "em", "u": "u", "sub": "sub", "sup": "sup"}
_OPENING = re.compile(r"\\.|\$")
_BAR = re.compile(r"(?<!\\)\|")
_HIDDEN_BAR = "\0"
"""No text has it, because the parser has replaced it by then."""
_BLOCK_DELIMITERS = (("$$", "$$"), ("\\[", "\\]"))


def has_links(text: str) -> bool:
    """Return whether a text may have links, and has few enough brackets to read them."""
    return "](" in text and text.count("[") <= MAX_BRACKETS


def new_parser(*, links: bool = True) -> MarkdownIt:
    """Return a parser, with `links` only for a text that `has_links`."""
    # Reference definitions would drop words, and hide where a link goes. Deep nesting, so that no list's level is lost.
    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": 100})
    parser.enable(["table", "strikethrough"]).disable(["reference"] if links else ["reference", "link", "image"])
    parser.block.ruler.at("table", _table, {"alt": ["paragraph", "reference"]})
    parser.inline.ruler.before("escape", "math_inline", _math_inline)
    parser.inline.ruler.before("autolink", "html_tag", _html_tag)
    parser.block.ruler.before(
        "fence", "math_block", _math_block, {"alt": ["paragraph", "reference", "blockquote", "list"]}
    )
    parser.core.ruler.after("normalize", "hide_bars", _hide_bars)
    parser.core.ruler.after("block", "show_bars", _show_bars)
    parser.core.ruler.after("inline", "math_paragraph", _split_paragraphs)
    return parser


def _hide_bars(state: StateCore) -> None:
    """Replace the bars in formulas, which tables would take for the edges of cells."""
    if "|" in state.src:
        state.src = "\n".join(map(_with_hidden_bars, state.src.split("\n")))


def _with_hidden_bars(line: str) -> str:
    if "|" not in line or ("$" not in line and "\\(" not in line):
        return line
    shown, at = "", 0
    while opening := _OPENING.search(line, at):
        start, end = opening.span()
        if formula := _inline_formula(line, start, len(line)):
            end = formula[2]
        shown += line[at:start] + _BAR.sub(_HIDDEN_BAR, line[start:end])
        at = end
    return shown + line[at:]


def _show_bars(state: StateCore) -> None:
    for token in state.tokens:
        token.content = token.content.replace(_HIDDEN_BAR, "|")
        token.info = token.info.replace(_HIDDEN_BAR, "|")


def _math_inline(state: StateInline, silent: bool) -> bool:
    found = _inline_formula(state.src, state.pos, state.posMax)
    if found is None:
        return False
    content, markup, end = found
    if not silent:
        token = state.push("math_block" if markup == "$$" else "math_inline", "math", 0)
        token.content, token.markup = content, markup
    state.pos = end
    return True


def _inline_formula(text: str, start: int, end: int) -> tuple[str, str, int] | None:
    """Return the LaTeX of a formula that starts here, its delimiter, and where it ends."""
    if text.startswith("\\(", start):
        close = text.find("\\)", start + 2, min(end, start + MAX_FORMULA))
        content = text[start + 2 : close].strip() if close > 0 else ""
        return (content, "\\(", close + 2) if content and "`" not in content else None
    if text[start] != "$":
        return None
    markup = "$$" if text.startswith("$$", start) else "$"
    first = start + len(markup)
    close = _closing(text, markup, first, min(end, first + MAX_FORMULA))
    if close < 0:
        return None
    content, after = text[first:close], text[close + len(markup) : close + len(markup) + 1]
    if markup == "$" and not _is_formula(content, text[start - 1 : start], after):
        return None
    return (content.strip(), markup, close + len(markup)) if content.strip() else None


def _closing(text: str, markup: str, start: int, end: int) -> int:
    """Return where the closing dollars are; -1 without any."""
    at = start
    while (at := text.find("$", at, end)) >= 0:
        if (at - len(text[start:at].rstrip("\\")) - start) % 2 == 0:
            return at if text.startswith(markup, at) and (markup == "$$" or not text.startswith("$$", at)) else -1
        at += 1
    return -1


def _is_formula(content: str, before: str, after: str) -> bool:
    """Return whether what stands between two dollar signs is a formula, rather than money or a shell's variables."""
    if not content or content[0].isspace() or content[-1].isspace() or before.isdigit() or after.isdigit():
        return False
    if (
        (after.isalpha() or after in "{(_")
        and after
        and (_VARIABLE.match(content) or (len(content) > 2 and not re.search(r"[\\^_]", content)))
    ):
        return False
    return not _PROSE.search(_GROUPS.sub(" ", content))


def _split_paragraphs(state: StateCore) -> None:
    """Let display formulas in the middle of a paragraph stand between two; elsewhere, they're within the line.

    Elsewhere is in headings and tables, and within bold text, links and the like, which can't be split.
    """
    tokens: list[Token] = []
    following = iter(state.tokens)
    for token in following:
        in_paragraph = bool(tokens) and tokens[-1].type == "paragraph_open"
        between = False
        for formula in (child for child in token.children or () if child.type == "math_block"):
            if in_paragraph and formula.level == 0:
                between = True
            else:
                formula.type = "math_inline"
        if between:
            tokens.extend(_parts(tokens.pop(), token, next(following)))
        else:
            tokens.append(token)
    state.tokens = tokens


def _parts(opening: Token, inline: Token, closing: Token) -> Iterator[Token]:
    line: list[Token] = []
    for child in (*(inline.children or ()), None):
        if child is not None and child.type != "math_block":
            if line or child.type != "softbreak":
                line.append(child)
            continue
        while line and line[-1].type == "softbreak":
            line.pop()
        if any(part.type != "text" or part.content.strip() for part in line):
            line[0].content, line[-1].content = line[0].content.lstrip(), line[-1].content.rstrip()
            words = "".join(part.content for part in line)
            yield from (opening, inline.copy(children=line, content=words), closing)
        line = []
        if child is not None:
            yield child.copy(block=True, map=inline.map)


def _html_tag(state: StateInline, silent: bool) -> bool:
    if state.src[state.pos] != "<":
        return False
    found = _TAG.match(state.src, state.pos, state.posMax)
    if found is None:
        return False
    name = (found[1] or "").lower()
    if not name:
        if not silent:
            state.push("hardbreak", "br", 0)
        state.pos = found.end()
        return True
    closing = re.compile(rf"</{name}\s*>", re.IGNORECASE).search(
        state.src, found.end(), min(state.posMax, found.end() + MAX_TAG_CONTENT)
    )
    if closing is None:
        return False
    if not silent:
        _push_tagged(state, name, found.end(), closing.start())
    state.pos = closing.end()
    return True


def _push_tagged(state: StateInline, name: str, start: int, end: int) -> None:
    if name in ("code", "kbd"):
        state.push("code_inline", "code", 0).content = state.src[start:end]
        return
    kind, last = _STYLES[name], state.posMax
    state.push(f"{kind}_open", kind, 1)
    state.pos, state.posMax = start, end
    state.linkLevel += 1
    state.md.inline.tokenize(state)
    state.linkLevel -= 1
    state.posMax = last
    state.push(f"{kind}_close", kind, -1)


def _math_block(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
    if state.is_code_block(start_line):
        return False
    line = _line(state, start_line)
    opening, closing = next(((o, c) for o, c in _BLOCK_DELIMITERS if line.startswith(o)), ("", ""))
    start = state.bMarks[start_line] + state.tShift[start_line] + len(opening)
    if not opening or state.src.find(closing, start, start + MAX_FORMULA) < 0:
        return False
    lines, next_line = [line[len(opening) :]], start_line + 1
    while closing not in lines[-1]:
        if next_line >= end_line or len(lines) > MAX_LINES or state.sCount[next_line] < state.blkIndent:
            return False
        if state.isEmpty(next_line) and len(lines) > 1:  # formulas have no blank lines
            return False
        lines.append(_line(state, next_line))
        next_line += 1
    last, _, rest = lines[-1].partition(closing)
    content = "\n".join((*lines[:-1], last)).strip()
    if rest.strip() or not content:
        return False
    if not silent:
        token = state.push("math_block", "math", 0)
        token.block, token.content, token.markup, token.map = True, content, opening, [start_line, next_line]
    state.line = next_line
    return True


def _table(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
    """Read a table, including the cells of rows that have more than its header, which the standard drops."""
    before = len(state.tokens)
    found = table(state, start_line, end_line, silent)
    state.tokens[before:] = _with_all_cells(state, state.tokens[before:])
    return found


def _with_all_cells(state: StateBlock, tokens: Iterable[Token]) -> Iterator[Token]:
    line, cells = 0, 0
    for token in tokens:
        if token.type == "tr_open" and token.map:
            line, cells = token.map[0], 0
        elif token.type in ("th_open", "td_open"):
            cells += 1
        elif token.type == "tr_close":
            columns = escapedSplit(_line(state, line).strip().removeprefix("|").removesuffix("|"))
            for content in columns[cells:]:
                yield Token("td_open", "td", 1)
                yield Token("inline", "", 0, content=content.strip(), map=[line, line + 1], children=[])
                yield Token("td_close", "td", -1)
        yield token


def _line(state: StateBlock, number: int) -> str:
    return state.src[state.bMarks[number] + state.tShift[number] : state.eMarks[number]]
