"""Show Markdown in the terminal: Rich draws what the one parser read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode
from rich.console import JustifyMethod
from rich.markdown import Markdown, MarkdownElement, TableDataElement
from rich.text import Text as Line

from bot.text.markdown import formula_text, parse, tokens
from bot.text.writer import Bare

STYLES = {"strong": "bold", "em": "italic", "s": "strike"}


class _Cell(TableDataElement):
    """A table's cell, in which a word that's too long is broken; Rich would cut it."""

    def __init__(self, justify: JustifyMethod) -> None:
        super().__init__(justify)
        self.content.overflow = "fold"


class TerminalMarkdown(Markdown):
    """Blocks of Markdown, with formulas in Unicode."""

    elements: ClassVar[dict[str, type[MarkdownElement]]] = Markdown.elements | {"th_open": _Cell, "td_open": _Cell}

    def __init__(self, text: str) -> None:
        super().__init__("", code_theme="ansi_dark", hyperlinks=False)
        self.parsed = [_block(token) for token in tokens(text)]


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
            case "math_inline" if formula_text(node) is None:
                yield Token("code_inline", "code", 0, content=node.content)
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
            shown.append(f"`{node.content}`", style)
        case "fence" | "code_block":
            shown.append(" ".join(node.content.split()), style)
        case "math_inline" | "sub" | "sup" | "link":
            shown.append(Bare().span(node), style)
        case "math_block":
            shown.append(" ".join((formula_text(node) or node.content).split()), style)
        case _:
            for child in node.children:
                _append(shown, child, f"{style} {STYLES.get(node.type, '')}".strip())
