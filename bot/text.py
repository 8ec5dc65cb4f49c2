"""What people type, without what cannot be seen: controls, bidi overrides, zero-width characters."""

from __future__ import annotations

import re
import unicodedata

# Joiners (U+200C, U+200D) stay: emoji and several scripts are written with them.
INVISIBLE = frozenset("\u200b\u200e\u200f\u2060\ufeff\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u061c")
# With them, what Unicode calls controls (Cc, but for ends of lines and tabs) and surrogates (Cs).
_UNSEEN = re.compile(f"[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x9f\\ud800-\\udfff{''.join(sorted(INVISIBLE))}]")


def clean(text: str) -> str:
    """The text as it can be seen, composed (NFC), with plain line ends and nothing around it."""
    seen = _UNSEEN.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    return unicodedata.normalize("NFC", seen).strip()


def invisible(text: str) -> int:
    """How many characters `clean` leaves out because nobody can see them."""
    return len(_UNSEEN.findall(text))


def short(text: str, limit: int = 40) -> str:
    """The text, or its beginning and an ellipsis, in at most `limit` characters."""
    return text if len(text) <= limit else text[: limit - 1] + "…"
