"""Turn math in Markdown into readable Unicode, where LaTeX isn't drawn."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pylatexenc.latex2text import LatexNodes2Text
    from pylatexenc.macrospec import LatexContextDb

# Escapes and code first, so that a dollar inside is left alone; then display math, then inline.
_PIECES = re.compile(
    r"(?P<code>\\[^\w\s]|(?P<ticks>`{3,}+).*?(?P=ticks)`*|^[ \t]*`{3}.*\Z|~~~.*?~~~|`[^`\n]+`)"  # \$5 is money
    r"|\$\$(?P<display>.+?)\$\$|\$(?P<inline>(?:\\.|[^$\\\n])+?)\$",
    re.DOTALL | re.MULTILINE,
)
MAX_LENGTH = 2000
"""Characters, of a formula and of its conversion; longer ones are shown as LaTeX."""
MAX_DEPTH = 8
"""Nested groups; the same limit as for drawing, in knowledge/format/latex.py."""
MAX_FORMULAS = 100
"""Formulas converted per text, which takes about 50 ms."""
_OPENING = re.compile(
    r"\\[{}\\]"
    r"|(?P<brace>\{)|(?P<group>\\begin(?![A-Za-z]))|(?P<option>\\(?!left|right|[Bb]ig)[A-Za-z]+\*?\s*\[)|(?P<maths>\\[(\[])"
    r"|(?P<no_brace>\})|(?P<no_group>\\end(?![A-Za-z]))|(?P<no_option>\])|(?P<no_maths>\\[)\]])"
)
_SUPER = dict(zip("0123456789+-=()nijTt*", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿⁱʲᵀᵗ*", strict=True))
_SUB = dict(zip("0123456789+-=()aeijknmoprstuvx", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑᵢⱼₖₙₘₒₚᵣₛₜᵤᵥₓ", strict=True))
_MACRO = re.compile(r"\\([A-Za-z]+|.)", re.DOTALL)
_SPACED = re.compile(r"(\\[A-Za-z]+)[ \t]+(?!\{)")
_NAME = re.compile(r"\\[A-Za-z]+\s*$")
_SIZES = re.compile(r"\\(?:left|right|[Bb]igg?[lr]?)(?![A-Za-z])")
_FUNCTIONS = re.compile(r"(\\(?:log|exp|min|max|sup|inf|arg|det|sin|cos|tanh))(?=\\[A-Za-z])")
_LOOSE = frozenset("+-−=<>≤≥≈∼|,")
_CHARACTERS = re.compile(r"[A-Za-z0-9+=(),./:;<>|\[\] ]*")
# Converted parts are replaced by one placeholder each until all is converted, so nothing is read twice.
_PLACEHOLDER = re.compile("[\ue000-\uf8ff]")
_FIRST_PLACEHOLDER = 0xE000


def readable(markdown: str) -> str:
    """Return the Markdown with its formulas in Unicode; a display formula becomes a code block."""
    converted = 0

    def piece(found: re.Match[str]) -> str:
        nonlocal converted
        if found["code"]:
            return found["code"]
        converted += 1
        text = (formula if converted <= MAX_FORMULAS else _unconverted)(found["display"] or found["inline"])
        if found["display"]:
            lines = [line.strip() for line in text.replace("```", "ˋˋˋ").splitlines() if line.strip()]
            return "\n\n```text\n" + "\n".join(lines) + "\n```\n\n"
        return _escaped(text)

    return _PIECES.sub(piece, markdown)


@lru_cache(maxsize=4096)
def formula(latex: str) -> str:
    """Convert one formula to Unicode: fractions with a slash, superscripts and subscripts where Unicode has them.

    A formula that's too long or too deep, or can't be parsed, stays LaTeX.
    """
    latex = _PLACEHOLDER.sub("", latex)
    if len(latex) > MAX_LENGTH or _depth(latex) > MAX_DEPTH:
        return _unconverted(latex)
    try:
        text = _plain(latex)
    except Exception:  # the converter raises all kinds of errors
        return _unconverted(latex)
    return text if 0 < len(text) <= MAX_LENGTH else _unconverted(latex)


def _unconverted(latex: str) -> str:
    latex = latex.strip()
    return latex if len(latex) <= MAX_LENGTH else latex[: MAX_LENGTH - 1] + "…"


def _depth(latex: str) -> int:
    """Return how deeply groups are nested; unclosed ones count, as they do for the converter."""
    open_groups, deepest = Counter[str](), 0
    for found in _OPENING.finditer(latex):
        kind = found.lastgroup or ""
        if kind.startswith("no_"):
            open_groups[kind[3:]] = max(open_groups[kind[3:]] - 1, 0)
        elif kind:
            open_groups[kind] += 1
            deepest = max(deepest, open_groups.total())
    return deepest


@lru_cache(maxsize=4096)  # formulas have many parts in common
def _plain(latex: str) -> str:
    if _CHARACTERS.fullmatch(latex):
        return re.sub(r"[ \t]+", " ", latex).strip()
    latex = _SIZES.sub("", latex).replace(r"\|", "‖").replace(r"\,", " ").replace(r"\;", " ").replace(r"\!", "")
    latex = _FUNCTIONS.sub(r"\1 ", latex.replace(r"\arg", r"\mathrm{arg}\ "))
    converter, commands = _converter()
    structured, converted = _structured(latex)
    text = converter.latex_to_text(_SPACED.sub(r"\1{} ", structured), latex_context=commands, tolerant_parsing=False)
    return re.sub(
        r"[ \t]+", " ", _PLACEHOLDER.sub(lambda found: converted[ord(found[0]) - _FIRST_PLACEHOLDER], text)
    ).strip()


def _structured(latex: str) -> tuple[str, list[str]]:
    """Replace each fraction, root, superscript and subscript by a placeholder; return their conversions, too."""
    out, at = "", 0
    converted: list[str] = []

    def placeholder(text: str, separator: str = "{}") -> str:
        converted.append(text)
        # The empty group ends a macro's name: what follows would be taken for part of it, or for its argument.
        return (separator if _NAME.search(out, max(0, len(out) - 40)) else "") + chr(
            _FIRST_PLACEHOLDER + len(converted) - 1
        )

    while at < len(latex):
        sign = latex[at]
        macro = _MACRO.match(latex, at) if sign == "\\" else None
        if macro and macro[1] in ("frac", "dfrac", "tfrac"):
            numerator, at = _argument(latex, macro.end())
            denominator, at = _argument(latex, at)
            out += placeholder(
                _grouped(_plain(numerator), _LOOSE) + "/" + _grouped(_plain(denominator), _LOOSE | {" ", "/"}),
                separator="{} ",
            )
        elif macro and macro[1] == "sqrt" and not latex.startswith("[", macro.end()):
            inner, at = _argument(latex, macro.end())
            out += placeholder(f"√({_plain(inner)})")
        elif macro:
            out, at = out + macro[0], macro.end()
        elif sign in "^_":
            inner, at = _argument(latex, at + 1)
            out += placeholder(_script(sign, _plain(inner), _SUPER if sign == "^" else _SUB))
        else:
            out, at = out + sign, at + 1
    return out, converted


def _argument(latex: str, at: int) -> tuple[str, int]:
    """Return what starts at a position, and where it ends: a group without its braces, a macro or a character."""
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
    return f"{sign}{{{text}}}"


def _grouped(text: str, loose: frozenset[str] | set[str]) -> str:
    """Add parentheses if one of these characters stands outside any."""
    depth = 0
    for sign in text:
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(sign, 0)
        if depth == 0 and sign in loose:
            return f"({text})"
    return text


def _escaped(text: str) -> str:
    """Escape what Markdown would take for emphasis or code, and E[z](x), which it would take for a link."""
    return re.sub(r"([*_\\`]|\[(?=[^\]]*\]\())", r"\\\1", text)


@cache
def _converter() -> tuple[LatexNodes2Text, LatexContextDb]:
    """Return the converter and the commands that it can parse."""
    from pylatexenc.latex2text import LatexNodes2Text, MacroTextSpec, get_default_latex_context_db
    from pylatexenc.latex2text._defaultspecs import unicode_accents_list
    from pylatexenc.latexwalker import get_default_latex_context_db as parsed_commands

    shown = get_default_latex_context_db()
    accents = [MacroTextSpec(name, simplify_repl=_accent(sign)) for name, sign in unicode_accents_list]
    # A title would be kept for the next formula, and dates aren't math.
    silent = [MacroTextSpec(name, simplify_repl="") for name in ("title", "author", "date", "maketitle", "today")]
    shown.add_context_category("studyhall", macros=[*accents, *silent], prepend=True)
    converter = LatexNodes2Text(shown, math_mode="text", keep_comments=True, strict_latex_spaces=False)
    return converter, parsed_commands()


def _accent(sign: str) -> Callable[[Any, LatexNodes2Text], str]:
    """Put the accent on each letter; pylatexenc would put it on every combining accent, too, doubling the text."""

    def accented(node: Any, l2tobj: LatexNodes2Text) -> str:
        text = l2tobj.nodelist_to_text(list(node.nodeargs[:1])).strip() if node.nodeargs else " "
        letters: list[str] = []
        for c in text.replace("ı", "i").replace("ȷ", "j"):
            letters[-1:] = [letters[-1] + c] if letters and unicodedata.combining(c) else [*letters[-1:], c]
        return "".join(unicodedata.normalize("NFC", letter + sign) for letter in letters)

    return accented
