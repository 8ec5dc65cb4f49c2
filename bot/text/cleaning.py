"""Remove invisible characters from what people and models write: controls, bidi overrides, zero-width characters."""

from __future__ import annotations

import re
import unicodedata

from knowledge.format.invisible import ALWAYS, JOINERS, VARIATIONS

# What flags, keycaps, emoji and several scripts are written with stays. Elsewhere, joiners and variation selectors are
# invisible, and so are any but the first in a row, in which anything could be hidden.
_KEPT = r"(?P<kept>\U0001f3f4[\U000e0020-\U000e007e]{1,8}\U000e007f|[0-9#*]\ufe0f(?=\u20e3))"
_JOINERS = JOINERS + VARIATIONS
_INVISIBLE = re.compile(
    rf"{_KEPT}|[{ALWAYS}][{ALWAYS}{_JOINERS}]*|(?<![^\x00-\x7f\s])[{_JOINERS}]+|(?<=[{_JOINERS}])[{_JOINERS}]+"
)
_RIGHT_TO_LEFT = "\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefe\U00010800-\U00010fff\U0001e800-\U0001efff"
_RIGHT_TO_LEFT_RUN = re.compile(rf"[{_RIGHT_TO_LEFT}](?:[^A-Za-z\n]*[{_RIGHT_TO_LEFT}])?")
_LEFT_TO_RIGHT = re.compile(r"[A-Za-z\u00c0-\u058f]")

# Characters with a meaning in Markdown or formulas, and lookalikes without one.
_LOOKALIKES = str.maketrans("[]<>*~|`\\@$", "()‹›∗∼¦ˋ∖＠＄")
_LOOKALIKES_AT_START = str.maketrans("#-+=", "＃–＋＝")
_SCHEME = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*)?:/{2,}")
_UNDERSCORES = re.compile(r"(?<![^\W_])_+|_+(?![^\W_])|__+")
_NUMBER = re.compile(r"^(\d+)[.)](?=\s|$)")
MAX_NAME = 80
MAX_TYPED = 400
"""Characters of a name that are looked at; what's after them wouldn't be shown."""


def clean(text: str) -> str:
    """Return the visible text, composed (NFC), with plain line breaks, stripped."""
    if text.isascii() and text.isprintable():
        return text.strip()
    plain_breaks = text.replace("\r\n", "\n").replace("\r", "\n")
    return unicodedata.normalize("NFC", visible(plain_breaks)).strip()


def visible(text: str) -> str:
    """Return the text without invisible characters."""
    return text if text.isascii() and text.isprintable() else _INVISIBLE.sub(lambda found: found["kept"] or "", text)


def invisible(text: str) -> int:
    """Count the invisible characters that `clean` removes."""
    return len(text) - len(visible(text))


def isolated(text: str) -> str:
    """Return a name or the like that keeps its order, and that of the text around it, if it's written right to left."""
    return f"\u2068{text}\u2069" if not text.isascii() and _RIGHT_TO_LEFT_RUN.search(text) else text


def is_left_to_right(text: str) -> bool:
    """Return whether most of a paragraph's letters are written left to right."""
    return text.isascii() or len(_LEFT_TO_RIGHT.findall(text)) > len(re.findall(f"[{_RIGHT_TO_LEFT}]", text))


def isolated_runs(text: str) -> str:
    """Return text written left to right, in which words written right to left keep the order around them."""
    return text if text.isascii() else _RIGHT_TO_LEFT_RUN.sub(lambda found: f"\u2068{found[0]}\u2069", text)


def short(text: str, limit: int = 40) -> str:
    """Return the text, or its start and an ellipsis, in at most `limit` characters."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def named(name: str) -> str:
    """Make a name safe in Markdown: replace its special characters with lookalikes, and drop the scheme of URLs."""
    name = " ".join(clean(name[:MAX_TYPED]).split()).translate(_LOOKALIKES)
    while "://" in name:
        name = " ".join(_SCHEME.sub("", name).split())
    name = _UNDERSCORES.sub(lambda found: "＿" * len(found[0]), name)
    name = _NUMBER.sub("\\1․", name[:1].translate(_LOOKALIKES_AT_START) + name[1:])
    return short(name, MAX_NAME) or "somebody"
