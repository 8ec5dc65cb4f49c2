"""Write superscripts and subscripts with the characters that Unicode has for them."""

from __future__ import annotations

import re

SUPERSCRIPTS = str.maketrans("0123456789+-−=()nijTt*", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ⁿⁱʲᵀᵗ*")
SUBSCRIPTS = str.maketrans("0123456789+-−=()aeijknmoprstuvx", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎ₐₑᵢⱼₖₙₘₒₚᵣₛₜᵤᵥₓ")


def superscript(text: str) -> str:
    """Return the text raised; if Unicode lacks one of its characters, after a caret."""
    return _script("^", text, SUPERSCRIPTS)


def subscript(text: str) -> str:
    """Return the text lowered; if Unicode lacks one of its characters, after an underscore."""
    return _script("_", text, SUBSCRIPTS)


def _script(sign: str, text: str, small: dict[int, int]) -> str:
    if text and all(ord(character) in small for character in text):
        return text.translate(small)
    return f"{sign}{text}" if re.fullmatch(r"\w+|.|", text) else f"{sign}{{{text}}}"
