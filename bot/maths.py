"""Maths in Markdown as readable Unicode, for wherever LaTeX is not drawn."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pylatexenc.latex2text import LatexNodes2Text

# Code first, so that a dollar inside it is left alone; then display maths, then inline.
_PIECES = re.compile(
    r"(?P<code>```.*?```|~~~.*?~~~|`[^`\n]+`)|\$\$(?P<display>.+?)\$\$|\$(?P<inline>[^$\n]+?)\$", re.DOTALL
)
_SUPER = str.maketrans("0123456789+-=()nijTt*", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿⁱʲᵀᵗ*")
_SUB = str.maketrans("0123456789+-=()aeijknmoprstuvx", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑᵢⱼₖₙₘₒₚᵣₛₜᵤᵥₓ")
_RAISED = re.compile(r"\^(?:\{([0-9+\-=()nijTt]+)\}|([0-9nijTt]))")
_LOWERED = re.compile(r"_(?:\{([0-9+\-=()aeijknmoprstuvx]+)\}|([0-9aeijknmoprstuvx])(?![A-Za-z]))")
_FRACTION = re.compile(r"\\[dt]?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}")


def readable(markdown: str) -> str:
    """The Markdown with its formulas in Unicode; a display formula becomes a quoted line of its own."""

    def piece(found: re.Match[str]) -> str:
        if found["code"]:
            return found["code"]
        if found["display"]:
            lines = [line.strip() for line in formula(found["display"]).splitlines() if line.strip()]
            return "\n\n```text\n" + "\n".join(lines) + "\n```\n\n"
        return _escaped(formula(found["inline"]))

    return _PIECES.sub(piece, markdown)


@lru_cache(maxsize=4096)
def formula(latex: str) -> str:
    """One formula as Unicode text."""
    latex = (
        latex.replace("\\left", "").replace("\\right", "").replace("\\,", " ").replace("\\;", " ").replace("\\!", "")
    )
    while (plain := _FRACTION.sub(_over, latex)) != latex:
        latex = plain
    latex = _RAISED.sub(lambda m: (m[1] or m[2]).translate(_SUPER), latex)
    latex = _LOWERED.sub(lambda m: (m[1] or m[2]).translate(_SUB), latex)
    return re.sub(r"[ \t]+", " ", str(_converter().latex_to_text(latex))).strip()


def _over(found: re.Match[str]) -> str:
    above, below = (part if re.fullmatch(r"\\?[\w.]+", part.strip()) else f"({part})" for part in found.groups())
    return f"{above.strip()}/{below.strip()}"


def _escaped(text: str) -> str:
    """So that a star or an underscore of a formula is not taken for emphasis."""
    return re.sub(r"([*_\\])", r"\\\1", text)


@cache
def _converter() -> LatexNodes2Text:
    from pylatexenc.latex2text import LatexNodes2Text

    return LatexNodes2Text(math_mode="text", keep_comments=True, strict_latex_spaces=False)
