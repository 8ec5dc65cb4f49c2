"""Show Markdown in the terminal: Rich draws what the one parser read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import dropwhile
from typing import ClassVar

from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode
from rich.console import Console, ConsoleOptions, JustifyMethod, RenderResult
from rich.markdown import CodeBlock, Heading, Markdown, MarkdownElement, TableDataElement, TableElement
from rich.padding import Padding
from rich.segment import Segment
from rich.syntax import Syntax
from rich.table import Table as Grid
from rich.text import Text as Line
from rich.theme import Theme
from typing_extensions import override

from bot.text.markdown import formula_text, parse, tokens
from bot.text.writer import Bare

STYLES = {"strong": "bold", "em": "italic", "s": "strike"}
CODE_STYLE = "cyan"
THEME = Theme(
    {
        **{f"markdown.h{level}": "bold" for level in range(1, 7)},
        "markdown.code": CODE_STYLE,
        "markdown.block_quote": "none",
        "markdown.link": "none",
        "markdown.link_url": CODE_STYLE,
        "markdown.table.border": "dim",
        "markdown.table.header": "bold",
    }
)
"""Without backgrounds and bright colors, so that it can be read on dark and on light terminals."""
INDENT = 4
"""Spaces before code, which has no other frame."""


class _Heading(Heading):
    LEVEL_ALIGN = dict.fromkeys(Heading.LEVEL_ALIGN, "left")


class _Code(CodeBlock):
    @override
    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        code = str(self.text).rstrip()
        syntax = Syntax(code, self.lexer_name, theme=self.theme, word_wrap=True, background_color="default")
        yield Padding(syntax, (0, 0, 0, INDENT))


class _Table(TableElement):
    @override
    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for grid in super().__rich_console__(console, options):
            if isinstance(grid, Grid):
                grid.show_edge = False
            yield grid


class _Cell(TableDataElement):
    """A table's cell, in which a word that's too long is broken; Rich would cut it."""

    def __init__(self, justify: JustifyMethod) -> None:
        super().__init__(justify)
        self.content.overflow = "fold"


class TerminalMarkdown(Markdown):
    """Blocks of Markdown, with formulas in Unicode."""

    elements: ClassVar[dict[str, type[MarkdownElement]]] = {
        **Markdown.elements,
        "heading_open": _Heading,
        "fence": _Code,
        "code_block": _Code,
        "table_open": _Table,
        "th_open": _Cell,
        "td_open": _Cell,
    }

    def __init__(self, text: str) -> None:
        super().__init__("", code_theme="ansi_light", hyperlinks=False)
        self.parsed = [_block(token) for token in tokens(text)]

    @override
    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        with console.use_theme(THEME):
            drawn = list(super().__rich_console__(console, options))
        # Rich begins a list with an empty line, even if nothing is above it.
        return dropwhile(lambda part: isinstance(part, Segment) and part.text == "\n", drawn)


def _block(token: Token) -> Token:
    """Return a token that Rich knows."""
    if token.type == "math_block":
        return Token("fence", "code", 0, content=formula_text(token) or token.content, info="text", block=True)
    if token.type == "inline":
        inline = SyntaxTreeNode([token], create_root=False)
        return token.copy(children=list(_spans(inline.children)))
    return token


def _spans(nodes: Sequence[SyntaxTreeNode]) -> Iterator[Token]:
    for node in nodes:
        match node.type:
            case "code_inline":
                yield Token("code_inline", "code", 0, content=f"`{node.content}`")
            case "math_inline" if formula_text(node) is None:
                yield Token("code_inline", "code", 0, content=f"`{node.content}`")
            case "math_inline" | "sub" | "sup":
                yield Token("text", "", 0, content=Bare().span(node))
            case "u":
                yield from _spans(node.children)
            case "link" if Bare().span(node) == Bare().line(node):  # its words are its address, which Rich adds
                yield Token("text", "", 0, content=Bare().span(node))
            case _ if node.nester_tokens:
                yield node.nester_tokens.opening
                yield from _spans(node.children)
                yield node.nester_tokens.closing
            case _:
                assert node.token is not None  # noqa: S101
                yield node.token


def line(text: str, style: str = "") -> Line:
    """Return Markdown as one styled line."""
    shown = Line(style=style)
    for number, block in enumerate(parse(text)):
        shown.append(" " if number else "")
        _append(shown, block, "")
    return shown


def _append(shown: Line, node: SyntaxTreeNode, style: str) -> None:
    match node.type:
        case "text" | "text_special":
            shown.append(node.content, style)
        case "softbreak" | "hardbreak":
            shown.append(" ")
        case "code_inline":
            shown.append(f"`{node.content}`", f"{style} {CODE_STYLE}".strip())
        case "fence" | "code_block":
            shown.append(" ".join(node.content.split()), style)
        case "math_inline" | "sub" | "sup" | "link":
            shown.append(Bare().span(node), style)
        case "math_block":
            shown.append(" ".join((formula_text(node) or node.content).split()), style)
        case _:
            for child in node.children:
                _append(shown, child, f"{style} {STYLES.get(node.type, '')}".strip())
