"""The font of the pictures: DejaVu Sans as ziafont ships it, so that a picture looks the same on every machine."""

from __future__ import annotations

import atexit
import tempfile
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

FAMILY = "Study Plain"
"""Our name for it: under its own, the system's copy could take its place, which has other weights."""

MISSING = ".notdef"
"""The glyph for characters that the font lacks."""


@dataclass(frozen=True, slots=True)
class Typeface:
    """The font's file, and the advance width of each code point it has, in units of which `em` are one em."""

    path: str
    em: int
    advances: Mapping[int, int]

    def has(self, character: str) -> bool:
        return ord(character) in self.advances

    def width(self, text: str, size: float) -> float:
        """How wide a line is. Characters from other fonts are guessed: an em for wide ones, 0.6 for the others."""
        return sum(map(self._advance, text)) / self.em * size

    def _advance(self, character: str) -> float:
        if (advance := self.advances.get(ord(character))) is not None:
            return advance
        if unicodedata.combining(character):
            return 0
        return self.em * (1.0 if unicodedata.east_asian_width(character) in "WF" else 0.6)


@cache
def typeface() -> Typeface:
    """Write the font, renamed and with nothing drawn for what it lacks, to a file that is removed at exit."""
    from fontTools.ttLib import TTFont

    # Measuring the boxes of all 6,000 glyphs anew would take a second.
    with (
        files("ziafont.fonts").joinpath("DejaVuSans.ttf").open("rb") as original,
        TTFont(original, recalcBBoxes=False) as font,
    ):
        for record in font["name"].names:
            record.string = record.toUnicode().replace("DejaVu Sans", FAMILY)
        font["glyf"][MISSING] = font["glyf"]["space"]
        font["hmtx"][MISSING] = (0, 0)
        advances = {code: font["hmtx"][glyph][0] for code, glyph in font.getBestCmap().items()}
        with tempfile.NamedTemporaryFile(prefix="studyhall-", suffix=".ttf", delete=False) as file:
            font.save(file)
        atexit.register(Path(file.name).unlink, missing_ok=True)
        return Typeface(file.name, font["head"].unitsPerEm, advances)
