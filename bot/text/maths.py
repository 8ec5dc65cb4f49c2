"""Turn math in Markdown into readable Unicode, where LaTeX isn't drawn."""

from __future__ import annotations

import re

from bot.text.formulas import unicode_text

# Escapes and code first, so that a dollar inside is left alone; then display math, then inline.
_PIECES = re.compile(
    r"(?P<code>\\[^\w\s]|(?P<ticks>`{3,}+).*?(?P=ticks)`*|^[ \t]*`{3}.*\Z|~~~.*?~~~|`[^`\n]+`)"  # \$5 is money
    r"|\$\$(?P<display>.+?)\$\$|\$(?P<inline>(?:\\.|[^$\\\n])+?)\$",
    re.DOTALL | re.MULTILINE,
)
MAX_LENGTH = 2000
"""Characters of a formula; a longer one is cut."""
MAX_FORMULAS = 100
"""Formulas written in Unicode per text, which takes about 100 ms; further ones are shown as LaTeX."""


def readable(markdown: str) -> str:
    """Return the Markdown with its formulas in Unicode; a display formula becomes a code block.

    Inline formulas that text can't say in a line stay LaTeX, as code.
    """
    written = 0

    def piece(found: re.Match[str]) -> str:
        nonlocal written
        if found["code"]:
            return found["code"]
        written += 1
        latex = found["display"] or found["inline"]
        text = unicode_text(latex) if written <= MAX_FORMULAS else None
        if found["display"]:
            lines = [line for line in (text or _cut(latex)).replace("```", "ˋˋˋ").splitlines() if line.strip()]
            return "\n\n```text\n" + "\n".join(lines) + "\n```\n\n"
        return _code(_cut(latex)) if text is None or "\n" in text else _escaped(text)

    return _PIECES.sub(piece, markdown)


def formula(latex: str) -> str:
    """Write a formula in Unicode, or leave it LaTeX if text can't say it."""
    return unicode_text(latex) or _cut(latex)


def _cut(latex: str) -> str:
    latex = latex.strip()
    return latex if len(latex) <= MAX_LENGTH else latex[: MAX_LENGTH - 1] + "…"


def _code(text: str) -> str:
    """Return a code span: its fence is longer than every run of backticks in it."""
    fence = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence} {text} {fence}" if text.startswith("`") or text.endswith("`") else f"{fence}{text}{fence}"


def _escaped(text: str) -> str:
    """Escape what Markdown would take for emphasis or code, and E[z](x), which it would take for a link."""
    return re.sub(r"([*_\\`]|\[(?=[^\]]*\]\())", r"\\\1", text)
