"""Converting HTML to Markdown: tags go, and what only looks like one stays."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from knowledge.importers import markup

MIXED = """See:

- one
- two<br>more

```python
if x < 2:
    print("<b>")
```

The end<!-- hidden -->, x<sub>t</sub> and <b>bold</b>."""


def test_tags_in_markdown_are_removed_and_its_lines_and_code_stay() -> None:
    assert markup.inline(MIXED) == (
        'See:\n\n- one\n- two  \nmore\n\n```python\nif x < 2:\n    print("<b>")\n```\n\nThe end, x_t and **bold**.'
    )


@pytest.mark.parametrize(
    "text",
    ["$p(x_t \\mid x_{<t}, y>2)$", "a < b and c > d", "`<s>` begins", "it is &lt; 5 &amp; more", "~~~\n<p>\n~~~"],
)
def test_a_text_without_tags_does_not_change(text: str) -> None:
    assert not markup.has_tags(text)
    assert markup.inline(text) == text


def test_tokens_of_language_models_are_not_tags() -> None:
    assert markup.inline("<s> begins and </s> ends; x_<t and y> too") == r"\<s> begins and \</s> ends; x_\<t and y> too"


def test_a_page_keeps_code_tables_lists_and_formulas_and_its_dollars_are_money() -> None:
    page = (
        "<p>From $5 to $6: \\(x_1 < y\\)</p><pre>if a:\n\n    b &lt; 2</pre><ul><li>one<ul><li>two</li></ul></li></ul>"
        '<table><tr><th>p</th></tr><tr><td>q</td></tr></table>\\[z*2*3\\]<a href="https://a.example/b">there</a>'
    )
    found = markup.markdown(page, dollars=True)

    assert r"From \$5 to \$6: $x_1 < y$" in found
    assert "```\nif a:\n\n    b < 2\n```" in found
    assert "- one\n  - two" in found
    assert "| p |\n| --- |\n| q |" in found
    assert "$$z*2*3$$" in found
    assert "there (https://a.example/b)" in found


@pytest.mark.parametrize(
    "text",
    [
        "<scr<script>alert(1)</script>ipt>alert(2)</script>",
        "<img src=x onerror=alert(1)>",
        "<svg/onload=alert(1)>x</svg>",
        "<x-y onclick=alert(1)>z</x-y>",
        "&lt;script&gt;x&lt;/script&gt; <b>b</b>",
        "<!-- <script> --><!x><?php x ?><b",
        "<style>p{}</style><iframe src=a></iframe>",
    ],
)
def test_no_html_is_left(text: str) -> None:
    for found in (markup.markdown(text), markup.inline(text)):
        assert not raw(found), found


def raw(text: str) -> list[str]:
    """Return the HTML that a Markdown renderer without protection would output."""
    tokens = MarkdownIt("commonmark").parse(text)
    every = [*tokens, *(child for token in tokens for child in token.children or ())]
    return [token.content for token in every if token.type in ("html_block", "html_inline")]


tags = st.sampled_from(["<b>", "</b>", "<p ", ">", "<script>", "</script>", "<!--", "-->", "\n", "&lt;", "\n\n"])


@given(st.lists(tags | st.text("ab </\\<&!?'\"=", max_size=4), max_size=25).map("".join))
def test_no_html_survives_in_any_text(text: str) -> None:
    assert raw(markup.inline(text)) == []


@pytest.mark.parametrize(
    "text",
    [
        "<p " * 60_000,
        "<script " * 30_000,
        "<b>x</b>" + "<img " * 40_000,
        "<!--" * 50_000,
        "<div>" * 40_000,
        "`" * 200_000,
        "$" * 200_000,
        "```\n~~~\n" * 20_000,
        "[latex]" * 30_000,
    ],
)
def test_no_text_takes_long(text: str) -> None:
    start = time.process_time()
    markup.inline(text)
    markup.markdown(text)

    assert time.process_time() - start < 10
