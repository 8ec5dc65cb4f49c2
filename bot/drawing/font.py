"""The font of the pictures: DejaVu Sans from ziafont, so that pictures look the same on every machine."""

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
"""Our own name for it: under its real name, the system's copy could be used instead, which has other weights."""

MISSING = ".notdef"
"""The glyph for characters that the font lacks."""


@dataclass(frozen=True, slots=True)
class Font:
    """The font's file, and the advance width of each code point that it has, in units of 1/`em` em."""

    path: str
    em: int
    advances: Mapping[int, int]

    def has(self, character: str) -> bool:
        return ord(character) in self.advances

    def width(self, text: str, size: float) -> float:
        """Return the width of a line; characters of other fonts are estimated at 1 em if wide, else 0.6 em."""
        return sum(map(self._advance, text)) / self.em * size

    def _advance(self, character: str) -> float:
        if (advance := self.advances.get(ord(character))) is not None:
            return advance
        if unicodedata.combining(character):
            return 0
        return self.em * (1.0 if unicodedata.east_asian_width(character) in "WF" else 0.6)


@cache
def font() -> Font:
    """Write the font, renamed and with an empty glyph for what it lacks, to a file that is removed at exit."""
    from fontTools.ttLib import TTFont

    # Recalculating the boxes of all 6,000 glyphs would take a second.
    with (
        files("ziafont.fonts").joinpath("DejaVuSans.ttf").open("rb") as original,
        TTFont(original, recalcBBoxes=False) as tables,
    ):
        for record in tables["name"].names:
            record.string = record.toUnicode().replace("DejaVu Sans", FAMILY)
        tables["glyf"][MISSING] = tables["glyf"]["space"]
        tables["hmtx"][MISSING] = (0, 0)
        advances = {code: tables["hmtx"][glyph][0] for code, glyph in tables.getBestCmap().items()}
        with tempfile.NamedTemporaryFile(prefix="studyhall-", suffix=".ttf", delete=False) as file:
            tables.save(file)
        atexit.register(Path(file.name).unlink, missing_ok=True)
        return Font(file.name, tables["head"].unitsPerEm, advances)
