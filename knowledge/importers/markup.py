"""HTML -> Markdown: structure and code are kept; scripts, styles, comments and unknown tags are not."""

from __future__ import annotations

import html
import re

TAG = re.compile(
    r"</?(?:p|br|div|span|b|i|u|s|strong|em|code|pre|ul|ol|li|table|tr|td|th|tbody|thead|img|a|h[1-6]|hr|sub|sup|font|"
    r"script|style|iframe|svg|object|embed|form|input|button|video|audio|math|link|meta|base|blockquote|details)\b[^>]*>",
    re.IGNORECASE,
)
DROPPED = re.compile(
    r"<(script|style|iframe|svg|object|embed|form|template)\b.*?(?:</\1\s*>|\Z)|<!--.*?(?:-->|\Z)",
    re.IGNORECASE | re.DOTALL,
)
MATHJAX = re.compile(r"\\\((.+?)\\\)|\\\[(.+?)\\\]|\[\$\](.+?)\[/\$\]|\[latex\](.+?)\[/latex\]", re.DOTALL)
CODE = re.compile(r"(^(`{3,}|~{3,}).*?^\2[^\n]*$|`[^`\n]+`)", re.DOTALL | re.MULTILINE)


def looks_like(text: str) -> bool:
    """Whether there are tags outside of code."""
    return bool(TAG.search(CODE.sub("", text)))


def dropped(text: str) -> bool:
    """Whether `markdown` leaves something out that is no mere markup."""
    return bool(DROPPED.search(text))


def markdown(text: str) -> str:
    """The text as Markdown without any HTML. MathJax's brackets become dollars. Pictures are named, not linked."""
    from markdownify import MarkdownConverter

    text = DROPPED.sub("", text)
    text = MATHJAX.sub(_dollars, text)
    converter = MarkdownConverter(
        heading_style="ATX",
        bullets="-",
        strip=["a"],
        escape_asterisks=False,
        escape_underscores=False,
        escape_misc=False,
    )
    found = converter.convert(re.sub(r"<img\b[^>]*>", " (a picture) ", text, flags=re.IGNORECASE))
    return re.sub(r"\n{3,}", "\n\n", str(found)).strip()


def _dollars(found: re.Match[str]) -> str:
    inline, display, old, latex = found.groups()
    formula = re.sub(r"<[^>]+>", " ", html.unescape(display or inline or old or latex)).strip()
    return f"\n\n$${formula}$$\n\n" if display else f"${formula}$"
