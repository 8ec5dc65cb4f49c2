"""What people type, without what cannot be seen: controls, bidi overrides, zero-width characters."""

from __future__ import annotations

import re
import unicodedata

# Joiners (U+200C, U+200D) stay: emoji and several scripts are written with them.
INVISIBLE = frozenset("\u200b\u200e\u200f\u2060\ufeff\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u061c")
# With them, what Unicode calls controls (Cc, but for ends of lines and tabs) and surrogates (Cs).
_UNSEEN = re.compile(f"[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x9f\\ud800-\\udfff{''.join(sorted(INVISIBLE))}]")

# Signs of Markdown and of formulas, and such as look like them and mean nothing.
_LIKE = str.maketrans("[]<>*~|`\\@$", "()‹›∗∼¦ˋ∖＠＄")
_LIKE_FIRST = str.maketrans("#-+=", "＃–＋＝")
_SCHEME = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*)?:/{2,}")
_UNDERSCORES = re.compile(r"(?<![^\W_])_+|_+(?![^\W_])|__+")
_NUMBER = re.compile(r"^(\d+)[.)](?=\s|$)")
LONGEST = 80


def clean(text: str) -> str:
    """The text as it can be seen, composed (NFC), with plain line ends and nothing around it."""
    if text.isascii() and text.isprintable():
        return text.strip()
    seen = _UNSEEN.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    return unicodedata.normalize("NFC", seen).strip()


def invisible(text: str) -> int:
    """How many characters `clean` leaves out because nobody can see them."""
    return len(_UNSEEN.findall(text))


def short(text: str, limit: int = 40) -> str:
    """The text, or its beginning and an ellipsis, in at most `limit` characters."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def named(name: str) -> str:
    """A name that may stand in Markdown: its signs are such as only look like it, its address has no scheme."""
    name = " ".join(clean(name).split()).translate(_LIKE)
    while "://" in name:
        name = " ".join(_SCHEME.sub("", name).split())
    name = _UNDERSCORES.sub(lambda found: "＿" * len(found[0]), name)
    name = _NUMBER.sub("\\1․", name[:1].translate(_LIKE_FIRST) + name[1:])
    return short(name, LONGEST) or "somebody"
