"""Text in pictures. Names are untrusted and come in any script.

What our font lacks is drawn in a system font if there is one, and left out otherwise, so nothing becomes a box.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import Literal
from xml.sax.saxutils import escape

from bot.drawing.font import font
from bot.drawing.svg import INK, render_png
from bot.text.cleaning import clean

MAX_COMBINING = 2
"""Combining marks that one letter keeps: a tall stack of them would cover its neighbors."""

_JOINERS = "\u200c\u200d"
_COMPOSING = re.compile("[\ufe00-\ufe0f\U0001f1e6-\U0001f1ff\U0001f3fb-\U0001f3ff]")
"""What joins several emoji into one. resvg gives up on text for which two fonts differ in the number of glyphs."""

_RIGHT_TO_LEFT = frozenset({"R", "AL"})
_RIGHT_MARK = "\u200f"
_ANCHORS = {"left": "start", "middle": "middle", "right": "end"}


def label(
    x: float,
    y: float,
    text: str,
    size: float,
    fill: str = INK,
    *,
    align: Literal["left", "middle", "right"] = "left",
    strong: bool = False,
    max_width: float | None = None,
) -> str:
    """Draw one line of text with its baseline at `y`, shortened to `max_width`.

    The font has a single weight, so `strong` text is outlined.
    """
    shown = legible(text) if max_width is None else shortened(text, size, max_width)
    weight = f' stroke="{fill}" stroke-width="{size * 0.04:.2f}" stroke-linejoin="round"' if strong else ""
    return (
        f'<text x="{x:.2f}" y="{y:.2f}" font-size="{size:.2f}" fill="{fill}" text-anchor="{_ANCHORS[align]}"{weight}>'
        f"{escape(shown)}</text>"
    )


def text_width(text: str, size: float) -> float:
    """Estimate the width of a label; kerning and ligatures make it slightly narrower."""
    return font().width(legible(text), size)


def shortened(text: str, size: float, max_width: float) -> str:
    """Return the legible text, or as much of its start as fits with an ellipsis."""
    own_font, shown = font(), legible(text)
    if own_font.width(shown, size) <= max_width:
        return shown
    kept = shown
    while kept and own_font.width(kept + "…", size) > max_width:
        kept = kept[:-1]
    kept = kept.rstrip(" " + _JOINERS)
    # In right-to-left names the ellipsis would otherwise stand at the right, where they start.
    return kept + "…" + (_RIGHT_MARK if unicodedata.bidirectional(kept[-1:] or " ") in _RIGHT_TO_LEFT else "")


def wrapped(text: str, size: float, max_width: float, *, lines: int) -> Iterator[str]:
    """Yield the text in at most `lines` lines; the last one is shortened if there's more."""
    words = legible(text).split(" ")
    for _ in range(lines - 1):
        count = len(words)
        while count > 1 and text_width(" ".join(words[:count]), size) > max_width:
            count -= 1
        if line := " ".join(words[:count]):
            yield shortened(line, size, max_width)
        words = words[count:]
    if words:
        yield shortened(" ".join(words), size, max_width)


@lru_cache(maxsize=1024)
def legible(text: str) -> str:
    """Return the text on one line, without what can't be seen or drawn here."""
    shown, marks = "", 0
    for character in _COMPOSING.sub("", clean(" ".join(text.split()))):
        kind = unicodedata.category(character)
        marks = marks + 1 if kind.startswith("M") else 0
        joined = character in _JOINERS and unicodedata.category(shown[-1:] or " ")[0] in "LM"
        if joined or (marks <= MAX_COMBINING and _drawable(character, kind)):
            shown += character
    return " ".join(shown.split())


def can_write(text: str) -> bool:
    """Return whether every letter of the text can be drawn here; emoji and signs don't matter."""
    letters = {character for character in clean(text) if character.isalnum()}
    return letters <= set(legible(text))


def _drawable(character: str, kind: str) -> bool:
    if kind.startswith("C"):  # controls, surrogates, private use, unassigned
        return False
    return character == " " or font().has(character) or _in_system(_family(character, kind), character)


def _family(character: str, kind: str) -> str:
    """Name the group of characters that are probably in one font: a script, or a block of 256 code points."""
    if kind[0] in "LMN":
        return unicodedata.name(character, "").partition(" ")[0]
    return f"{ord(character) >> 8:x}"


_families: dict[str, bool] = {}


def _in_system(family: str, character: str) -> bool:
    """Return whether a system font draws the family, that is, whether one of its characters leaves a mark."""
    if family not in _families:
        size = 20.0
        _families[family] = render_png(_alone(character, size), size, size, zoom=1) != render_png(
            "", size, size, zoom=1
        )
    return _families[family]


def _alone(character: str, size: float) -> str:
    return f'<text x="2" y="{size * 0.75}" font-size="{size * 0.75}">{escape(character)}</text>'
