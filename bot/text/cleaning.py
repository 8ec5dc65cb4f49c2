"""Remove invisible characters from what people type: controls, bidi overrides, zero-width characters."""

from __future__ import annotations

import re
import unicodedata

# Joiners (U+200C, U+200D) stay: emoji and several scripts are written with them.
INVISIBLE = frozenset("\u200b\u200e\u200f\u2060\ufeff\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u061c")
# These, plus what Unicode calls controls (Cc, except line breaks and tabs) and surrogates (Cs).
_INVISIBLE_PATTERN = re.compile(
    f"[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x9f\\ud800-\\udfff{''.join(sorted(INVISIBLE))}]"
)

# Characters with a meaning in Markdown or formulas, and lookalikes without one.
_LOOKALIKES = str.maketrans("[]<>*~|`\\@$", "()‹›∗∼¦ˋ∖＠＄")
_LOOKALIKES_AT_START = str.maketrans("#-+=", "＃–＋＝")
_SCHEME = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*)?:/{2,}")
_UNDERSCORES = re.compile(r"(?<![^\W_])_+|_+(?![^\W_])|__+")
_NUMBER = re.compile(r"^(\d+)[.)](?=\s|$)")
MAX_NAME = 80


def clean(text: str) -> str:
    """Return the visible text, composed (NFC), with plain line breaks, stripped."""
    if text.isascii() and text.isprintable():
        return text.strip()
    visible = _INVISIBLE_PATTERN.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    return unicodedata.normalize("NFC", visible).strip()


def invisible(text: str) -> int:
    """Count the invisible characters that `clean` removes."""
    return len(_INVISIBLE_PATTERN.findall(text))


def short(text: str, limit: int = 40) -> str:
    """Return the text, or its start and an ellipsis, in at most `limit` characters."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def named(name: str) -> str:
    """Make a name safe in Markdown: replace its special characters with lookalikes, and drop the scheme of URLs."""
    name = " ".join(clean(name).split()).translate(_LOOKALIKES)
    while "://" in name:
        name = " ".join(_SCHEME.sub("", name).split())
    name = _UNDERSCORES.sub(lambda found: "＿" * len(found[0]), name)
    name = _NUMBER.sub("\\1․", name[:1].translate(_LOOKALIKES_AT_START) + name[1:])
    return short(name, MAX_NAME) or "somebody"
