"""The font of the pictures: DejaVu Sans as ziafont brings it, so that a picture looks the same on every machine."""

from __future__ import annotations

import atexit
import os
import struct
import tempfile
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

FAMILY = "Study Plain"
"""Our name for it. As long as the font's own, whose place it takes: a system's copy of that has other weights."""

_OWN_FAMILY = "DejaVu Sans"


@dataclass(frozen=True, slots=True)
class Typeface:
    """Where the font's file is, and what measuring needs to know of it. `advances` is by glyph, in units of the em."""

    path: str
    em: int
    glyphs: Mapping[int, int]
    advances: Sequence[int]

    def has(self, character: str) -> bool:
        return ord(character) in self.glyphs

    def width(self, text: str, size: float) -> float:
        """How wide a line is. Characters from other fonts are guessed: an em for wide ones, 0.6 for the others."""
        return sum(map(self._advance, text)) / self.em * size

    def _advance(self, character: str) -> float:
        if (glyph := self.glyphs.get(ord(character))) is not None:
            return self.advances[min(glyph, len(self.advances) - 1)]
        if unicodedata.combining(character):
            return 0
        return self.em * (1.0 if unicodedata.east_asian_width(character) in "WF" else 0.6)


@cache
def typeface() -> Typeface:
    """The font, with an empty glyph for what it lacks, in a file of its own for as long as the process runs."""
    font = bytearray(files("ziafont.fonts").joinpath("DejaVuSans.ttf").read_bytes())
    tables = {bytes(font[at : at + 4]): struct.unpack_from(">I", font, at + 8)[0] for at in _table_records(font)}
    em, long_offsets = _short(font, tables[b"head"] + 18), _short(font, tables[b"head"] + 50)
    glyphs = _glyphs(font, tables[b"cmap"])
    metrics = _short(font, tables[b"hhea"] + 34)
    _empty_box(font, tables, long_offsets=bool(long_offsets))
    for encoding in ("utf-16-be", "ascii"):
        font = font.replace(_OWN_FAMILY.encode(encoding), FAMILY.encode(encoding))
    advances = [_short(font, tables[b"hmtx"] + 4 * number) for number in range(metrics)]
    return Typeface(_kept(font), em, glyphs, advances)


def _short(font: bytearray, at: int) -> int:
    return int.from_bytes(font[at : at + 2], "big")


def _table_records(font: bytearray) -> range:
    return range(12, 12 + 16 * _short(font, 4), 16)


def _glyphs(font: bytearray, cmap: int) -> dict[int, int]:
    """Code points to glyphs, from the subtable of format 12: all of Unicode, in groups of start, end, first glyph."""
    for record in range(cmap + 4, cmap + 4 + 8 * _short(font, cmap + 2), 8):
        subtable = cmap + struct.unpack_from(">I", font, record + 4)[0]
        if _short(font, subtable) == 12:
            (count,) = struct.unpack_from(">I", font, subtable + 12)
            groups = struct.iter_unpack(">III", font[subtable + 16 : subtable + 16 + 12 * count])
            return {start + n: first + n for start, end, first in groups for n in range(end - start + 1)}
    raise ValueError("the font has no table of characters that we can read")


def _empty_box(font: bytearray, tables: Mapping[bytes, int], *, long_offsets: bool) -> None:
    """Make the glyph for missing characters (the first) empty and without width: it starts where the second does."""
    size = 4 if long_offsets else 2
    loca = tables[b"loca"]
    font[loca : loca + size] = font[loca + size : loca + 2 * size]
    font[tables[b"hmtx"] : tables[b"hmtx"] + 4] = bytes(4)


def _kept(font: bytearray) -> str:
    with tempfile.NamedTemporaryFile(prefix="studyhall-", suffix=".ttf", delete=False) as file:
        file.write(font)
    atexit.register(_forget, file.name)
    return file.name


def _forget(path: str) -> None:
    if os.path.exists(path):
        os.unlink(path)
