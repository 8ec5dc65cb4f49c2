"""Maths in Markdown as readable Unicode, for wherever LaTeX is not drawn."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pylatexenc.latex2text import LatexNodes2Text

# Code first, so that a dollar inside it is left alone; then display maths, then inline.
_PIECES = re.compile(
    r"(?P<code>```.*?```|~~~.*?~~~|`[^`\n]+`)|(?<!\\)\$\$(?P<display>.+?)\$\$"
    r"|(?<!\\)\$(?P<inline>(?:\\.|[^$\\\n])+?)\$",  # \$5 is money
    re.DOTALL,
)
_SUPER = dict(zip("0123456789+-=()nijTt*", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿⁱʲᵀᵗ*", strict=True))
_SUB = dict(zip("0123456789+-=()aeijknmoprstuvx", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑᵢⱼₖₙₘₒₚᵣₛₜᵤᵥₓ", strict=True))
_MACRO = re.compile(r"\\([A-Za-z]+|.)", re.DOTALL)
_SPACED = re.compile(r"(\\[A-Za-z]+)[ \t]+(?!\{)")
_NAME = re.compile(r"\\[A-Za-z]+\s*$")
_SIZES = re.compile(r"\\(?:left|right|[Bb]igg?[lr]?)(?![A-Za-z])")
_FUNCTIONS = re.compile(r"(\\(?:log|exp|min|max|sup|inf|arg|det|sin|cos|tanh))(?=\\[A-Za-z])")
_LOOSE = frozenset("+-−=<>≤≥≈∼|,")
# Braces that are to be seen; LaTeX's own only group.
_OPEN, _SHUT = "\ue000", "\ue001"


def readable(markdown: str) -> str:
    """The Markdown with its formulas in Unicode; a display formula becomes a block of its own."""

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
    """One formula as Unicode text: fractions with a slash, raised and lowered signs where Unicode has them."""
    return _plain(latex).replace(_OPEN, "{").replace(_SHUT, "}")


def _plain(latex: str) -> str:
    latex = _SIZES.sub("", latex).replace(r"\|", "‖").replace(r"\,", " ").replace(r"\;", " ").replace(r"\!", "")
    latex = _FUNCTIONS.sub(r"\1 ", latex.replace(r"\arg", r"\mathrm{arg}\ "))
    text = _converter().latex_to_text(_SPACED.sub(r"\1{} ", _structured(latex)))
    return re.sub(r"[ \t]+", " ", str(text)).strip()


def _structured(latex: str) -> str:
    """The formula with its fractions, roots, exponents and indices written out; everything else as it was."""
    out, at = "", 0
    while at < len(latex):
        sign = latex[at]
        macro = _MACRO.match(latex, at)
        if macro and macro[1] in ("frac", "dfrac", "tfrac"):
            above, at = _argument(latex, macro.end())
            below, at = _argument(latex, at)
            out += "{} " if _NAME.search(out) else ""
            out += _grouped(_plain(above), _LOOSE) + "/" + _grouped(_plain(below), _LOOSE | {" ", "/"})
        elif macro and macro[1] == "sqrt" and not latex.startswith("[", macro.end()):
            inner, at = _argument(latex, macro.end())
            out += f"{{}}√({_plain(inner)})"
        elif macro:
            out, at = out + macro[0], macro.end()
        elif sign in "^_":
            inner, at = _argument(latex, at + 1)
            # The empty group ends a macro's name: a raised or lowered letter would be taken for part of it.
            out += "{}" + _script(sign, _plain(inner), _SUPER if sign == "^" else _SUB)
        else:
            out, at = out + sign, at + 1
    return out


def _argument(latex: str, at: int) -> tuple[str, int]:
    """What stands at a place: a group without its braces, a macro or one sign; and where it ends."""
    while latex[at : at + 1].isspace():
        at += 1
    if not latex.startswith("{", at):
        macro = _MACRO.match(latex, at)
        end = macro.end() if macro else at + 1
        return latex[at:end], end
    depth, end = 0, at
    while end < len(latex):
        depth += {"{": 1, "}": -1}.get(latex[end], 0)
        end += 2 if latex[end] == "\\" else 1
        if depth == 0:
            break
    return latex[at + 1 : end - 1] if depth == 0 else latex[at + 1 :], end


def _script(sign: str, text: str, small: dict[str, str]) -> str:
    if text and all(c in small for c in text):
        return "".join(small[c] for c in text)
    if re.fullmatch(r"\w+|.|", text):
        return f"{sign}{text}"
    return f"{sign}{_OPEN}{text}{_SHUT}"


def _grouped(text: str, loose: frozenset[str] | set[str]) -> str:
    """In parentheses if one of these signs stands outside any."""
    depth = 0
    for sign in text:
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(sign, 0)
        if depth == 0 and sign in loose:
            return f"({text})"
    return text


def _escaped(text: str) -> str:
    """So that a star or an underscore of a formula is not taken for emphasis."""
    return re.sub(r"([*_\\])", r"\\\1", text)


@cache
def _converter() -> LatexNodes2Text:
    from pylatexenc.latex2text import LatexNodes2Text

    return LatexNodes2Text(math_mode="text", keep_comments=True, strict_latex_spaces=False)
