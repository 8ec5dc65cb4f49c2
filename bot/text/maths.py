"""Maths in Markdown as readable Unicode, for wherever LaTeX is not drawn."""

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

# What is escaped and code first, so that a dollar inside it is left alone; then display maths, then inline.
_PIECES = re.compile(
    r"(?P<code>\\[^\w\s]|(?P<ticks>`{3,}+).*?(?P=ticks)`*|^[ \t]*`{3}.*\Z|~~~.*?~~~|`[^`\n]+`)"  # \$5 is money
    r"|\$\$(?P<display>.+?)\$\$|\$(?P<inline>(?:\\.|[^$\\\n])+?)\$",
    re.DOTALL | re.MULTILINE,
)
LENGTH = 2000
"""Characters of a formula and of what is made of it: a longer one is shown as it stands."""
DEEPEST = 8
"""How deeply groups may be nested, as knowledge/format/latex.py has it for those that are drawn."""
MOST = 100
"""Formulas of one text that are converted: as many take about 50 ms."""
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
# What has been converted already is one sign until all is, so that nothing is read twice.
_KEPT = re.compile("[\ue000-\uf8ff]")
_FIRST = 0xE000


def readable(markdown: str) -> str:
    """The Markdown with its formulas in Unicode; a display formula becomes a block of its own."""
    converted = 0

    def piece(found: re.Match[str]) -> str:
        nonlocal converted
        if found["code"]:
            return found["code"]
        converted += 1
        text = (formula if converted <= MOST else _as_it_stands)(found["display"] or found["inline"])
        if found["display"]:
            lines = [line.strip() for line in text.replace("```", "ˋˋˋ").splitlines() if line.strip()]
            return "\n\n```text\n" + "\n".join(lines) + "\n```\n\n"
        return _escaped(text)

    return _PIECES.sub(piece, markdown)


@lru_cache(maxsize=4096)
def formula(latex: str) -> str:
    """One formula as Unicode text: fractions with a slash, raised and lowered signs where Unicode has them.

    One that is too long or too deep, or that cannot be read, is shown as it stands.
    """
    latex = _KEPT.sub("", latex)
    if len(latex) > LENGTH or _depth(latex) > DEEPEST:
        return _as_it_stands(latex)
    try:
        text = _plain(latex)
    except Exception:  # the converter raises whatever comes along
        return _as_it_stands(latex)
    return text if 0 < len(text) <= LENGTH else _as_it_stands(latex)


def _as_it_stands(latex: str) -> str:
    latex = latex.strip()
    return latex if len(latex) <= LENGTH else latex[: LENGTH - 1] + "…"


def _depth(latex: str) -> int:
    """How deeply its groups are nested; one that is never closed counts, as the converter takes it for one."""
    now, deepest = Counter[str](), 0
    for found in _OPENING.finditer(latex):
        kind = found.lastgroup or ""
        if kind.startswith("no_"):
            now[kind[3:]] = max(now[kind[3:]] - 1, 0)
        elif kind:
            now[kind] += 1
            deepest = max(deepest, now.total())
    return deepest


@lru_cache(maxsize=4096)  # formulas have many parts in common
def _plain(latex: str) -> str:
    if _CHARACTERS.fullmatch(latex):
        return re.sub(r"[ \t]+", " ", latex).strip()
    latex = _SIZES.sub("", latex).replace(r"\|", "‖").replace(r"\,", " ").replace(r"\;", " ").replace(r"\!", "")
    latex = _FUNCTIONS.sub(r"\1 ", latex.replace(r"\arg", r"\mathrm{arg}\ "))
    converter, known = _converter()
    structured, kept = _structured(latex)
    text = converter.latex_to_text(_SPACED.sub(r"\1{} ", structured), latex_context=known, tolerant_parsing=False)
    return re.sub(r"[ \t]+", " ", _KEPT.sub(lambda found: kept[ord(found[0]) - _FIRST], text)).strip()


def _structured(latex: str) -> tuple[str, list[str]]:
    """The formula with a sign for each fraction, root, exponent and index in it; and what these signs stand for."""
    out, at = "", 0
    kept: list[str] = []

    def keep(text: str, apart: str = "{}") -> str:
        kept.append(text)
        # The empty group ends a macro's name: what follows would be taken for part of it, or for what it is about.
        return (apart if _NAME.search(out, max(0, len(out) - 40)) else "") + chr(_FIRST + len(kept) - 1)

    while at < len(latex):
        sign = latex[at]
        macro = _MACRO.match(latex, at) if sign == "\\" else None
        if macro and macro[1] in ("frac", "dfrac", "tfrac"):
            above, at = _argument(latex, macro.end())
            below, at = _argument(latex, at)
            out += keep(
                _grouped(_plain(above), _LOOSE) + "/" + _grouped(_plain(below), _LOOSE | {" ", "/"}), apart="{} "
            )
        elif macro and macro[1] == "sqrt" and not latex.startswith("[", macro.end()):
            inner, at = _argument(latex, macro.end())
            out += keep(f"√({_plain(inner)})")
        elif macro:
            out, at = out + macro[0], macro.end()
        elif sign in "^_":
            inner, at = _argument(latex, at + 1)
            out += keep(_script(sign, _plain(inner), _SUPER if sign == "^" else _SUB))
        else:
            out, at = out + sign, at + 1
    return out, kept


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
    return f"{sign}{{{text}}}"


def _grouped(text: str, loose: frozenset[str] | set[str]) -> str:
    """In parentheses if one of these signs stands outside any."""
    depth = 0
    for sign in text:
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(sign, 0)
        if depth == 0 and sign in loose:
            return f"({text})"
    return text


def _escaped(text: str) -> str:
    """So that a star or an underscore of a formula is not taken for emphasis, nor E[z](x) for a link."""
    return re.sub(r"([*_\\`]|\[(?=[^\]]*\]\())", r"\\\1", text)


@cache
def _converter() -> tuple[LatexNodes2Text, LatexContextDb]:
    """What converts, and the commands that it can read."""
    from pylatexenc.latex2text import LatexNodes2Text, MacroTextSpec, get_default_latex_context_db
    from pylatexenc.latex2text._defaultspecs import unicode_accents_list
    from pylatexenc.latexwalker import get_default_latex_context_db as commands

    shown = get_default_latex_context_db()
    accents = [MacroTextSpec(name, simplify_repl=_accent(sign)) for name, sign in unicode_accents_list]
    # A title would be kept for the next formula, and dates are no maths.
    silent = [MacroTextSpec(name, simplify_repl="") for name in ("title", "author", "date", "maketitle", "today")]
    shown.add_context_category("studyhall", macros=[*accents, *silent], prepend=True)
    converter = LatexNodes2Text(shown, math_mode="text", keep_comments=True, strict_latex_spaces=False)
    return converter, commands()


def _accent(sign: str) -> Callable[[Any, LatexNodes2Text], str]:
    """Each letter with its accent; pylatexenc itself puts one on every accent, too, which doubles the text."""

    def accented(node: Any, l2tobj: LatexNodes2Text) -> str:
        text = l2tobj.nodelist_to_text(list(node.nodeargs[:1])).strip() if node.nodeargs else " "
        letters: list[str] = []
        for c in text.replace("ı", "i").replace("ȷ", "j"):
            letters[-1:] = [letters[-1] + c] if letters and unicodedata.combining(c) else [*letters[-1:], c]
        return "".join(unicodedata.normalize("NFC", letter + sign) for letter in letters)

    return accented
