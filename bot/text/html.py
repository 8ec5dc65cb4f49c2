"""Write Markdown as HTML. HTML in the text becomes text, and links neither pass on where they're followed from."""

from __future__ import annotations

from functools import cache
from html import escape
from typing import Any

from markdown_it import MarkdownIt

from bot.text.markdown import tokens
from bot.text.maths import formula


def html(text: str) -> str:
    """Convert Markdown to HTML that's safe to put on a page, with formulas in Unicode and no pictures."""
    parser = _renderer()
    return str(parser.renderer.render(tokens(text), parser.options, {}))


@cache
def _renderer() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False})
    parser.add_render_rule("math_inline", lambda _self, all_tokens, at, *_: _formula(all_tokens[at].content))
    parser.add_render_rule("math_block", lambda _self, all_tokens, at, *_: _display(all_tokens[at].content))
    parser.add_render_rule("image", lambda _self, all_tokens, at, *_: escape(_words(all_tokens[at])))
    parser.add_render_rule("link_open", _link)
    return parser


def _formula(latex: str) -> str:
    return f'<span class="formula">{escape(formula(latex))}</span>'


def _display(latex: str) -> str:
    return f'<pre class="formula">{escape(formula(latex))}</pre>\n'


def _words(token: Any) -> str:
    return "".join(child.content for child in token.children or ())


def _link(_self: Any, all_tokens: Any, at: int, *_: Any) -> str:
    address = str(all_tokens[at].attrs.get("href", ""))
    return f'<a href="{escape(address)}" rel="nofollow noopener noreferrer">'
