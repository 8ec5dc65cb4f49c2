"""Superscripts and subscripts: the characters that Unicode has for them."""

from __future__ import annotations

import re
from collections.abc import Mapping

SUPERSCRIPTS = dict(
    zip(
        "0123456789+-=()abcdefghijklmnoprstuvwxyzABDEGHIJKLMNOPRTUW⊤∘*†",
        "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻᴬᴮᴰᴱᴳᴴᴵᴶᴷᴸᴹᴺᴼᴾᴿᵀᵁᵂᵀ°*†",
        strict=True,
    )
)
SUBSCRIPTS = dict(zip("0123456789+-=()aehijklmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ", strict=True))


def superscript(text: str) -> str:
    """Return the text raised; if Unicode lacks one of its characters, after a caret."""
    return _script("^", text, SUPERSCRIPTS)


def subscript(text: str) -> str:
    """Return the text lowered; if Unicode lacks one of its characters, after an underscore."""
    return _script("_", text, SUBSCRIPTS)


def _script(sign: str, text: str, small: Mapping[str, str]) -> str:
    if text and all(character in small for character in text):
        return "".join(small[character] for character in text)
    return f"{sign}{text}" if re.fullmatch(r"\w+|.|", text) else f"{sign}{{{text}}}"
