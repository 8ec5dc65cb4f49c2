"""Text in pictures. Names are untrusted and come in any script.

What our font lacks is drawn in a font of the system where there is one and left out where there is none, so nothing
becomes a box.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import Literal
from xml.sax.saxutils import escape

from bot.drawing.font import typeface
from bot.drawing.svg import INK, png
from bot.text.cleaning import clean

MARKS_LIMIT = 2
"""How many marks one letter keeps: a tower of them would be drawn over its neighbours."""

_JOINERS = "\u200c\u200d"
_COMPOSING = re.compile("[\ufe00-\ufe0f\U0001f1e6-\U0001f1ff\U0001f3fb-\U0001f3ff]")
"""What makes one sign of several emoji. resvg gives up on a name in which two fonts differ in the number of signs."""

_RIGHT_TO_LEFT = frozenset({"R", "AL"})
_RIGHT_MARK = "\u200f"
_ANCHORS = {"left": "start", "middle": "middle", "right": "end"}


def line(
    x: float,
    y: float,
    text: str,
    size: float,
    fill: str = INK,
    *,
    align: Literal["left", "middle", "right"] = "left",
    strong: bool = False,
    within: float | None = None,
) -> str:
    """One line of text with its base line at `y`, shortened to a width. The font has one weight, so a strong one is
    outlined."""
    shown = legible(text) if within is None else fitted(text, size, within)
    weight = f' stroke="{fill}" stroke-width="{size * 0.04:.2f}" stroke-linejoin="round"' if strong else ""
    return (
        f'<text x="{x:.2f}" y="{y:.2f}" font-size="{size:.2f}" fill="{fill}" text-anchor="{_ANCHORS[align]}"{weight}>'
        f"{escape(shown)}</text>"
    )


def width(text: str, size: float) -> float:
    """How wide the line will be, nearly: kerning and joined letters make it a little narrower."""
    return typeface().width(legible(text), size)


def fitted(text: str, size: float, within: float) -> str:
    """The legible text, or as much of its beginning as fits with an ellipsis."""
    face, shown = typeface(), legible(text)
    if face.width(shown, size) <= within:
        return shown
    kept = shown
    while kept and face.width(kept + "…", size) > within:
        kept = kept[:-1]
    kept = kept.rstrip(" " + _JOINERS)
    # Else the ellipsis would stand at the right of such a name, where it begins.
    return kept + "…" + (_RIGHT_MARK if unicodedata.bidirectional(kept[-1:] or " ") in _RIGHT_TO_LEFT else "")


def wrapped(text: str, size: float, within: float, *, lines: int) -> Iterator[str]:
    """The text in at most so many lines; the last is shortened if there is more."""
    words = legible(text).split(" ")
    for _ in range(lines - 1):
        count = len(words)
        while count > 1 and width(" ".join(words[:count]), size) > within:
            count -= 1
        if here := " ".join(words[:count]):
            yield fitted(here, size, within)
        words = words[count:]
    if words:
        yield fitted(" ".join(words), size, within)


@lru_cache(maxsize=1024)
def legible(text: str) -> str:
    """The text in one line, without what cannot be seen or drawn here."""
    shown, marks = "", 0
    for character in _COMPOSING.sub("", clean(" ".join(text.split()))):
        kind = unicodedata.category(character)
        marks = marks + 1 if kind.startswith("M") else 0
        joined = character in _JOINERS and unicodedata.category(shown[-1:] or " ")[0] in "LM"
        if joined or (marks <= MARKS_LIMIT and _drawn(character, kind)):
            shown += character
    return " ".join(shown.split())


def _drawn(character: str, kind: str) -> bool:
    if kind.startswith("C"):  # controls, halves of surrogates, private use, unassigned
        return False
    return character == " " or typeface().has(character) or _in_system(_family(character, kind), character)


def _family(character: str, kind: str) -> str:
    """What is probably in the same font: letters of one script, signs that stand near each other."""
    if kind[0] in "LMN":
        return unicodedata.name(character, "").partition(" ")[0]
    return f"{ord(character) >> 8:x}"


_found: dict[str, bool] = {}


def _in_system(family: str, character: str) -> bool:
    """Whether a font of this machine draws the family: whether one of it leaves anything on the paper."""
    if family not in _found:
        size = 20.0
        _found[family] = png(_alone(character, size), size, size, zoom=1) != png("", size, size, zoom=1)
    return _found[family]


def _alone(character: str, size: float) -> str:
    return f'<text x="2" y="{size * 0.75}" font-size="{size * 0.75}">{escape(character)}</text>'
