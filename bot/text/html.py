"""Write Markdown as HTML. HTML in the text becomes text, and links neither pass on where they're followed from."""

from __future__ import annotations

from functools import cache
from html import escape
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

from bot.text.markdown import formula_text, tokens


def html(text: str) -> str:
    """Convert Markdown to HTML that's safe to put on a page, with formulas in Unicode and no pictures."""
    parser = _renderer()
    return str(parser.renderer.render(tokens(text), parser.options, {}))


@cache
def _renderer() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False})
    parser.add_render_rule("math_inline", lambda _self, found, at, *_: _formula("span", found[at]))
    parser.add_render_rule("math_block", lambda _self, found, at, *_: _formula("pre", found[at]) + "\n")
    parser.add_render_rule("image", lambda _self, found, at, *_: escape(_words(found[at])))
    parser.add_render_rule("link_open", _link)
    return parser


def _formula(tag: str, token: Token) -> str:
    return f'<{tag} class="formula">{escape(formula_text(token) or token.content)}</{tag}>'


def _words(token: Token) -> str:
    return "".join(child.content for child in token.children or ())


def _link(_self: Any, found: Any, at: int, *_: Any) -> str:
    address = str(found[at].attrs.get("href", ""))
    return f'<a href="{escape(address)}" rel="nofollow noopener noreferrer">'
