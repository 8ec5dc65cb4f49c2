"""What people type, without what cannot be seen: controls, bidi overrides, zero-width characters."""

from __future__ import annotations

import unicodedata

# Joiners (U+200C, U+200D) stay: emoji and several scripts are written with them.
INVISIBLE = frozenset("\u200b\u200e\u200f\u2060\ufeff\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u061c")


def _seen(character: str) -> bool:
    return character in "\n\t\r" or (character not in INVISIBLE and unicodedata.category(character) not in {"Cc", "Cs"})


def clean(text: str) -> str:
    """The text as it can be seen, composed (NFC), with plain line ends and nothing around it."""
    seen = "".join(filter(_seen, text)).replace("\r\n", "\n").replace("\r", "\n")
    return unicodedata.normalize("NFC", seen).strip()


def invisible(text: str) -> int:
    """How many characters `clean` leaves out because nobody can see them."""
    return sum(not _seen(character) for character in text)


def short(text: str, limit: int = 40) -> str:
    """The text, or its beginning and an ellipsis, in at most `limit` characters."""
    return text if len(text) <= limit else text[: limit - 1] + "…"
